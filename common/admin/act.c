/* act.c - an operator's decisions on parked entries: retry, retry from the source, dismiss.
 *
 * Each runs as a store job together with its audit event and is answered after the commit. Releasing all of a stream,
 * or all that fit a filter, goes in jobs of a bounded number of entries, up to the last entry there was when it began.
 * An entry leaves the state "parked" in the job that releases it, so of two decisions on it one fails with a conflict.
 */
#include "admin/admin_private.h"

#include "base/clock.h"
#include "crypto/crypto.h"
#include "store/audit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RELEASE_AT_ONCE = 200, LOOK_AT_ONCE = 5000, KIND_MAX = 64 };

/* Which of the parked entries; empty fields take all. */
typedef struct act_filter {
    char kind[KIND_MAX + 1];
    bool by_code;
    mlc_code code;
    int64_t older_ms; /* parked for so long */
} act_filter;

typedef struct act_call {
    mlc_admin_call call; /* first: the list's element */
    const mlc_admin_room *room;
    mlc_outbox *stream;
    bool dismiss, all, refresh;
    act_filter filter; /* all */
    uint64_t seq;      /* all: the first to look at in the next job */
    uint64_t until;    /* all: entries from here on came later */
    int64_t now_ms;
    char actor[MLC_ADMIN_ACTOR_MAX];
    char reason[MLC_ADMIN_REASON_MAX + 1];
    uint64_t total;      /* released by jobs before */
    mlc_admin_store row; /* a copy: the room may go */
    /* job */
    uint64_t new_seq, next;
    size_t count;
    bool more;
    uint64_t seqs[RELEASE_AT_ONCE];
} act_call;

/* ---- jobs (store's thread) ---- */

/* What the audit event says of the entry: copied, for writing ends what an entry borrows. */
typedef struct entry_names {
    char *tenant, *key, *idem, *kind, *correlation;
    char payload_hash[2 * MLC_SHA256_LEN + 1];
} entry_names;

static void names_free(entry_names *names)
{
    free(names->tenant);
    free(names->key);
    free(names->idem);
    free(names->kind);
    free(names->correlation);
}

static mlc_code names_take(entry_names *names, const mlc_entry *entry, mlc_error *err)
{
    uint8_t hash[MLC_SHA256_LEN];
    *names = (entry_names){.tenant = mlc_strdup(entry->tenant),
                           .key = mlc_strdup(entry->key),
                           .idem = mlc_strdup(entry->idem),
                           .kind = mlc_strdup(entry->kind),
                           .correlation = mlc_strdup(entry->correlation)};
    if (names->tenant == NULL || names->key == NULL || names->idem == NULL || names->kind == NULL ||
        names->correlation == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for an entry's names");
    const mlc_code code = mlc_sha256(entry->payload, entry->payload_len, hash, err);
    if (code == MLC_OK)
        mlc_hex(hash, sizeof hash, names->payload_hash);
    return code;
}

static mlc_code write_audit(mlc_txn *txn, const act_call *act, uint64_t seq, const entry_names *names,
                            mlc_error *err)
{
    char detail[64];
    if (act->refresh)
        (void)snprintf(detail, sizeof detail, "to be taken again from its source");
    else
        (void)snprintf(detail, sizeof detail, "ready as entry %" PRIu64, act->new_seq);
    const mlc_audit_event event = {.at_ms = act->now_ms,
                                   .actor = act->actor,
                                   .action = act->dismiss   ? "dismissed"
                                             : act->refresh ? "refreshed"
                                                            : "released",
                                   .tenant = names->tenant,
                                   .stream = mlc_outbox_name(act->stream),
                                   .kind = names->kind,
                                   .key = names->key,
                                   .idem = names->idem,
                                   .correlation = names->correlation,
                                   .payload_hash = names->payload_hash,
                                   .outcome = "ok",
                                   .detail = act->dismiss ? act->reason : detail,
                                   .seq = seq};
    return mlc_audit_append(txn, &event, NULL, err);
}

static mlc_code refresh_entry(mlc_txn *txn, act_call *act, const mlc_entry *entry, mlc_error *err)
{
    const uint64_t seq = entry->seq;
    bool stays = false;
    if (act->row.refresh == NULL)
        return mlc_fail(err, MLC_E_UNSUPPORTED, "this program cannot take records of stream %s again",
                        mlc_outbox_name(act->stream));
    const mlc_code code = act->row.refresh(txn, act->stream, entry, &stays, act->row.user, err);
    if (code != MLC_OK || stays)
        return code;
    return mlc_outbox_done(txn, act->stream, seq, act->now_ms, "taken again from its source", err);
}

static mlc_code carry_out(mlc_txn *txn, act_call *act, const mlc_entry *entry, mlc_error *err)
{
    if (act->dismiss)
        return mlc_outbox_dismiss(txn, act->stream, entry->seq, act->now_ms, act->reason, err);
    if (act->refresh)
        return refresh_entry(txn, act, entry, err);
    return mlc_outbox_release(txn, act->stream, entry->seq, act->now_ms, &act->new_seq, err);
}

static mlc_code act_on(mlc_txn *txn, act_call *act, uint64_t seq, mlc_error *err)
{
    mlc_entry entry;
    entry_names names;
    const char *const stream = mlc_outbox_name(act->stream);
    mlc_code code = mlc_outbox_get(txn, act->stream, seq, &entry, err);
    if (code == MLC_E_NOTFOUND)
        return mlc_fail(err, code,
                        "stream %s has no entry %" PRIu64 "; list the parked ones with: mlctl parked", stream,
                        seq);
    if (code != MLC_OK)
        return code;
    if (entry.state != MLC_ENTRY_PARKED)
        return mlc_fail(err, MLC_E_CONFLICT,
                        "entry %" PRIu64 " of stream %s is %s; only parked entries can be %s", seq, stream,
                        mlc_entry_state_name(entry.state), act->dismiss ? "dismissed" : "retried");
    code = names_take(&names, &entry, err);
    if (code == MLC_OK)
        code = carry_out(txn, act, &entry, err);
    if (code == MLC_OK)
        code = write_audit(txn, act, seq, &names, err);
    names_free(&names);
    return code;
}

static mlc_code one_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    act_call *const act = arg;
    act->new_seq = act->seq;
    const mlc_code code = act_on(txn, act, act->seq, err);
    act->count = code == MLC_OK ? 1 : 0;
    return code;
}

