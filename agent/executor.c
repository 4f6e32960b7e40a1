/* executor.c - see executor.h. One order: parse -> look up by reference -> create -> report. */
#include "agent/executor.h"

#include "agent/order_items.h"
#include "base/clock.h"
#include "deliver/held.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct mlc_executor {
    mlc_executor_options opt;
    mlc_deliverer *deliverer;
    mlc_held_keeper *keeper; /* NULL: nothing is held */
    bool stopping;
};

/* One order under way. Lives until its finishing job is over: it is the effect's argument. */
typedef struct order_task {
    mlc_executor *executor;
    mlc_delivery *item;
    mlc_order order;
    bool created_now; /* the create request was answered with success */
    char doco[32], dcto[16], kcoo[16];
    mlc_buf report; /* order.result, JSON */
    char report_idem[160];
    mlc_error why; /* what is wrong with the order */
} order_task;

static const char *header_table(const order_task *task)
{
    return task->executor->opt.target.purchase ? "F4301" : "F4201";
}

static const char *const key_columns[] = {"DOCO", "DCTO", "KCOO", "VR01", NULL};

static void task_free(void *arg)
{
    order_task *const task = arg;
    mlc_order_free(&task->order);
    mlc_buf_free(&task->report);
    free(task);
}

/* ---- the end of an order ---- */

static mlc_code put_report(mlc_txn *txn, const mlc_delivery *item, void *arg, mlc_error *err)
{
    const order_task *const task = arg;
    char key[80];
    (void)snprintf(key, sizeof key, "order/%.64s", task->order.id);
    const mlc_entry_new entry = {.tenant = item->tenant,
                                 .key = key,
                                 .idem = task->report_idem,
                                 .kind = "order.result",
                                 .correlation = item->correlation,
                                 .payload = task->report.data,
                                 .payload_len = task->report.len,
                                 .now_ms = mlc_wall_ms()};
    return mlc_outbox_put(txn, task->executor->opt.up, &entry, NULL, NULL, err);
}

static mlc_code write_report(order_task *task, const mlc_order_result *result, mlc_error *err)
{
    /* A failure may be reported again after each retry by an operator, a success only once. */
    (void)snprintf(task->report_idem, sizeof task->report_idem, "jde/order/%.64s/%s", task->order.id,
                   result->created ? "created" : "failed");
    const char *const again = strstr(task->item->idem, "/again/");
    if (result->created && again != NULL) { /* its number got lost in Dynamics: it is told once more */
        const size_t used = strlen(task->report_idem);
        (void)snprintf(task->report_idem + used, sizeof task->report_idem - used, "%.40s", again);
    }
    if (!result->created) {
        const size_t used = strlen(task->report_idem);
        (void)snprintf(task->report_idem + used, sizeof task->report_idem - used, "/%lld",
                       (long long)mlc_wall_ms());
    }
    return mlc_order_result_print(result, &task->report, err);
}

static void finish(order_task *task, mlc_delivery_result *result)
{
    result->effect_arg = task;
    result->effect_free = task_free;
    mlc_deliverer_finish(task->executor->deliverer, task->item, result);
}

static void finish_failed(order_task *task, mlc_code code, const mlc_error *why)
{
    mlc_error err;
    const mlc_order_result report = {.id = task->order.id,
                                     .reference = task->order.reference,
                                     .created = false,
                                     .code = mlc_code_name(code),
                                     .error = why->message};
    mlc_delivery_result result = {.code = code, .err = why, .park_effect = put_report};
    /* Only a parked order is reported; which codes park is the deliverer's to say. A dry run tells nobody. */
    if (task->item->dry || task->order.id == NULL || write_report(task, &report, &err) != MLC_OK)
        result.park_effect = NULL;
    finish(task, &result);
}

