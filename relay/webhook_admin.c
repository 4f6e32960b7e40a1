/* webhook_admin.c - see webhook_admin.h. */
#include "relay/webhook_admin.h"

#include <stdlib.h>
#include <string.h>

enum { BODY_MAX = 4096, BODY_DEPTH = 4 };

static int status_of(mlc_code code)
{
    switch (code) {
    case MLC_E_CONFLICT:
        return 409;
    case MLC_E_INVALID:
        return 400;
    case MLC_E_NOTFOUND:
        return 404;
    default:
        return 503;
    }
}

static void reply_failure(mlc_http_req *req, const mlc_error *err)
{
    char text[MLC_ERROR_MESSAGE_MAX + MLC_ERROR_CAUSE_MAX];
    mlc_http_reply_error(req, status_of(err->code), 0, mlc_code_name(err->code),
                         mlc_error_text(err, text, sizeof text));
}

static mlc_code add_item(cJSON *list, const mlc_hook_item *item, bool repaired, mlc_error *err)
{
    cJSON *const row = cJSON_CreateObject();
    if (row == NULL || !cJSON_AddItemToArray(list, row)) {
        cJSON_Delete(row);
        return mlc_fail(err, MLC_E_NOMEM, "no memory for an answer");
    }
    mlc_code code = mlc_json_add_str(row, "name", item->name, err);
    if (code == MLC_OK)
        code = mlc_json_add_str(row, "state", mlc_hook_state_name(item->state), err);
    if (code == MLC_OK)
        code = mlc_json_add_str(row, "detail", item->detail, err);
    if (code == MLC_OK)
        code = mlc_json_add_bool(row, "repaired", repaired, err);
    return code;
}

static void on_done(void *user, mlc_code code, const mlc_error *why, const mlc_hook_check *check,
                    const bool *repaired)
{
    mlc_http_req *const req = user;
    mlc_error err;
    if (code != MLC_OK) {
        reply_failure(req, why);
        return;
    }
    cJSON *const tree = cJSON_CreateObject();
    cJSON *const list = cJSON_AddArrayToObject(tree, "items");
    code = list != NULL ? mlc_json_add_bool(tree, "ok", mlc_hook_all_well(check), &err)
                        : mlc_fail(&err, MLC_E_NOMEM, "no memory for an answer");
    for (size_t i = 0; code == MLC_OK && i < check->count; i++)
        code = add_item(list, &check->items[i], repaired[i], &err);
    if (code == MLC_OK) {
        mlc_http_reply_json(req, 200, tree);
        return;
    }
    mlc_http_reply_error(req, 503, 0, "nomem", "out of memory, ask again");
    cJSON_Delete(tree);
}

static void run(const mlc_webhook_admin *admin, const char *tenant, bool repair, mlc_http_req *req)
{
    mlc_error err;
    mlc_hook_setup *const setup = tenant != NULL ? admin->find(admin->user, tenant) : NULL;
    mlc_code code = setup != NULL ? MLC_OK
                                  : mlc_fail(&err, MLC_E_NOTFOUND, "no tenant \"%.64s\" is configured",
                                             tenant != NULL ? tenant : "");
    if (code == MLC_OK)
        code = mlc_hook_setup_run(setup, repair, on_done, req, &err);
    if (code != MLC_OK)
        reply_failure(req, &err);
}

void mlc_webhook_admin_get(mlc_http_req *req, void *user)
{
    run(user, mlc_http_req_query(req, "tenant"), false, req);
}

void mlc_webhook_admin_post(mlc_http_req *req, void *user)
{
    mlc_error err;
    size_t len = 0;
    cJSON *body = NULL;
    const char *const text = mlc_http_req_body(req, &len);
    if (mlc_json_parse(text, len, BODY_MAX, BODY_DEPTH, &body, &err) != MLC_OK) {
        reply_failure(req, &err);
        return;
    }
    run(user, mlc_json_str(body, "tenant"), true, req);
    cJSON_Delete(body);
}
