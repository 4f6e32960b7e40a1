/* rerun.c - see rerun.h. One request: the message is found in its stream, tried, told, and a replay written down. */
#include "admin/rerun.h"

#include "base/clock.h"
#include "store/audit.h"

#include <stdlib.h>
#include <string.h>

enum { WORDS_MAX = 800, PERSON_MAX = 80, BODY_MAX = 8192, DEPTH = 4, TEXT_MAX = 1024 };

/* One request. The item comes first: the sink is given it. */
typedef struct rerun {
    mlc_delivery item;
    const mlc_rerun_desk *desk;
    mlc_http_req *req;
    bool replay;
    /* the wish, copied */
    char *key, *correlation, *person;
    uint64_t audit;
    /* found: job */
    uint64_t seq;
    const char *stream;
    char *texts[5]; /* tenant, key, idem, kind, correlation */
    char *payload;
    /* what is told and written down */
    cJSON *answer;
    mlc_buf outcome;
    char *target;
    mlc_code code;
} rerun;

static void free_ask(rerun *ask)
{
    for (size_t i = 0; i < sizeof ask->texts / sizeof ask->texts[0]; i++)
        free(ask->texts[i]);
    free(ask->payload);
    free(ask->key);
    free(ask->correlation);
    free(ask->person);
    free(ask->target);
    mlc_buf_free(&ask->outcome);
    cJSON_Delete(ask->answer);
    free(ask);
}

static int status_of(mlc_code code)
{
    switch (code) {
    case MLC_E_NOTFOUND:
        return 404;
    case MLC_E_INVALID:
        return 400;
    case MLC_E_CONFLICT:
    case MLC_E_UNSUPPORTED:
        return 409;
    default:
        return 503;
    }
}

static void refuse(rerun *ask, const mlc_error *err)
{
    mlc_http_reply_error(ask->req, status_of(err->code), 0, mlc_code_name(err->code), err->message);
    free_ask(ask);
}

/* ---- the answer ---- */

static void reply(rerun *ask)
{
    mlc_http_reply_json(ask->req, 200, ask->answer);
    ask->answer = NULL;
    free_ask(ask);
}

/* Store's thread. */
static mlc_code audit_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    const rerun *const ask = arg;
    char actor[PERSON_MAX + 16];
    (void)snprintf(actor, sizeof actor, "operator:%.*s", PERSON_MAX, ask->person);
    const mlc_audit_event event = {.at_ms = mlc_wall_ms(),
                                   .actor = actor,
                                   .action = "replayed",
                                   .tenant = ask->desk->tenant,
                                   .stream = ask->stream,
                                   .kind = ask->item.kind,
                                   .key = ask->item.key,
                                   .idem = ask->item.idem,
                                   .correlation = ask->item.correlation,
                                   .target_id = ask->target,
                                   .outcome = ask->code == MLC_OK ? "ok" : mlc_code_name(ask->code),
                                   .detail = mlc_buf_text(&ask->outcome),
                                   .seq = ask->seq};
    return mlc_audit_append(txn, &event, NULL, err);
}

static void on_audited(void *arg, mlc_code code, const mlc_error *err)
{
    rerun *const ask = arg;
    if (code != MLC_OK) /* it happened, so it is told, with the trouble */
        (void)mlc_json_add_str(ask->answer, "auditError", err->message, NULL);
    reply(ask);
}

static void describe(rerun *ask, const mlc_delivery_result *result)
{
    char words[WORDS_MAX];
    cJSON *const out = cJSON_CreateObject();
    ask->answer = out;
    ask->code = result->code;
    ask->target = mlc_strdup(result->target_id);
    if (result->code != MLC_OK && result->err != NULL)
        (void)mlc_error_text(result->err, words, sizeof words);
    else if (result->differences != NULL && ask->desk->words != NULL)
        ask->desk->words(result->differences, words, sizeof words);
    else
        mlc_strlcpy(words, result->outcome != NULL ? result->outcome : "", sizeof words);
    (void)mlc_buf_printf(&ask->outcome, NULL, "%s%s: %s", ask->replay ? "replayed at " : "dry run",
                         ask->replay ? ask->desk->at : "", words);
    (void)mlc_json_add_str(out, "key", ask->item.key, NULL);
    (void)mlc_json_add_str(out, "kind", ask->item.kind, NULL);
    (void)mlc_json_add_str(out, "stream", ask->stream, NULL);
    (void)mlc_json_add_int(out, "seq", (int64_t)ask->seq, NULL);
    (void)mlc_json_add_bool(out, "ok", result->code == MLC_OK, NULL);
    (void)mlc_json_add_str(out, "code", result->code == MLC_OK ? "ok" : mlc_code_name(result->code), NULL);
    (void)mlc_json_add_str(out, result->code == MLC_OK ? "outcome" : "error", words, NULL);
    (void)mlc_json_add_str(out, "target", result->target_id, NULL);
    if (ask->replay)
        (void)mlc_json_add_str(out, "at", ask->desk->at, NULL);
    if (result->differences != NULL)
        (void)mlc_json_add(out, "differences", cJSON_Duplicate(result->differences, true), NULL);
}

