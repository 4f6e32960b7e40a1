/* compare.c - see compare.h. */
#include "agent/compare.h"

#include "agent/flow/flow_scan.h"
#include "base/clock.h"
#include "store/audit.h"
#include "store/cursor.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REQUEST MLC_COMPARE_REQUEST_KIND
#define RESEND  MLC_RESEND_KIND

struct mlc_compare {
    mlc_compare_options opt;
    mlc_deliverer *deliverer;
};

/* One question under way; after the finish it is the effect's argument. */
typedef struct compare_task {
    mlc_compare *compare;
    mlc_delivery *item;
    const mlc_flow_plan *plan;
    mlc_compare_request request;
    mlc_resend_request resend;
    mlc_range_maker maker;
    mlc_buf answer;
    /* the page being looked up in the store */
    mlc_compare_id *page;
    size_t count;
} compare_task;

static void task_free(void *arg)
{
    compare_task *const task = arg;
    mlc_resend_free(&task->resend);
    mlc_range_maker_free(&task->maker);
    mlc_buf_free(&task->answer);
    free(task);
}

static void finish(compare_task *task, const mlc_delivery_result *result)
{
    mlc_delivery_result whole = *result;
    whole.effect_arg = task;
    whole.effect_free = task_free;
    mlc_deliverer_finish(task->compare->deliverer, task->item, &whole);
}

static void finish_failed(compare_task *task, mlc_code code, const mlc_error *err)
{
    /* Nothing but reading was done. */
    const mlc_delivery_result result = {.code = code == MLC_E_UNCERTAIN ? MLC_E_UNAVAILABLE : code,
                                        .err = err};
    finish(task, &result);
}

/* ---- ranges ---- */

static mlc_code put_answer(mlc_txn *txn, const mlc_delivery *item, void *arg, mlc_error *err)
{
    const compare_task *const task = arg;
    char key[128];
    char idem[160];
    (void)snprintf(key, sizeof key, "compare/%s/%s/%" PRId64, task->request.run, task->request.of,
                   task->request.from);
    (void)snprintf(idem, sizeof idem, "jde/%s/%" PRId64, key, task->request.to);
    const mlc_entry_new entry = {.tenant = item->tenant,
                                 .key = key,
                                 .idem = idem,
                                 .kind = "compare.answer",
                                 .correlation = item->correlation,
                                 .payload = task->answer.data,
                                 .payload_len = task->answer.len,
                                 .now_ms = mlc_wall_ms()};
    return mlc_outbox_put(txn, task->compare->opt.up, &entry, NULL, NULL, err);
}

static void finish_answered(compare_task *task, const mlc_compare_answer *answer)
{
    mlc_error err;
    char outcome[96];
    const mlc_code code = mlc_compare_answer_print(answer, &task->answer, &err);
    if (code != MLC_OK) {
        finish_failed(task, code, &err);
        return;
    }
    (void)snprintf(outcome, sizeof outcome, "%zu %s", answer->by_ids ? answer->id_count : answer->range_count,
                   answer->by_ids ? "records" : "ranges");
    const mlc_delivery_result result = {.code = MLC_OK, .outcome = outcome, .effect = put_answer};
    finish(task, &result);
}

/* Which of the page were sent as they are? */
static mlc_code look_up_page(mlc_txn *txn, void *arg, mlc_error *err)
{
    const compare_task *const task = arg;
    for (size_t i = 0; i < task->count; i++) {
        mlc_compare_id *const id = &task->page[i];
        bool known = false;
        bool same = false;
        if (!id->usable)
            continue;
        const mlc_code code =
            mlc_fingerprint_check(txn, task->request.of, id->id, id->fingerprint, &known, &same, err);
        if (code != MLC_OK)
            return code;
        id->unsent = !same;
    }
    return MLC_OK;
}

static mlc_code take_page(compare_task *task, const mlc_flow_item *items, size_t count, mlc_error *err)
{
    task->count = 0;
    for (size_t i = 0; i < count; i++) {
        mlc_compare_id *const id = &task->page[task->count];
        if (items[i].gone)
            continue;
        if (strlen(items[i].id) > MLC_COMPARE_ID_MAX)
            return mlc_fail(err, MLC_E_LIMIT, "id \"%.60s\" is too long", items[i].id);
        mlc_strlcpy(id->id, items[i].id, sizeof id->id);
        id->usable = !items[i].invalid;
        memcpy(id->fingerprint, items[i].fingerprint, sizeof id->fingerprint);
        task->count++;
    }
    mlc_code code = mlc_store_read(task->compare->opt.store, look_up_page, task, err);
    for (size_t i = 0; code == MLC_OK && i < task->count; i++)
        code = mlc_range_maker_add(&task->maker, &task->page[i], err);
    return code;
}

