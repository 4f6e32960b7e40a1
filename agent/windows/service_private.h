/* service_private.h - shared by the files of the Windows service:
 *   service_windows.c  the command and its arguments      service_run.c  under the service manager
 *   service_install.c  registration, recovery, access     service_setup.c  folders, configuration, enrolment token
 */
#ifndef MLC_AGENT_WINDOWS_SERVICE_PRIVATE_H
#define MLC_AGENT_WINDOWS_SERVICE_PRIVATE_H

#include "agent/service.h"

#include <stdbool.h>

#define SERVICE_KEY   "ml-agent"
#define SERVICE_TITLE "ml-connector agent (JD Edwards)"
#define SERVICE_USER  "NT SERVICE\\ml-agent"

enum { SERVICE_PATH_MAX = 1024 };

typedef struct service_args {
    const char *config; /* NULL: agent.conf in the program's folder below %ProgramData% */
    const char *relay_url, *ais_url, *agent_id;
    const char *token_file; /* enrolment token: from here, or */
    bool token_stdin;       /* from standard input */
    bool start;
} service_args;

/* Event log; levels as of the Windows API (EVENTLOG_INFORMATION_TYPE ...). */
void service_event(unsigned short type, const char *text);

/* %ProgramData%\ml-connector and below it config, data, log. */
void service_folder(const char *below, char out[SERVICE_PATH_MAX]);
/* Make folders, a configuration when there is none, and keep the token; before the service is registered. */
mlc_code service_setup(const service_args *args, char config[SERVICE_PATH_MAX], mlc_error *err);
/* Let the service's account into its folders, and nobody else; after it is registered, since the account comes with it. */
mlc_code service_protect(mlc_error *err);

mlc_code service_install(const service_args *args, mlc_error *err);
mlc_code service_uninstall(mlc_error *err);
/* Under the service manager; returns when the service has ended. */
mlc_code service_run(const mlc_program *program, const char *config, mlc_error *err);

/* "what: words of Windows for the last error". MLC_E_DENIED or MLC_E_IO. */
mlc_code service_fail(mlc_error *err, const char *what);

#endif