static bool fits(const act_filter *filter, const mlc_entry *entry, int64_t now_ms)
{
    return (filter->kind[0] == '\0' || strcmp(filter->kind, entry->kind) == 0) &&
           (!filter->by_code || filter->code == entry->error_code) &&
           (filter->older_ms == 0 || entry->ended_ms <= now_ms - filter->older_ms);
}

static bool collect(const mlc_entry *entry, void *arg)
{
    act_call *const act = arg;
    if (entry->seq >= act->until)
        return false;
    act->next = entry->seq + 1;
    if (fits(&act->filter, entry, act->now_ms))
        act->seqs[act->count++] = entry->seq;
    return act->count < RELEASE_AT_ONCE;
}

static mlc_code all_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    act_call *const act = arg;
    mlc_outbox_stats stats;
    act->count = 0;
    act->next = act->seq;
    mlc_code code = mlc_outbox_stats_get(txn, act->stream, &stats, err);
    if (code == MLC_OK && act->until == 0)
        act->until = stats.next_seq;
    if (code == MLC_OK)
        code = mlc_outbox_parked(txn, act->stream, act->seq, LOOK_AT_ONCE, collect, act, err);
    act->more = act->next > act->seq;
    for (size_t i = 0; code == MLC_OK && i < act->count; i++)
        code = act_on(txn, act, act->seqs[i], err);
    return code;
}

/* ---- after the commit ---- */

static void on_acted(void *arg, mlc_code code, const mlc_error *err);

static void reply_acted(mlc_http_req *req, const act_call *act)
{
    cJSON *const obj = cJSON_CreateObject();
    const char *const what = act->dismiss ? "dismissed" : act->refresh ? "refreshed" : "released";
    bool ok = obj != NULL && mlc_json_add_int(obj, what, (int64_t)act->total, NULL) == MLC_OK;
    if (ok && !act->all)
        ok = mlc_json_add_int(obj, "seq", (int64_t)act->new_seq, NULL) == MLC_OK;
    if (!ok)
        cJSON_Delete(obj);
    mlc_http_reply_json(req, 200, ok ? obj : NULL);
}

static void reply_failed(mlc_http_req *req, const act_call *act, mlc_code code, const mlc_error *err)
{
    mlc_error whole = *err;
    if (act->total > 0)
        (void)mlc_wrap(&whole, code, "%" PRIu64 " entries were released, then: %.400s", act->total,
                       err->message);
    mlc_admin_reply_failure(req, code, &whole);
}

static void end(act_call *act, mlc_code code, const mlc_error *err)
{
    mlc_http_req *const req = mlc_admin_call_end(&act->call);
    if (req != NULL && code == MLC_OK)
        reply_acted(req, act);
    else if (req != NULL)
        reply_failed(req, act, code, err);
    free(act);
}

static void submit(act_call *act)
{
    mlc_error err;
    act->now_ms = mlc_wall_ms();
    const mlc_code code =
        mlc_store_submit(act->room->row.store, act->all ? all_job : one_job, on_acted, act, &err);
    if (code != MLC_OK)
        end(act, code, &err);
}

