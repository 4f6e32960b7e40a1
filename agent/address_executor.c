/* address_executor.c - see address_executor.h. One change: look -> judge -> write -> look again -> report. */
#include "agent/address_executor.h"

#include "agent/address_inputs.h"
#include "agent/address_read.h"
#include "base/clock.h"
#include "deliver/parked.h"
#include "store/audit.h"
#include "store/cursor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WROTE_SPACE  "address.wrote"  /* AN8 -> JDE's address after our last write */
#define REVIEW_SPACE "address.review" /* change -> JDE's address when it was parked */
enum { WORDS_MAX = 280, WROTE_NAME_MAX = 96 };

/* One change under way. Lives until its finishing job is over: it is the effect's argument. */
typedef struct address_task {
    const mlc_address_options *opt;
    mlc_deliverer *deliverer;
    mlc_delivery *item;
    mlc_address change;
    mlc_address_present before, after;
    bool wrote; /* the orchestration was called in this attempt */
    mlc_address_verdict verdict;
    uint8_t before_hash[MLC_ADDRESS_HASH_LEN], after_hash[MLC_ADDRESS_HASH_LEN];
    bool keep_wrote, keep_review; /* what the ending job remembers */
    bool ours, reviewed;
    mlc_buf report; /* address.result, JSON */
    char report_idem[256];
} address_task;

static void task_free(void *arg)
{
    address_task *const task = arg;
    mlc_address_present_free(&task->before);
    mlc_address_present_free(&task->after);
    mlc_address_free(&task->change);
    mlc_buf_free(&task->report);
    free(task);
}

/* ---- the end of a change ---- */

/* When the change was made that was written last to this address number. */
static void name_wrote(const mlc_address *change, char out[WROTE_NAME_MAX])
{
    (void)snprintf(out, WROTE_NAME_MAX, "address.modified/%.64s", change->an8);
}

mlc_code mlc_address_is_old(mlc_txn *txn, const mlc_entry *entry, bool *old, mlc_error *err)
{
    char name[WROTE_NAME_MAX];
    mlc_address change;
    const void *wrote = NULL;
    size_t len = 0;
    *old = false;
    if (mlc_address_parse(entry->payload, entry->payload_len, &change, NULL) != MLC_OK)
        return MLC_OK;
    name_wrote(&change, name);
    const mlc_code code = mlc_cursor_get(txn, name, &wrote, &len, err);
    if (code == MLC_OK && change.modified != NULL && strlen(change.modified) == len)
        *old = memcmp(wrote, change.modified, len) > 0;
    mlc_address_free(&change);
    return code == MLC_E_NOTFOUND ? MLC_OK : code;
}

static mlc_code remember_wrote(mlc_txn *txn, const address_task *task, mlc_error *err)
{
    char name[WROTE_NAME_MAX];
    bool changed = false;
    const char *const modified = task->change.modified;
    name_wrote(&task->change, name);
    const mlc_code code =
        mlc_fingerprint_swap(txn, WROTE_SPACE, task->change.an8, task->after_hash, &changed, err);
    return code == MLC_OK && modified != NULL ? mlc_cursor_put(txn, name, modified, strlen(modified), err)
                                              : code;
}

static mlc_code remember(mlc_txn *txn, const address_task *task, mlc_error *err)
{
    bool changed = false;
    mlc_code code = MLC_OK;
    if (task->keep_wrote)
        code = remember_wrote(txn, task, err);
    if (code == MLC_OK && task->keep_review)
        return mlc_fingerprint_swap(txn, REVIEW_SPACE, task->item->idem, task->before_hash, &changed, err);
    if (code == MLC_OK && task->reviewed)
        code = mlc_fingerprint_delete(txn, REVIEW_SPACE, task->item->idem, err);
    return code == MLC_E_NOTFOUND ? MLC_OK : code;
}

static mlc_code put_report(mlc_txn *txn, const mlc_delivery *item, void *arg, mlc_error *err)
{
    const address_task *const task = arg;
    char key[96];
    (void)snprintf(key, sizeof key, "address/%.80s", task->change.id);
    const mlc_entry_new entry = {.tenant = item->tenant,
                                 .key = key,
                                 .idem = task->report_idem,
                                 .kind = "address.result",
                                 .correlation = item->correlation,
                                 .payload = task->report.data,
                                 .payload_len = task->report.len,
                                 .now_ms = mlc_wall_ms()};
    const mlc_code code = remember(txn, task, err);
    return code == MLC_OK ? mlc_outbox_put(txn, task->opt->up, &entry, NULL, NULL, err) : code;
}