static void finish_created(order_task *task, const char *how)
{
    mlc_error err;
    char outcome[128];
    char target[96];
    char source[96];
    const mlc_order_result report = {.id = task->order.id,
                                     .reference = task->order.reference,
                                     .created = true,
                                     .doco = task->doco,
                                     .dcto = task->dcto,
                                     .kcoo = task->kcoo};
    if (write_report(task, &report, &err) != MLC_OK) {
        const mlc_delivery_result later = {.code = MLC_E_NOMEM, .err = &err, .uncertain = true};
        mlc_delivery_result copy = later;
        finish(task, &copy);
        return;
    }
    (void)snprintf(outcome, sizeof outcome, "%s %s %s %s", how, task->doco, task->dcto, task->kcoo);
    (void)snprintf(target, sizeof target, "JDE/%s/%s %s %s", header_table(task), task->doco, task->dcto,
                   task->kcoo);
    (void)snprintf(source, sizeof source, "Dynamics/salesorders/%.64s", task->order.id);
    mlc_delivery_result result = {.code = MLC_OK,
                                  .outcome = outcome,
                                  .source_id = source,
                                  .target_id = target,
                                  .link = true,
                                  .effect = put_report};
    finish(task, &result);
}

static void keep_key(order_task *task, const mlc_jde_order_key *key)
{
    const mlc_order_target *const target = &task->executor->opt.target;
    (void)snprintf(task->doco, sizeof task->doco, "%.30s", key->doco);
    (void)snprintf(task->dcto, sizeof task->dcto, "%.14s",
                   key->dcto != NULL ? key->dcto : target->order_type);
    (void)snprintf(task->kcoo, sizeof task->kcoo, "%.14s", key->kcoo != NULL ? key->kcoo : target->company);
}

/* ---- creating ---- */

static void look_up(order_task *task);

static void on_created(void *user, mlc_code code, const mlc_error *err, const cJSON *answer)
{
    order_task *const task = user;
    mlc_jde_order_key key;
    if (code != MLC_OK) {
        finish_failed(task, code, err);
        return;
    }
    if (mlc_order_key_find(answer, &key)) {
        keep_key(task, &key);
        finish_created(task, "created");
        return;
    }
    /* The orchestration gives no order number back: the reference tells it. */
    task->created_now = true;
    look_up(task);
}

static void on_items(void *user, mlc_code code, const mlc_faults *unknown)
{
    order_task *const task = user;
    const size_t used = strlen(task->why.message);
    if (code == MLC_E_CLOSED) {
        finish_failed(task, code, &task->why);
        return;
    }
    if (unknown->count > 0)
        (void)snprintf(task->why.message + used, sizeof task->why.message - used, "; %s", unknown->text);
    finish_failed(task, MLC_E_INVALID, &task->why);
}

/* The order is at fault: before it is parked, what JDE would say of its items is asked as well. */
static void finish_faulty(order_task *task, const mlc_error *err)
{
    mlc_error unasked;
    task->why = *err;
    if (mlc_order_items_check(task->executor->opt.ais, &task->order, on_items, task, &unasked) != MLC_OK)
        finish_failed(task, MLC_E_INVALID, &task->why);
}

static mlc_code make_inputs(const order_task *task, cJSON **out, mlc_error *err)
{
    const mlc_executor_options *const opt = &task->executor->opt;
    const mlc_order *const order = &task->order;
    mlc_faults faults = {0};
    char name[80];
    mlc_code code = mlc_order_orchestration_inputs(opt->map, order, &opt->target, out, err);
    if (code != MLC_OK || opt->catalogue == NULL)
        return code;
    mlc_catalogue_check(opt->catalogue, *out, &faults);
    (void)snprintf(name, sizeof name, "order %.60s", order->number != NULL ? order->number : order->id);
    return mlc_faults_result(&faults, name, err);
}

/* Dry run: what would be sent is the outcome. */
static void finish_dry(order_task *task, const cJSON *request)
{
    char *const inputs = mlc_json_print(request);
    char *const outcome = inputs != NULL ? mlc_asprintf("dry run: would send %s", inputs) : NULL;
    mlc_delivery_result result = {.code = MLC_OK,
                                  .outcome = outcome != NULL ? outcome : "dry run",
                                  .target_id = task->executor->opt.orchestration};
    free(inputs);
    finish(task, &result);
    free(outcome);
}

/* It is in JDE already; the number is reported when the dry run is over. */
static void finish_dry_found(order_task *task)
{
    char outcome[160];
    (void)snprintf(outcome, sizeof outcome, "dry run: is in JDE already as %s %s %s, would be reported",
                   task->doco, task->dcto, task->kcoo);
    mlc_delivery_result result = {.code = MLC_OK, .outcome = outcome};
    finish(task, &result);
}

