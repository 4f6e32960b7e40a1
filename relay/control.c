/* control.c - see control.h. */
#include "relay/control.h"

#include "base/clock.h"
#include "relay/config.h"

#include <stdio.h>
#include <sys/stat.h>

enum { PATH_SIZE = 1024 };

/* The trail of enrolments is closed in segments like any other. */
static mlc_code open_upkeep(mlc_control *c, const mlc_cfg *cfg, uv_loop_t *loop, mlc_log *log, mlc_error *err)
{
    const mlc_upkeep_options upkeep = {.loop = loop,
                                       .store = c->store,
                                       .log = log,
                                       .interval_ms = mlc_cfg_int(cfg, "store.upkeep_interval"),
                                       .audit = {(uint64_t)mlc_cfg_int(cfg, "audit.segment_entries"),
                                                 mlc_cfg_int(cfg, "audit.segment_age"),
                                                 mlc_cfg_int(cfg, "audit.keep")},
                                       .name = MLC_RELAY_CONTROL};
    return mlc_upkeep_open(&c->upkeep, &upkeep, err);
}

static mlc_code open_registry(mlc_control *c, const mlc_cfg *cfg, mlc_log *log, mlc_error *err)
{
    mlc_keyring ring = {0};
    mlc_code code = mlc_key_place_ring(mlc_relay_key_owner(), cfg, true, &ring, err);
    const mlc_issuer_options issuer = {.control = c->store,
                                       .ring = &ring,
                                       .cert_file = mlc_cfg_str(cfg, "relay.issuer_cert_file"),
                                       .key_file = mlc_cfg_str(cfg, "relay.issuer_key_file"),
                                       .life_ms = mlc_cfg_int(cfg, "relay.agent_cert_life")};
    if (code == MLC_OK)
        code = mlc_issuer_open(&c->issuer, &issuer, err);
    if (code == MLC_OK)
        code = mlc_agents_open(&c->agents, c->store, &ring, &c->issuer, log, err);
    /* A rotation was cut off, or the operator gave another credential. */
    size_t count = 0;
    if (code == MLC_OK && ring.count > 1)
        code = mlc_agents_reseal(c->agents, &ring, &count, err);
    if (code == MLC_OK && count > 0)
        mlc_log_info(log, "relay", "the state was sealed anew", MLC_I("values", (int64_t)count));
    const char *const warning = code == MLC_OK ? mlc_key_place_warning(cfg, &ring) : NULL;
    if (warning != NULL)
        mlc_log_warn(log, "relay", warning);
    mlc_keyring_wipe(&ring);
    if (code == MLC_OK && c->issuer.info.not_after_ms - mlc_wall_ms() < c->issuer.life_ms)
        mlc_log_warn(log, "relay",
                     "the issuing authority ends before the certificates it issues would: replace it, and "
                     "enrol all agents again");
    return code;
}

mlc_code mlc_control_open(mlc_control *out, const mlc_cfg *cfg, uv_loop_t *loop, mlc_waker *waker,
                          mlc_log *log, mlc_error *err)
{
    char path[PATH_SIZE];
    const char *const folder = mlc_cfg_str(cfg, "relay.data_dir");
    (void)mkdir(folder, 0700);
    (void)snprintf(path, sizeof path, "%s/control", folder);
    const mlc_store_options options = {
        .dir = path, .map_max = (size_t)1 << 30, .log = log, .wake = mlc_waker_wake, .wake_arg = waker};
    mlc_code code = mlc_store_open(&out->store, &options, err);
    if (code == MLC_OK)
        code = open_registry(out, cfg, log, err);
    if (code == MLC_OK)
        code = open_upkeep(out, cfg, loop, log, err);
    (void)snprintf(out->authorities, sizeof out->authorities, "%s/agent-authorities.pem", folder);
    return code == MLC_OK ? mlc_issuer_write_bundle(&out->issuer, mlc_cfg_str(cfg, "relay.client_ca_file"),
                                                    out->authorities, err)
                          : code;
}

void mlc_control_close(mlc_control *control)
{
    mlc_store_close(control->store);
    control->store = NULL;
    mlc_upkeep_close(control->upkeep);
    control->upkeep = NULL;
    mlc_agents_close(control->agents);
    control->agents = NULL;
    mlc_issuer_wipe(&control->issuer);
}

bool mlc_control_shows_certificates(const mlc_cfg *cfg)
{
    return mlc_cfg_str(cfg, "relay.cert_file") != NULL && mlc_cfg_bool(cfg, "relay.tls_certificates");
}

const char *mlc_control_client_ca(const mlc_control *control, const mlc_cfg *cfg)
{
    return mlc_control_shows_certificates(cfg) ? control->authorities
                                               : mlc_cfg_str(cfg, "relay.client_ca_file");
}

mlc_code mlc_control_reseal(mlc_control *control, const mlc_cfg *cfg, size_t *count, mlc_error *err)
{
    mlc_keyring ring = {0};
    mlc_code code = mlc_key_place_ring(mlc_relay_key_owner(), cfg, false, &ring, err);
    if (code == MLC_OK)
        code = mlc_agents_reseal(control->agents, &ring, count, err);
    mlc_keyring_wipe(&ring);
    return code;
}

mlc_code mlc_control_reseal_stopped(const mlc_cfg *cfg, const mlc_keyring *ring, size_t *count,
                                    mlc_error *err)
{
    char path[PATH_SIZE];
    struct stat st;
    mlc_store *store = NULL;
    mlc_agents *agents = NULL;
    *count = 0;
    (void)snprintf(path, sizeof path, "%s/control", mlc_cfg_str(cfg, "relay.data_dir"));
    if (stat(path, &st) != 0) /* it never ran */
        return MLC_OK;
    const mlc_store_options options = {.dir = path, .map_max = (size_t)1 << 30};
    mlc_code code = mlc_store_open(&store, &options, err);
    if (code == MLC_OK)
        code = mlc_agents_open(&agents, store, ring, NULL, NULL, err);
    if (code == MLC_OK)
        code = mlc_agents_reseal(agents, ring, count, err);
    mlc_store_close(store);
    mlc_agents_close(agents);
    return code;
}
