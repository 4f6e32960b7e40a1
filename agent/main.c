/* main.c - ml-agent: the command line of the agent. */
#include "agent/app.h"
#include "agent/config.h"
#include "agent/doctor.h"
#include "agent/enroll.h"
#include "agent/service.h"
#include "base/program.h"
#include "crypto/sealed.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#ifndef MLC_VERSION
#define MLC_VERSION "0"
#endif

enum { TOKEN_MAX = 512 };

static mlc_code read_token(const char *file, char out[TOKEN_MAX], mlc_error *err)
{
    FILE *const in = file != NULL ? fopen(file, "re") : stdin;
    if (in == NULL)
        return mlc_fail(err, MLC_E_IO, "cannot read %s: %s", file, strerror(errno));
    const bool got = fgets(out, TOKEN_MAX, in) != NULL;
    if (file != NULL)
        (void)fclose(in);
    if (!got)
        return mlc_fail(
            err, MLC_E_INVALID,
            "no enrolment token given; the relay's operator makes one with \"mlctl enroll-token\"");
    out[strcspn(out, "\r\n")] = '\0';
    return MLC_OK;
}

static mlc_code enroll(const mlc_program_context *context, mlc_error *err)
{
    char token[TOKEN_MAX];
    mlc_code code = read_token(context->token_file, token, err);
    if (code == MLC_OK)
        code = mlc_enroll(context->cfg, context->log, token, context->software, err);
    explicit_bzero(token, sizeof token);
    if (code == MLC_OK)
        (void)printf("agent %s is enrolled\n", mlc_cfg_str(context->cfg, "agent.id"));
    return code;
}

static mlc_code run(const mlc_program_context *context, mlc_error *err)
{
    mlc_code code = mlc_log_add_secret(context->log, mlc_cfg_secret(context->cfg, "ais.password"), err);
    if (code == MLC_OK)
        code = mlc_agent_service_enroll(context, err);
    return code == MLC_OK ? mlc_agent_run(context->cfg, context->log, context->software, err) : code;
}

static int doctor(int argc, char **argv)
{
    return mlc_agent_doctor("ml-agent/" MLC_VERSION, argc, argv);
}

int main(int argc, char **argv)
{
    const mlc_program program = {.name = "ml-agent",
                                 .software = "ml-agent/" MLC_VERSION,
                                 .load_config = mlc_agent_config_load,
                                 .describe_config = mlc_agent_config_describe,
                                 .run = run,
                                 .enroll = enroll,
                                 .seal = mlc_sealed_main,
                                 .doctor = doctor,
                                 .service = mlc_agent_service};
    return mlc_program_main(&program, argc, argv);
}
