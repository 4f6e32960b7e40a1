#include "crypto/crypto.h"
#include "net/http_server_private.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { HEADER_NAME_MAX = 100, MAX_URI = 4096, MAX_ONE_HEADER = 8192, MAX_LENGTH_DIGITS = 15 };

static char *copy_token(struct lws *wsi, enum lws_token_indexes token)
{
    int len = lws_hdr_total_length(wsi, token);
    if (len <= 0)
        return NULL;
    size_t room = (size_t)len + 1;
    char *value = malloc(room);
    if (value != NULL && lws_hdr_copy(wsi, value, (int)room, token) < 0) {
        free(value);
        value = NULL;
    }
    return value;
}

static bool find_token(const char *name_colon, enum lws_token_indexes *token)
{
    const unsigned char *known = NULL;
    for (int i = 0; (known = lws_token_to_string((enum lws_token_indexes)i)) != NULL; i++)
        if (strcmp((const char *)known, name_colon) == 0) {
            *token = (enum lws_token_indexes)i;
            return true;
        }
    return false;
}

char *mlc_http_wsi_header(struct lws *wsi, const char *name)
{
    char key[HEADER_NAME_MAX];
    int key_len = snprintf(key, sizeof(key), "%s:", name);
    if (key_len <= 1 || (size_t)key_len >= sizeof(key))
        return NULL;
    enum lws_token_indexes token = WSI_TOKEN_GET_URI;
    if (find_token(key, &token))
        return copy_token(wsi, token);
    int len = lws_hdr_custom_length(wsi, key, key_len);
    if (len < 0)
        return NULL;
    size_t room = (size_t)len + 1;
    char *value = malloc(room);
    if (value == NULL)
        return NULL;
    value[0] = '\0';
    if (len > 0 && lws_hdr_custom_copy(wsi, value, (int)room, key, key_len) < 0) {
        free(value);
        return NULL;
    }
    return value;
}

static const char *read_method(struct lws *wsi)
{
    static const struct {
        enum lws_token_indexes token;
        const char *name;
    } methods[] = {
        {WSI_TOKEN_POST_URI, "POST"},       {WSI_TOKEN_GET_URI, "GET"},   {WSI_TOKEN_PUT_URI, "PUT"},
        {WSI_TOKEN_PATCH_URI, "PATCH"},     {WSI_TOKEN_HEAD_URI, "HEAD"}, {WSI_TOKEN_DELETE_URI, "DELETE"},
        {WSI_TOKEN_OPTIONS_URI, "OPTIONS"},
    };
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
        if (lws_hdr_total_length(wsi, methods[i].token) > 0)
            return methods[i].name;
    return "";
}

/* "name=value" strings, one after the other; an empty string ends them. */
static char *read_query(struct lws *wsi)
{
    int total = lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_URI_ARGS);
    if (total <= 0)
        return mlc_strdup("");
    /* The total counts a separator between fragments; two NULs end the list. */
    size_t room = (size_t)total + 3, at = 0;
    char *query = calloc(1, room);
    if (query == NULL)
        return NULL;
    for (int i = 0; at + 2 < room; i++) {
        int len = lws_hdr_copy_fragment(wsi, query + at, (int)(room - at - 1), WSI_TOKEN_HTTP_URI_ARGS, i);
        if (len < 0)
            break;
        /* A decoded NUL cuts the argument; what is behind it must not look like another. */
        size_t text_len = strlen(query + at);
        memset(query + at + text_len, 0, (size_t)len > text_len ? (size_t)len - text_len : 0);
        if (text_len > 0)
            at += text_len + 1;
    }
    return query;
}

static bool connection_closes(struct lws *wsi)
{
    char text[64];
    if (lws_hdr_copy(wsi, text, sizeof(text), WSI_TOKEN_HTTP) <= 0 || strstr(text, "1.1") == NULL)
        return true;
    return lws_hdr_copy(wsi, text, sizeof(text), WSI_TOKEN_CONNECTION) > 0 && strcasecmp(text, "close") == 0;
}

/* 0, or the status that says what is wrong with the size of the head. */
static int check_sizes(struct lws *wsi, size_t path_len)
{
    if (path_len > MAX_URI || lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_URI_ARGS) > MAX_URI)
        return 414;
    for (int i = 0; i < WSI_TOKEN_COUNT; i++)
        if (lws_hdr_total_length(wsi, (enum lws_token_indexes)i) > MAX_ONE_HEADER)
            return 431;
    return 0;
}

