/* agents_cmd.c - mlctl agents, enroll-token, revoke: what the relay knows of its agents. */
#include "cli/http.h"
#include "cli/mlctl.h"
#include "cli/table.h"

#include <string.h>

/* ---- agents ---- */

static size_t column_of(const char **headings, size_t count, const char *name)
{
    size_t i = 0;
    while (i < count && strcmp(headings[i], name) != 0)
        i++;
    return i;
}

/* Whatever members the relay tells of an agent are columns, in the order of their first appearance. */
static void print_agents(const mlctl *ctl, const cJSON *agents)
{
    const char *headings[MLCTL_COLUMNS_MAX + 1] = {NULL};
    size_t count = 0;
    mlctl_table table;
    const cJSON *agent = NULL;
    const cJSON *member = NULL;
    cJSON_ArrayForEach(agent, agents)
    {
        cJSON_ArrayForEach(member, agent)
        {
            if (count < MLCTL_COLUMNS_MAX && column_of(headings, count, member->string) == count)
                headings[count++] = member->string;
        }
    }
    if (count == 0) {
        (void)fputs("no agent is known\n", ctl->out);
        return;
    }
    mlctl_table_init(&table, headings);
    cJSON_ArrayForEach(agent, agents)
    {
        for (size_t i = 0; i < count; i++) {
            const cJSON *const node = mlc_json_get(agent, headings[i]);
            const char *const text = mlc_json_text(node);
            mlctl_table_cell(&table, text != NULL          ? text
                                     : cJSON_IsTrue(node)  ? "yes"
                                     : cJSON_IsFalse(node) ? "no"
                                                           : NULL);
        }
    }
    mlctl_table_print(&table, ctl->out);
}

mlc_code mlctl_agents(const mlctl *ctl, mlc_error *err)
{
    cJSON *tree = NULL;
    mlc_code code = mlctl_http_json(ctl->args, "/v1/agents", NULL, &tree, err);
    if (code == MLC_OK && ctl->args->json)
        code = mlctl_print_raw(ctl->out, tree, err);
    else if (code == MLC_OK)
        print_agents(ctl, cJSON_IsArray(tree) ? tree : mlc_json_get(tree, "agents"));
    cJSON_Delete(tree);
    return code;
}

/* ---- enroll-token, revoke ---- */

static mlc_code post_agent(const mlctl *ctl, const char *path, bool with_ttl, cJSON **tree, mlc_error *err)
{
    const mlctl_args *const args = ctl->args;
    cJSON *const body = cJSON_CreateObject();
    *tree = NULL;
    if (body == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "out of memory");
    mlc_code code = mlc_json_add_str(body, "tenant", args->tenant, err);
    if (code == MLC_OK)
        code = mlc_json_add_str(body, "agent", args->agent, err);
    if (code == MLC_OK && with_ttl)
        code = mlc_json_add_int(body, "ttlSeconds", args->ttl_s, err);
    if (code == MLC_OK)
        code = mlc_json_add_str(body, "operator", args->person, err);
    code = mlctl_http_post(args, path, body, code, tree, err);
    if (code == MLC_OK && args->json)
        code = mlctl_print_raw(ctl->out, *tree, err);
    return code;
}

mlc_code mlctl_enroll_token(const mlctl *ctl, mlc_error *err)
{
    cJSON *tree = NULL;
    mlc_code code = post_agent(ctl, "/v1/enroll-tokens", true, &tree, err);
    const char *const token = mlc_json_str(tree, "token");
    if (code == MLC_OK && token == NULL)
        code = mlc_fail(err, MLC_E_PROTOCOL, "the relay's answer holds no token");
    if (code == MLC_OK && !ctl->args->json) {
        (void)fputs("token    ", ctl->out);
        mlctl_print_safe(ctl->out, token, false);
        (void)fputs("\nexpires  ", ctl->out);
        mlctl_print_safe(ctl->out, mlc_json_member_text(tree, "expires"), false);
        (void)fputs("\nIt is shown once and can be used once. Hand it over on a way you trust.\n", ctl->out);
    }
    cJSON_Delete(tree);
    return code;
}

mlc_code mlctl_revoke(const mlctl *ctl, mlc_error *err)
{
    cJSON *tree = NULL;
    const mlc_code code = post_agent(ctl, "/v1/revoke", false, &tree, err);
    if (code == MLC_OK && !ctl->args->json) {
        (void)fputs("agent ", ctl->out);
        mlctl_print_safe(ctl->out, ctl->args->agent, false);
        (void)fputs(" is shut out; it needs a new enroll-token to come back\n", ctl->out);
    }
    cJSON_Delete(tree);
    return code;
}
