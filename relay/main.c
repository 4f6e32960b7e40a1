/* main.c - ml-relay: the command line of the relay. */
#include "base/program.h"
#include "relay/app.h"
#include "relay/config.h"

#ifndef MLC_VERSION
#define MLC_VERSION "0"
#endif

static mlc_code add_secrets(mlc_log *log, const mlc_cfg *cfg, mlc_error *err)
{
    char path[64];
    mlc_code code = MLC_OK;
    for (size_t i = 0; code == MLC_OK && i < mlc_cfg_count(cfg, "tenants"); i++) {
        code = mlc_log_add_secret(
            log, mlc_cfg_secret(cfg, mlc_cfg_at(path, sizeof path, "tenants[%zu].webhook_secret", i)), err);
        if (code == MLC_OK)
            code = mlc_log_add_secret(
                log,
                mlc_cfg_secret(cfg, mlc_cfg_at(path, sizeof path, "tenants[%zu].dynamics.client_secret", i)),
                err);
    }
    return code;
}

static mlc_code run(const mlc_program_context *context, mlc_error *err)
{
    const mlc_code code = add_secrets(context->log, context->cfg, err);
    return code == MLC_OK ? mlc_relay_run(context->cfg, context->log, context->software, err) : code;
}

int main(int argc, char **argv)
{
    const mlc_program program = {.name = "ml-relay",
                                 .software = "ml-relay/" MLC_VERSION,
                                 .load_config = mlc_relay_config_load,
                                 .describe_config = mlc_relay_config_describe,
                                 .run = run};
    return mlc_program_main(&program, argc, argv);
}
