/* checkup.c - see checkup.h. One timer starts each check and ends the one that is late. */
#include "admin/checkup.h"

#include "base/buf.h"
#include "base/clock.h"
#include "net/timer.h"

#include <stdlib.h>
#include <string.h>

enum { TIMEOUT_MS = 60000, STEP_MS = 20000, TEXT_MAX = 1024 };

typedef struct check_row {
    char *id, *title, *needs, *also;
    mlc_check_fn start;
    void *user;
    bool ended;
    mlc_check_state state;
    size_t root; /* the failure it was skipped for, or itself */
    char *detail, *remedy;
} check_row;

struct mlc_checkup {
    mlc_checkup_options opt;
    mlc_timer *timer;
    check_row *rows;
    size_t count;
    size_t at; /* running; count: over */
    bool begun, running, out_of_time, told;
    int64_t until_ms, step_until_ms; /* monotonic */
};

const char *mlc_check_state_name(mlc_check_state state)
{
    static const char *const names[] = {"ok", "warn", "FAIL", "skipped"};
    return names[state];
}

/* ---- printing ---- */

/* Texts of peers go to a terminal: no control characters. */
static void print_clean(FILE *out, const char *text)
{
    for (const char *p = text; *p != '\0'; p++)
        (void)fputc((unsigned char)*p < 0x20 || *p == 0x7f ? ' ' : *p, out);
}

static void print_row(const mlc_checkup *c, const check_row *row)
{
    if (c->opt.out == NULL)
        return;
    (void)fprintf(c->opt.out, "%-8s", mlc_check_state_name(row->state));
    print_clean(c->opt.out, row->title);
    if (row->detail != NULL && row->detail[0] != '\0') {
        (void)fputs(": ", c->opt.out);
        print_clean(c->opt.out, row->detail);
    }
    if (row->remedy != NULL) {
        (void)fputs(" -> ", c->opt.out);
        print_clean(c->opt.out, row->remedy);
    }
    (void)fputc('\n', c->opt.out);
    (void)fflush(c->opt.out);
}

void mlc_checkup_print_end(const mlc_checkup *checkup, FILE *out)
{
    size_t counts[MLC_CHECK_SKIPPED + 1] = {0};
    for (size_t i = 0; i < checkup->count; i++)
        counts[checkup->rows[i].state]++;
    (void)fprintf(out, "%zu ok, %zu warn, %zu FAIL, %zu skipped%s\n", counts[MLC_CHECK_OK],
                  counts[MLC_CHECK_WARN], counts[MLC_CHECK_FAIL], counts[MLC_CHECK_SKIPPED],
                  checkup->out_of_time ? "; the time was over before all had run" : "");
}

/* ---- the sequence ---- */

static const check_row *find(const mlc_checkup *c, const char *id)
{
    for (size_t i = 0; i < c->count; i++)
        if (strcmp(c->rows[i].id, id) == 0)
            return &c->rows[i];
    return NULL;
}

static void end_row(mlc_checkup *c, mlc_check_state state, const char *remedy, const char *fmt, va_list args)
    MLC_PRINTF(4, 0);
static void end_row(mlc_checkup *c, mlc_check_state state, const char *remedy, const char *fmt, va_list args)
{
    char text[TEXT_MAX];
    check_row *const row = &c->rows[c->at];
    (void)vsnprintf(text, sizeof text, fmt, args);
    text[mlc_utf8_prefix(text, strlen(text))] = '\0';
    row->ended = true;
    row->state = state;
    row->detail = mlc_strdup(text);
    row->remedy = mlc_strdup(remedy);
    c->running = false;
    print_row(c, row);
    c->at++;
    /* Never inside the call of a check. */
    mlc_timer_start(c->timer, 0, 0);
}

static void end_here(mlc_checkup *c, mlc_check_state state, const char *remedy, const char *fmt, ...)
    MLC_PRINTF(4, 5);
static void end_here(mlc_checkup *c, mlc_check_state state, const char *remedy, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    end_row(c, state, remedy, fmt, args);
    va_end(args);
}

