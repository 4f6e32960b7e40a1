/* agents_adopt.c - a certificate that the registry does not know, because its store was restored from a backup. */
#include "relay/agents_private.h"

#include "base/clock.h"

#include <string.h>

static mlc_code denied(mlc_error *err, const char *why)
{
    return mlc_fail(err, MLC_E_DENIED, "the certificate is not in the registry, and cannot be adopted: %s",
                    why);
}

mlc_code agents_check_adopted(const mlc_issuer *issuer, const mlc_agent_record *record, const void *der,
                              size_t len, int64_t now_ms, mlc_cert_info *info, mlc_error *err)
{
    if (issuer == NULL || record == NULL || record->cert_count == 0)
        return denied(err, "the agent has no certificate of this relay");
    if (len > MLC_AGENT_CERT_MAX || mlc_cert_read(der, len, info, NULL) != MLC_OK)
        return denied(err, "it is no certificate of an agent");
    if (info->is_ca || strcmp(info->name, record->id) != 0 || strcmp(info->tenant, record->tenant) != 0)
        return denied(err, "it is not for this agent");
    if (info->not_before_ms > now_ms || info->not_after_ms <= now_ms)
        return denied(err, "it is not valid now");
    if (info->not_before_ms <= record->newest_ms)
        return denied(err, "it was issued before the newest that is known");
    if (mlc_cert_check(der, len, issuer->cert, issuer->cert_len, NULL) != MLC_OK)
        return denied(err, "it was not issued by this relay");
    return MLC_OK;
}

mlc_code mlc_agents_adoptable(const mlc_agents *agents, const char *agent, const void *der, size_t len,
                              mlc_cert_info *info, mlc_error *err)
{
    return agents_check_adopted(agents->issuer, mlc_agents_find(agents, agent), der, len, mlc_wall_ms(), info,
                                err);
}