static void create(order_task *task)
{
    const mlc_executor_options *const opt = &task->executor->opt;
    mlc_error err;
    cJSON *request = NULL;
    const char *const orchestration =
        opt->orchestration != NULL || opt->map == NULL ? opt->orchestration : mlc_map_target(opt->map);
    mlc_code code = opt->by_form
                        ? mlc_order_form_request(opt->ais, &task->order, &opt->target, &request, &err)
                        : make_inputs(task, &request, &err);
    const bool faulty = code == MLC_E_INVALID;
    if (code == MLC_OK && task->item->dry) {
        finish_dry(task, request);
        cJSON_Delete(request);
        return;
    }
    if (code == MLC_OK)
        code = opt->by_form ? mlc_ais_form(opt->ais, request, on_created, task, &err)
                            : mlc_ais_orchestrate(opt->ais, opt->orchestration_version, orchestration,
                                                  request, on_created, task, &err);
    cJSON_Delete(request);
    if (faulty)
        finish_faulty(task, &err);
    else if (code != MLC_OK)
        finish_failed(task, code, &err);
}

/* ---- looking first ---- */

static void look_up_failed(order_task *task, mlc_code code, const mlc_error *why)
{
    if (code != MLC_E_CLOSED && !task->created_now && !task->item->uncertain) {
        /* Nothing was written in this attempt, nor in an earlier one that is unsettled. */
        finish_failed(task, code, why);
        return;
    }
    mlc_delivery_result result = {.code = code, .err = why, .uncertain = true};
    finish(task, &result);
}

static void not_found(order_task *task)
{
    mlc_error err;
    if (!task->created_now) {
        create(task);
        return;
    }
    (void)mlc_fail(&err, MLC_E_UNCERTAIN,
                   "order %s: JDE reported success, but no order with reference %s is found", task->order.id,
                   task->order.reference);
    finish_failed(task, MLC_E_UNCERTAIN, &err);
}

static void on_reference_page(void *user, mlc_ais_cursor *cursor, const mlc_ais_page *page, mlc_code code,
                              const mlc_error *err)
{
    order_task *const task = user;
    mlc_jde_order_key key;
    if (page == NULL) {
        look_up_failed(task, code, err);
        return;
    }
    const bool found = mlc_order_key_find(page->rows, &key);
    if (found)
        keep_key(task, &key);
    mlc_ais_stop(cursor); /* one row is all there is to know */
    if (found && task->item->dry && !task->created_now)
        finish_dry_found(task);
    else if (found)
        finish_created(task, task->created_now ? "created" : "found");
    else
        not_found(task);
}

static void look_up(order_task *task)
{
    mlc_error err;
    const mlc_ais_term term = {"VR01", MLC_AIS_EQ, task->order.reference};
    const mlc_ais_group group = {&term, 1};
    const mlc_ais_query query = {.table = header_table(task),
                                 .columns = key_columns,
                                 .groups = &group,
                                 .group_count = 1,
                                 .page_size = 10};
    const mlc_code code =
        mlc_ais_browse(task->executor->opt.ais, &query, on_reference_page, task, NULL, &err);
    if (code != MLC_OK)
        look_up_failed(task, code, &err);
}

static bool runs_dry(void *user, const char *kind)
{
    const mlc_executor_options *const opt = user;
    if (strcmp(kind, "address") == 0)
        return opt->addresses != NULL && opt->addresses->dry_run;
    return opt->dry_run;
}

static void carry_out(mlc_executor *e, mlc_delivery *item)
{
    mlc_error err;
    item->dry = runs_dry(&e->opt, item->kind);
    if (strcmp(item->kind, "address") == 0 && e->opt.addresses != NULL) {
        mlc_address_deliver(e->opt.addresses, e->deliverer, item);
        return;
    }
    order_task *const task = calloc(1, sizeof *task);
    if (task == NULL) {
        (void)mlc_fail(&err, MLC_E_NOMEM, "no memory for an order");
        const mlc_delivery_result result = {.code = MLC_E_NOMEM, .err = &err};
        mlc_deliverer_finish(e->deliverer, item, &result);
        return;
    }
    task->executor = e;
    task->item = item;
    const mlc_code code = mlc_order_parse(item->payload, item->payload_len, &task->order, &err);
    if (code != MLC_OK)
        finish_failed(task, code, &err);
    else
        look_up(task);
}

