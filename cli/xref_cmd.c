/* xref_cmd.c - mlctl xref, xref rebuild: which record of one system is which record of the other. */
#include "cli/http.h"
#include "cli/mlctl.h"
#include "cli/table.h"

#include <inttypes.h>

static void print_links(const mlctl *ctl, const cJSON *links)
{
    static const char *const headings[] = {
        "STORE", "COUNTERPART", "WRITTEN", "SEEN", "HASH OF WHAT WAS WRITTEN", NULL};
    static const char *const members[] = {"store", "other", "written", "seen", "hash"};
    mlctl_table table;
    const cJSON *link = NULL;
    mlctl_table_init(&table, headings);
    cJSON_ArrayForEach(link, links)
    {
        for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
            mlctl_table_cell(&table, mlc_json_str(link, members[i]));
    }
    if (mlctl_table_rows(&table) > 0) {
        mlctl_table_print(&table, ctl->out);
        return;
    }
    (void)fputs("no counterpart is known\n", ctl->out);
    mlctl_table_free(&table);
}

mlc_code mlctl_xref(const mlctl *ctl, mlc_error *err)
{
    mlc_buf path = {0};
    cJSON *tree = NULL;
    mlc_code code = mlc_buf_puts(&path, "/v1/xref", err);
    if (code == MLC_OK)
        code = mlctl_query(&path, "id", ctl->args->ref, err);
    if (code == MLC_OK)
        code = mlctl_query(&path, "store", ctl->args->store, err);
    if (code == MLC_OK)
        code = mlctl_http_json(ctl->args, mlc_buf_text(&path), NULL, &tree, err);
    if (code == MLC_OK && ctl->args->json)
        code = mlctl_print_raw(ctl->out, tree, err);
    else if (code == MLC_OK)
        print_links(ctl, mlc_json_get(tree, "links"));
    cJSON_Delete(tree);
    mlc_buf_free(&path);
    return code;
}

mlc_code mlctl_xref_rebuild(const mlctl *ctl, mlc_error *err)
{
    cJSON *tree = NULL;
    cJSON *const body = cJSON_CreateObject();
    mlc_code code = body != NULL ? mlc_json_add_str(body, "operator", ctl->args->person, err)
                                 : mlc_fail(err, MLC_E_NOMEM, "out of memory");
    if (code == MLC_OK && ctl->args->store != NULL)
        code = mlc_json_add_str(body, "store", ctl->args->store, err);
    code = mlctl_http_post(ctl->args, "/v1/xref/rebuild", body, code, &tree, err);
    if (code == MLC_OK && ctl->args->json)
        code = mlctl_print_raw(ctl->out, tree, err);
    else if (code == MLC_OK)
        (void)fputs("the cross-reference is being read anew; \"mlctl status\" shows how far it is\n",
                    ctl->out);
    cJSON_Delete(tree);
    return code;
}