/* Digits and nothing else: libwebsockets would take "-1", "5, 6" or " 7x" for a length. */
static bool parse_length(const char *text, uint64_t *length)
{
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > MAX_LENGTH_DIGITS || text[digits] != '\0')
        return false;
    *length = strtoull(text, NULL, 10);
    return true;
}

/* POST, PUT and PATCH: libwebsockets reads a body although no length is given. */
static bool lws_reads_on(const mlc_http_req *req)
{
    return req->method[0] == 'P';
}

static int read_body_kind(mlc_http_req *req, struct lws *wsi)
{
    int status = 0;
    char *length = copy_token(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH);
    char *coding = copy_token(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING);
    if (coding != NULL) {
        /* With a length as well, or where libwebsockets sees no body, two readers could disagree about
         * where the request ends. */
        if (length != NULL || !lws_reads_on(req))
            status = 400;
        else if (strcasecmp(coding, "chunked") != 0)
            status = 501;
        req->body_kind = HTTP_BODY_CHUNKED;
    } else if (length != NULL) {
        if (!parse_length(length, &req->body_length))
            status = 400;
        if (req->body_length > 0)
            req->body_kind = HTTP_BODY_LENGTH;
        else if (strcmp(req->method, "POST") == 0)
            req->body_kind = HTTP_BODY_EMPTY;
    }
    /* After the first two libwebsockets does not know where the next request begins. */
    if (coding != NULL || (length == NULL && lws_reads_on(req)) || status != 0)
        req->close_after = true;
    free(length);
    free(coding);
    return status;
}

static int find_route(mlc_http_req *req, const mlc_http_server *server)
{
    size_t best = 0;
    bool other_method = false;
    for (size_t i = 0; i < server->route_count; i++) {
        const mlc_http_route *route = &server->routes[i];
        size_t len = strlen(route->prefix);
        if (strncmp(req->path, route->prefix, len) != 0 || (req->route != NULL && len <= best))
            continue;
        if (route->method != NULL && strcmp(route->method, req->method) != 0) {
            other_method = true;
            continue;
        }
        req->route = route;
        best = len;
    }
    if (req->route != NULL)
        return 0;
    return other_method ? 405 : 404;
}

static bool is_authorized(const http_conn *conn)
{
    const char *const wanted = conn->server->authorization;
    if (wanted == NULL)
        return true;
    char *const given = mlc_http_wsi_header(conn->wsi, "authorization");
    const bool same = mlc_secret_equal(given, wanted);
    free(given);
    return same;
}

static void judge(mlc_http_req *req, const http_conn *conn, size_t path_len)
{
    int sizes = check_sizes(conn->wsi, path_len);
    int body = read_body_kind(req, conn->wsi);
    int route = find_route(req, conn->server);
    req->body.max = req->route != NULL ? req->route->max_body : MLC_HTTP_DEFAULT_MAX_BODY;
    if (sizes != 0)
        req->refusal = sizes;
    else if (!is_authorized(conn))
        req->refusal = 401;
    else if (strlen(req->path) != path_len || req->method[0] == '\0')
        req->refusal = 400; /* a decoded NUL; CONNECT, or ":path /x", which is a name of HTTP/2 */
    else if (body != 0)
        req->refusal = body;
    else if (req->body_kind == HTTP_BODY_LENGTH && req->body_length > req->body.max)
        req->refusal = 413;
    else
        req->refusal = route;
    req->close_after = req->close_after || connection_closes(conn->wsi);
}

static void read_peer(mlc_http_req *req, const http_conn *conn)
{
    char *header = NULL;
    if (mlc_proxies_have(conn->server->proxies, conn->peer))
        header = mlc_http_wsi_header(conn->wsi, "x-forwarded-for");
    mlc_forwarded_client(conn->server->proxies, conn->peer, header, req->peer, sizeof(req->peer));
    free(header);
}

mlc_http_req *mlc_http_req_read(http_conn *conn, const char *path, size_t path_len)
{
    mlc_http_req *req = calloc(1, sizeof(*req));
    if (req == NULL)
        return NULL;
    req->conn = conn;
    req->method = read_method(conn->wsi);
    req->path = mlc_strndup(path, path_len);
    req->query = read_query(conn->wsi);
    if (req->path == NULL || req->query == NULL) {
        mlc_http_req_free(req);
        return NULL;
    }
    read_peer(req, conn);
    judge(req, conn, path_len);
    return req;
}
