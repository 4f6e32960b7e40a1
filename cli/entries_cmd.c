/* entries_cmd.c - mlctl status, parked, show, retry, dismiss. */
#include "base/clock.h"
#include "cli/http.h"
#include "cli/mlctl.h"
#include "cli/table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- status ---- */

/* "3d 4h", "5m 10s": how old something is. */
static const char *age_text(char *out, size_t size, int64_t seconds)
{
    if (seconds < 0)
        seconds = 0;
    if (seconds >= 86400)
        (void)snprintf(out, size, "%" PRId64 "d %" PRId64 "h", seconds / 86400, seconds % 86400 / 3600);
    else if (seconds >= 3600)
        (void)snprintf(out, size, "%" PRId64 "h %" PRId64 "m", seconds / 3600, seconds % 3600 / 60);
    else if (seconds >= 60)
        (void)snprintf(out, size, "%" PRId64 "m %" PRId64 "s", seconds / 60, seconds % 60);
    else
        (void)snprintf(out, size, "%" PRId64 "s", seconds);
    return out;
}

static const char *bytes_text(char *out, size_t size, int64_t bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;
    int64_t scaled = bytes;
    while (scaled >= 10240 && unit + 1 < sizeof units / sizeof units[0]) {
        scaled /= 1024;
        unit++;
    }
    (void)snprintf(out, size, "%" PRId64 " %s", scaled, units[unit]);
    return out;
}

static void add_stream(mlctl_table *table, const char *store, const cJSON *stream, int64_t now_ms)
{
    char text[48];
    int64_t oldest = 0;
    const char *const when = mlc_json_str(stream, "oldestLive");
    mlctl_table_cell(table, store);
    mlctl_table_cell(table, mlc_json_str(stream, "name"));
    mlctl_table_number(table, mlctl_number(stream, "ready"));
    mlctl_table_number(table, mlctl_number(stream, "inflight"));
    mlctl_table_number(table, mlctl_number(stream, "parked"));
    mlctl_table_number(table, mlctl_number(stream, "done"));
    mlctl_table_cell(table, bytes_text(text, sizeof text, mlctl_number(stream, "liveBytes")));
    mlctl_table_cell(table, bytes_text(text, sizeof text, mlctl_number(stream, "maxBytes")));
    const bool known = when != NULL && mlc_iso_parse(when, &oldest, NULL) == MLC_OK;
    mlctl_table_cell(table, known ? age_text(text, sizeof text, (now_ms - oldest) / 1000) : NULL);
}

/* Members of the program's own: "name  value", objects as JSON. */
static void print_members(const mlctl *ctl, const cJSON *status)
{
    const cJSON *node = NULL;
    cJSON_ArrayForEach(node, status)
    {
        if (strcmp(node->string, "stores") == 0 || strcmp(node->string, "aside") == 0)
            continue;
        char *const json = mlc_json_text(node) == NULL ? mlc_json_print(node) : NULL;
        mlctl_print_safe(ctl->out, node->string, false);
        (void)fputs(": ", ctl->out);
        mlctl_print_safe(ctl->out, json != NULL ? json : mlc_json_text(node), false);
        (void)fputc('\n', ctl->out);
        free(json);
    }
}

static void print_status(const mlctl *ctl, const cJSON *status)
{
    static const char *const headings[] = {"STORE", "STREAM", "READY", "IN FLIGHT", "PARKED",
                                           "DONE",  "LIVE",   "LIMIT", "OLDEST",    NULL};
    mlctl_table table;
    int64_t now = 0;
    const cJSON *store = NULL;
    const cJSON *stream = NULL;
    const char *const time = mlc_json_str(status, "time");
    if (time == NULL || mlc_iso_parse(time, &now, NULL) != MLC_OK)
        now = mlc_wall_ms();
    print_members(ctl, status);
    mlctl_table_init(&table, headings);
    cJSON_ArrayForEach(store, mlc_json_get(status, "stores"))
    {
        const char *const error = mlc_json_str(store, "error");
        if (error != NULL) {
            (void)fputs("store ", ctl->out);
            mlctl_print_safe(ctl->out, mlc_json_str(store, "name"), false);
            (void)fputs(" cannot be read: ", ctl->out);
            mlctl_print_safe(ctl->out, error, false);
            (void)fputc('\n', ctl->out);
        }
        cJSON_ArrayForEach(stream, mlc_json_get(store, "streams"))
        {
            add_stream(&table, mlc_json_str(store, "name"), stream, now);
        }
    }
    mlctl_table_print(&table, ctl->out);
}

mlc_code mlctl_status(const mlctl *ctl, mlc_error *err)
{
    cJSON *tree = NULL;
    mlc_code code = mlctl_http_json(ctl->args, "/v1/status", NULL, &tree, err);
    if (code == MLC_OK && ctl->args->json)
        code = mlctl_print_raw(ctl->out, tree, err);
    else if (code == MLC_OK)
        print_status(ctl, tree);
    cJSON_Delete(tree);
    return code;
}

