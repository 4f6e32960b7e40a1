/* renewal.c - see renewal.h. */
#include "agent/renewal.h"

#include "agent/certify.h"
#include "agent/relay_url.h"
#include "base/clock.h"
#include "net/backoff.h"
#include "net/timer.h"

#include <stdlib.h>
#include <string.h>

enum {
    LOOK_MS = 60000,  /* the wall clock may be set, or the machine sleep: it is looked at so often */
    PAUSE_MS = 1000,  /* at least between two renewals */
    CAP_FACTOR = 60,  /* of relay.renew_retry */
    JITTER_PART = 20, /* of the life */
    EXPIRING_PART = 5 /* of the life */
};

struct mlc_renewal {
    mlc_log *log;
    mlc_store *store;
    const mlc_cfg *cfg;
    char url[MLC_RELAY_URL_MAX + 32];
    mlc_agent_identity identity;
    mlc_http_client *http;
    mlc_timer *timer;
    uint8_t next_key[MLC_EC_PRIVATE_LEN];
    bool asking, closing;
    int64_t due_ms; /* wall clock */
    uint32_t failures;
    char last_error[MLC_ERROR_MESSAGE_MAX];
    void (*on_renewed)(void *user, const mlc_agent_identity *identity);
    void *user;
};

bool mlc_identity_expires_soon(const mlc_cert_info *info, int64_t now_ms)
{
    return info->not_after_ms - now_ms < (info->not_after_ms - info->not_before_ms) / EXPIRING_PART;
}

int64_t mlc_renewal_due_ms(const mlc_cert_info *info, int64_t percent, uint64_t random)
{
    const int64_t life = info->not_after_ms - info->not_before_ms;
    const uint64_t jitter = life >= JITTER_PART ? random % (uint64_t)(life / JITTER_PART) : 0;
    return info->not_before_ms + life / 100 * percent + (int64_t)jitter;
}

static const char *state_of(const mlc_renewal *r)
{
    const int64_t now = mlc_wall_ms();
    if (r->identity.info.not_after_ms <= now)
        return "expired";
    return mlc_identity_expires_soon(&r->identity.info, now) ? "expiring" : "ok";
}

/* Look again when it is due, or in a while. */
static void wait_on(mlc_renewal *r)
{
    const int64_t left = r->due_ms - mlc_wall_ms();
    mlc_timer_start(r->timer, left < 0 ? 0 : left > LOOK_MS ? LOOK_MS : left, 0);
}

static void plan(mlc_renewal *r)
{
    const int64_t soonest = mlc_wall_ms() + (r->identity.info.not_after_ms > mlc_wall_ms() ? PAUSE_MS : 0);
    r->due_ms = mlc_renewal_due_ms(&r->identity.info, mlc_cfg_int(r->cfg, "relay.renew_at"),
                                   mlc_random_below(UINT64_MAX));
    if (r->due_ms < soonest)
        r->due_ms = soonest;
    wait_on(r);
}

static void retry(mlc_renewal *r, const mlc_error *why)
{
    char until[MLC_ISO_TEXT_MAX];
    const int64_t base = mlc_cfg_int(r->cfg, "relay.renew_retry");
    const mlc_backoff policy = {.base_ms = base, .cap_ms = CAP_FACTOR * base};
    const char *const state = state_of(r);
    r->failures += r->failures < UINT32_MAX ? 1 : 0;
    r->due_ms =
        mlc_wall_ms() + base / 2 + mlc_backoff_delay(&policy, r->failures, 0, mlc_random_below(UINT64_MAX));
    mlc_strlcpy(r->last_error, why->message, sizeof r->last_error);
    (void)mlc_iso_text(r->identity.info.not_after_ms, until);
    if (strcmp(state, "expired") == 0)
        mlc_log_error(
            r->log, "identity",
            "the agent's certificate has expired: stop the agent, and enrol it again with a new token "
            "(ml-agent enroll); nothing that waits is lost",
            MLC_S("validUntil", until), MLC_S("error", why->message));
    else
        mlc_log_warn(r->log, "identity", "the agent's certificate could not be renewed; it is tried again",
                     MLC_S("state", state), MLC_S("validUntil", until), MLC_S("error", why->message));
    wait_on(r);
}