static int by_lead(const void *a, const void *b)
{
    const mlc_flow_item *const x = a;
    const mlc_flow_item *const y = b;
    const int64_t m = mlc_compare_lead(x->id);
    const int64_t n = mlc_compare_lead(y->id);
    return m < n ? -1 : m > n;
}

static mlc_code on_items(void *user, const mlc_flow_item *items, size_t count, mlc_error *err)
{
    compare_task *const task = user;
    if (count == 0)
        return MLC_OK;
    /* A page is in order of its texts. */
    mlc_flow_item *const sorted = calloc(count, sizeof *sorted);
    task->page = calloc(count, sizeof *task->page);
    mlc_code code = MLC_E_NOMEM;
    if (sorted == NULL || task->page == NULL) {
        (void)mlc_fail(err, MLC_E_NOMEM, "no memory for a page of %zu records", count);
    } else {
        memcpy(sorted, items, count * sizeof *sorted);
        qsort(sorted, count, sizeof *sorted, by_lead);
        code = take_page(task, sorted, count, err);
    }
    free(sorted);
    free(task->page);
    task->page = NULL;
    return code;
}

static void on_scanned(void *user, mlc_code code, const mlc_error *why)
{
    compare_task *const task = user;
    mlc_error err;
    if (code != MLC_OK) {
        finish_failed(task, code, why);
        return;
    }
    code = mlc_range_maker_end(&task->maker, &err);
    if (code != MLC_OK)
        finish_failed(task, code, &err);
    else
        finish_answered(task, &task->maker.answer);
}

static void start_ranges(compare_task *task)
{
    mlc_error err;
    const mlc_compare_options *const opt = &task->compare->opt;
    mlc_code code =
        mlc_compare_request_parse(task->item->payload, task->item->payload_len, &task->request, &err);
    if (code != MLC_OK) {
        finish_failed(task, code, &err);
        return;
    }
    for (size_t i = 0; i < opt->plan_count; i++)
        if (strcmp(opt->plans[i].spec->kind, task->request.of) == 0)
            task->plan = &opt->plans[i];
    if (task->plan == NULL) {
        const mlc_compare_answer none = {.asked = task->request, .by_ids = true};
        finish_answered(task, &none);
        return;
    }
    const mlc_flow_scan_options scan = {.ais = opt->ais,
                                        .zone = opt->zone,
                                        .spec = task->plan->spec,
                                        .settings = &task->plan->settings,
                                        .page_size = task->plan->page_size,
                                        .from = task->request.from,
                                        .to = task->request.to,
                                        .on_items = on_items,
                                        .on_end = on_scanned,
                                        .user = task};
    code = mlc_range_maker_open(&task->maker, &task->request, &err);
    if (code == MLC_OK)
        code = mlc_flow_scan_start(&scan, &err);
    if (code != MLC_OK)
        finish_failed(task, code, &err);
}

/* ---- once more ---- */

static void on_resent(void *user, mlc_code code, const mlc_error *err)
{
    compare_task *const task = user;
    char outcome[64];
    if (code != MLC_OK) {
        finish_failed(task, code, err);
        return;
    }
    (void)snprintf(outcome, sizeof outcome, "%zu records looked at again", task->resend.id_count);
    const mlc_delivery_result result = {.code = MLC_OK, .outcome = outcome};
    finish(task, &result);
}

static void start_resend(compare_task *task)
{
    mlc_error err;
    mlc_flow_set *const set = *task->compare->opt.set;
    mlc_code code = mlc_resend_parse(task->item->payload, task->item->payload_len, &task->resend, &err);
    if (code == MLC_OK && set == NULL)
        code = mlc_fail(&err, MLC_E_UNAVAILABLE, "the agent is starting");
    if (code == MLC_OK)
        code = mlc_flow_set_resend(set, task->resend.of, task->resend.ids, task->resend.id_count, on_resent,
                                   task, &err);
    if (code == MLC_E_NOTFOUND) { /* no such flow here: there is nothing to say about its records */
        const mlc_delivery_result result = {.code = MLC_OK, .outcome = "this flow is not enabled"};
        finish(task, &result);
    } else if (code != MLC_OK) {
        finish_failed(task, code, &err);
    }
}