/* ---- parked ---- */

static void add_parked(mlctl_table *table, const cJSON *entries)
{
    const cJSON *entry = NULL;
    cJSON_ArrayForEach(entry, entries)
    {
        mlctl_table_cell(table, mlc_json_str(entry, "store"));
        mlctl_table_cell(table, mlc_json_str(entry, "stream"));
        mlctl_table_number(table, mlctl_number(entry, "seq"));
        mlctl_table_cell(table, mlc_json_str(entry, "kind"));
        mlctl_table_cell(table, mlc_json_str(entry, "key"));
        mlctl_table_number(table, mlctl_number(entry, "attempts"));
        mlctl_table_cell(table, mlc_json_str(entry, "created"));
        mlctl_table_cell(table, mlc_json_str(entry, "errorCode"));
        mlctl_table_cell(table, mlc_json_str(entry, "lastError"));
    }
}

/* One page; *next is where the next one begins, 0 when there is none, *more when some were left out. */
static mlc_code parked_page(const mlctl *ctl, int64_t from, mlctl_table *table, int64_t *next, bool *more,
                            mlc_error *err)
{
    mlc_buf path = {0};
    cJSON *tree = NULL;
    mlc_code code = mlc_buf_printf(&path, err, "/v1/parked?max=1000&from=%" PRId64, from);
    if (code == MLC_OK)
        code = mlctl_query(&path, "store", ctl->args->store, err);
    if (code == MLC_OK)
        code = mlctl_query(&path, "stream", ctl->args->stream, err);
    if (code == MLC_OK)
        code = mlctl_http_json(ctl->args, mlc_buf_text(&path), NULL, &tree, err);
    if (code == MLC_OK) {
        *next = mlctl_number(tree, "next");
        *more = mlc_json_bool(tree, "more", false);
        if (ctl->args->json)
            code = mlctl_print_raw(ctl->out, tree, err);
        else
            add_parked(table, mlc_json_get(tree, "entries"));
    }
    cJSON_Delete(tree);
    mlc_buf_free(&path);
    return code;
}

mlc_code mlctl_parked(const mlctl *ctl, mlc_error *err)
{
    static const char *const headings[] = {"STORE",    "STREAM",  "SEQ",  "KIND",  "KEY",
                                           "ATTEMPTS", "CREATED", "CODE", "ERROR", NULL};
    mlctl_table table;
    int64_t next = 1;
    bool more = false;
    mlc_code code = MLC_OK;
    mlctl_table_init(&table, headings);
    while (code == MLC_OK && next > 0) {
        const int64_t from = next;
        next = 0;
        code = parked_page(ctl, from, &table, &next, &more, err);
        if (next <= from)
            next = 0;
    }
    const bool told = code == MLC_OK && !ctl->args->json;
    if (told && mlctl_table_rows(&table) > 0)
        mlctl_table_print(&table, ctl->out);
    else if (told)
        (void)fputs("nothing is parked\n", ctl->out);
    if (told && more)
        (void)fputs("there are more: name one with --store and --stream\n", ctl->out);
    mlctl_table_free(&table);
    return code;
}

/* ---- show ---- */

static void print_history(const mlctl *ctl, const cJSON *history)
{
    static const char *const headings[] = {"TIME", "ACTOR", "ACTION", "ATTEMPT", "OUTCOME", "DETAIL", NULL};
    static const char *const members[] = {"at", "actor", "action", "attempt", "outcome", "detail"};
    mlctl_table table;
    const cJSON *event = NULL;
    mlctl_table_init(&table, headings);
    cJSON_ArrayForEach(event, history)
    {
        for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
            mlctl_table_cell(&table, mlc_json_member_text(event, members[i]));
    }
    (void)fputs("\nhistory\n", ctl->out);
    mlctl_table_print(&table, ctl->out);
}

static void print_entry(const mlctl *ctl, const cJSON *entry)
{
    const cJSON *node = NULL;
    cJSON_ArrayForEach(node, entry)
    {
        const char *const text = mlc_json_text(node);
        if (strcmp(node->string, "payload") == 0 || strcmp(node->string, "history") == 0)
            continue;
        if (cJSON_IsNull(node) || (text != NULL && text[0] == '\0'))
            continue;
        (void)fprintf(ctl->out, "%-13s ", node->string);
        mlctl_print_safe(ctl->out, text != NULL ? text : cJSON_IsTrue(node) ? "yes" : "no", false);
        (void)fputc('\n', ctl->out);
    }
    const cJSON *const payload = mlc_json_get(entry, "payload");
    char *const pretty = payload != NULL ? cJSON_Print(payload) : NULL;
    (void)fputs("\npayload\n", ctl->out);
    mlctl_print_safe(ctl->out, pretty, true);
    (void)fputc('\n', ctl->out);
    cJSON_free(pretty);
    print_history(ctl, mlc_json_get(entry, "history"));
}