static void on_tried(mlc_delivery *item, const mlc_delivery_result *result)
{
    rerun *const ask = (rerun *)(void *)item; /* item is its first member */
    mlc_error err;
    describe(ask, result);
    if (result->effect_free != NULL)
        result->effect_free(result->effect_arg);
    if (!ask->replay || ask->desk->stopped)
        reply(ask);
    else if (mlc_store_submit(ask->desk->store, audit_job, on_audited, ask, &err) != MLC_OK)
        on_audited(ask, err.code, &err);
}

/* ---- finding the message; store's thread ---- */

static bool visit(const mlc_entry *entry, void *arg)
{
    rerun *const ask = arg;
    const bool fits = ask->key != NULL ? strcmp(entry->key, ask->key) == 0
                                       : strcmp(entry->correlation, ask->correlation) == 0;
    if (fits)
        ask->seq = entry->seq;
    return true;
}

/* {"stream":"dynamics","seq":7,"payloadHash":...} */
static bool visit_audit(const mlc_audit_item *found, void *arg)
{
    rerun *const ask = arg;
    cJSON *event = NULL;
    int64_t seq = 0;
    if (found->index != ask->audit ||
        mlc_json_parse(found->event, strlen(found->event), 0, 0, &event, NULL) != MLC_OK)
        return false;
    const char *const stream = mlc_json_str(event, "stream");
    if (stream != NULL && strcmp(stream, mlc_outbox_name(ask->desk->stream)) == 0 &&
        mlc_json_int64(event, "seq", &seq, NULL) == MLC_OK && seq > 0)
        ask->seq = (uint64_t)seq;
    cJSON_Delete(event);
    return false;
}

static mlc_code copy_entry(rerun *ask, mlc_txn *txn, mlc_outbox *stream, mlc_error *err)
{
    mlc_entry e;
    mlc_code code = mlc_outbox_get(txn, stream, ask->seq, &e, err);
    if (code == MLC_E_NOTFOUND)
        return mlc_fail(err, code,
                        "its message is no longer kept: done entries are pruned after store.keep_done and "
                        "store.keep_done_count; %s",
                        ask->desk->pruned);
    if (code != MLC_OK)
        return code;
    const char *const texts[] = {e.tenant, e.key, e.idem, e.kind, e.correlation};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        free(ask->texts[i]); /* the job may run again */
        ask->texts[i] = mlc_strdup(texts[i]);
        if (ask->texts[i] == NULL)
            code = mlc_fail(err, MLC_E_NOMEM, "no memory for a message");
    }
    free(ask->payload);
    ask->payload = malloc(e.payload_len + 1);
    if (ask->payload == NULL || code != MLC_OK)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a message");
    memcpy(ask->payload, e.payload, e.payload_len);
    ask->payload[e.payload_len] = '\0';
    if (!ask->desk->takes(e.kind))
        return mlc_fail(err, MLC_E_UNSUPPORTED, "a message of kind \"%.40s\" writes nothing into %s", e.kind,
                        ask->desk->peer);
    ask->stream = mlc_outbox_name(stream);
    ask->item.payload_len = e.payload_len;
    ask->item.created_ms = e.created_ms;
    return MLC_OK;
}

static mlc_code find_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    rerun *const ask = arg;
    mlc_outbox *stream = ask->desk->stream;
    ask->seq = 0;
    mlc_code code = ask->audit > 0 ? mlc_audit_scan(txn, ask->audit, 1, visit_audit, ask, err)
                                   : mlc_outbox_scan(txn, stream, 1, SIZE_MAX, visit, ask, err);
    if (code == MLC_OK && ask->seq == 0 && ask->audit == 0 && ask->desk->held != NULL) {
        stream = ask->desk->held;
        code = mlc_outbox_scan(txn, stream, 1, SIZE_MAX, visit, ask, err);
    }
    if (code != MLC_OK)
        return code;
    if (ask->seq == 0 && ask->audit > 0)
        return mlc_fail(
            err, MLC_E_NOTFOUND,
            "audit entry %llu is not there, or tells of no delivery to %s; mlctl audit lists them",
            (unsigned long long)ask->audit, ask->desk->peer);
    if (ask->seq == 0)
        return mlc_fail(err, MLC_E_NOTFOUND,
                        "no message of \"%.120s\" is kept here (store.keep_done); %s, or see mlctl audit",
                        ask->key != NULL ? ask->key : ask->correlation, ask->desk->pruned);
    return copy_entry(ask, txn, stream, err);
}

