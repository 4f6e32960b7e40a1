#include "net/http_server_private.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { HEAD_MAX = 512 };

void mlc_http_req_free(mlc_http_req *req)
{
    if (req == NULL)
        return;
    while (req->kept != NULL) {
        http_kept_header *kept = req->kept;
        req->kept = kept->next;
        if (kept->value != NULL)
            mlc_wipe(kept->value, strlen(kept->value));
        free(kept->value);
        free(kept);
    }
    free(req->path);
    free(req->query);
    mlc_buf_wipe(&req->body); /* enrolment and webhooks carry secrets */
    free(req);
}

const char *mlc_http_req_method(const mlc_http_req *req)
{
    return req->method;
}

const char *mlc_http_req_path(const mlc_http_req *req)
{
    return req->path;
}

const char *mlc_http_req_body(const mlc_http_req *req, size_t *len)
{
    if (len != NULL)
        *len = req->body.len;
    return mlc_buf_text(&req->body);
}

const char *mlc_http_req_query(const mlc_http_req *req, const char *name)
{
    size_t name_len = strlen(name);
    for (const char *p = req->query; *p != '\0'; p += strlen(p) + 1) {
        if (strncmp(p, name, name_len) != 0)
            continue;
        if (p[name_len] == '=')
            return p + name_len + 1;
        if (p[name_len] == '\0')
            return p + name_len;
    }
    return NULL;
}

const char *mlc_http_req_peer(const mlc_http_req *req)
{
    return req->peer;
}

const char *mlc_http_req_header(const mlc_http_req *req, const char *name)
{
    for (const http_kept_header *kept = req->kept; kept != NULL; kept = kept->next)
        if (strcmp(kept->name, name) == 0)
            return kept->value;
    if (req->conn == NULL || req->conn->wsi == NULL)
        return NULL;
    size_t name_size = strlen(name) + 1;
    http_kept_header *kept = malloc(sizeof(*kept) + name_size);
    if (kept == NULL)
        return NULL;
    memcpy(kept->name, name, name_size);
    kept->value = mlc_http_wsi_header(req->conn->wsi, name);
    /* Remembering what was read does not change the request a caller sees. */
    mlc_http_req *cache = req->conn->req;
    kept->next = cache->kept;
    cache->kept = kept;
    return kept->value;
}

const char *mlc_http_req_client_name(const mlc_http_req *req)
{
    if (req->client_name[0] != '\0')
        return req->client_name;
    if (req->conn == NULL || req->conn->wsi == NULL)
        return NULL;
    union lws_tls_cert_info_results info;
    memset(&info, 0, sizeof(info));
    if (lws_tls_peer_cert_info(req->conn->wsi, LWS_TLS_CERT_INFO_VERIFIED, &info, 0) != 0 || !info.verified)
        return NULL;
    memset(&info, 0, sizeof(info));
    if (lws_tls_peer_cert_info(req->conn->wsi, LWS_TLS_CERT_INFO_COMMON_NAME, &info, sizeof(info.ns.name)) !=
        0)
        return NULL;
    mlc_http_req *cache = req->conn->req;
    mlc_strlcpy(cache->client_name, info.ns.name, sizeof(cache->client_name));
    return cache->client_name[0] != '\0' ? cache->client_name : NULL;
}

/* ---- answers ---- */