static mlc_code write_report(address_task *task, const char *outcome, const char *code, const char *detail,
                             mlc_error *err)
{
    const mlc_address *const c = &task->change;
    const mlc_address_present *const present = task->after.book != NULL ? &task->after : &task->before;
    const mlc_address_result report = {.table = c->table,
                                       .id = c->id,
                                       .source = c->source,
                                       .outcome = outcome,
                                       .code = code,
                                       .detail = detail,
                                       .restore = task->verdict.action == MLC_ADDRESS_KEEP && code == NULL,
                                       .sent = c->now,
                                       .jde = present->rows.fields};
    /* What did not end well may be reported again after each retry by an operator, a success only once. */
    (void)snprintf(task->report_idem, sizeof task->report_idem, "jde/%.160s/%s", task->item->idem, outcome);
    if (code != NULL) {
        const size_t used = strlen(task->report_idem);
        (void)snprintf(task->report_idem + used, sizeof task->report_idem - used, "/%lld",
                       (long long)mlc_wall_ms());
    }
    return mlc_address_result_print(&report, &task->report, err);
}

static void finish(address_task *task, mlc_delivery_result *result)
{
    result->effect_arg = task;
    result->effect_free = task_free;
    mlc_deliverer_finish(task->deliverer, task->item, result);
}

static void finish_failed(address_task *task, mlc_code code, const mlc_error *why, const char *outcome)
{
    mlc_error err;
    mlc_delivery_result result = {.code = code, .err = why, .park_effect = put_report};
    if (task->item->dry || task->change.id == NULL ||
        write_report(task, outcome, mlc_code_name(code), why->message, &err) != MLC_OK)
        result.park_effect = NULL;
    finish(task, &result);
}

static void finish_done(address_task *task, const char *outcome, const char *detail)
{
    mlc_error err;
    char text[200];
    char target[64];
    if (write_report(task, outcome, NULL, detail, &err) != MLC_OK) {
        mlc_delivery_result later = {.code = MLC_E_NOMEM, .err = &err};
        finish(task, &later);
        return;
    }
    (void)snprintf(text, sizeof text, "%s%s%.150s", outcome, detail[0] != '\0' ? ": " : "", detail);
    (void)mlc_utf8_mend(text);
    (void)snprintf(target, sizeof target, "JDE/F0116/%.30s", task->change.an8);
    mlc_delivery_result result = {.code = MLC_OK, .outcome = text, .target_id = target, .effect = put_report};
    finish(task, &result);
}

/* Reading only: an unclear outcome is as good as none, unless a write came before. */
static void look_failed(address_task *task, mlc_code code, const mlc_error *why)
{
    if (!task->wrote && !task->item->uncertain) {
        finish_failed(task, code == MLC_E_UNCERTAIN ? MLC_E_UNAVAILABLE : code, why, "failed");
        return;
    }
    mlc_delivery_result result = {
        .code = code == MLC_E_NOTFOUND ? MLC_E_CONFLICT : code, .err = why, .uncertain = true};
    finish(task, &result);
}

/* ---- writing ---- */

static void on_looked_again(void *user, mlc_code code, const mlc_error *why)
{
    address_task *const task = user;
    mlc_error err;
    char words[WORDS_MAX];
    char detail[WORDS_MAX + 160];
    if (code != MLC_OK) {
        look_failed(task, code, why);
        return;
    }
    const mlc_address_fields *const before = &task->before.rows.fields;
    const mlc_address_fields *const after = &task->after.rows.fields;
    const mlc_address_fields wanted = mlc_address_wanted(&task->change, before);
    const bool as_wanted = mlc_address_same(&wanted, after, NULL);
    if (!as_wanted && mlc_address_same(before, after, NULL)) {
        (void)mlc_fail(&err, MLC_E_UNCERTAIN,
                       "JDE reported success, but address number %s still has its old address",
                       task->change.an8);
        finish_failed(task, err.code, &err, "failed");
        return;
    }
    code = mlc_address_hash(after, task->after_hash, &err);
    if (code != MLC_OK) {
        look_failed(task, code, &err);
        return;
    }
    task->keep_wrote = true;
    (void)snprintf(detail, sizeof detail, "%s%s%s%s", task->verdict.conflict ? "conflict, " : "",
                   task->verdict.why, as_wanted ? "" : " JDE keeps it as: ",
                   as_wanted ? "" : mlc_address_words(after, words, sizeof words));
    finish_done(task, "applied", detail);
}

