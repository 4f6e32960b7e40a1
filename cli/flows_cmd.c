/* flows_cmd.c - mlctl flows, poll. */
#include "cli/http.h"
#include "cli/mlctl.h"
#include "cli/table.h"

#include <inttypes.h>
#include <string.h>

/* ---- flows ---- */

/* "45 %, 120000 of 266000, 1h 20m left"; of a first load only. */
static const char *progress_text(char *out, size_t size, const cJSON *load)
{
    const int64_t total = mlctl_number(load, "total");
    const int64_t left = mlctl_number(load, "secondsLeft");
    const int64_t done = mlctl_number(load, "done");
    if (load == NULL)
        return NULL;
    if (total == 0) {
        (void)snprintf(out, size, "%" PRId64 " rows", done);
        return out;
    }
    int n = snprintf(out, size, "%" PRId64 " %%, %" PRId64 " of %" PRId64, mlctl_number(load, "percent"),
                     done, total);
    if (left > 0 && n > 0 && (size_t)n < size) {
        if (left >= 3600)
            (void)snprintf(out + n, size - (size_t)n, ", %" PRId64 "h %" PRId64 "m left", left / 3600,
                           left % 3600 / 60);
        else
            (void)snprintf(out + n, size - (size_t)n, ", %" PRId64 "m %" PRId64 "s left", left / 60,
                           left % 60);
    }
    return out;
}

/* "2026-11-24T02:00:17.123Z" -> "2026-11-24 02:00:17Z" */
static void time_cell(mlctl_table *table, const char *iso)
{
    char text[32];
    if (iso == NULL || strlen(iso) < 19) {
        mlctl_table_cell(table, NULL);
        return;
    }
    (void)snprintf(text, sizeof text, "%.10s %.8sZ", iso, iso + 11);
    mlctl_table_cell(table, text);
}

static void print_flows(const mlctl *ctl, const cJSON *flows)
{
    static const char *const headings[] = {"FLOW", "STATE", "LAST START", "LAST END", "NEXT RUN",   "ROWS",
                                           "SENT", "GONE",  "INVALID",    "ROWS/S",   "FIRST LOAD", NULL};
    static const char *const counts[] = {"rows", "sent", "gone", "invalid", "rate"};
    char text[96];
    mlctl_table table;
    const cJSON *flow = NULL;
    mlctl_table_init(&table, headings);
    cJSON_ArrayForEach(flow, flows)
    {
        mlctl_table_cell(&table, mlc_json_str(flow, "name"));
        mlctl_table_cell(&table, mlc_json_str(flow, "state"));
        time_cell(&table, mlc_json_str(flow, "lastStart"));
        time_cell(&table, mlc_json_str(flow, "lastEnd"));
        time_cell(&table, mlc_json_str(flow, "nextRun"));
        for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
            mlctl_table_number(&table, mlctl_number(flow, counts[i]));
        mlctl_table_cell(&table, progress_text(text, sizeof text, mlc_json_get(flow, "firstLoad")));
    }
    mlctl_table_print(&table, ctl->out);
    cJSON_ArrayForEach(flow, flows)
    {
        const char *const error = mlc_json_str(flow, "lastError");
        if (error == NULL || error[0] == '\0')
            continue;
        mlctl_print_safe(ctl->out, mlc_json_str(flow, "name"), false);
        (void)fputs(": ", ctl->out);
        mlctl_print_safe(ctl->out, error, false);
        (void)fputc('\n', ctl->out);
    }
}

mlc_code mlctl_flows(const mlctl *ctl, mlc_error *err)
{
    cJSON *tree = NULL;
    mlc_code code = mlctl_http_json(ctl->args, "/v1/flows", NULL, &tree, err);
    const cJSON *const flows = mlc_json_get(tree, "flows");
    if (code == MLC_OK && ctl->args->json)
        code = mlctl_print_raw(ctl->out, tree, err);
    else if (code == MLC_OK && cJSON_GetArraySize(flows) == 0)
        (void)fputs("no flow is enabled\n", ctl->out);
    else if (code == MLC_OK)
        print_flows(ctl, flows);
    cJSON_Delete(tree);
    return code;
}

/* ---- poll ---- */

mlc_code mlctl_poll(const mlctl *ctl, mlc_error *err)
{
    cJSON *tree = NULL;
    const char *const flow = ctl->args->flow;
    cJSON *const body = cJSON_CreateObject();
    mlc_code code = body != NULL ? MLC_OK : mlc_fail(err, MLC_E_NOMEM, "out of memory");
    if (code == MLC_OK && flow != NULL)
        code = mlc_json_add_str(body, "flow", flow, err);
    code = mlctl_http_post(ctl->args, "/v1/poll", body, code, &tree, err);
    if (code == MLC_OK && ctl->args->json)
        code = mlctl_print_raw(ctl->out, tree, err);
    else if (code == MLC_OK) {
        (void)fputs(flow != NULL ? "flow " : "all flows run as soon as there is room; see mlctl flows\n",
                    ctl->out);
        if (flow != NULL) {
            mlctl_print_safe(ctl->out, flow, false);
            (void)fputs(" runs as soon as there is room; see mlctl flows\n", ctl->out);
        }
    }
    cJSON_Delete(tree);
    return code;
}