static void deliver(void *user, mlc_delivery *const *items, size_t count)
{
    mlc_compare *const compare = user;
    mlc_error err;
    for (size_t i = 0; i < count; i++) {
        compare_task *const task = calloc(1, sizeof *task);
        if (task == NULL) {
            (void)mlc_fail(&err, MLC_E_NOMEM, "no memory for a comparison");
            const mlc_delivery_result result = {.code = MLC_E_NOMEM, .err = &err};
            mlc_deliverer_finish(compare->deliverer, items[i], &result);
            continue;
        }
        task->compare = compare;
        task->item = items[i];
        if (strcmp(items[i]->kind, REQUEST) == 0)
            start_ranges(task);
        else
            start_resend(task);
    }
}

static void on_committed(void *user)
{
    const mlc_compare *const compare = user;
    compare->opt.on_answered(compare->opt.user);
}

/* ---- life ---- */

mlc_code mlc_compare_open(mlc_compare **out, const mlc_compare_options *options,
                          const mlc_deliverer_options *delivery, mlc_error *err)
{
    mlc_compare *const compare = calloc(1, sizeof *compare);
    if (compare == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for the comparison");
    compare->opt = *options;
    mlc_deliverer_options d = *delivery;
    d.store = options->store;
    d.stream = options->ask;
    d.log = options->log;
    d.actor = "agent";
    d.max_parallel = 1;
    d.max_group = 1;
    d.deliver = deliver;
    d.on_committed = on_committed;
    d.user = compare;
    const mlc_code code = mlc_deliverer_open(&compare->deliverer, &d, err);
    if (code != MLC_OK) {
        free(compare);
        return code;
    }
    *out = compare;
    return MLC_OK;
}

void mlc_compare_stop(mlc_compare *compare)
{
    if (compare != NULL)
        mlc_deliverer_stop(compare->deliverer);
}

void mlc_compare_close(mlc_compare *compare)
{
    if (compare == NULL)
        return;
    mlc_deliverer_close(compare->deliverer);
    free(compare);
}

void mlc_compare_poke(mlc_compare *compare)
{
    if (compare != NULL)
        mlc_deliverer_poke(compare->deliverer);
}

/* ---- the gate ---- */

bool mlc_compare_is_kind(const char *kind)
{
    return strcmp(kind, REQUEST) == 0 || strcmp(kind, RESEND) == 0;
}

static mlc_code check_message(const mlc_entry_new *message, mlc_error *err)
{
    if (strcmp(message->kind, REQUEST) == 0) {
        mlc_compare_request request;
        return mlc_compare_request_parse(message->payload, message->payload_len, &request, err);
    }
    mlc_resend_request resend;
    const mlc_code code = mlc_resend_parse(message->payload, message->payload_len, &resend, err);
    mlc_resend_free(&resend);
    return code;
}

mlc_code mlc_compare_accept(mlc_txn *txn, const mlc_entry_new *message, mlc_outbox *ask, const char *tenant,
                            mlc_error *err)
{
    mlc_code code = check_message(message, err);
    if (code != MLC_OK)
        return code == MLC_E_NOMEM ? code : MLC_E_REJECTED;
    mlc_entry_new entry = *message;
    uint64_t seq = 0;
    entry.tenant = tenant;
    entry.now_ms = mlc_wall_ms();
    entry.not_before_ms = 0;
    code = mlc_outbox_put(txn, ask, &entry, &seq, NULL, err);
    if (code != MLC_OK)
        return code;
    const mlc_audit_event event = {.at_ms = entry.now_ms,
                                   .actor = "agent",
                                   .action = "received",
                                   .tenant = tenant,
                                   .stream = mlc_outbox_name(ask),
                                   .kind = entry.kind,
                                   .key = entry.key,
                                   .idem = entry.idem,
                                   .correlation = entry.correlation,
                                   .outcome = "ok",
                                   .seq = seq};
    return mlc_audit_append(txn, &event, NULL, err);
}