mlc_code mlctl_show(const mlctl *ctl, mlc_error *err)
{
    mlc_buf path = {0};
    cJSON *tree = NULL;
    mlc_code code = mlc_buf_printf(&path, err, "/v1/entry?seq=%" PRIu64, ctl->args->seq);
    if (code == MLC_OK)
        code = mlctl_query(&path, "store", ctl->args->store, err);
    if (code == MLC_OK)
        code = mlctl_query(&path, "stream", ctl->args->stream, err);
    if (code == MLC_OK)
        code = mlctl_http_json(ctl->args, mlc_buf_text(&path), NULL, &tree, err);
    if (code == MLC_OK && ctl->args->json)
        code = mlctl_print_raw(ctl->out, tree, err);
    else if (code == MLC_OK)
        print_entry(ctl, tree);
    cJSON_Delete(tree);
    mlc_buf_free(&path);
    return code;
}

/* ---- retry, dismiss ---- */

static mlc_code decision_body(const mlctl_args *args, char **out, mlc_error *err)
{
    cJSON *const body = cJSON_CreateObject();
    if (body == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "out of memory");
    mlc_code code = mlc_json_add_str(body, "store", args->store, err);
    if (code == MLC_OK)
        code = mlc_json_add_str(body, "stream", args->stream, err);
    if (code == MLC_OK)
        code = args->all ? mlc_json_add_bool(body, "all", true, err)
                         : mlc_json_add_int(body, "seq", (int64_t)args->seq, err);
    if (code == MLC_OK && args->reason != NULL)
        code = mlc_json_add_str(body, "reason", args->reason, err);
    if (code == MLC_OK && args->kind != NULL)
        code = mlc_json_add_str(body, "kind", args->kind, err);
    if (code == MLC_OK && args->code != NULL)
        code = mlc_json_add_str(body, "code", args->code, err);
    if (code == MLC_OK && args->older_s > 0)
        code = mlc_json_add_int(body, "olderSeconds", args->older_s, err);
    if (code == MLC_OK && args->refresh)
        code = mlc_json_add_bool(body, "refresh", true, err);
    if (code == MLC_OK)
        code = mlc_json_add_str(body, "operator", args->person, err);
    *out = code == MLC_OK ? mlc_json_print(body) : NULL;
    cJSON_Delete(body);
    return code == MLC_OK && *out == NULL ? mlc_fail(err, MLC_E_NOMEM, "out of memory") : code;
}

static mlc_code decide(const mlctl *ctl, const char *path, cJSON **tree, mlc_error *err)
{
    char *body = NULL;
    *tree = NULL;
    mlc_code code = decision_body(ctl->args, &body, err);
    if (code == MLC_OK)
        code = mlctl_http_json(ctl->args, path, body, tree, err);
    free(body);
    if (code == MLC_OK && ctl->args->json)
        code = mlctl_print_raw(ctl->out, *tree, err);
    return code;
}

mlc_code mlctl_retry(const mlctl *ctl, mlc_error *err)
{
    cJSON *tree = NULL;
    const mlctl_args *const args = ctl->args;
    const mlc_code code = decide(ctl, "/v1/retry", &tree, err);
    if (code == MLC_OK && !args->json && args->refresh)
        (void)fprintf(ctl->out, "%" PRId64 " records are to be taken again from their source\n",
                      mlctl_number(tree, "refreshed"));
    else if (code == MLC_OK && !args->json && args->all)
        (void)fprintf(ctl->out, "%" PRId64 " entries are to be delivered again\n",
                      mlctl_number(tree, "released"));
    else if (code == MLC_OK && !args->json && (uint64_t)mlctl_number(tree, "seq") != args->seq)
        (void)fprintf(ctl->out, "entry %" PRIu64 " is to be delivered again, as entry %" PRId64 "\n",
                      args->seq, mlctl_number(tree, "seq"));
    else if (code == MLC_OK && !args->json)
        (void)fprintf(ctl->out, "entry %" PRIu64 " is to be delivered again\n", args->seq);
    cJSON_Delete(tree);
    return code;
}

mlc_code mlctl_dismiss(const mlctl *ctl, mlc_error *err)
{
    cJSON *tree = NULL;
    const mlc_code code = decide(ctl, "/v1/dismiss", &tree, err);
    if (code == MLC_OK && !ctl->args->json)
        (void)fprintf(ctl->out, "entry %" PRIu64 " is dismissed\n", ctl->args->seq);
    cJSON_Delete(tree);
    return code;
}
