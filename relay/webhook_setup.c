/* webhook_setup.c - see webhook_setup.h.
 * One run: endpoints? -> filters? -> steps? -> (change -> change -> ... -> the three questions again) -> told. */
#include "relay/webhook_setup.h"

#include "base/clock.h"
#include "net/timer.h"
#include "store/audit.h"
#include "store/cursor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WAITING_MAX = 16, ROUNDS_MAX = 3 };
#define SECRET_SPACE "webhook.secret"

typedef struct hook_caller {
    mlc_hook_done_fn fn;
    void *user;
    bool repair;
} hook_caller;

typedef enum hook_question { ASK_ENDPOINTS, ASK_FILTERS, ASK_STEPS } hook_question;

struct mlc_hook_setup {
    mlc_hook_setup_options opt;
    mlc_timer *timer;
    char *url;
    uint8_t secret_print[MLC_FINGERPRINT_LEN];
    bool stopping, running;
    hook_caller waiting[WAITING_MAX]; /* [0] is the one under way; its fn is NULL for a run by schedule */
    size_t waiting_count;
    /* the run under way */
    mlc_hook_plan plan;
    mlc_hook_check check;
    hook_question question;
    bool repaired[MLC_HOOK_ITEMS];
    unsigned round;
    size_t at; /* item that is looked at for repair */
    mlc_hook_setup_status status;
};

/* The audit event of one change, on its way to the store. */
typedef struct hook_note {
    mlc_hook_setup *setup;
    char target[MLC_HOOK_NAME_MAX], detail[320];
    bool secret_written;
} hook_note;

static void begin_run(mlc_hook_setup *s);
static void ask(mlc_hook_setup *s, hook_question question);
static void repair_from(mlc_hook_setup *s, size_t at);

/* ---- the end of a run ---- */

static void run_end(mlc_hook_setup *s, mlc_code code, const mlc_error *err)
{
    const hook_caller caller = s->waiting[0];
    s->waiting_count--;
    memmove(s->waiting, s->waiting + 1, s->waiting_count * sizeof s->waiting[0]);
    s->running = false;
    s->status.runs++;
    s->status.well = code == MLC_OK && mlc_hook_all_well(&s->check);
    s->status.last_error[0] = '\0';
    if (code != MLC_OK)
        mlc_strlcpy(s->status.last_error, err->message, sizeof s->status.last_error);
    if (code != MLC_OK && code != MLC_E_CLOSED)
        mlc_log_warn(s->opt.log, "webhooks", "the webhook steps could not be checked",
                     MLC_S("tenant", s->opt.tenant), MLC_S("error", err->message));
    for (size_t i = 0; code == MLC_OK && i < s->check.count; i++)
        if (s->check.items[i].state != MLC_HOOK_OK)
            mlc_log_warn(s->opt.log, "webhooks", "a webhook step is not as it must be",
                         MLC_S("tenant", s->opt.tenant), MLC_S("step", s->check.items[i].name),
                         MLC_S("state", mlc_hook_state_name(s->check.items[i].state)),
                         MLC_S("detail", s->check.items[i].detail));
    if (caller.fn != NULL)
        caller.fn(caller.user, code, err, code == MLC_OK ? &s->check : NULL, s->repaired);
    if (s->stopping)
        return;
    if (s->opt.interval_ms > 0)
        mlc_timer_start(s->timer, s->status.well ? s->opt.interval_ms : s->opt.retry_ms, 0);
    if (s->waiting_count > 0)
        begin_run(s);
}

/* ---- changing ---- */

static mlc_code note_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    const hook_note *const note = arg;
    bool changed = false;
    const mlc_audit_event event = {.at_ms = mlc_wall_ms(),
                                   .actor = "relay",
                                   .action = "webhook.repaired",
                                   .tenant = note->setup->opt.tenant,
                                   .key = "webhooks",
                                   .target_id = note->target,
                                   .outcome = "ok",
                                   .detail = note->detail};
    mlc_code code = mlc_audit_append(txn, &event, NULL, err);
    if (code == MLC_OK && note->secret_written)
        code = mlc_fingerprint_swap(txn, SECRET_SPACE, note->setup->opt.name, note->setup->secret_print,
                                    &changed, err);
    return code;
}

static void on_noted(void *arg, mlc_code code, const mlc_error *err)
{
    hook_note *const note = arg;
    mlc_hook_setup *const s = note->setup;
    free(note);
    if (code != MLC_OK)
        run_end(s, code, err);
    else if (s->stopping) {
        mlc_error closed;
        run_end(s, mlc_fail(&closed, MLC_E_CLOSED, "the relay is stopping"), &closed);
    } else
        repair_from(s, s->at);
}

