/* main.c - ml-agent: the command line of the agent. */
#include "agent/app.h"
#include "agent/config.h"
#include "agent/doctor.h"
#include "agent/enroll.h"
#include "agent/identity.h"
#include "agent/relay_url.h"
#include "agent/service.h"
#include "base/clock.h"
#include "base/program.h"
#include "crypto/sealed.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#ifndef MLC_VERSION
#define MLC_VERSION "0"
#endif

#define DEFAULT_CONFIG "/etc/ml-connector/agent.conf"

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

static mlc_code take_token(const mlc_program_context *context, char out[TOKEN_MAX], mlc_error *err)
{
    if (context->token == NULL)
        return read_token(context->token_file, out, err);
    if (context->token_file != NULL || strlen(context->token) >= TOKEN_MAX)
        return mlc_fail(err, MLC_E_INVALID, "give the token once: --token-file, or --token");
    mlc_strlcpy(out, context->token, TOKEN_MAX);
    return MLC_OK;
}

/* The relay's address is given, or known. */
static mlc_code take_url(const mlc_program_context *context, char url[MLC_RELAY_URL_MAX], mlc_error *err)
{
    const char *const setting = mlc_cfg_str(context->cfg, "relay.url");
    if (context->relay == NULL)
        return mlc_relay_url(context->cfg, url, err);
    const mlc_code code = mlc_relay_url_of(context->relay, url, err);
    if (code == MLC_OK && setting != NULL && strcmp(setting, url) != 0)
        return mlc_fail(
            err, MLC_E_CONFLICT,
            "the configuration says relay.url = \"%s\", which is not the address given with --relay; correct "
            "one of them",
            setting);
    return code;
}

static mlc_code enroll(const mlc_program_context *context, mlc_error *err)
{
    char token[TOKEN_MAX] = "", url[MLC_RELAY_URL_MAX], until[MLC_ISO_TEXT_MAX];
    int64_t until_ms = 0;
    mlc_code code = take_url(context, url, err);
    if (code == MLC_OK)
        code = take_token(context, token, err);
    if (code == MLC_OK)
        code = mlc_log_add_secret(context->log, token, err);
    if (code == MLC_OK)
        code = mlc_enroll(context->cfg, context->log, url, token, context->software, &until_ms, err);
    explicit_bzero(token, sizeof token);
    if (code == MLC_OK && mlc_cfg_str(context->cfg, "relay.url") == NULL)
        code = mlc_relay_url_keep(context->cfg, url, err);
    if (code == MLC_OK)
        (void)printf("agent %s is enrolled; its certificate is valid until %s and renews itself\n",
                     mlc_cfg_str(context->cfg, "agent.id"), mlc_iso_text(until_ms, until));
    return code;
}

static mlc_code run(const mlc_program_context *context, mlc_error *err)
{
    mlc_code code = mlc_log_add_secret(context->log, mlc_cfg_secret(context->cfg, "ais.password"), err);
    if (code == MLC_OK)
        code = mlc_agent_service_enroll(context, err);
    return code == MLC_OK ? mlc_agent_run(context->cfg, context->log, context->software, err) : code;
}

static int seal(const char *program, int argc, char **argv)
{
    const mlc_rotate_options rotate = {.program = program,
                                       .admin_socket = "agent.admin_socket",
                                       .load_config = mlc_agent_config_load,
                                       .visit_sealed = mlc_agent_config_sealed,
                                       .key = mlc_identity_key_owner(),
                                       .reseal_state = mlc_identity_reseal_stopped};
    return mlc_rotate_wanted(argc, argv) ? mlc_rotate_main(&rotate, argc, argv)
                                         : mlc_sealed_main(program, mlc_identity_key_owner(), argc, argv);
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
                                 .default_config = DEFAULT_CONFIG,
                                 .seal = seal,
                                 .doctor = doctor,
                                 .service = mlc_agent_service};
    return mlc_program_main(&program, argc, argv);
}
