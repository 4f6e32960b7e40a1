/* enroll_tunnel.c - see enroll.h: what the tunnel is told of agents, and tells of them. */
#include "relay/enroll.h"

#include <stdlib.h>
#include <string.h>

static void describe_cert(const mlc_cert_info *info, mlc_tunnel_cert *out)
{
    out->not_after_ms = info->not_after_ms;
    memcpy(out->fingerprint, info->fingerprint, sizeof info->fingerprint);
    memcpy(out->public_key, info->public_key, sizeof info->public_key);
}

void mlc_enroll_describe(const mlc_agent_record *record, mlc_tunnel_agent *out)
{
    memcpy(out->tenant, record->tenant, sizeof out->tenant);
    out->has_key = record->has_key;
    memcpy(out->key, record->key, sizeof out->key);
    out->cert_count = record->cert_count;
    for (size_t i = 0; i < record->cert_count; i++)
        describe_cert(&record->certs[i].info, &out->certs[i]);
}

/* ---- a certificate that the registry does not know ---- */

bool mlc_enroll_adoptable(const mlc_enroll_desk *desk, const char *agent, const void *der, size_t len,
                          mlc_tunnel_cert *out)
{
    mlc_cert_info info;
    mlc_error err;
    if (mlc_agents_adoptable(desk->agents, agent, der, len, &info, &err) != MLC_OK) {
        mlc_log_info(desk->log, "enroll", "a certificate was refused", MLC_S("agent", agent),
                     MLC_S("reason", err.message));
        return false;
    }
    describe_cert(&info, out);
    return true;
}

typedef struct adoption {
    mlc_enroll_desk *desk;
    char agent[MLC_AGENT_NAME_MAX];
} adoption;

static void on_adopted(void *user, mlc_code code, const mlc_error *err)
{
    adoption *const task = user;
    mlc_enroll_desk *const desk = task->desk;
    const mlc_agent_record *const record = code == MLC_OK ? mlc_agents_find(desk->agents, task->agent) : NULL;
    if (record != NULL) {
        mlc_log_warn(
            desk->log, "enroll",
            "a certificate that the registry did not know was adopted: it was issued here, later than "
            "the one in the registry. That is right after the control store was restored from a backup; "
            "when it was not, revoke the agent, and enrol it again",
            MLC_S("agent", task->agent), MLC_S("certificate", record->certs[0].info.serial));
    } else {
        mlc_log_error(desk->log, "enroll", "a certificate could not be adopted", MLC_S("agent", task->agent),
                      MLC_S("error", err->message));
        mlc_tunnel_server_kick(desk->tunnel, task->agent, "its certificate could not be adopted");
    }
    free(task);
}

static void adopt(mlc_enroll_desk *desk, const char *agent, const void *der, size_t len)
{
    mlc_error err;
    adoption *const task = calloc(1, sizeof *task);
    mlc_code code = task != NULL ? MLC_OK : mlc_fail(&err, MLC_E_NOMEM, "no memory for a certificate");
    if (code == MLC_OK) {
        task->desk = desk;
        mlc_strlcpy(task->agent, agent, sizeof task->agent);
        code = mlc_agents_adopt(desk->agents, agent, der, len, on_adopted, task, &err);
    }
    if (code == MLC_OK)
        return;
    free(task);
    mlc_log_error(desk->log, "enroll", "a certificate could not be adopted", MLC_S("agent", agent),
                  MLC_S("error", err.message));
    mlc_tunnel_server_kick(desk->tunnel, agent, "its certificate could not be adopted");
}

void mlc_enroll_shown(mlc_enroll_desk *desk, const char *agent, const uint8_t fingerprint[MLC_SHA256_LEN],
                      const void *der, size_t len)
{
    if (der != NULL)
        adopt(desk, agent, der, len);
    else
        mlc_agents_used(desk->agents, agent, fingerprint);
}
