/* dynamics_accounts.c - see dynamics_accounts.h. */
#include "relay/dynamics_accounts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH_MAX = 100, TARGET_MAX = 160, NAME_MAX_LEN = 96 };

struct mlc_accounts {
    mlc_odata *odata;
    mlc_log *log;
    char *prefix;
    mlc_account_terms *terms;
    mlc_account_currency *currencies;
    mlc_account_map map;
};

/* One customer under way. */
typedef struct account_task {
    mlc_accounts *accounts;
    mlc_deliverer *deliverer;
    mlc_delivery *item;
    char *path; /* accounts(accountnumber='6001') */
    char *version;
    cJSON *body;
    char target[TARGET_MAX]; /* "accounts(guid)" once it is known, else the path */
} account_task;

/* Several of them in one request. */
typedef struct write_group {
    size_t count;
    account_task *tasks[];
} write_group;

static void write_one(account_task *task);

/* ---- tasks ---- */

static void free_task(account_task *task)
{
    free(task->path);
    free(task->version);
    cJSON_Delete(task->body);
    free(task);
}

static void finish(account_task *task, const mlc_delivery_result *result)
{
    mlc_deliverer_finish(task->deliverer, task->item, result);
    free_task(task);
}

static void finish_failed(account_task *task, const mlc_error *err)
{
    const mlc_delivery_result result = {.code = err->code, .err = err, .uncertain = task->item->uncertain};
    finish(task, &result);
}

static void finish_done(account_task *task, int status, const char *words)
{
    char outcome[TARGET_MAX + 64];
    (void)snprintf(outcome, sizeof outcome, "%d %s%s%s", status, task->target, *words != '\0' ? " " : "",
                   words);
    const mlc_delivery_result result = {.outcome = outcome, .target_id = task->target};
    finish(task, &result);
}

static void set_target(account_task *task, const char *id)
{
    (void)snprintf(task->target, sizeof task->target, "accounts(%s)", id);
}

static mlc_code fill_task(account_task *task, mlc_error *err)
{
    mlc_customer customer = {0};
    mlc_buf path = {0};
    mlc_code code = mlc_customer_parse(task->item->payload, task->item->payload_len, &customer, err);
    if (code != MLC_OK)
        return code;
    code = mlc_account_body(&task->accounts->map, &customer, &task->body, err);
    if (code == MLC_OK)
        code = mlc_odata_key(&path, "accounts", "accountnumber", customer.id, err);
    if (code == MLC_OK) {
        task->version = mlc_strdup(customer.version);
        task->path = mlc_buf_take(&path);
        if (task->version == NULL || task->path == NULL)
            code = mlc_fail(err, MLC_E_NOMEM, "no memory for an account");
        else
            mlc_strlcpy(task->target, task->path, sizeof task->target);
    }
    mlc_buf_free(&path);
    mlc_customer_free(&customer);
    return code;
}

/* NULL when it was finished as failed already. */
static account_task *make_task(mlc_accounts *accounts, mlc_deliverer *deliverer, mlc_delivery *item)
{
    mlc_error err;
    account_task *const task = calloc(1, sizeof *task);
    if (task == NULL) {
        (void)mlc_fail(&err, MLC_E_NOMEM, "no memory for an account");
        const mlc_delivery_result result = {.code = err.code, .err = &err, .uncertain = item->uncertain};
        mlc_deliverer_finish(deliverer, item, &result);
        return NULL;
    }
    *task = (account_task){.accounts = accounts, .deliverer = deliverer, .item = item};
    if (fill_task(task, &err) == MLC_OK)
        return task;
    finish_failed(task, &err);
    return NULL;
}

/* ---- writing ---- */

/* An answer too large to be read came after the write; the record is not to blame for it. */
static mlc_code write_code(const mlc_odata_answer *answer)
{
    return answer->code == MLC_E_LIMIT ? MLC_E_UNCERTAIN : answer->code;
}

static void on_written(account_task *task, const mlc_odata_answer *answer)
{
    if (answer->code == MLC_OK) {
        if (answer->entity_id[0] != '\0')
            set_target(task, answer->entity_id);
        finish_done(task, answer->status, "");
        return;
    }
    const mlc_delivery_result result = {.code = write_code(answer),
                                        .err = &answer->err,
                                        .uncertain = answer->code == MLC_E_PROTOCOL,
                                        .retry_after_ms = answer->retry_after_ms};
    finish(task, &result);
}

