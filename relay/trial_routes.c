/* trial_routes.c - see trial_routes.h. */
#include "relay/trial_routes.h"

#include <string.h>

enum { BODY_MAX = 8192, DEPTH = 4, TEXT_MAX = 1024 };

static void refuse(mlc_http_req *req, int status, const char *why)
{
    mlc_http_reply_error(req, status, 0, status == 404 ? "not_found" : "invalid", why);
}

static bool text_fits(const cJSON *body, const char *name)
{
    const cJSON *const member = mlc_json_get(body, name);
    const char *const text = mlc_json_str(body, name);
    return member == NULL || (text != NULL && *text != '\0' && strlen(text) < TEXT_MAX);
}

/* NULL: answered. */
static cJSON *read_body(mlc_http_req *req)
{
    static const char *const names[] = {"store", "key", "correlation", "target", "operator"};
    size_t len = 0;
    cJSON *body = NULL;
    mlc_error err;
    const char *const text = mlc_http_req_body(req, &len);
    if (mlc_json_parse(text, len, BODY_MAX, DEPTH, &body, &err) != MLC_OK) {
        refuse(req, 400, err.message);
        return NULL;
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (text_fits(body, names[i]))
            continue;
        refuse(req, 400,
               "store, key, correlation, target and operator must be texts of 1 to 1023 characters");
        cJSON_Delete(body);
        return NULL;
    }
    return body;
}

static mlc_trial *trial_of(const mlc_trial_desk *desk, mlc_http_req *req, const cJSON *body)
{
    mlc_trial *const trial = desk->find(desk->user, mlc_json_str(body, "store"));
    if (trial == NULL)
        refuse(req, 404, "store: give the name of a tenant; mlctl status lists them");
    return trial;
}

static void on_dry_run(mlc_http_req *req, void *user)
{
    cJSON *const body = read_body(req);
    if (body == NULL)
        return;
    const mlc_trial_wish wish = {.key = mlc_json_str(body, "key"), .person = mlc_json_str(body, "operator")};
    mlc_trial *const trial = trial_of(user, req, body);
    if (trial != NULL && wish.key == NULL)
        refuse(req, 400, "key: missing; give the record as KIND/ID, such as customer/6001");
    else if (trial != NULL)
        mlc_trial_dry_run(trial, &wish, req);
    cJSON_Delete(body);
}

static void on_replay(mlc_http_req *req, void *user)
{
    int64_t audit = 0;
    cJSON *const body = read_body(req);
    if (body == NULL)
        return;
    mlc_trial_wish wish = {.correlation = mlc_json_str(body, "correlation"),
                           .target = mlc_json_str(body, "target"),
                           .person = mlc_json_str(body, "operator")};
    if (mlc_json_int64(body, "audit", &audit, NULL) == MLC_OK && audit > 0)
        wish.audit = (uint64_t)audit;
    mlc_trial *const trial = trial_of(user, req, body);
    if (trial != NULL && (wish.audit == 0) == (wish.correlation == NULL))
        refuse(req, 400, "give either \"audit\", the number of an audit entry, or \"correlation\"");
    else if (trial != NULL)
        mlc_trial_replay(trial, &wish, req);
    cJSON_Delete(body);
}

size_t mlc_trial_routes(const mlc_trial_desk *desk, mlc_http_route *out)
{
    out[0] = (mlc_http_route){
        .method = "POST", .prefix = "/v1/dry-run", .handler = on_dry_run, .user = (void *)desk};
    out[1] = (mlc_http_route){
        .method = "POST", .prefix = "/v1/replay", .handler = on_replay, .user = (void *)desk};
    return MLC_TRIAL_ROUTES;
}
