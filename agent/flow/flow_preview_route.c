/* flow_preview_route.c - see flow_preview_route.h. */
#include "agent/flow/flow_preview_route.h"

#include <stdlib.h>
#include <string.h>

enum { BODY_MAX = 64 * 1024, DEPTH = 4, IDS_MAX = 100, MAX_DEFAULT = 1000, MAX_MOST = 10000 };
enum { BYTES_MAX = 16 * 1024 * 1024 };

struct preview_call {
    mlc_flow_preview_desk *desk;
    mlc_http_req *req;
    cJSON *body; /* of the request */
    cJSON *answer, *records;
    size_t max, count, bytes, unchanged;
    bool more, failed; /* failed: out of memory */
};

static void free_call(struct preview_call *call)
{
    call->desk->call = NULL;
    cJSON_Delete(call->body);
    cJSON_Delete(call->answer);
    free(call);
}

static void refuse(struct preview_call *call, const mlc_error *err)
{
    const int status = err->code == MLC_E_NOTFOUND   ? 404
                       : err->code == MLC_E_INVALID  ? 400
                       : err->code == MLC_E_CONFLICT ? 409
                                                     : 503;
    mlc_http_reply_error(call->req, status, 0, mlc_code_name(err->code), err->message);
    free_call(call);
}

/* ---- records ---- */

static const char *word_of(mlc_flow_news news)
{
    static const char *const words[] = {[MLC_NEWS_NONE] = "unchanged",
                                        [MLC_NEWS_NEW] = "new",
                                        [MLC_NEWS_CHANGED] = "changed",
                                        [MLC_NEWS_GONE] = "gone",
                                        [MLC_NEWS_FAULTY] = "faulty"};
    return words[news];
}

/* Without ids all are wanted. */
static bool is_wanted(const struct preview_call *call, const char *id)
{
    const cJSON *const ids = mlc_json_get(call->body, "ids");
    const cJSON *one = NULL;
    cJSON_ArrayForEach(one, ids)
    {
        const char *const wanted = mlc_json_text(one);
        const size_t len = strlen(wanted);
        /* "6005" means all records of 6005. */
        if (strncmp(id, wanted, len) == 0 && (id[len] == '\0' || id[len] == '/'))
            return true;
    }
    return cJSON_GetArraySize(ids) == 0;
}

static mlc_code add_record(struct preview_call *call, const mlc_flow_item *item)
{
    cJSON *record = NULL;
    char why[MLC_ERROR_MESSAGE_MAX + MLC_ERROR_CAUSE_MAX];
    cJSON *const one = cJSON_CreateObject();
    mlc_code code = mlc_json_add_str(one, "id", item->id, NULL);
    if (code == MLC_OK)
        code = mlc_json_add_str(one, "what", word_of(item->news), NULL);
    if (code == MLC_OK && item->invalid)
        code = mlc_json_add_str(one, "why", mlc_error_text(&item->why, why, sizeof why), NULL);
    if (code == MLC_OK &&
        mlc_json_parse(mlc_buf_text(&item->payload), item->payload.len, 0, 0, &record, NULL) == MLC_OK)
        code = mlc_json_add(one, item->invalid ? "rows" : "record", record, NULL);
    if (code == MLC_OK && cJSON_AddItemToArray(call->records, one))
        return MLC_OK;
    cJSON_Delete(one);
    return MLC_E_NOMEM;
}

static bool on_item(void *user, const mlc_flow_item *item)
{
    struct preview_call *const call = user;
    const bool asked = cJSON_GetArraySize(mlc_json_get(call->body, "ids")) > 0;
    if (!is_wanted(call, item->id))
        return true;
    if (item->news == MLC_NEWS_NONE) {
        call->unchanged++;
        if (!asked)
            return true;
    }
    if (call->count == call->max || call->bytes > BYTES_MAX) {
        call->more = true;
        return false;
    }
    call->count++;
    call->bytes += item->payload.len;
    call->failed = add_record(call, item) != MLC_OK;
    return !call->failed;
}

