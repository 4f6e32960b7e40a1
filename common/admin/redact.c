/* redact.c - POST /v1/audit/redact: takes the personal texts of one record out of the audit trail (store/audit.h).
 *
 * The trail is walked in jobs of a bounded number of entries; the last one appends the event that tells of it.
 */
#include "admin/admin_private.h"

#include "base/clock.h"

#include <stdlib.h>

enum { LOOK_AT_ONCE = 2000, KEY_MAX = 1024 };

typedef struct redact_call {
    mlc_admin_call call; /* first: the list's element */
    const mlc_admin_room *room;
    mlc_audit_redaction redaction; /* as committed */
    mlc_audit_redaction next;      /* job */
    int64_t now_ms;
    char key[KEY_MAX + 1];
    char actor[MLC_ADMIN_ACTOR_MAX];
    char reason[MLC_ADMIN_REASON_MAX + 1];
} redact_call;

static mlc_code redact_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    redact_call *const r = arg;
    r->next = r->redaction;
    const mlc_code code = mlc_audit_redact(txn, &r->next, err);
    if (code != MLC_OK || r->next.from != 0)
        return code;
    const mlc_audit_event event = {.at_ms = r->now_ms,
                                   .actor = r->actor,
                                   .action = "redacted",
                                   .key = r->key,
                                   .outcome = "ok",
                                   .detail = r->reason};
    return mlc_audit_append(txn, &event, NULL, err);
}

static void reply(mlc_http_req *req, const redact_call *r)
{
    cJSON *const obj = cJSON_CreateObject();
    const bool ok = obj != NULL &&
                    mlc_json_add_int(obj, "redacted", (int64_t)r->redaction.redacted, NULL) == MLC_OK &&
                    mlc_json_add_int(obj, "redactedBefore", (int64_t)r->redaction.bare, NULL) == MLC_OK &&
                    mlc_json_add_int(obj, "cannotBeRedacted", (int64_t)r->redaction.fixed, NULL) == MLC_OK;
    if (!ok)
        cJSON_Delete(obj);
    mlc_http_reply_json(req, 200, ok ? obj : NULL);
}

static void end(redact_call *r, mlc_code code, const mlc_error *err)
{
    mlc_http_req *const req = mlc_admin_call_end(&r->call);
    if (req != NULL && code == MLC_OK)
        reply(req, r);
    else if (req != NULL)
        mlc_admin_reply_failure(req, code, err);
    free(r);
}

static void on_redacted(void *arg, mlc_code code, const mlc_error *err);

static void submit(redact_call *r)
{
    mlc_error err;
    r->now_ms = mlc_wall_ms();
    const mlc_code code = mlc_store_submit(r->room->row.store, redact_job, on_redacted, r, &err);
    if (code != MLC_OK)
        end(r, code, &err);
}

static void on_redacted(void *arg, mlc_code code, const mlc_error *err)
{
    redact_call *const r = arg;
    if (code == MLC_OK)
        r->redaction = r->next;
    if (code == MLC_OK && r->redaction.from != 0 && r->call.admin != NULL)
        submit(r);
    else
        end(r, code, err);
}

static bool take_body(mlc_http_req *req, mlc_admin *admin, const cJSON *body, redact_call *r)
{
    r->room = mlc_admin_room_of(admin, req, mlc_json_str(body, "store"));
    r->redaction = (mlc_audit_redaction){.key = r->key, .from = 1, .max = LOOK_AT_ONCE};
    return r->room != NULL &&
           mlc_admin_body_text(req, body, "key", KEY_MAX, "give the key of the record, such as customer/6001",
                               r->key, sizeof r->key) &&
           mlc_admin_body_actor(req, body, r->actor) &&
           mlc_admin_body_text(req, body, "reason", MLC_ADMIN_REASON_MAX, "say why the texts are taken away",
                               r->reason, sizeof r->reason);
}

void mlc_admin_post_redact(mlc_http_req *req, void *user)
{
    if (!mlc_admin_exact(req, "/v1/audit/redact"))
        return;
    cJSON *const body = mlc_admin_body(req);
    redact_call *const r = body != NULL ? calloc(1, sizeof *r) : NULL;
    if (body != NULL && r == NULL) {
        mlc_http_reply_json(req, 200, NULL);
    } else if (body != NULL && take_body(req, user, body, r)) {
        mlc_admin_call_begin(user, r->room->row.store, req, &r->call);
        submit(r);
    } else {
        free(r);
    }
    cJSON_Delete(body);
}
