/* service.c - see service.h: where systemd is the service manager. */
#include "agent/service.h"

#include <stdio.h>

int mlc_agent_service(const mlc_program *program, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    (void)fprintf(stderr, "%s: this command is for Windows; here the unit %s.service runs the agent\n",
                  program->name, program->name);
    return 2;
}

mlc_code mlc_agent_service_enroll(const mlc_program_context *context, mlc_error *err)
{
    (void)context;
    (void)err;
    return MLC_OK;
}