static void on_end(void *user, mlc_code code, const mlc_error *why)
{
    struct preview_call *const call = user;
    mlc_error err;
    if (code != MLC_OK) {
        refuse(call, why);
        return;
    }
    (void)mlc_json_add_int(call->answer, "unchanged", (int64_t)call->unchanged, NULL);
    (void)mlc_json_add_bool(call->answer, "more", call->more, NULL);
    char *const text = call->failed ? NULL : mlc_json_print(call->answer);
    if (text == NULL) {
        (void)mlc_fail(&err, MLC_E_NOMEM, "out of memory");
        refuse(call, &err);
        return;
    }
    mlc_http_reply(call->req, 200, NULL, text, strlen(text));
    free(text);
    free_call(call);
}

/* ---- the request ---- */

static mlc_code read_body(struct preview_call *call, mlc_error *err)
{
    size_t len = 0;
    int64_t max = MAX_DEFAULT;
    const char *const body = mlc_http_req_body(call->req, &len);
    const mlc_code code = mlc_json_parse(body, len, BODY_MAX, DEPTH, &call->body, err);
    if (code != MLC_OK)
        return code;
    const cJSON *const ids = mlc_json_get(call->body, "ids");
    const cJSON *one = NULL;
    bool fits = ids == NULL || (cJSON_IsArray(ids) && cJSON_GetArraySize(ids) <= IDS_MAX);
    cJSON_ArrayForEach(one, ids)
    {
        const char *const id = cJSON_IsString(one) ? one->valuestring : "";
        fits = fits && *id != '\0' && *id != '/' && strlen(id) < MLC_POLL_KEY_MAX;
    }
    if (!fits || mlc_json_str(call->body, "flow") == NULL)
        return mlc_fail(err, MLC_E_INVALID,
                        "the body must be {\"flow\": \"NAME\", \"ids\": [\"6001\", ...]} with at most %d ids",
                        IDS_MAX);
    (void)mlc_json_int64(call->body, "max", &max, NULL);
    if (max < 1 || max > MAX_MOST)
        return mlc_fail(err, MLC_E_INVALID, "max: must be from 1 to %d", MAX_MOST);
    call->max = (size_t)max;
    return MLC_OK;
}

static mlc_code begin(struct preview_call *call, mlc_error *err)
{
    char leads[IDS_MAX][MLC_POLL_KEY_MAX];
    const char *ids[IDS_MAX];
    size_t count = 0;
    const cJSON *one = NULL;
    cJSON_ArrayForEach(one, mlc_json_get(call->body, "ids"))
    {
        mlc_strlcpy(leads[count], one->valuestring, sizeof leads[count]);
        leads[count][strcspn(leads[count], "/")] = '\0';
        ids[count] = leads[count];
        count++;
    }
    const mlc_flow_preview preview = {.name = mlc_json_str(call->body, "flow"),
                                      .ids = ids,
                                      .id_count = count,
                                      .on_item = on_item,
                                      .on_end = on_end,
                                      .user = call};
    return mlc_flow_set_preview(*call->desk->set, &preview, err);
}

static void on_request(mlc_http_req *req, void *user)
{
    mlc_flow_preview_desk *const desk = user;
    mlc_error err;
    struct preview_call *const call =
        *desk->set != NULL && desk->call == NULL ? calloc(1, sizeof *call) : NULL;
    if (call == NULL) {
        const bool busy = desk->call != NULL;
        mlc_http_reply_error(req, busy ? 409 : 503, 0, busy ? "conflict" : "unavailable",
                             busy ? "another dry run is under way; try again when it is over"
                                  : "the agent is starting; try again");
        return;
    }
    *call = (struct preview_call){.desk = desk, .req = req, .answer = cJSON_CreateObject()};
    desk->call = call;
    mlc_code code = read_body(call, &err);
    if (code == MLC_OK)
        code = mlc_json_add_str(call->answer, "flow", mlc_json_str(call->body, "flow"), &err);
    if (code == MLC_OK) {
        call->records = cJSON_AddArrayToObject(call->answer, "records");
        code = call->records != NULL ? begin(call, &err) : mlc_fail(&err, MLC_E_NOMEM, "out of memory");
    }
    if (code != MLC_OK)
        refuse(call, &err);
}

mlc_http_route mlc_flow_preview_route(mlc_flow_preview_desk *desk)
{
    return (mlc_http_route){.method = "POST", .prefix = "/v1/dry-run", .handler = on_request, .user = desk};
}

void mlc_flow_preview_end(mlc_flow_preview_desk *desk)
{
    if (desk->call != NULL)
        free_call(desk->call);
}