static void on_found(void *arg, mlc_code code, const mlc_error *why)
{
    rerun *const ask = arg;
    mlc_error err;
    if (code != MLC_OK) {
        refuse(ask, why);
        return;
    }
    if (ask->desk->stopped) {
        (void)mlc_fail(&err, MLC_E_CLOSED, "the program is stopping");
        refuse(ask, &err);
        return;
    }
    mlc_delivery *const item = &ask->item;
    item->attempt = 1;
    item->tenant = ask->texts[0];
    item->key = ask->texts[1];
    item->idem = ask->texts[2];
    item->kind = ask->texts[3];
    item->correlation = ask->texts[4];
    item->payload = ask->payload;
    item->dry = !ask->replay;
    item->sink = on_tried;
    ask->desk->deliver(ask->desk->user, ask->replay, item);
}

/* ---- asking ---- */

static bool copied(char **to, const char *from)
{
    *to = mlc_strdup(from);
    return from == NULL || *to != NULL;
}

static void start(const mlc_rerun_desk *desk, bool replay, const mlc_rerun_wish *wish, mlc_http_req *req)
{
    mlc_error err;
    rerun *const ask = calloc(1, sizeof *ask);
    if (ask == NULL) {
        mlc_http_reply_error(req, 503, 0, "nomem", "out of memory");
        return;
    }
    ask->desk = desk;
    ask->replay = replay;
    ask->req = req;
    ask->audit = wish->audit;
    mlc_code code = MLC_OK;
    if (!copied(&ask->key, wish->key) || !copied(&ask->correlation, wish->correlation) ||
        !copied(&ask->person, wish->person != NULL ? wish->person : "unknown"))
        code = mlc_fail(&err, MLC_E_NOMEM, "out of memory");
    if (code == MLC_OK)
        code = mlc_store_submit(desk->store, find_job, on_found, ask, &err);
    if (code != MLC_OK)
        refuse(ask, &err);
}

void mlc_rerun_dry(const mlc_rerun_desk *desk, const mlc_rerun_wish *wish, mlc_http_req *req)
{
    if (wish->key == NULL)
        mlc_http_reply_error(req, 400, 0, "invalid",
                             "key: missing; give the record as KIND/ID, such as customer/6001");
    else
        start(desk, false, wish, req);
}

void mlc_rerun_replay(const mlc_rerun_desk *desk, const mlc_rerun_wish *wish, mlc_http_req *req)
{
    mlc_buf text = {0};
    if ((wish->audit == 0) == (wish->correlation == NULL)) {
        mlc_http_reply_error(req, 400, 0, "invalid",
                             "give either \"audit\", the number of an audit entry, or \"correlation\"");
        return;
    }
    if (desk->at == NULL) {
        mlc_http_reply_error(req, 409, 0, "unsupported", desk->unset);
        return;
    }
    if (wish->target != NULL && strcmp(wish->target, desk->at) != 0) {
        (void)mlc_buf_printf(&text, NULL, "--target: \"%.200s\" is not the test target, which is %s",
                             wish->target, desk->at);
        mlc_http_reply_error(req, 400, 0, "invalid", mlc_buf_text(&text));
        mlc_buf_free(&text);
        return;
    }
    start(desk, true, wish, req);
}

/* ---- the body ---- */

static bool text_fits(const cJSON *body, const char *name)
{
    const cJSON *const member = mlc_json_get(body, name);
    const char *const text = mlc_json_str(body, name);
    return member == NULL || (text != NULL && *text != '\0' && strlen(text) < TEXT_MAX);
}

bool mlc_rerun_wish_read(mlc_http_req *req, cJSON **body, mlc_rerun_wish *out)
{
    static const char *const names[] = {"store", "key", "correlation", "target", "operator"};
    size_t len = 0;
    int64_t audit = 0;
    mlc_error err;
    const char *const text = mlc_http_req_body(req, &len);
    *body = NULL;
    if (mlc_json_parse(text, len, BODY_MAX, DEPTH, body, &err) != MLC_OK) {
        mlc_http_reply_error(req, 400, 0, "invalid", err.message);
        return false;
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (text_fits(*body, names[i]))
            continue;
        mlc_http_reply_error(
            req, 400, 0, "invalid",
            "store, key, correlation, target and operator must be texts of 1 to 1023 characters");
        return false;
    }
    *out = (mlc_rerun_wish){.key = mlc_json_str(*body, "key"),
                            .correlation = mlc_json_str(*body, "correlation"),
                            .target = mlc_json_str(*body, "target"),
                            .person = mlc_json_str(*body, "operator")};
    if (mlc_json_int64(*body, "audit", &audit, NULL) == MLC_OK && audit > 0)
        out->audit = (uint64_t)audit;
    return true;
}
