/* doctor_hooks.c - are the webhook steps in Dynamics as they must be? The three questions of webhook_steps.h, and nothing is
 * changed. */
#include "relay/doctor_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ASK_ENDPOINTS, ASK_FILTERS, ASK_STEPS };

static mlc_code ask(tenant_doctor *t, int question, mlc_error *err);

static void judge(const tenant_doctor *t)
{
    mlc_buf text = {0};
    mlc_code code = MLC_OK;
    for (size_t i = 0; code == MLC_OK && i < t->hooks.count; i++) {
        const mlc_hook_item *const item = &t->hooks.items[i];
        if (item->state != MLC_HOOK_OK)
            code = mlc_buf_printf(&text, NULL, "%s\"%s\" %s%s%s", text.len > 0 ? "; " : "", item->name,
                                  mlc_hook_state_name(item->state), item->detail[0] != '\0' ? ": " : "",
                                  item->detail);
    }
    if (mlc_hook_all_well(&t->hooks))
        mlc_checkup_ok(t->checkup, t->hook_token,
                       "endpoint and %zu steps are as they must be (its secret cannot be read)",
                       t->hooks.count - 1);
    else
        mlc_checkup_fail(t->checkup, t->hook_token,
                         "run \"mlctl webhooks TENANT --repair\", or set webhooks.register", "%s",
                         mlc_buf_text(&text));
    mlc_buf_free(&text);
}

static void on_answer(void *user, const mlc_odata_answer *answer)
{
    tenant_doctor *const t = user;
    mlc_error err = answer->err;
    mlc_code code = answer->code;
    const cJSON *const rows = mlc_json_get(answer->body, "value");
    if (code == MLC_E_CLOSED)
        return;
    if (code == MLC_OK && !cJSON_IsArray(rows))
        code = mlc_fail(&err, MLC_E_PROTOCOL, "the answer is no list");
    if (code == MLC_OK && t->question == ASK_ENDPOINTS)
        mlc_hook_take_endpoints(&t->plan, rows, &t->hooks);
    else if (code == MLC_OK && t->question == ASK_FILTERS)
        mlc_hook_take_filters(rows, &t->hooks);
    else if (code == MLC_OK)
        mlc_hook_take_steps(rows, &t->hooks);
    if (code == MLC_OK && t->question < ASK_STEPS)
        code = ask(t, t->question + 1, &err);
    else if (code == MLC_OK)
        judge(t);
    if (code != MLC_OK)
        mlc_checkup_fail(
            t->checkup, t->hook_token,
            "give the security role of the application user the right to read SDK message processing "
            "steps and service endpoints",
            "%s", err.message);
}

static mlc_code ask(tenant_doctor *t, int question, mlc_error *err)
{
    mlc_buf path = {0};
    mlc_code code = MLC_OK;
    t->question = question;
    if (question == ASK_ENDPOINTS)
        code = mlc_hook_endpoints_path(&t->plan, &path, err);
    else if (question == ASK_FILTERS)
        code = mlc_hook_filters_path(&t->plan, &path, err);
    else
        code = mlc_hook_steps_path(&t->plan, &path, err);
    if (code == MLC_OK) {
        const mlc_odata_request request = {.method = "GET", .path = mlc_buf_text(&path)};
        code = mlc_odata_send(t->odata, &request, on_answer, t, err);
    }
    mlc_buf_free(&path);
    return code;
}

static void start_hooks(mlc_checkup *checkup, unsigned token, void *user)
{
    tenant_doctor *const t = user;
    char path[64];
    mlc_error err;
    const char *const url = relay_doctor_str(t, "webhooks.public_url");
    size_t len = url != NULL ? strlen(url) : 0;
    if (url == NULL) {
        mlc_checkup_skip(checkup, token,
                         "webhooks.public_url is not set, so it is not known which steps there should be");
        return;
    }
    if (len > 0 && url[len - 1] == '/')
        len--;
    t->hook_token = token;
    t->hook_url = mlc_asprintf("%.*s/v1/webhook/%s", (int)len, url, t->id);
    t->plan = (mlc_hook_plan){
        .name = relay_doctor_str(t, "webhooks.name"),
        .url = t->hook_url,
        .secret =
            mlc_cfg_secret(t->cfg, mlc_cfg_at(path, sizeof path, "tenants[%zu].webhook_secret", t->index)),
        .secret_known = true,
        .addresses =
            mlc_cfg_bool(t->cfg, mlc_cfg_at(path, sizeof path, "tenants[%zu].addresses.enabled", t->index))};
    mlc_hook_check_begin(&t->plan, &t->hooks);
    if (t->hook_url == NULL)
        mlc_checkup_fail(checkup, token, NULL, "out of memory");
    else if (ask(t, ASK_ENDPOINTS, &err) != MLC_OK)
        mlc_checkup_fail(checkup, token, NULL, "%s", err.message);
}

mlc_code relay_doctor_add_hooks(tenant_doctor *t, mlc_error *err)
{
    return relay_doctor_add(t, "webhooks", "webhook steps", "user", NULL, start_hooks, t, err);
}