/* Skips the check at hand when this one that it needs is not there. */
static bool is_barred_by(mlc_checkup *c, const char *needs)
{
    check_row *const row = &c->rows[c->at];
    const check_row *const needed = needs != NULL ? find(c, needs) : NULL;
    if (needs == NULL || (needed != NULL && needed->ended && needed->state <= MLC_CHECK_WARN))
        return false;
    if (needed == NULL || !needed->ended) {
        end_here(c, MLC_CHECK_SKIPPED, NULL, "because \"%s\" was not checked", needs);
        return true;
    }
    row->root = needed->root;
    const check_row *const root = &c->rows[needed->root];
    end_here(c, MLC_CHECK_SKIPPED, NULL, "because of \"%s\", which %s", root->title,
             root->state == MLC_CHECK_FAIL ? "failed" : "was skipped");
    return true;
}

static bool is_barred(mlc_checkup *c)
{
    const check_row *const row = &c->rows[c->at];
    return is_barred_by(c, row->needs) || is_barred_by(c, row->also);
}

static void start_next(mlc_checkup *c)
{
    const int64_t now = mlc_mono_ms();
    const int64_t step = c->opt.step_ms;
    c->rows[c->at].root = c->at;
    if (now >= c->until_ms) {
        c->out_of_time = true;
        end_here(c, MLC_CHECK_SKIPPED, NULL, "because the time for all checks (--timeout) was over");
        return;
    }
    if (is_barred(c))
        return;
    c->running = true;
    c->step_until_ms = now + step < c->until_ms ? now + step : c->until_ms;
    mlc_timer_start(c->timer, c->step_until_ms - now, 0);
    c->rows[c->at].start(c, (unsigned)c->at, c->rows[c->at].user);
}

static void on_timer(void *arg)
{
    mlc_checkup *const c = arg;
    if (c->running) {
        c->out_of_time = c->out_of_time || mlc_mono_ms() >= c->until_ms;
        end_here(c, MLC_CHECK_FAIL, "look whether the peer is overloaded, or give more time by --timeout",
                 "no answer in the time given");
    } else if (c->at < c->count) {
        start_next(c);
    } else if (!c->told) {
        c->told = true;
        c->opt.done(c->opt.user);
    }
}

void mlc_checkup_run(mlc_checkup *checkup)
{
    checkup->begun = true;
    checkup->until_ms = mlc_mono_ms() + checkup->opt.timeout_ms;
    mlc_timer_start(checkup->timer, 0, 0);
}

int64_t mlc_checkup_left(const mlc_checkup *checkup)
{
    const int64_t left = checkup->step_until_ms - mlc_mono_ms();
    return left > 1 ? left : 1;
}

/* ---- ends ---- */

static bool is_current(const mlc_checkup *c, unsigned token)
{
    return c->running && c->at == token;
}

void mlc_checkup_ok(mlc_checkup *checkup, unsigned token, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    if (is_current(checkup, token))
        end_row(checkup, MLC_CHECK_OK, NULL, fmt, args);
    va_end(args);
}

void mlc_checkup_warn(mlc_checkup *checkup, unsigned token, const char *remedy, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    if (is_current(checkup, token))
        end_row(checkup, MLC_CHECK_WARN, remedy, fmt, args);
    va_end(args);
}

void mlc_checkup_fail(mlc_checkup *checkup, unsigned token, const char *remedy, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    if (is_current(checkup, token))
        end_row(checkup, MLC_CHECK_FAIL, remedy, fmt, args);
    va_end(args);
}

void mlc_checkup_skip(mlc_checkup *checkup, unsigned token, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    if (is_current(checkup, token))
        end_row(checkup, MLC_CHECK_SKIPPED, NULL, fmt, args);
    va_end(args);
}

/* ---- results ---- */

mlc_check_state mlc_checkup_state(const mlc_checkup *checkup, const char *id)
{
    const check_row *const row = find(checkup, id);
    return row != NULL && row->ended ? row->state : MLC_CHECK_SKIPPED;
}

bool mlc_checkup_failed(const mlc_checkup *checkup)
{
    for (size_t i = 0; i < checkup->count; i++)
        if (checkup->rows[i].state == MLC_CHECK_FAIL)
            return true;
    return checkup->out_of_time;
}

