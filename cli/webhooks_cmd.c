/* webhooks_cmd.c - mlctl webhooks: the webhook steps of a tenant in Dynamics, looked at or mended by the relay. */
#include "cli/http.h"
#include "cli/mlctl.h"
#include "cli/table.h"

#include <stdlib.h>

static mlc_code ask(const mlctl *ctl, cJSON **tree, mlc_error *err)
{
    const mlctl_args *const args = ctl->args;
    mlc_buf path = {0};
    cJSON *body = NULL;
    char *text = NULL;
    mlc_code code = mlc_buf_puts(&path, "/v1/webhooks", err);
    if (code == MLC_OK && !args->repair)
        code = mlctl_query(&path, "tenant", args->tenant, err);
    if (code == MLC_OK && args->repair) {
        body = cJSON_CreateObject();
        code = body != NULL ? mlc_json_add_str(body, "tenant", args->tenant, err)
                            : mlc_fail(err, MLC_E_NOMEM, "out of memory");
        if (code == MLC_OK && (text = mlc_json_print(body)) == NULL)
            code = mlc_fail(err, MLC_E_NOMEM, "out of memory");
    }
    if (code == MLC_OK)
        code = mlctl_http_json(args, mlc_buf_text(&path), text, tree, err);
    free(text);
    cJSON_Delete(body);
    mlc_buf_free(&path);
    return code;
}

static void print_items(const mlctl *ctl, const cJSON *items)
{
    static const char *const headings[] = {"name", "state", "repaired", "detail", NULL};
    mlctl_table table;
    const cJSON *item = NULL;
    mlctl_table_init(&table, headings);
    cJSON_ArrayForEach(item, items)
    {
        mlctl_table_cell(&table, mlc_json_str(item, "name"));
        mlctl_table_cell(&table, mlc_json_str(item, "state"));
        mlctl_table_cell(&table, mlc_json_bool(item, "repaired", false) ? "yes" : NULL);
        mlctl_table_cell(&table, mlc_json_str(item, "detail"));
    }
    mlctl_table_print(&table, ctl->out);
}

mlc_code mlctl_webhooks(const mlctl *ctl, mlc_error *err)
{
    cJSON *tree = NULL;
    mlc_code code = ask(ctl, &tree, err);
    if (code == MLC_OK && ctl->args->json)
        code = mlctl_print_raw(ctl->out, tree, err);
    else if (code == MLC_OK)
        print_items(ctl, mlc_json_get(tree, "items"));
    if (code == MLC_OK && !mlc_json_bool(tree, "ok", false))
        code =
            mlc_fail(err, MLC_E_REJECTED, "not all steps are as they must be%s",
                     ctl->args->repair ? "; see the details" : "; mlctl webhooks TENANT --repair mends them");
    cJSON_Delete(tree);
    return code;
}
