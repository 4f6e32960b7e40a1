/* flow_routes.c - see flow_routes.h. */
#include "agent/flow/flow_routes.h"

#include <stdlib.h>
#include <string.h>

/* POST /v1/poll {"flow": NAME}: run it now; without a name: all. */
static void on_poll_request(mlc_http_req *req, void *user)
{
    enum { BODY_MAX = 4096, DEPTH = 4 };
    mlc_flow_set *const *const set = user;
    mlc_error err;
    cJSON *tree = NULL;
    size_t len = 0;
    const char *const body = mlc_http_req_body(req, &len);
    mlc_code code = len > 0 ? mlc_json_parse(body, len, BODY_MAX, DEPTH, &tree, &err) : MLC_OK;
    const cJSON *const flow = mlc_json_get(tree, "flow");
    if (code == MLC_OK && len > 0 && (!cJSON_IsObject(tree) || (flow != NULL && !cJSON_IsString(flow))))
        code = mlc_fail(&err, MLC_E_INVALID, "the body must be {\"flow\": \"NAME\"} or {} for all");
    if (code == MLC_OK && *set == NULL)
        code = mlc_fail(&err, MLC_E_UNAVAILABLE, "the agent is starting; try again");
    if (code == MLC_OK)
        code = mlc_flow_set_run_now(*set, flow != NULL ? flow->valuestring : NULL, &err);
    static const char done[] = "{\"started\":true}";
    if (code == MLC_OK)
        mlc_http_reply(req, 202, NULL, done, sizeof done - 1);
    else
        mlc_http_reply_error(req,
                             code == MLC_E_NOTFOUND      ? 404
                             : code == MLC_E_UNAVAILABLE ? 503
                                                         : 400,
                             0, code == MLC_E_NOTFOUND ? "unknown" : "refused", err.message);
    cJSON_Delete(tree);
}

/* GET /v1/flows: {"flows":[...]}, see flow_set.h. */
static void on_flows_request(mlc_http_req *req, void *user)
{
    mlc_flow_set *const *const set = user;
    mlc_error err;
    cJSON *const tree = cJSON_CreateObject();
    cJSON *const list = cJSON_AddArrayToObject(tree, "flows");
    mlc_code code = list != NULL ? MLC_OK : mlc_fail(&err, MLC_E_NOMEM, "out of memory");
    if (code == MLC_OK && *set != NULL)
        code = mlc_flow_set_describe(*set, list, &err);
    if (code == MLC_OK) {
        mlc_http_reply_json(req, 200, tree);
        return;
    }
    mlc_http_reply_error(req, 500, 0, "failed", err.message);
    cJSON_Delete(tree);
}

size_t mlc_flow_routes(mlc_flow_set *const *set, mlc_http_route *out)
{
    out[0] = (mlc_http_route){
        .method = "POST", .prefix = "/v1/poll", .handler = on_poll_request, .user = (void *)set};
    out[1] = (mlc_http_route){
        .method = "GET", .prefix = "/v1/flows", .handler = on_flows_request, .user = (void *)set};
    return MLC_FLOW_ROUTES;
}