static mlc_code row_json(const check_row *row, cJSON *list, mlc_error *err)
{
    cJSON *const obj = cJSON_CreateObject();
    mlc_code code = obj != NULL && cJSON_AddItemToArray(list, obj) ? MLC_OK : MLC_E_NOMEM;
    if (code == MLC_OK)
        code = mlc_json_add_str(obj, "id", row->id, err);
    if (code == MLC_OK)
        code = mlc_json_add_str(obj, "title", row->title, err);
    if (code == MLC_OK)
        code = mlc_json_add_str(
            obj, "state", row->state == MLC_CHECK_FAIL ? "fail" : mlc_check_state_name(row->state), err);
    if (code == MLC_OK)
        code = mlc_json_add_str(obj, "detail", row->detail, err);
    return code == MLC_OK ? mlc_json_add_str(obj, "remedy", row->remedy, err) : code;
}

mlc_code mlc_checkup_json(const mlc_checkup *checkup, cJSON **out, mlc_error *err)
{
    cJSON *const tree = cJSON_CreateObject();
    cJSON *const list = cJSON_CreateArray();
    mlc_code code = mlc_json_add_str(tree, "program", checkup->opt.program, err);
    if (code == MLC_OK)
        code = mlc_json_add_bool(tree, "ok", !mlc_checkup_failed(checkup), err);
    for (size_t i = 0; code == MLC_OK && i < checkup->count; i++)
        code = row_json(&checkup->rows[i], list, err);
    if (code == MLC_OK)
        code = mlc_json_add(tree, "checks", list, err);
    else
        cJSON_Delete(list);
    if (code != MLC_OK) {
        cJSON_Delete(tree);
        return mlc_fail(err, MLC_E_NOMEM, "no memory for the report");
    }
    *out = tree;
    return MLC_OK;
}

/* ---- life ---- */

static void free_row(check_row *row)
{
    free(row->id);
    free(row->title);
    free(row->needs);
    free(row->also);
    free(row->detail);
    free(row->remedy);
}

mlc_code mlc_checkup_add(mlc_checkup *checkup, const mlc_check *check, mlc_error *err)
{
    if (find(checkup, check->id) != NULL)
        return MLC_OK;
    if (checkup->count == MLC_CHECKS_MAX)
        return mlc_fail(err, MLC_E_LIMIT, "at most %d checks", MLC_CHECKS_MAX);
    check_row *const rows = realloc(checkup->rows, (checkup->count + 1) * sizeof *rows);
    if (rows == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a check");
    checkup->rows = rows;
    check_row row = {.id = mlc_strdup(check->id),
                     .title = mlc_strdup(check->title),
                     .needs = mlc_strdup(check->needs),
                     .also = mlc_strdup(check->also),
                     .start = check->start,
                     .user = check->user,
                     .state = MLC_CHECK_SKIPPED};
    if (row.id == NULL || row.title == NULL || (check->needs != NULL && row.needs == NULL) ||
        (check->also != NULL && row.also == NULL)) {
        free_row(&row);
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a check");
    }
    rows[checkup->count++] = row;
    return MLC_OK;
}

mlc_code mlc_checkup_open(mlc_checkup **out, const mlc_checkup_options *options, mlc_error *err)
{
    mlc_checkup *const c = calloc(1, sizeof *c);
    if (c == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for the checks");
    c->opt = *options;
    if (c->opt.timeout_ms <= 0)
        c->opt.timeout_ms = TIMEOUT_MS;
    if (c->opt.step_ms <= 0)
        c->opt.step_ms = STEP_MS;
    const mlc_code code = mlc_timer_open(&c->timer, options->loop, on_timer, c, err);
    if (code != MLC_OK) {
        free(c);
        return code;
    }
    *out = c;
    return MLC_OK;
}

void mlc_checkup_close(mlc_checkup *checkup)
{
    if (checkup == NULL)
        return;
    mlc_timer_close(checkup->timer);
    for (size_t i = 0; i < checkup->count; i++)
        free_row(&checkup->rows[i]);
    free(checkup->rows);
    free(checkup);
}
