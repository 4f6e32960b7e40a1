/* renewal.h - renews the agent's certificate in time, while the agent runs.
 *
 * At relay.renew_at percent of its life, and up to a twentieth of it later, so that not all sites come at once: a new key is
 * made and stored, the request signed with the present one is sent (POST /v1/agent/renew), and what comes back takes the
 * place of the former pair in one commit. The relay takes the former one until the new one was used, so a kill at any point
 * leaves an identity that works. Failures are retried with backoff for ever; when little life is left the log warns, and
 * status and doctor say so. Thread rule: loop's thread only.
 */
#ifndef MLC_AGENT_RENEWAL_H
#define MLC_AGENT_RENEWAL_H

#include "agent/identity.h"
#include "net/http_client.h"

typedef struct mlc_renewal mlc_renewal;

typedef struct mlc_renewal_options {
    uv_loop_t *loop;
    mlc_log *log;
    mlc_store *store;
    const mlc_cfg *cfg;
    const char *url; /* of the tunnel; copied */
    const char *software;
    const mlc_agent_identity *identity; /* copied; one without a certificate is only described */
    /* There is another identity, borrowed until the next one. */
    void (*on_renewed)(void *user, const mlc_agent_identity *identity);
    void *user;
} mlc_renewal_options;

mlc_code mlc_renewal_open(mlc_renewal **out, const mlc_renewal_options *options, mlc_error *err);
/* A request under way ends; the loop must run once more. Before the store is closed. NULL is allowed. */
void mlc_renewal_close(mlc_renewal *renewal);
/* Add {"auth","serial","validUntil","renewAt","state","lastError"} to the status; state is "ok", "expiring" or "expired". */
void mlc_renewal_describe(const mlc_renewal *renewal, cJSON *status);

/* Less than a fifth of its life is left. */
bool mlc_identity_expires_soon(const mlc_cert_info *info, int64_t now_ms);
/* When the certificate is to be renewed; `random` are any 64 bits. */
int64_t mlc_renewal_due_ms(const mlc_cert_info *info, int64_t percent, uint64_t random);

#endif
