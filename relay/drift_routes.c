/* drift_routes.c - see drift_routes.h. */
#include "relay/drift_routes.h"

#include "relay/drift.h"

#include <stdlib.h>
#include <string.h>

static mlc_code read_body(const char *body, size_t len, cJSON **out, mlc_error *err)
{
    enum { BODY_MAX = 4096, DEPTH = 4 };
    if (len == 0)
        return MLC_OK;
    const mlc_code code = mlc_json_parse(body, len, BODY_MAX, DEPTH, out, err);
    const cJSON *const tenant = mlc_json_get(*out, "tenant");
    const cJSON *const kind = mlc_json_get(*out, "kind");
    if (code != MLC_OK)
        return code;
    if (!cJSON_IsObject(*out) || (tenant != NULL && !cJSON_IsString(tenant)) ||
        (kind != NULL && !cJSON_IsString(kind)))
        return mlc_fail(err, MLC_E_INVALID,
                        "the body must be {\"tenant\": T, \"kind\": K, \"dry\": true}; each may be missing");
    return MLC_OK;
}

static mlc_code start(const mlc_drift_desk *desk, const cJSON *body, mlc_error *err)
{
    const char *const tenant = mlc_json_str(body, "tenant");
    bool found = false;
    bool more = true;
    for (size_t i = 0; more; i++) {
        const mlc_tenant *const at = mlc_tenants_at(desk->tenants, i, &more);
        if (at == NULL || (tenant != NULL && strcmp(mlc_tenant_id(at), tenant) != 0))
            continue;
        found = true;
        const mlc_code code = mlc_drift_start(mlc_tenant_drift(at), mlc_json_str(body, "kind"),
                                              mlc_json_bool(body, "dry", false), err);
        if (code != MLC_OK)
            return code;
    }
    return found
               ? MLC_OK
               : mlc_fail(err, MLC_E_NOTFOUND, "tenant \"%.60s\" is not known", tenant != NULL ? tenant : "");
}

static void on_start(mlc_http_req *req, void *user)
{
    static const char done[] = "{\"started\":true}";
    mlc_error err;
    cJSON *tree = NULL;
    size_t len = 0;
    const char *const body = mlc_http_req_body(req, &len);
    mlc_code code = read_body(body, len, &tree, &err);
    if (code == MLC_OK)
        code = start(user, tree, &err);
    cJSON_Delete(tree);
    if (code == MLC_OK)
        mlc_http_reply(req, 202, NULL, done, sizeof done - 1);
    else
        mlc_http_reply_error(req,
                             code == MLC_E_NOTFOUND   ? 404
                             : code == MLC_E_CONFLICT ? 409
                                                      : 400,
                             0, code == MLC_E_NOTFOUND ? "unknown" : "refused", err.message);
}

static void on_report(mlc_http_req *req, void *user)
{
    const mlc_drift_desk *const desk = user;
    cJSON *const tree = cJSON_CreateObject();
    cJSON *const tenants = cJSON_AddObjectToObject(tree, "tenants");
    bool more = true;
    for (size_t i = 0; more; i++) {
        const mlc_tenant *const at = mlc_tenants_at(desk->tenants, i, &more);
        if (at != NULL)
            mlc_drift_describe(mlc_tenant_drift(at), cJSON_AddObjectToObject(tenants, mlc_tenant_id(at)));
    }
    mlc_http_reply_json(req, 200, tree);
}

size_t mlc_drift_routes(const mlc_drift_desk *desk, mlc_http_route *out)
{
    out[0] = (mlc_http_route){
        .method = "POST", .prefix = "/v1/compare", .handler = on_start, .user = (void *)desk};
    out[1] = (mlc_http_route){
        .method = "GET", .prefix = "/v1/compare", .handler = on_report, .user = (void *)desk};
    return MLC_DRIFT_ROUTES;
}
