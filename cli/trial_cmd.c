/* trial_cmd.c - mlctl dry-run, replay. */
#include "cli/http.h"
#include "cli/mlctl.h"
#include "cli/table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static mlc_code add_text(cJSON *body, const char *name, const char *value, mlc_error *err)
{
    return value != NULL ? mlc_json_add_str(body, name, value, err) : MLC_OK;
}

/* ---- a record at the relay ---- */

static void print_differences(const mlctl *ctl, const cJSON *differences)
{
    static const char *const headings[] = {"COLUMN", "NOW", "WOULD BE", NULL};
    mlctl_table table;
    const cJSON *one = NULL;
    mlctl_table_init(&table, headings);
    cJSON_ArrayForEach(one, mlc_json_get(differences, "columns"))
    {
        mlctl_table_cell(&table, mlc_json_str(one, "column"));
        mlctl_table_cell(&table, mlc_json_member_text(one, "old"));
        mlctl_table_cell(&table, mlc_json_member_text(one, "new"));
    }
    if (mlctl_table_rows(&table) > 0)
        mlctl_table_print(&table, ctl->out);
    else
        (void)fputs("no column would change\n", ctl->out);
    mlctl_table_free(&table);
}

/* One outcome; a failed one fails the command, with the program's words. */
static mlc_code print_outcome(const mlctl *ctl, const cJSON *tree, mlc_error *err)
{
    const cJSON *const differences = mlc_json_get(tree, "differences");
    const char *const target = mlc_json_str(tree, "target");
    if (!mlc_json_bool(tree, "ok", false)) {
        const char *const why = mlc_json_str(tree, "error");
        return mlc_fail(err, MLC_E_REJECTED, "%s", why != NULL ? why : "it failed");
    }
    mlctl_print_safe(ctl->out, mlc_json_str(tree, "key"), false);
    if (differences != NULL)
        (void)fputs(mlc_json_bool(differences, "exists", false) ? ": the row is there: " : ": a new row: ",
                    ctl->out);
    else
        (void)fputs(": ", ctl->out);
    mlctl_print_safe(ctl->out, differences != NULL && target != NULL ? target : mlc_json_str(tree, "outcome"),
                     false);
    (void)fputc('\n', ctl->out);
    if (differences != NULL)
        print_differences(ctl, differences);
    return MLC_OK;
}

static mlc_code dry_run_record(const mlctl *ctl, mlc_error *err)
{
    cJSON *tree = NULL;
    cJSON *const body = cJSON_CreateObject();
    mlc_code code = body != NULL ? mlc_json_add_str(body, "key", ctl->args->ref, err)
                                 : mlc_fail(err, MLC_E_NOMEM, "out of memory");
    if (code == MLC_OK)
        code = add_text(body, "store", ctl->args->store, err);
    code = mlctl_http_post(ctl->args, "/v1/dry-run", body, code, &tree, err);
    if (code == MLC_OK && ctl->args->json)
        code = mlctl_print_raw(ctl->out, tree, err);
    else if (code == MLC_OK)
        code = print_outcome(ctl, tree, err);
    cJSON_Delete(tree);
    return code;
}

mlc_code mlctl_replay(const mlctl *ctl, mlc_error *err)
{
    const mlctl_args *const args = ctl->args;
    cJSON *tree = NULL;
    cJSON *const body = cJSON_CreateObject();
    mlc_code code = body != NULL ? add_text(body, "correlation", args->correlation, err)
                                 : mlc_fail(err, MLC_E_NOMEM, "out of memory");
    if (code == MLC_OK && args->seq > 0)
        code = mlc_json_add_int(body, "audit", (int64_t)args->seq, err);
    if (code == MLC_OK)
        code = add_text(body, "store", args->store, err);
    if (code == MLC_OK)
        code = add_text(body, "target", args->target, err);
    if (code == MLC_OK)
        code = add_text(body, "operator", args->person, err);
    code = mlctl_http_post(ctl->args, "/v1/replay", body, code, &tree, err);
    if (code == MLC_OK && args->json)
        code = mlctl_print_raw(ctl->out, tree, err);
    else if (code == MLC_OK) {
        (void)fputs("replayed at ", ctl->out);
        mlctl_print_safe(ctl->out, mlc_json_str(tree, "at"), false);
        (void)fputs("\n", ctl->out);
        code = print_outcome(ctl, tree, err);
    }
    cJSON_Delete(tree);
    return code;
}

/* ---- a flow at the agent ---- */

/* "6001,6002" -> ["6001","6002"] */
static mlc_code add_ids(cJSON *body, const char *text, mlc_error *err)
{
    cJSON *const ids = cJSON_AddArrayToObject(body, "ids");
    char one[128];
    if (ids == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "out of memory");
    while (*text != '\0') {
        const size_t len = strcspn(text, ",");
        if (len == 0 || len >= sizeof one)
            return mlc_fail(err, MLC_E_INVALID, "--id: give ids with commas between, such as 6001,6002");
        (void)snprintf(one, sizeof one, "%.*s", (int)len, text);
        cJSON *const item = cJSON_CreateString(one);
        if (item == NULL || !cJSON_AddItemToArray(ids, item)) {
            cJSON_Delete(item);
            return mlc_fail(err, MLC_E_NOMEM, "out of memory");
        }
        text += len + (text[len] == ',' ? 1 : 0);
    }
    return MLC_OK;
}

static void print_flow(const mlctl *ctl, const cJSON *tree)
{
    static const char *const headings[] = {"RECORD", "WOULD BE SENT AS", "CONTENT", NULL};
    mlctl_table table;
    const cJSON *one = NULL;
    mlctl_table_init(&table, headings);
    cJSON_ArrayForEach(one, mlc_json_get(tree, "records"))
    {
        const char *const why = mlc_json_str(one, "why");
        const cJSON *const record = mlc_json_get(one, "record");
        char *const text = why == NULL ? mlc_json_print(mlc_json_get(record, "rows")) : NULL;
        mlctl_table_cell(&table, mlc_json_str(one, "id"));
        mlctl_table_cell(&table, mlc_json_str(one, "what"));
        mlctl_table_cell(&table, why != NULL ? why : text);
        free(text);
    }
    if (mlctl_table_rows(&table) > 0)
        mlctl_table_print(&table, ctl->out);
    mlctl_table_free(&table);
    (void)fprintf(ctl->out, "%d records%s, %" PRId64 " unchanged; nothing was sent\n",
                  cJSON_GetArraySize(mlc_json_get(tree, "records")),
                  mlc_json_bool(tree, "more", false) ? " and more" : "", mlctl_number(tree, "unchanged"));
}

mlc_code mlctl_dry_run(const mlctl *ctl, mlc_error *err)
{
    cJSON *tree = NULL;
    if (strchr(ctl->args->ref, '/') != NULL)
        return dry_run_record(ctl, err);
    cJSON *const body = cJSON_CreateObject();
    mlc_code code = body != NULL ? mlc_json_add_str(body, "flow", ctl->args->ref, err)
                                 : mlc_fail(err, MLC_E_NOMEM, "out of memory");
    if (code == MLC_OK && ctl->args->ids != NULL)
        code = add_ids(body, ctl->args->ids, err);
    code = mlctl_http_post(ctl->args, "/v1/dry-run", body, code, &tree, err);
    if (code == MLC_OK && ctl->args->json)
        code = mlctl_print_raw(ctl->out, tree, err);
    else if (code == MLC_OK)
        print_flow(ctl, tree);
    cJSON_Delete(tree);
    return code;
}