static mlc_code take_answer(mlc_renewal *r, const mlc_http_response *response, mlc_error *err)
{
    mlc_buf cert = {0}, authority = {0};
    mlc_agent_identity *const fresh = calloc(1, sizeof *fresh);
    if (fresh == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for the certificate");
    mlc_code code = mlc_certify_answer("renewal", response->status, response->body, response->body_len, &cert,
                                       &authority, err);
    if (code == MLC_OK)
        code = mlc_identity_keep(r->store, r->cfg, &cert, &authority, r->next_key, fresh, err);
    if (code == MLC_OK)
        r->identity = *fresh;
    mlc_identity_wipe(fresh);
    free(fresh);
    mlc_buf_free(&cert);
    mlc_buf_free(&authority);
    return code;
}

static void on_answer(void *user, mlc_code code, const mlc_error *why, const mlc_http_response *response)
{
    mlc_renewal *const r = user;
    char until[MLC_ISO_TEXT_MAX];
    mlc_error err;
    r->asking = false;
    if (r->closing)
        return;
    if (code == MLC_OK)
        code = take_answer(r, response, &err);
    else
        err = *why;
    mlc_wipe(r->next_key, sizeof r->next_key);
    if (code != MLC_OK) {
        retry(r, &err);
        return;
    }
    r->failures = 0;
    r->last_error[0] = '\0';
    mlc_log_info(r->log, "identity", "the agent's certificate was renewed",
                 MLC_S("serial", r->identity.info.serial),
                 MLC_S("validUntil", mlc_iso_text(r->identity.info.not_after_ms, until)));
    plan(r);
    r->on_renewed(r->user, &r->identity);
}

static mlc_code ask(mlc_renewal *r, mlc_error *err)
{
    const char *const agent = mlc_cfg_str(r->cfg, "agent.id");
    mlc_buf body = {0};
    mlc_code code = mlc_identity_next_key(r->store, r->cfg, r->next_key, err);
    if (code == MLC_OK)
        code = mlc_certify_renew_body(agent, &r->identity.own, r->next_key, &body, err);
    const mlc_http_header header = {"Content-Type", "application/json"};
    const mlc_http_request request = {.method = "POST",
                                      .url = r->url,
                                      .headers = &header,
                                      .header_count = 1,
                                      .body = body.data,
                                      .body_len = body.len,
                                      .max_body = MLC_CERTIFY_ANSWER_MAX};
    if (code == MLC_OK)
        code = mlc_http_send(r->http, &request, on_answer, r, NULL, err);
    mlc_buf_free(&body);
    return code;
}

static void on_timer(void *arg)
{
    mlc_renewal *const r = arg;
    mlc_error err;
    if (r->asking)
        return;
    if (mlc_wall_ms() < r->due_ms) {
        wait_on(r);
        return;
    }
    const mlc_code code = ask(r, &err);
    r->asking = code == MLC_OK;
    if (code != MLC_OK)
        retry(r, &err);
}

mlc_code mlc_renewal_open(mlc_renewal **out, const mlc_renewal_options *options, mlc_error *err)
{
    mlc_renewal *const r = calloc(1, sizeof *r);
    *out = NULL;
    if (r == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for the renewal of certificates");
    r->log = options->log;
    r->store = options->store;
    r->cfg = options->cfg;
    r->on_renewed = options->on_renewed;
    r->user = options->user;
    if (options->identity != NULL)
        r->identity = *options->identity;
    const mlc_http_client_options http = {.loop = options->loop,
                                          .log = options->log,
                                          .ca_file = mlc_cfg_str(options->cfg, "relay.ca_file"),
                                          .proxy = mlc_proxy_of(options->cfg, "relay"),
                                          .user_agent = options->software};
    mlc_code code = mlc_relay_url_http(options->url, MLC_RENEW_PATH, r->url, sizeof r->url, err);
    if (code == MLC_OK)
        code = mlc_http_client_open(&r->http, &http, err);
    if (code == MLC_OK)
        code = mlc_timer_open(&r->timer, options->loop, on_timer, r, err);
    if (code != MLC_OK) {
        mlc_renewal_close(r);
        return code;
    }
    if (r->identity.kind == MLC_IDENTITY_CERT)
        plan(r);
    *out = r;
    return MLC_OK;
}

void mlc_renewal_close(mlc_renewal *r)
{
    if (r == NULL)
        return;
    r->closing = true;
    if (r->http != NULL)
        mlc_http_client_close(r->http);
    mlc_timer_close(r->timer);
    mlc_wipe(r, sizeof *r);
    free(r);
}

void mlc_renewal_describe(const mlc_renewal *r, cJSON *status)
{
    static const char *const kinds[] = {
        [MLC_IDENTITY_NONE] = "mtls", [MLC_IDENTITY_KEY] = "key", [MLC_IDENTITY_CERT] = "certificate"};
    char until[MLC_ISO_TEXT_MAX], due[MLC_ISO_TEXT_MAX];
    cJSON *const obj = cJSON_AddObjectToObject(status, "identity");
    (void)mlc_json_add_str(obj, "auth", kinds[r->identity.kind], NULL);
    if (r->identity.kind != MLC_IDENTITY_CERT)
        return;
    (void)mlc_json_add_str(obj, "serial", r->identity.info.serial, NULL);
    (void)mlc_json_add_str(obj, "validUntil", mlc_iso_text(r->identity.info.not_after_ms, until), NULL);
    (void)mlc_json_add_str(obj, "renewAt", mlc_iso_text(r->due_ms, due), NULL);
    (void)mlc_json_add_str(obj, "state", state_of(r), NULL);
    (void)mlc_json_add_str(obj, "lastError", r->last_error[0] != '\0' ? r->last_error : NULL, NULL);
}