static void on_one_written(void *user, const mlc_odata_answer *answer)
{
    on_written(user, answer);
}

static mlc_odata_request write_request(const account_task *task)
{
    return (mlc_odata_request){.method = "PATCH", .path = task->path, .body = task->body};
}

static void write_one(account_task *task)
{
    mlc_error err;
    const mlc_odata_request request = write_request(task);
    if (mlc_odata_send(task->accounts->odata, &request, on_one_written, task, &err) != MLC_OK)
        finish_failed(task, &err);
}

/* The service refuses the batch as such: no record is to be blamed for it, so each is asked about alone. */
static bool refused_as_a_whole(const mlc_odata_answer *answer)
{
    return answer->whole_batch && (answer->code == MLC_E_REJECTED || answer->code == MLC_E_NOTFOUND);
}

static void on_group_written(void *user, const mlc_odata_answer *answers, size_t count)
{
    write_group *const group = user;
    for (size_t i = 0; i < count; i++) {
        if (refused_as_a_whole(&answers[i]))
            write_one(group->tasks[i]);
        else
            on_written(group->tasks[i], &answers[i]);
    }
    free(group);
}

static mlc_code send_group(mlc_odata *odata, write_group *group, mlc_error *err)
{
    mlc_odata_request *const requests = calloc(group->count, sizeof *requests);
    if (requests == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a batch");
    for (size_t i = 0; i < group->count; i++)
        requests[i] = write_request(group->tasks[i]);
    const mlc_code code = mlc_odata_batch(odata, requests, group->count, on_group_written, group, err);
    free(requests);
    return code;
}

static void write_group_of(mlc_accounts *accounts, account_task *const *tasks, size_t count)
{
    mlc_error err;
    if (count == 1) {
        write_one(tasks[0]);
        return;
    }
    write_group *const group = calloc(1, sizeof *group + count * sizeof(account_task *));
    mlc_code code = MLC_E_NOMEM;
    if (group != NULL) {
        group->count = count;
        memcpy(group->tasks, tasks, count * sizeof(account_task *));
        code = send_group(accounts->odata, group, &err);
    }
    if (code == MLC_OK)
        return;
    free(group);
    for (size_t i = 0; i < count; i++)
        write_one(tasks[i]);
}

/* ---- looking before writing ---- */

static void own_column(const mlc_accounts *accounts, const char *column, char out[NAME_MAX_LEN])
{
    (void)snprintf(out, NAME_MAX_LEN, "%.60s%s", accounts->prefix, column);
}

/* Found: is it ours, or newer? */
static void on_found(account_task *task, const mlc_odata_answer *answer)
{
    char column[NAME_MAX_LEN];
    own_column(task->accounts, "sourceversion", column);
    const char *const there = mlc_json_str(answer->body, column);
    const char *const id = mlc_json_str(answer->body, "accountid");
    if (!mlc_account_version_valid(there)) {
        write_one(task);
        return;
    }
    const int order = mlc_account_version_cmp(there, task->version);
    if (order < 0) {
        write_one(task);
        return;
    }
    if (id != NULL && strlen(id) < sizeof answer->entity_id)
        set_target(task, id);
    mlc_log_info(task->accounts->log, "accounts",
                 order == 0 ? "an uncertain write had arrived" : "a newer version is at the target",
                 MLC_S("target", task->target), MLC_S("version", task->version), MLC_S("there", there));
    finish_done(task, answer->status, order == 0 ? "had arrived" : "superseded at target");
}

static void on_looked(void *user, const mlc_odata_answer *answer)
{
    account_task *const task = user;
    if (answer->code == MLC_E_NOTFOUND) {
        write_one(task);
        return;
    }
    if (answer->code == MLC_OK && cJSON_IsObject(answer->body)) {
        on_found(task, answer);
        return;
    }
    /* Nothing was learned: the item stays uncertain. */
    mlc_error err = answer->err;
    if (answer->code == MLC_OK)
        (void)mlc_fail(&err, MLC_E_PROTOCOL, "HTTP %d without the account", answer->status);
    else if (answer->code == MLC_E_LIMIT)
        (void)mlc_wrap(&err, MLC_E_PROTOCOL, "the account could not be read");
    const mlc_delivery_result result = {
        .code = err.code, .err = &err, .uncertain = true, .retry_after_ms = answer->retry_after_ms};
    finish(task, &result);
}

static void look(account_task *task)
{
    mlc_error err;
    char column[NAME_MAX_LEN];
    own_column(task->accounts, "sourceversion", column);
    char *const path = mlc_asprintf("%s?$select=%s", task->path, column);
    const mlc_odata_request request = {.method = "GET", .path = path};
    const mlc_code code = path != NULL
                              ? mlc_odata_send(task->accounts->odata, &request, on_looked, task, &err)
                              : mlc_fail(&err, MLC_E_NOMEM, "no memory for an account");
    free(path);
    if (code != MLC_OK)
        finish_failed(task, &err);
}

/* ---- a group ---- */

void mlc_accounts_deliver(mlc_accounts *accounts, mlc_deliverer *deliverer, mlc_delivery *const *items,
                          size_t count)
{
    account_task *due[BATCH_MAX];
    size_t due_count = 0;
    for (size_t i = 0; i < count; i++) {
        const bool uncertain = items[i]->uncertain;
        account_task *const task = make_task(accounts, deliverer, items[i]);
        if (task == NULL)
            continue;
        if (uncertain)
            look(task);
        else
            due[due_count++] = task;
        if (due_count == BATCH_MAX) {
            write_group_of(accounts, due, due_count);
            due_count = 0;
        }
    }
    if (due_count > 0)
        write_group_of(accounts, due, due_count);
}

/* ---- life ---- */

static mlc_code copy_terms(mlc_accounts *a, const mlc_accounts_options *o, mlc_error *err)
{
    if (o->terms_count == 0)
        return MLC_OK;
    a->terms = calloc(o->terms_count, sizeof *a->terms);
    if (a->terms == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for payment terms");
    a->map.terms = a->terms;
    for (size_t i = 0; i < o->terms_count; i++) {
        a->terms[i] = (mlc_account_terms){mlc_strdup(o->terms[i].terms), o->terms[i].option};
        a->map.terms_count++;
        if (a->terms[i].terms == NULL)
            return mlc_fail(err, MLC_E_INVALID, "payment terms: an entry without text");
    }
    return MLC_OK;
}

static mlc_code copy_currencies(mlc_accounts *a, const mlc_accounts_options *o, mlc_error *err)
{
    if (o->currency_count == 0)
        return MLC_OK;
    a->currencies = calloc(o->currency_count, sizeof *a->currencies);
    if (a->currencies == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for currencies");
    a->map.currencies = a->currencies;
    for (size_t i = 0; i < o->currency_count; i++) {
        a->currencies[i] =
            (mlc_account_currency){mlc_strdup(o->currencies[i].code), mlc_strdup(o->currencies[i].id)};
        a->map.currency_count++;
        if (a->currencies[i].code == NULL || a->currencies[i].id == NULL)
            return mlc_fail(err, MLC_E_INVALID, "currencies: an entry without code or id");
    }
    return MLC_OK;
}

mlc_code mlc_accounts_open(mlc_accounts **out, const mlc_accounts_options *options, mlc_error *err)
{
    *out = NULL;
    mlc_accounts *const a = calloc(1, sizeof *a);
    if (a == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for accounts");
    a->odata = options->odata;
    a->log = options->log;
    a->prefix = mlc_strdup(options->prefix != NULL ? options->prefix : "ml_");
    a->map.prefix = a->prefix;
    mlc_code code = a->prefix != NULL ? copy_terms(a, options, err)
                                      : mlc_fail(err, MLC_E_NOMEM, "no memory for accounts");
    if (code == MLC_OK)
        code = copy_currencies(a, options, err);
    if (code != MLC_OK) {
        mlc_accounts_close(a);
        return code;
    }
    *out = a;
    return MLC_OK;
}

void mlc_accounts_close(mlc_accounts *accounts)
{
    if (accounts == NULL)
        return;
    for (size_t i = 0; i < accounts->map.terms_count; i++)
        free((char *)accounts->terms[i].terms);
    for (size_t i = 0; i < accounts->map.currency_count; i++) {
        free((char *)accounts->currencies[i].code);
        free((char *)accounts->currencies[i].id);
    }
    free(accounts->terms);
    free(accounts->currencies);
    free(accounts->prefix);
    free(accounts);
}