static void on_acted(void *arg, mlc_code code, const mlc_error *err)
{
    act_call *const act = arg;
    /* Without the admin object the room is gone, too. */
    if (code != MLC_OK || act->call.admin == NULL) {
        end(act, code, err);
        return;
    }
    act->total += act->count;
    const mlc_admin_store *const row = &act->room->row;
    if (act->refresh && act->count > 0 && row->on_refreshed != NULL)
        row->on_refreshed(row->user, act->stream);
    else if (!act->dismiss && !act->refresh && act->count > 0 && row->on_released != NULL)
        row->on_released(row->user, act->stream);
    if (act->all && act->more && act->call.admin != NULL) {
        act->seq = act->next;
        submit(act);
        return;
    }
    end(act, MLC_OK, err);
}

/* ---- requests ---- */

static bool take_seq(mlc_http_req *req, const cJSON *body, act_call *act)
{
    int64_t seq = 0;
    act->all = !act->dismiss && mlc_json_bool(body, "all", false);
    if (act->all) {
        act->seq = 1;
        return true;
    }
    if (mlc_json_int64(body, "seq", &seq, NULL) == MLC_OK && seq > 0) {
        act->seq = (uint64_t)seq;
        return true;
    }
    mlc_http_reply_error(req, 400, 0, "invalid",
                         act->dismiss ? "seq: must be the number of a parked entry"
                                      : "seq: must be the number of a parked entry, or give \"all\":true");
    return false;
}

static bool take_filter(mlc_http_req *req, const cJSON *body, act_call *act)
{
    act_filter *const filter = &act->filter;
    const char *const code = mlc_json_str(body, "code");
    const bool asked = mlc_json_get(body, "kind") != NULL || mlc_json_get(body, "code") != NULL ||
                       mlc_json_get(body, "olderSeconds") != NULL;
    int64_t older = 0;
    if (asked && !act->all) {
        mlc_http_reply_error(req, 400, 0, "invalid", "kind, code and olderSeconds choose among \"all\":true");
        return false;
    }
    if (mlc_json_get(body, "kind") != NULL &&
        !mlc_admin_body_text(req, body, "kind", KIND_MAX, "give a kind of record, such as order",
                             filter->kind, sizeof filter->kind))
        return false;
    filter->by_code = mlc_json_get(body, "code") != NULL;
    if (filter->by_code && (code == NULL || !mlc_code_named(code, &filter->code) || filter->code == MLC_OK)) {
        mlc_http_reply_error(
            req, 400, 0, "invalid",
            "code: must be the code of an error, as the parked entries show it, such as rejected");
        return false;
    }
    const mlc_code age = mlc_json_int64(body, "olderSeconds", &older, NULL);
    if (age != MLC_E_NOTFOUND && (age != MLC_OK || older < 1 || older > INT32_MAX)) {
        mlc_http_reply_error(req, 400, 0, "invalid",
                             "olderSeconds: must be a whole number of seconds, from 1");
        return false;
    }
    filter->older_ms = older * 1000;
    return true;
}

static bool take_body(mlc_http_req *req, mlc_admin *admin, const cJSON *body, act_call *act)
{
    act->room = mlc_admin_room_of(admin, req, mlc_json_str(body, "store"));
    if (act->room == NULL)
        return false;
    act->stream = mlc_admin_stream_of(act->room, req, mlc_json_str(body, "stream"));
    if (act->stream == NULL || !take_seq(req, body, act) || !take_filter(req, body, act))
        return false;
    act->row = act->room->row;
    act->refresh = !act->dismiss && mlc_json_bool(body, "refresh", false);
    if (!mlc_admin_body_actor(req, body, act->actor))
        return false;
    return !act->dismiss ||
           mlc_admin_body_text(req, body, "reason", MLC_ADMIN_REASON_MAX, "say why it needs not be delivered",
                               act->reason, sizeof act->reason);
}

static void start(mlc_http_req *req, mlc_admin *admin, bool dismiss)
{
    cJSON *const body = mlc_admin_body(req);
    if (body == NULL)
        return;
    act_call *const act = calloc(1, sizeof *act);
    if (act == NULL) {
        mlc_http_reply_json(req, 200, NULL);
    } else {
        act->dismiss = dismiss;
        if (take_body(req, admin, body, act)) {
            mlc_admin_call_begin(admin, act->room->row.store, req, &act->call);
            submit(act);
        } else {
            free(act);
        }
    }
    cJSON_Delete(body);
}

void mlc_admin_post_retry(mlc_http_req *req, void *user)
{
    if (mlc_admin_exact(req, "/v1/retry"))
        start(req, user, false);
}

void mlc_admin_post_dismiss(mlc_http_req *req, void *user)
{
    if (mlc_admin_exact(req, "/v1/dismiss"))
        start(req, user, true);
}
