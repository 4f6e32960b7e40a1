/* service.h - the command "service": the agent as a Windows service (docs/windows.md). Elsewhere systemd's unit does this, and
 * the command says so. Thread rule: the main thread.
 *
 *   service install [--config FILE] [--relay-url URL] [--ais-url URL] [--agent ID]
 *                   [--token-file FILE | --token-stdin] [--start]
 *   service uninstall
 *   service run --config FILE      as the service manager calls it
 */
#ifndef MLC_AGENT_SERVICE_H
#define MLC_AGENT_SERVICE_H

#include "base/program.h"

/* Exit status of the process. */
int mlc_agent_service(const mlc_program *program, int argc, char **argv);

/* A token left by the installation ("enrol-token" in data_dir) is used at the first start, and deleted when the relay has
 * taken it. MLC_OK also when there is none. */
mlc_code mlc_agent_service_enroll(const mlc_program_context *context, mlc_error *err);

#endif
