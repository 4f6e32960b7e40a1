/* service_run.c - the agent under the service manager: start, stop, pre-shutdown, and what it says to the event log.
 *
 * Windows calls service_main and control without a place for an argument (the latter could have one, the former not): what
 * they need is kept here, once for the process. */
#include <winsock2.h>
/* before the rest of Windows */
#include <windows.h>

#include "agent/windows/service_private.h"
#include "net/service_windows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { START_WAIT_MS = 60000, STOP_WAIT_MS = 30000 };

static struct {
    const mlc_program *program;
    const char *config;
    SERVICE_STATUS_HANDLE handle;
    DWORD checkpoint;
    int status;
} service;

static void report(DWORD state, DWORD wait_ms)
{
    const bool waiting = state == SERVICE_START_PENDING || state == SERVICE_STOP_PENDING;
    SERVICE_STATUS status = {.dwServiceType = SERVICE_WIN32_OWN_PROCESS,
                             .dwCurrentState = state,
                             .dwWaitHint = wait_ms,
                             .dwCheckPoint = waiting ? ++service.checkpoint : 0};
    if (state == SERVICE_RUNNING)
        status.dwControlsAccepted = SERVICE_ACCEPT_STOP | SERVICE_ACCEPT_PRESHUTDOWN;
    if (state == SERVICE_STOPPED && service.status != 0) {
        /* A failure in the manager's eyes: it takes the recovery actions. */
        status.dwWin32ExitCode = ERROR_SERVICE_SPECIFIC_ERROR;
        status.dwServiceSpecificExitCode = (DWORD)service.status;
    }
    (void)SetServiceStatus(service.handle, &status);
}

static void on_state(bool ready)
{
    report(ready ? SERVICE_RUNNING : SERVICE_STOP_PENDING, ready ? 0 : STOP_WAIT_MS);
    service_event(EVENTLOG_INFORMATION_TYPE, ready ? "The agent runs." : "The agent stops.");
}

/* Manager's thread. Pre-shutdown comes before the machine goes down, with minutes of time: long enough to finish. */
static DWORD WINAPI control(DWORD what, DWORD type, void *data, void *user)
{
    (void)type;
    (void)data;
    (void)user;
    switch (what) {
    case SERVICE_CONTROL_STOP:
    case SERVICE_CONTROL_PRESHUTDOWN:
        report(SERVICE_STOP_PENDING, STOP_WAIT_MS);
        mlc_service_end();
        return NO_ERROR;
    case SERVICE_CONTROL_INTERROGATE:
        return NO_ERROR;
    default:
        return ERROR_CALL_NOT_IMPLEMENTED;
    }
}

static void WINAPI service_main(DWORD argc, char **argv)
{
    char word_run[] = "run";
    char word_config[] = "--config";
    char name[64];
    char file[SERVICE_PATH_MAX];
    char *args[] = {name, word_run, word_config, file, NULL};
    (void)argc;
    (void)argv;
    service.handle = RegisterServiceCtrlHandlerExA(SERVICE_KEY, control, NULL);
    if (service.handle == NULL)
        return;
    report(SERVICE_START_PENDING, START_WAIT_MS);
    (void)snprintf(name, sizeof name, "%s", service.program->name);
    (void)snprintf(file, sizeof file, "%s", service.config);
    mlc_service_tell(on_state);
    service.status = mlc_program_main(service.program, 4, args);
    if (service.status != 0)
        service_event(EVENTLOG_ERROR_TYPE, "The agent ended because of an error. Its log file says which; "
                                           "\"ml-agent --check-config FILE\" and "
                                           "\"ml-agent doctor --config FILE\" say how it is put right.");
    report(SERVICE_STOPPED, 0);
}

mlc_code service_run(const mlc_program *program, const char *config, mlc_error *err)
{
    char name[] = SERVICE_KEY;
    const SERVICE_TABLE_ENTRYA table[] = {{name, service_main}, {NULL, NULL}};
    service.program = program;
    service.config = config;
    if (StartServiceCtrlDispatcherA(table))
        return MLC_OK;
    if (GetLastError() == ERROR_FAILED_SERVICE_CONTROLLER_CONNECT)
        return mlc_fail(err, MLC_E_INVALID,
                        "\"service run\" is for the service manager; in a console: ml-agent run --config %s",
                        config);
    return service_fail(err, "the service manager does not take this process");
}

void service_event(unsigned short type, const char *text)
{
    const HANDLE log = RegisterEventSourceA(NULL, SERVICE_KEY);
    const char *lines[] = {text};
    if (log == NULL)
        return;
    (void)ReportEventA(log, type, 0, 1, NULL, 1, 0, lines, NULL);
    (void)DeregisterEventSource(log);
}

mlc_code service_fail(mlc_error *err, const char *what)
{
    const DWORD why = GetLastError();
    char words[256] = "";
    (void)FormatMessageA(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, NULL, why, 0, words,
                         sizeof words, NULL);
    words[strcspn(words, "\r\n")] = '\0';
    if (why == ERROR_ACCESS_DENIED)
        return mlc_fail(err, MLC_E_DENIED, "%s: access denied; run this as administrator", what);
    return mlc_fail(err, MLC_E_IO, "%s: %s (error %lu)", what, words, (unsigned long)why);
}
