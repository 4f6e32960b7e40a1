/* trial_routes.c - see trial_routes.h. */
#include "relay/trial_routes.h"

static const mlc_rerun_desk *desk_of(const mlc_trial_desk *desk, mlc_http_req *req, const cJSON *body)
{
    const mlc_trial *const trial = desk->find(desk->user, mlc_json_str(body, "store"));
    if (trial != NULL)
        return mlc_trial_desk_of(trial);
    mlc_http_reply_error(req, 404, 0, "not_found",
                         "store: give the name of a tenant; mlctl status lists them");
    return NULL;
}

static void on_request(mlc_http_req *req, const mlc_trial_desk *trials,
                       void (*ask)(const mlc_rerun_desk *desk, const mlc_rerun_wish *wish, mlc_http_req *req))
{
    cJSON *body = NULL;
    mlc_rerun_wish wish;
    const mlc_rerun_desk *desk = NULL;
    if (mlc_rerun_wish_read(req, &body, &wish) && (desk = desk_of(trials, req, body)) != NULL)
        ask(desk, &wish, req);
    cJSON_Delete(body);
}

static void on_dry_run(mlc_http_req *req, void *user)
{
    on_request(req, user, mlc_rerun_dry);
}

static void on_replay(mlc_http_req *req, void *user)
{
    on_request(req, user, mlc_rerun_replay);
}

size_t mlc_trial_routes(const mlc_trial_desk *desk, mlc_http_route *out)
{
    out[0] = (mlc_http_route){
        .method = "POST", .prefix = "/v1/dry-run", .handler = on_dry_run, .user = (void *)desk};
    out[1] = (mlc_http_route){
        .method = "POST", .prefix = "/v1/replay", .handler = on_replay, .user = (void *)desk};
    return MLC_TRIAL_ROUTES;
}
