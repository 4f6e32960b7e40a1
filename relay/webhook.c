/* webhook.c - see webhook.h. */
#include "relay/webhook.h"

#include "base/clock.h"
#include "relay/intake_put.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FULL_RETRY_S = 10, CLOSED_RETRY_S = 30 };

/* One request from its arrival to its answer. */
typedef struct webhook_job {
    mlc_http_req *req;
    mlc_log *log;
    const mlc_webhook_target *target;
    mlc_webhook_event event;
    char idem[192];
    int64_t now_ms;
} webhook_job;

static mlc_code store_event(mlc_txn *txn, void *arg, mlc_error *err)
{
    const webhook_job *const job = arg;
    return mlc_intake_put(txn, job->target->intake, job->target->tenant, &job->event, "webhook", job->idem,
                          job->now_ms, err);
}

static void on_stored(void *arg, mlc_code code, const mlc_error *err)
{
    static const char accepted[] = "{\"accepted\":true}";
    webhook_job *const job = arg;
    if (code == MLC_OK) {
        mlc_http_reply(job->req, 200, NULL, accepted, sizeof accepted - 1);
        if (job->target->on_received != NULL)
            job->target->on_received(job->target->user);
    } else {
        mlc_log_warn(job->log, "webhook", "event not stored, the sender is asked to repeat it",
                     MLC_S("tenant", job->target->tenant), MLC_S("error", err->message));
        mlc_http_reply_error(job->req, 503, FULL_RETRY_S, mlc_code_name(code),
                             "not stored, send it again later");
    }
    free(job);
}

static bool secret_fits(const mlc_http_req *req, const mlc_webhook_target *target)
{
    const char *given = mlc_http_req_query(req, "code");
    if (given == NULL)
        given = mlc_http_req_header(req, MLC_WEBHOOK_SECRET_HEADER);
    /* Compared for an unknown tenant too, so that the time tells nothing. */
    return mlc_secret_equal(given != NULL ? given : "", target != NULL ? target->secret : "?") &&
           target != NULL;
}

static bool is_wanted(const mlc_webhook_target *target, const mlc_webhook_event *event)
{
    if (mlc_webhook_concerns_address(event))
        return target->addresses && !mlc_webhook_is_own(event, target->prefix);
    return mlc_webhook_concerns_order(event);
}

static void ignore_event(mlc_http_req *req, mlc_log *log, const mlc_webhook_target *target,
                         const mlc_webhook_event *event)
{
    static const char body[] =
        "{\"accepted\":false,\"reason\":\"nothing the connector acts on, or its own change\"}";
    mlc_log_debug(log, "webhook", "event ignored", MLC_S("tenant", target->tenant),
                  MLC_S("message", event->message), MLC_S("entity", event->entity));
    mlc_http_reply(req, 200, NULL, body, sizeof body - 1);
}

void mlc_webhook_handle(mlc_http_req *req, void *user)
{
    const mlc_webhook_options *const options = user;
    const mlc_webhook_target *const target =
        options->find(options->user, mlc_http_req_path(req) + strlen(MLC_WEBHOOK_PREFIX));
    mlc_error err;
    size_t len = 0;
    int wait_s = 1;
    if (!secret_fits(req, target)) {
        mlc_log_warn(options->log, "webhook", "refused: unknown tenant or wrong secret",
                     MLC_S("peer", mlc_http_req_peer(req)));
        mlc_http_reply_error(req, 401, 0, "auth", "unknown tenant or wrong secret");
        return;
    }
    if (target->store == NULL) {
        mlc_http_reply_error(req, 503, CLOSED_RETRY_S, "unavailable",
                             "this tenant cannot take events now, send it again later");
        return;
    }
    if (target->quota != NULL && !mlc_quota_take(target->quota, mlc_mono_ms(), &wait_s)) {
        mlc_http_reply_error(req, 503, wait_s, "quota", "more events than agreed, send it again later");
        return;
    }
    webhook_job *const job = calloc(1, sizeof *job);
    if (job == NULL) {
        mlc_http_reply_error(req, 503, FULL_RETRY_S, "nomem", "out of memory, send it again later");
        return;
    }
    const char *const body = mlc_http_req_body(req, &len);
    if (mlc_webhook_parse(body, len, &job->event, &err) != MLC_OK) {
        mlc_log_warn(options->log, "webhook", "refused: malformed", MLC_S("tenant", target->tenant),
                     MLC_S("error", err.message));
        mlc_http_reply_error(req, 400, 0, mlc_code_name(err.code), err.message);
        free(job);
        return;
    }
    if (!is_wanted(target, &job->event)) {
        ignore_event(req, options->log, target, &job->event);
        free(job);
        return;
    }
    job->req = req;
    job->log = options->log;
    job->target = target;
    job->now_ms = mlc_wall_ms();
    (void)snprintf(job->idem, sizeof job->idem, "webhook/%s/%s/%s", job->event.operation_id,
                   job->event.message,
                   job->event.order_id[0] != '\0' ? job->event.order_id : job->event.entity_id);
    if (mlc_store_submit(target->store, store_event, on_stored, job, &err) != MLC_OK)
        on_stored(job, err.code, &err);
}