static void deliver(void *user, mlc_delivery *const *items, size_t count)
{
    for (size_t i = 0; i < count; i++)
        carry_out(user, items[i]);
}

void mlc_executor_try(mlc_executor *executor, mlc_delivery *item)
{
    carry_out(executor, item);
}

static void on_committed(void *user)
{
    mlc_executor *const e = user;
    if (e->opt.on_reported != NULL)
        e->opt.on_reported(e->opt.user);
}

/* A dry run may end while one of its messages is still under way. */
static void on_held(void *user, const char *kind)
{
    mlc_executor *const e = user;
    mlc_error err;
    if (e->keeper != NULL && !runs_dry(&e->opt, kind) && mlc_held_keeper_again(e->keeper, &err) != MLC_OK)
        mlc_log_warn(e->opt.log, "held", "held messages could not be given back, and are tried again",
                     MLC_S("error", err.message));
}

/* ---- life ---- */

/* An address is a snapshot: what waits in the stream is later than what was held before it came there. Orders are not. */
static mlc_code is_old(mlc_txn *txn, const mlc_entry *entry, bool *old, void *user, mlc_error *err)
{
    const mlc_executor_options *const opt = user;
    *old = false;
    if (strcmp(entry->kind, "address") != 0)
        return MLC_OK;
    const mlc_code code = mlc_outbox_has_live(txn, opt->jde, entry->key, old, err);
    return code == MLC_OK && !*old ? mlc_address_is_old(txn, entry, old, err) : code;
}

static void on_released(void *user)
{
    const mlc_executor *const e = user;
    if (e->deliverer != NULL)
        mlc_deliverer_poke(e->deliverer);
}

static mlc_code open_keeper(mlc_executor *e, uv_loop_t *loop, mlc_error *err)
{
    const mlc_held_keeper_options keeper = {.release = {.store = e->opt.store,
                                                        .held = e->opt.held,
                                                        .to = e->opt.jde,
                                                        .log = e->opt.log,
                                                        .is_dry = runs_dry,
                                                        .is_old = is_old,
                                                        .user = &e->opt},
                                            .loop = loop,
                                            .retry_ms = e->opt.held_retry_ms,
                                            .on_released = on_released,
                                            .user = e};
    return mlc_held_keeper_open(&e->keeper, &keeper, err);
}

mlc_code mlc_executor_set_dry(mlc_executor *executor, bool orders, mlc_error *err)
{
    executor->opt.dry_run = orders;
    return executor->keeper != NULL ? mlc_held_keeper_again(executor->keeper, err) : MLC_OK;
}

mlc_code mlc_executor_open(mlc_executor **out, const mlc_executor_options *options,
                           const mlc_deliverer_options *delivery, mlc_error *err)
{
    mlc_executor *const e = calloc(1, sizeof *e);
    if (e == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for the executor");
    e->opt = *options;
    *out = e;
    if (delivery == NULL)
        return MLC_OK;
    mlc_deliverer_options d = *delivery;
    d.store = options->store;
    d.stream = options->jde;
    d.held = options->held;
    d.log = options->log;
    d.actor = "agent";
    d.deliver = deliver;
    d.on_committed = on_committed;
    d.on_held = on_held;
    d.user = e;
    mlc_code code = options->held == NULL ? MLC_OK : open_keeper(e, delivery->loop, err);
    if (code == MLC_OK)
        code = mlc_deliverer_open(&e->deliverer, &d, err);
    if (code != MLC_OK) {
        *out = NULL;
        mlc_held_keeper_close(e->keeper);
        free(e);
    }
    return code;
}

void mlc_executor_stop(mlc_executor *executor)
{
    executor->stopping = true;
    mlc_held_keeper_close(executor->keeper);
    executor->keeper = NULL;
    mlc_deliverer_stop(executor->deliverer);
}

void mlc_executor_close(mlc_executor *executor)
{
    if (executor == NULL)
        return;
    mlc_deliverer_close(executor->deliverer);
    free(executor);
}

mlc_deliverer *mlc_executor_deliverer(mlc_executor *executor)
{
    return executor->deliverer;
}