static void note_change(mlc_hook_setup *s)
{
    mlc_error err;
    const mlc_hook_item *const item = &s->check.items[s->at];
    hook_note *const note = calloc(1, sizeof *note);
    mlc_code code = note != NULL ? MLC_OK : mlc_fail(&err, MLC_E_NOMEM, "no memory for an audit event");
    if (code == MLC_OK) {
        note->setup = s;
        note->secret_written = s->at == 0;
        (void)snprintf(note->target, sizeof note->target, "%s", item->name);
        (void)snprintf(note->detail, sizeof note->detail, "was %s%s%s", mlc_hook_state_name(item->state),
                       item->detail[0] != '\0' ? ": " : "", item->detail);
        mlc_log_info(s->opt.log, "webhooks", "a webhook step was repaired", MLC_S("tenant", s->opt.tenant),
                     MLC_S("step", note->target), MLC_S("detail", note->detail));
        s->repaired[s->at] = true;
        s->status.repaired++;
        s->at++;
        code = mlc_store_submit(s->opt.store, note_job, on_noted, note, &err);
    }
    if (code != MLC_OK) {
        free(note);
        run_end(s, code, &err);
    }
}

static void on_changed(void *user, const mlc_odata_answer *answer)
{
    mlc_hook_setup *const s = user;
    mlc_hook_item *const item = &s->check.items[s->at];
    mlc_error err = answer->err;
    /* Another one deleted the double. */
    const bool gone = answer->code == MLC_E_NOTFOUND && item->state == MLC_HOOK_DOUBLE;
    if (answer->code != MLC_OK && !gone) {
        (void)mlc_wrap(&err, answer->code, "%s could not be repaired", item->name);
        run_end(s, err.code, &err);
        return;
    }
    if (item->id[0] == '\0' && s->at == 0 && answer->entity_id[0] == '\0') {
        (void)mlc_fail(&err, MLC_E_PROTOCOL, "Dynamics made the endpoint and did not tell its id");
        run_end(s, err.code, &err);
        return;
    }
    if (item->id[0] == '\0')
        mlc_strlcpy(item->id, answer->entity_id, sizeof item->id);
    note_change(s);
}

static bool wants_change(const mlc_hook_setup *s, size_t at)
{
    const mlc_hook_state state = s->check.items[at].state;
    return state == MLC_HOOK_MISSING || state == MLC_HOOK_DIFFERS || (state == MLC_HOOK_DOUBLE && at > 0);
}

static void repair_from(mlc_hook_setup *s, size_t at)
{
    mlc_error err;
    mlc_hook_change change;
    while (at < s->check.count && !wants_change(s, at))
        at++;
    if (at == s->check.count) {
        ask(s, ASK_ENDPOINTS);
        return;
    }
    s->at = at;
    mlc_code code = mlc_hook_change_make(&s->plan, &s->check, at, &change, &err);
    if (code == MLC_OK) {
        const mlc_odata_request request = {
            .method = change.method, .path = mlc_buf_text(&change.path), .body = change.body};
        code = mlc_odata_send(s->opt.odata, &request, on_changed, s, &err);
    }
    mlc_buf_free(&change.path);
    cJSON_Delete(change.body);
    if (code != MLC_OK)
        run_end(s, code, &err);
}

/* ---- asking ---- */

static bool can_repair(const mlc_hook_setup *s)
{
    for (size_t i = 0; i < s->check.count; i++)
        if (wants_change(s, i))
            return true;
    return false;
}

static void answered(mlc_hook_setup *s)
{
    /* A double of three takes two rounds. */
    if (!s->waiting[0].repair || s->round >= ROUNDS_MAX || !can_repair(s)) {
        run_end(s, MLC_OK, NULL);
        return;
    }
    s->round++;
    repair_from(s, 0);
}

static void on_answer(void *user, const mlc_odata_answer *answer)
{
    mlc_hook_setup *const s = user;
    mlc_error err = answer->err;
    const cJSON *const rows = mlc_json_get(answer->body, "value");
    if (answer->code == MLC_OK && !cJSON_IsArray(rows))
        (void)mlc_fail(&err, MLC_E_PROTOCOL, "Dynamics answered a list of webhook steps without \"value\"");
    if (answer->code != MLC_OK || !cJSON_IsArray(rows)) {
        run_end(s, err.code, &err);
        return;
    }
    switch (s->question) {
    case ASK_ENDPOINTS:
        mlc_hook_take_endpoints(&s->plan, rows, &s->check);
        ask(s, ASK_FILTERS);
        return;
    case ASK_FILTERS:
        mlc_hook_take_filters(rows, &s->check);
        ask(s, ASK_STEPS);
        return;
    case ASK_STEPS:
        mlc_hook_take_steps(rows, &s->check);
        answered(s);
        return;
    }
}

static mlc_code read_secret_print(mlc_txn *txn, void *arg, mlc_error *err)
{
    mlc_hook_setup *const s = arg;
    bool known = false;
    bool same = false;
    const mlc_code code =
        mlc_fingerprint_check(txn, SECRET_SPACE, s->opt.name, s->secret_print, &known, &same, err);
    s->plan.secret_known = known && same;
    return code;
}