static const char *reason_of(int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {411, "Length Required"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {422, "Unprocessable Content"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {507, "Insufficient Storage"},
    };
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Status";
}

static bool has_no_body(const mlc_http_req *req, int status)
{
    return status == 204 || status == 304 || strcmp(req->method, "HEAD") == 0;
}

/* RFC 9110, section 5.6.7. By its Date a peer sees how far our clocks are apart. */
static void write_date(char *out, size_t size)
{
    struct tm utc;
    const time_t now = time(NULL);
    out[0] = '\0';
    if (gmtime_r(&now, &utc) != NULL)
        (void)strftime(out, size, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &utc);
}

static size_t write_head(char *head, size_t size, const mlc_http_req *req, int status, int retry_after_s,
                         const char *content_type, size_t body_len)
{
    char length[64] = "", retry[48] = "", date[48];
    write_date(date, sizeof(date));
    if (status != 204 && status != 304)
        snprintf(length, sizeof(length), "Content-Length: %zu\r\n", body_len);
    if (retry_after_s > 0)
        snprintf(retry, sizeof(retry), "Retry-After: %d\r\n", retry_after_s);
    int n = snprintf(head, size,
                     "HTTP/1.1 %d %s\r\n%sContent-Type: %.128s\r\n%s%sCache-Control: no-store\r\n"
                     "X-Content-Type-Options: nosniff\r\n%s\r\n",
                     status, reason_of(status), date, content_type, length, retry,
                     req->close_after ? "Connection: close\r\n" : "");
    return n > 0 && (size_t)n < size ? (size_t)n : 0;
}

static void send_answer(mlc_http_req *req, int status, int retry_after_s, const char *content_type,
                        const void *body, size_t body_len)
{
    http_conn *conn = req->conn;
    if (conn == NULL || conn->wsi == NULL || conn->req != req) {
        mlc_http_req_free(req);
        return;
    }
    if (conn->server->draining)
        req->close_after = true;
    char head[HEAD_MAX];
    size_t head_len = write_head(head, sizeof(head), req, status, retry_after_s,
                                 content_type != NULL ? content_type : "application/json", body_len);
    size_t sent_body = has_no_body(req, status) || body == NULL ? 0 : body_len;
    uint8_t *out = malloc(LWS_PRE + head_len + sent_body);
    if (out != NULL) {
        memcpy(out + LWS_PRE, head, head_len);
        if (sent_body > 0)
            memcpy(out + LWS_PRE + head_len, body, sent_body);
    }
    conn->close_after = req->close_after || out == NULL;
    conn->req = NULL;
    mlc_http_req_free(req);
    mlc_http_conn_answer(conn, out, out != NULL ? head_len + sent_body : 0);
}

void mlc_http_reply(mlc_http_req *req, int status, const char *content_type, const void *body,
                    size_t body_len)
{
    send_answer(req, status, 0, content_type, body, body != NULL ? body_len : 0);
}

static char *error_text(const char *code, const char *message)
{
    cJSON *inner = cJSON_CreateObject();
    cJSON *outer = cJSON_CreateObject();
    char *text = NULL;
    mlc_code rc = inner != NULL && outer != NULL ? MLC_OK : MLC_E_NOMEM;
    if (rc == MLC_OK)
        rc = mlc_json_add_str(inner, "code", code, NULL);
    if (rc == MLC_OK)
        rc = mlc_json_add_str(inner, "message", message, NULL);
    if (rc == MLC_OK) {
        rc = mlc_json_add(outer, "error", inner, NULL);
        inner = NULL;
    }
    if (rc == MLC_OK)
        text = mlc_json_print(outer);
    cJSON_Delete(inner);
    cJSON_Delete(outer);
    return text;
}

void mlc_http_reply_json(mlc_http_req *req, int status, cJSON *tree)
{
    char *const text = tree != NULL ? mlc_json_print(tree) : NULL;
    cJSON_Delete(tree);
    if (text == NULL)
        mlc_http_reply_error(req, 503, 1, "nomem", "out of memory; try again");
    else
        mlc_http_reply(req, status, NULL, text, strlen(text));
    free(text);
}

void mlc_http_reply_error(mlc_http_req *req, int status, int retry_after_s, const char *code,
                          const char *message)
{
    char *text = error_text(code, message);
    send_answer(req, status, retry_after_s, NULL, text, text != NULL ? strlen(text) : 0);
    free(text);
}

void mlc_http_req_refuse(mlc_http_req *req, int status)
{
    static const struct {
        int status;
        const char *code;
        const char *message;
    } refusals[] = {
        {400, "bad_request", "the request is malformed"},
        {401, "unauthorized", "this server is for those who may read its socket file"},
        {404, "not_found", "there is nothing at this address"},
        {405, "method_not_allowed", "this address does not serve that method"},
        {408, "timeout", "the request was not complete in time"},
        {413, "too_large", "the request body is larger than allowed here"},
        {414, "uri_too_long", "the address is longer than allowed"},
        {431, "headers_too_large", "a request header is larger than allowed"},
        {501, "not_implemented", "this transfer coding is not served"},
    };
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
        if (refusals[i].status == status) {
            mlc_http_reply_error(req, status, 0, refusals[i].code, refusals[i].message);
            return;
        }
    mlc_http_reply_error(req, status, 0, "error", reason_of(status));
}