static void on_written(void *user, mlc_code code, const mlc_error *why, const cJSON *answer)
{
    address_task *const task = user;
    mlc_error err;
    (void)answer;
    if (code != MLC_OK) {
        finish_failed(task, code, why, "failed");
        return;
    }
    code = mlc_address_read(task->opt->ais, task->opt->zone, task->change.an8, &task->after, on_looked_again,
                            task, &err);
    if (code != MLC_OK)
        look_failed(task, code, &err);
}

/* Dry run: what would be done is the outcome. */
static void finish_dry(address_task *task, const cJSON *inputs, const char *why)
{
    char *const text = inputs != NULL ? mlc_json_print(inputs) : NULL;
    char *const outcome = text != NULL ? mlc_asprintf("dry run: would send %s", text)
                                       : mlc_asprintf("dry run: JDE would stay as it is: %s", why);
    mlc_delivery_result result = {.code = MLC_OK, .outcome = outcome != NULL ? outcome : "dry run"};
    free(text);
    finish(task, &result);
    free(outcome);
}

static void write_address(address_task *task)
{
    mlc_error err;
    cJSON *inputs = NULL;
    const mlc_address_fields *const before = &task->before.rows.fields;
    const mlc_address_fields wanted = mlc_address_wanted(&task->change, before);
    mlc_code code = mlc_address_inputs(task->change.an8, &wanted, before, &inputs, &err);
    if (code == MLC_OK && task->item->dry) {
        finish_dry(task, inputs, "");
        cJSON_Delete(inputs);
        return;
    }
    if (code == MLC_OK)
        code = mlc_ais_orchestrate(task->opt->ais, task->opt->orchestration_version, task->opt->orchestration,
                                   inputs, on_written, task, &err);
    cJSON_Delete(inputs);
    if (code != MLC_OK)
        finish_failed(task, code, &err, "failed");
    else
        task->wrote = true;
}

/* ---- judging ---- */

static void park(address_task *task)
{
    mlc_error err;
    char sent[WORDS_MAX];
    char there[WORDS_MAX];
    task->keep_review = true;
    (void)mlc_fail(&err, MLC_E_REJECTED,
                   "both sides changed the address of %s: JDE has \"%s\", Dynamics has \"%s\"; retry takes "
                   "Dynamics's into JDE, dismiss leaves JDE's",
                   task->change.an8, mlc_address_words(&task->before.rows.fields, there, sizeof there),
                   mlc_address_words(&task->change.now, sent, sizeof sent));
    finish_failed(task, err.code, &err, "conflict");
}

static mlc_code read_memory(mlc_txn *txn, void *arg, mlc_error *err)
{
    address_task *const task = arg;
    bool known = false;
    bool same = false;
    mlc_code code =
        mlc_fingerprint_check(txn, WROTE_SPACE, task->change.an8, task->before_hash, &known, &same, err);
    task->ours = known && same;
    if (code == MLC_OK)
        code =
            mlc_fingerprint_check(txn, REVIEW_SPACE, task->item->idem, task->before_hash, &known, &same, err);
    task->reviewed = known && same;
    return code;
}

/* A conflict was judged when it was delivered for good, and by what the productive JDE had. */
static mlc_address_verdict as_sent(const address_task *task)
{
    const mlc_address_fields *const present = &task->before.rows.fields;
    const mlc_address_fields wanted = mlc_address_wanted(&task->change, present);
    const bool same = mlc_address_same(&wanted, present, NULL);
    return (mlc_address_verdict){.action = same ? MLC_ADDRESS_NOTHING : MLC_ADDRESS_WRITE};
}