static void ask(mlc_hook_setup *s, hook_question question)
{
    mlc_error err;
    mlc_buf path = {0};
    mlc_code code = MLC_OK;
    s->question = question;
    if (question == ASK_ENDPOINTS) {
        code = mlc_store_read(s->opt.store, read_secret_print, s, &err);
        /* Who asks for a repair gets the secret written, once. */
        if (s->waiting[0].repair && s->waiting[0].fn != NULL && s->round == 0)
            s->plan.secret_known = false;
        mlc_hook_check_begin(&s->plan, &s->check);
        if (code == MLC_OK)
            code = mlc_hook_endpoints_path(&s->plan, &path, &err);
    } else if (question == ASK_FILTERS) {
        code = mlc_hook_filters_path(&s->plan, &path, &err);
    } else {
        code = mlc_hook_steps_path(&s->plan, &path, &err);
    }
    if (code == MLC_OK) {
        const mlc_odata_request request = {.method = "GET", .path = mlc_buf_text(&path)};
        code = mlc_odata_send(s->opt.odata, &request, on_answer, s, &err);
    }
    mlc_buf_free(&path);
    if (code != MLC_OK)
        run_end(s, code, &err);
}

static void begin_run(mlc_hook_setup *s)
{
    s->running = true;
    s->round = 0;
    memset(s->repaired, 0, sizeof s->repaired);
    mlc_timer_stop(s->timer);
    ask(s, ASK_ENDPOINTS);
}

mlc_code mlc_hook_setup_run(mlc_hook_setup *setup, bool repair, mlc_hook_done_fn fn, void *user,
                            mlc_error *err)
{
    if (setup->stopping)
        return mlc_fail(err, MLC_E_CLOSED, "the relay is stopping");
    if (setup->url == NULL)
        return mlc_fail(err, MLC_E_CONFLICT,
                        "tenant %s: webhooks.public_url is not set; say there under which address Dynamics "
                        "reaches this relay",
                        setup->opt.tenant);
    if (setup->waiting_count == WAITING_MAX)
        return mlc_fail(err, MLC_E_FULL, "too many checks of the webhook steps wait; ask again later");
    setup->waiting[setup->waiting_count++] = (hook_caller){fn, user, repair};
    if (!setup->running)
        begin_run(setup);
    return MLC_OK;
}

static void on_timer(void *arg)
{
    mlc_hook_setup *const s = arg;
    mlc_error err;
    if (!s->stopping && !s->running)
        (void)mlc_hook_setup_run(s, true, NULL, NULL, &err);
}

/* ---- life ---- */

static mlc_code fill(mlc_hook_setup *s, mlc_error *err)
{
    uint8_t hash[MLC_SHA256_LEN];
    const size_t len = s->opt.public_url != NULL ? strlen(s->opt.public_url) : 0;
    const bool slash = len > 0 && s->opt.public_url[len - 1] == '/';
    if (s->opt.interval_ms > 0 && len == 0)
        return mlc_fail(err, MLC_E_INVALID,
                        "tenant %s: webhooks.register needs webhooks.public_url, the address under which "
                        "Dynamics reaches this relay",
                        s->opt.tenant);
    if (len > 0 && (s->url = mlc_asprintf("%.*s/v1/webhook/%s", (int)(len - (slash ? 1 : 0)),
                                          s->opt.public_url, s->opt.tenant)) == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for the webhook steps");
    s->plan = (mlc_hook_plan){
        .name = s->opt.name, .url = s->url, .secret = s->opt.secret, .addresses = s->opt.addresses};
    const mlc_code code = mlc_sha256(s->opt.secret, strlen(s->opt.secret), hash, err);
    memcpy(s->secret_print, hash, sizeof s->secret_print);
    return code;
}

mlc_code mlc_hook_setup_open(mlc_hook_setup **out, const mlc_hook_setup_options *options, mlc_error *err)
{
    mlc_hook_setup *const s = calloc(1, sizeof *s);
    if (s == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for the webhook steps");
    s->opt = *options;
    mlc_code code = mlc_timer_open(&s->timer, options->loop, on_timer, s, err);
    if (code == MLC_OK)
        code = fill(s, err);
    if (code != MLC_OK) {
        mlc_hook_setup_close(s);
        return code;
    }
    if (options->interval_ms > 0)
        mlc_timer_start(s->timer, 0, 0);
    *out = s;
    return MLC_OK;
}

void mlc_hook_setup_stop(mlc_hook_setup *setup)
{
    mlc_error err;
    setup->stopping = true;
    mlc_timer_stop(setup->timer);
    (void)mlc_fail(&err, MLC_E_CLOSED, "the relay is stopping");
    /* The one under way ends with its request or its job. */
    for (size_t i = setup->running ? 1 : 0; i < setup->waiting_count; i++)
        if (setup->waiting[i].fn != NULL)
            setup->waiting[i].fn(setup->waiting[i].user, err.code, &err, NULL, setup->repaired);
    setup->waiting_count = setup->running ? 1 : 0;
}

void mlc_hook_setup_close(mlc_hook_setup *setup)
{
    if (setup == NULL)
        return;
    mlc_timer_close(setup->timer);
    free(setup->url);
    free(setup);
}

void mlc_hook_setup_status_get(const mlc_hook_setup *setup, mlc_hook_setup_status *out)
{
    *out = setup->status;
}
