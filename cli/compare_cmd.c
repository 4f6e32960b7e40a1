/* compare_cmd.c - mlctl compare: begins a full comparison of JDE and Dynamics, or shows what the last one found. */
#include "cli/http.h"
#include "cli/mlctl.h"
#include "cli/table.h"

#include <string.h>

static void print_kinds(const mlctl *ctl, const cJSON *kinds)
{
    static const char *const headings[] = {"KIND",    "RECORDS",   "MISSING",    "STALE",     "EXTRA",
                                           "CHANGED", "UNDER WAY", "SENT AGAIN", "HELD BACK", NULL};
    static const char *const counts[] = {"records", "missing",  "stale",     "extra",
                                         "changed", "underWay", "sentAgain", "held"};
    mlctl_table table;
    const cJSON *kind = NULL;
    const cJSON *sample = NULL;
    mlctl_table_init(&table, headings);
    cJSON_ArrayForEach(kind, kinds)
    {
        mlctl_table_cell(&table, mlc_json_str(kind, "kind"));
        for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
            mlctl_table_number(&table, mlctl_number(kind, counts[i]));
    }
    mlctl_table_print(&table, ctl->out);
    cJSON_ArrayForEach(kind, kinds)
    {
        cJSON_ArrayForEach(sample, mlc_json_get(kind, "samples"))
        {
            (void)fputs("  ", ctl->out);
            mlctl_print_safe(ctl->out, mlc_json_str(kind, "kind"), false);
            (void)fputs(" ", ctl->out);
            mlctl_print_safe(ctl->out, mlc_json_str(sample, "id"), false);
            (void)fputs(": ", ctl->out);
            mlctl_print_safe(ctl->out, mlc_json_str(sample, "what"), false);
            (void)fputs("\n", ctl->out);
        }
    }
}

static void print_member(const mlctl *ctl, const char *before, const cJSON *obj, const char *name)
{
    const char *const text = mlc_json_str(obj, name);
    if (text == NULL || text[0] == '\0')
        return;
    (void)fputs(before, ctl->out);
    mlctl_print_safe(ctl->out, text, false);
}

static void print_tenant(const mlctl *ctl, const cJSON *tenant)
{
    const cJSON *const last = mlc_json_get(tenant, "last");
    mlctl_print_safe(ctl->out, tenant->string, false);
    if (mlc_json_bool(tenant, "running", false))
        print_member(ctl, ": a comparison is under way, at ", tenant, "phase");
    print_member(ctl, ": next comparison ", tenant, "nextRun");
    (void)fputs("\n", ctl->out);
    if (last == NULL) {
        (void)fputs("  nothing was compared yet\n", ctl->out);
        return;
    }
    print_member(ctl, "  began ", last, "began");
    print_member(ctl, ", ended ", last, "ended");
    (void)fputs(mlc_json_bool(last, "dry", false) ? ", only told\n" : "\n", ctl->out);
    if (!mlc_json_bool(last, "done", false)) {
        print_member(ctl, "  NOT FINISHED: ", last, "error");
        (void)fputs("\n", ctl->out);
    }
    print_kinds(ctl, mlc_json_get(last, "kinds"));
}

static mlc_code show_report(const mlctl *ctl, mlc_error *err)
{
    cJSON *tree = NULL;
    const cJSON *tenant = NULL;
    mlc_code code = mlctl_http_json(ctl->args, "/v1/compare", NULL, &tree, err);
    if (code == MLC_OK && ctl->args->json)
        code = mlctl_print_raw(ctl->out, tree, err);
    else if (code == MLC_OK) {
        cJSON_ArrayForEach(tenant, mlc_json_get(tree, "tenants"))
        {
            if (ctl->args->store == NULL || strcmp(ctl->args->store, tenant->string) == 0)
                print_tenant(ctl, tenant);
        }
    }
    cJSON_Delete(tree);
    return code;
}

mlc_code mlctl_compare(const mlctl *ctl, mlc_error *err)
{
    const mlctl_args *const args = ctl->args;
    cJSON *tree = NULL;
    if (args->report)
        return show_report(ctl, err);
    cJSON *const body = cJSON_CreateObject();
    mlc_code code = body != NULL ? mlc_json_add_bool(body, "dry", args->dry, err)
                                 : mlc_fail(err, MLC_E_NOMEM, "out of memory");
    if (code == MLC_OK && args->store != NULL)
        code = mlc_json_add_str(body, "tenant", args->store, err);
    if (code == MLC_OK && args->kind != NULL)
        code = mlc_json_add_str(body, "kind", args->kind, err);
    code = mlctl_http_post(args, "/v1/compare", body, code, &tree, err);
    if (code == MLC_OK && args->json)
        code = mlctl_print_raw(ctl->out, tree, err);
    else if (code == MLC_OK)
        (void)fputs("the comparison has begun; see mlctl compare --report\n", ctl->out);
    cJSON_Delete(tree);
    return code;
}