static void judge(address_task *task)
{
    const mlc_address_case in = {.change = &task->change,
                                 .present = &task->before.rows.fields,
                                 .book_stamp = task->before.book_stamp,
                                 .address_stamp = task->before.address_stamp,
                                 .ours = task->ours,
                                 .reviewed = task->reviewed,
                                 .rule = task->opt->rule,
                                 .zone = task->opt->zone};
    task->verdict = task->opt->replay ? as_sent(task) : mlc_address_decide(&in);
    if (task->verdict.conflict)
        mlc_log_info(task->opt->log, "addresses", "both sides changed an address",
                     MLC_S("an8", task->change.an8), MLC_S("decision", task->verdict.why));
    if (task->item->dry && task->verdict.action != MLC_ADDRESS_WRITE) {
        finish_dry(task, NULL,
                   task->verdict.action == MLC_ADDRESS_PARK ? "both sides changed it, a person would decide"
                   : task->verdict.action == MLC_ADDRESS_NOTHING ? "it has this address already"
                                                                 : task->verdict.why);
        return;
    }
    switch (task->verdict.action) {
    case MLC_ADDRESS_WRITE:
        write_address(task);
        return;
    case MLC_ADDRESS_KEEP:
        finish_done(task, "conflict", task->verdict.why);
        return;
    case MLC_ADDRESS_PARK:
        park(task);
        return;
    case MLC_ADDRESS_NOTHING:
        break;
    }
    /* After an unclear attempt: it had arrived, and is our own. */
    task->keep_wrote = task->item->uncertain;
    memcpy(task->after_hash, task->before_hash, sizeof task->after_hash);
    finish_done(task, task->item->uncertain ? "applied" : "unchanged",
                task->item->uncertain ? "an earlier attempt had arrived" : "");
}

static void on_looked(void *user, mlc_code code, const mlc_error *why)
{
    address_task *const task = user;
    mlc_error err;
    if (code == MLC_E_NOTFOUND && !task->item->uncertain) {
        finish_failed(task, code, why, "failed");
        return;
    }
    if (code != MLC_OK) {
        look_failed(task, code, why);
        return;
    }
    code = mlc_address_hash(&task->before.rows.fields, task->before_hash, &err);
    if (code == MLC_OK && !task->opt->replay)
        code = mlc_store_read(task->opt->store, read_memory, task, &err);
    if (code != MLC_OK)
        look_failed(task, code, &err);
    else
        judge(task);
}

void mlc_address_deliver(const mlc_address_options *options, mlc_deliverer *deliverer, mlc_delivery *item)
{
    mlc_error err;
    address_task *const task = calloc(1, sizeof *task);
    if (task == NULL) {
        (void)mlc_fail(&err, MLC_E_NOMEM, "no memory for an address");
        const mlc_delivery_result result = {.code = err.code, .err = &err};
        mlc_deliverer_finish(deliverer, item, &result);
        return;
    }
    *task = (address_task){.opt = options, .deliverer = deliverer, .item = item};
    mlc_code code = mlc_address_parse(item->payload, item->payload_len, &task->change, &err);
    if (code != MLC_OK) {
        finish_failed(task, code, &err, "failed");
        return;
    }
    code =
        mlc_address_read(options->ais, options->zone, task->change.an8, &task->before, on_looked, task, &err);
    if (code != MLC_OK)
        look_failed(task, code, &err);
}

/* ---- the gate ---- */

mlc_code mlc_address_accept(mlc_txn *txn, const mlc_entry_new *message, mlc_outbox *jde, const char *tenant,
                            mlc_error *err)
{
    mlc_address change;
    char key[48];
    char source[128];
    uint64_t seq = 0;
    bool known = false;
    mlc_code code = mlc_address_parse(message->payload, message->payload_len, &change, err);
    if (code != MLC_OK)
        return code == MLC_E_NOMEM ? code : MLC_E_REJECTED;
    (void)snprintf(key, sizeof key, "address/%.20s", change.an8);
    (void)snprintf(source, sizeof source, "Dynamics/%.16s/%.64s", change.table, change.id);
    mlc_address_free(&change);
    mlc_entry_new entry = *message;
    entry.tenant = tenant;
    entry.key = key;
    entry.now_ms = mlc_wall_ms();
    entry.not_before_ms = 0;
    code = mlc_outbox_put(txn, jde, &entry, &seq, &known, err);
    if (code == MLC_OK && !known)
        code = mlc_parked_supersede(txn, jde, &entry, seq, "agent", err);
    if (code != MLC_OK)
        return code;
    const mlc_audit_event event = {.at_ms = entry.now_ms,
                                   .actor = "agent",
                                   .action = "received",
                                   .tenant = tenant,
                                   .stream = mlc_outbox_name(jde),
                                   .kind = entry.kind,
                                   .key = key,
                                   .idem = entry.idem,
                                   .correlation = entry.correlation,
                                   .source_id = source,
                                   .outcome = known ? "duplicate" : "ok",
                                   .seq = seq};
    return mlc_audit_append(txn, &event, NULL, err);
}
