/* http_call.c - one request: checking it, handing it to libcurl, reading the answer, judging the end. */
#include "net/http_private.h"

#include "base/clock.h"
#include "net/local.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    DEFAULT_TIMEOUT_MS = 30 * 1000,
    DEFAULT_MAX_BODY = 8 * 1024 * 1024,
    MAX_HEADER_BYTES = 64 * 1024, /* of an answer, all interim answers included */
    /* Below the idle timeout of common servers (Tomcat 20 s), so that a reused connection is seldom one
     * the server is just closing. */
    MAX_IDLE_SECONDS = 15
};

const char *mlc_http_header_get(const mlc_http_response *response, const char *name)
{
    const mlc_buf *text = &response->headers->text;
    const char *p = mlc_buf_text(text);
    const char *end = p + text->len;
    while (p < end) {
        const char *value = p + strlen(p) + 1;
        if (strcasecmp(p, name) == 0)
            return value;
        p = value + strlen(value) + 1;
    }
    return NULL;
}

/* ---- what libcurl calls ---- */

static int on_prerequest(void *user, char *peer_ip, char *own_ip, int peer_port, int own_port)
{
    (void)peer_ip;
    (void)own_ip;
    (void)peer_port;
    (void)own_port;
    mlc_http_call *call = user;
    long written = 0;
    (void)curl_easy_getinfo(call->easy, CURLINFO_REQUEST_SIZE, &written);
    if (call->attempts++ > 0 && written > call->written_before) {
        call->sent = true;
        if (!call->safe)
            return CURL_PREREQFUNC_ABORT;
    }
    call->written_before = written;
    return CURL_PREREQFUNC_OK;
}

static size_t on_body(char *data, size_t size, size_t count, void *user)
{
    mlc_http_call *call = user;
    size_t len = size * count;
    if (mlc_buf_append(&call->answer, data, len, NULL) != MLC_OK) {
        call->too_large = true;
        return 0;
    }
    return len;
}

static bool is_length_above(const char *name, size_t name_len, const char *value, size_t max)
{
    static const char length_name[] = "content-length";
    if (name_len != sizeof(length_name) - 1 || strncasecmp(name, length_name, name_len) != 0)
        return false;
    return strtoull(value, NULL, 10) > max;
}

/* Keep "Name: value" of one header line, without the blanks around the value. */
static mlc_code keep_header(mlc_http_call *call, const char *line, size_t len)
{
    mlc_buf *text = &call->answer_headers.text;
    const char *colon = memchr(line, ':', len);
    if (colon == NULL)
        return MLC_OK;
    const char *value = colon + 1, *end = line + len;
    while (value < end && (*value == ' ' || *value == '\t'))
        value++;
    while (end > value && isspace((unsigned char)end[-1]))
        end--;
    size_t name_len = (size_t)(colon - line), value_len = (size_t)(end - value);
    /* A NUL inside would shift the name/value pairs. */
    if (memchr(line, '\0', len) != NULL)
        return MLC_OK;
    mlc_code code = mlc_buf_append(text, line, name_len, NULL);
    if (code == MLC_OK)
        code = mlc_buf_append(text, "", 1, NULL);
    size_t value_at = text->len;
    if (code == MLC_OK)
        code = mlc_buf_append(text, value, value_len, NULL);
    if (code == MLC_OK)
        code = mlc_buf_append(text, "", 1, NULL);
    if (code == MLC_OK && strcmp(call->method, "HEAD") != 0 &&
        is_length_above(line, name_len, mlc_buf_text(text) + value_at, call->answer.max))
        return MLC_E_LIMIT;
    return code;
}

static size_t on_header(char *line, size_t size, size_t count, void *user)
{
    mlc_http_call *call = user;
    size_t len = size * count;
    call->header_bytes += len;
    if (call->header_bytes > MAX_HEADER_BYTES) {
        call->too_large = true;
        return 0;
    }
    if (len >= 5 && memcmp(line, "HTTP/", 5) == 0) {
        mlc_buf_clear(&call->answer_headers.text); /* what came before was an interim answer */
        call->head_ended = false;
        return len;
    }
    if (line[0] == '\r' || line[0] == '\n')
        call->head_ended = true;
    if (keep_header(call, line, len) != MLC_OK) {
        call->too_large = true;
        return 0;
    }
    return len;
}

/* ---- checks ---- */

static bool is_token(const char *text)
{
    if (text == NULL || *text == '\0')
        return false;
    for (const char *p = text; *p != '\0'; p++)
        if (!isalnum((unsigned char)*p) && strchr("!#$%&'*+-.^_`|~", *p) == NULL)
            return false;
    return true;
}

static bool has_control(const char *text)
{
    for (const char *p = text; *p != '\0'; p++)
        if ((unsigned char)*p < 0x20 && *p != '\t')
            return true;
    return strchr(text, 0x7f) != NULL;
}

static bool is_loopback(const char *host)
{
    struct in_addr v4;
    if (strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0)
        return true;
    return inet_pton(AF_INET, host, &v4) == 1 && (ntohl(v4.s_addr) >> 24) == 127;
}

/* In place, and only of an IPv6 address. */
static const char *without_brackets(char *host)
{
    const size_t len = strlen(host);
    if (len < 2 || host[0] != '[' || host[len - 1] != ']')
        return host;
    host[len - 1] = '\0';
    return host + 1;
}

/* Scheme, host and path of the request's URL; sets call->target, call->proxied and *plain (http, loopback). */
static mlc_code check_url(mlc_http_call *call, const char *url, bool *plain, mlc_error *err)
{
    mlc_code code = MLC_OK;
    char *scheme = NULL, *host = NULL, *path = NULL;
    CURLU *parts = curl_url();
    if (parts == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a URL");
    if (url == NULL || has_control(url) ||
        curl_url_set(parts, CURLUPART_URL, url, CURLU_DISALLOW_USER) != CURLUE_OK ||
        curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
        curl_url_get(parts, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
        curl_url_get(parts, CURLUPART_PATH, &path, 0) != CURLUE_OK) {
        code = mlc_fail(err, MLC_E_INVALID, "url: not a http(s) URL, or one with a user in it");
        goto out;
    }
    *plain = strcmp(scheme, "http") == 0;
    if (!*plain && strcmp(scheme, "https") != 0)
        code = mlc_fail(err, MLC_E_INVALID, "url: scheme \"%s\" is not served; use https", scheme);
    else if (*plain && !is_loopback(host))
        code = mlc_fail(err, MLC_E_INVALID, "url: plain http to %s is refused; use https", host);
    else if ((call->target = mlc_asprintf("%s%s", host, path)) == NULL)
        code = mlc_fail(err, MLC_E_NOMEM, "no memory for a request");
    else
        /* A plain request is to this machine: it goes there and nowhere else. */
        call->proxied = !*plain && mlc_proxy_plan_leads(&call->client->proxy, without_brackets(host));
out:
    curl_free(scheme);
    curl_free(host);
    curl_free(path);
    curl_url_cleanup(parts);
    return code;
}

static void wipe_headers(struct curl_slist *list)
{
    for (struct curl_slist *h = list; h != NULL; h = h->next)
        mlc_wipe(h->data, strlen(h->data));
    curl_slist_free_all(list);
}

static mlc_code add_header(mlc_http_call *call, const char *name, const char *value, mlc_error *err)
{
    if (!is_token(name) || value == NULL || has_control(value))
        return mlc_fail(err, MLC_E_INVALID, "header \"%s\": name or value cannot be sent",
                        is_token(name) ? name : "?");
    /* libcurl takes "Name:" as "leave that header out" and "Name;" as "send it empty". */
    char *line = *value == '\0' ? mlc_asprintf("%s;", name) : mlc_asprintf("%s: %s", name, value);
    struct curl_slist *list = line != NULL ? curl_slist_append(call->headers, line) : NULL;
    if (line != NULL)
        mlc_wipe(line, strlen(line));
    free(line);
    if (list == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a header");
    call->headers = list;
    return MLC_OK;
}

static mlc_code take_headers(mlc_http_call *call, const mlc_http_request *request, mlc_error *err)
{
    bool typed = false;
    for (size_t i = 0; i < request->header_count; i++) {
        mlc_code code = add_header(call, request->headers[i].name, request->headers[i].value, err);
        if (code != MLC_OK)
            return code;
        typed = typed || strcasecmp(request->headers[i].name, "content-type") == 0;
    }
    /* Bodies are in memory: waiting for "100 Continue" would cost a second. And no invented form type. */
    struct curl_slist *list = curl_slist_append(call->headers, "Expect:");
    if (list != NULL)
        call->headers = list;
    if (list != NULL && !typed)
        list = curl_slist_append(call->headers, "Content-Type:");
    return list != NULL ? MLC_OK : mlc_fail(err, MLC_E_NOMEM, "no memory for a header");
}

/* ---- options ---- */

static void set_method(mlc_http_call *call)
{
    CURL *easy = call->easy;
    if (call->body != NULL || strcmp(call->method, "POST") == 0 || strcmp(call->method, "PUT") == 0 ||
        strcmp(call->method, "PATCH") == 0) {
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, call->body != NULL ? (const char *)call->body : "");
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body_len);
    } else if (strcmp(call->method, "HEAD") == 0) {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    }
    if (strcmp(call->method, "HEAD") != 0)
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, call->method);
}

static void set_tls(const mlc_http_client *client, CURL *easy)
{
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
    /* libcurl keeps the parsed CA file for later connections only when there is no CA directory. */
    if (client->ca_file != NULL)
        curl_easy_setopt(easy, CURLOPT_CAINFO, client->ca_file);
    else /* Windows' own; elsewhere libcurl takes no notice */
        curl_easy_setopt(easy, CURLOPT_SSL_OPTIONS, (long)CURLSSLOPT_NATIVE_CA);
    if (client->ca_file != NULL || info->cainfo != NULL)
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    if (client->cert_file != NULL) {
        curl_easy_setopt(easy, CURLOPT_SSLCERT, client->cert_file);
        curl_easy_setopt(easy, CURLOPT_SSLKEY, client->key_file);
    }
}

static void set_callbacks(mlc_http_call *call)
{
    CURL *easy = call->easy;
    curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->detail);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_prerequest);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, call);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
}

static void set_options(mlc_http_call *call, const mlc_http_request *request)
{
    const mlc_http_client *client = call->client;
    CURL *easy = call->easy;
    int64_t timeout_ms = request->timeout_ms > 0 ? request->timeout_ms : DEFAULT_TIMEOUT_MS;
    curl_easy_setopt(easy, CURLOPT_URL, request->url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    /* Names are resolved in a thread of libcurl's. Without this, a timeout or close waits for that thread,
     * and the loop stands still for as long as the name server does. */
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, client->connect_timeout_ms);
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)MAX_IDLE_SECONDS);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_SHARE, client->share);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, call->headers);
    if (client->user_agent != NULL)
        curl_easy_setopt(easy, CURLOPT_USERAGENT, client->user_agent);
    set_method(call);
    set_tls(client, easy);
    mlc_http_proxy_set(call);
    if (client->unix_path != NULL)
        (void)mlc_local_connect(easy, client->unix_path);
    set_callbacks(call);
    mlc_http_trace_begin(call);
}

static mlc_code take_body(mlc_http_call *call, const mlc_http_request *request, mlc_error *err)
{
    if (request->body == NULL)
        return MLC_OK;
    call->body = malloc(request->body_len > 0 ? request->body_len : 1);
    if (call->body == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a request body of %zu bytes", request->body_len);
    if (request->body_len > 0)
        memcpy(call->body, request->body, request->body_len);
    call->body_len = request->body_len;
    return MLC_OK;
}

mlc_code mlc_http_call_make(mlc_http_call **out, mlc_http_client *client, const mlc_http_request *request,
                            mlc_error *err)
{
    *out = NULL;
    if (!is_token(request->method))
        return mlc_fail(err, MLC_E_INVALID, "method: not a HTTP method");
    mlc_http_call *call = calloc(1, sizeof(*call));
    if (call == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a request");
    bool plain = false;
    call->client = client;
    call->fd = -1;
    call->answer.max = request->max_body > 0 ? request->max_body : DEFAULT_MAX_BODY;
    call->trace = request->trace;
    call->method = mlc_strdup(request->method);
    call->safe = strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0 ||
                 strcmp(request->method, "OPTIONS") == 0;
    if (call->method == NULL) {
        mlc_http_call_free(call);
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a request");
    }
    mlc_code code = check_url(call, request->url, &plain, err);
    if (code == MLC_OK)
        code = take_headers(call, request, err);
    if (code == MLC_OK)
        code = take_body(call, request, err);
    /* A fresh handle each time. libcurl before 8.1 keeps, in a handle that is used again, a pointer to the last header
     * of the answer before: an answer whose first header line is a folded one has it read freed memory. */
    if (code == MLC_OK && (call->easy = curl_easy_init()) == NULL)
        code = mlc_fail(err, MLC_E_NOMEM, "no memory for a request");
    if (code != MLC_OK) {
        mlc_http_call_free(call);
        return code;
    }
    set_options(call, request);
    *out = call;
    return MLC_OK;
}

void mlc_http_call_free(mlc_http_call *call)
{
    wipe_headers(call->headers);
    if (call->body != NULL)
        mlc_wipe(call->body, call->body_len);
    free(call->body);
    free(call->method);
    free(call->target);
    /* Answers carry session tokens. */
    mlc_buf_wipe(&call->answer);
    mlc_buf_wipe(&call->answer_headers.text);
    free(call);
}

/* ---- the end ---- */

static mlc_code unsent_code(CURLcode result)
{
    switch (result) {
    case CURLE_OPERATION_TIMEDOUT:
        return MLC_E_TIMEOUT;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
        return MLC_E_TLS;
    case CURLE_OUT_OF_MEMORY:
        return MLC_E_NOMEM;
    default:
        return MLC_E_UNREACHABLE;
    }
}

static bool may_have_been_sent(mlc_http_call *call, CURLcode result)
{
    long written = 0;
    (void)curl_easy_getinfo(call->easy, CURLINFO_REQUEST_SIZE, &written);
    if (call->sent || (call->attempts > 0 && written > call->written_before))
        return true;
    /* A failed write that took nothing, in theory; in doubt, in doubt. */
    return call->attempts > 0 && result == CURLE_SEND_ERROR;
}

mlc_code mlc_http_call_outcome(mlc_http_call *call, CURLcode result, mlc_error *err)
{
    mlc_error_clear(err);
    if (result == CURLE_OK && call->connected != NULL)
        return mlc_http_connect_take(call, err);
    if (result == CURLE_OK && call->head_ended)
        return MLC_OK;
    if (result == CURLE_OK)
        result = CURLE_RECV_ERROR;
    const char *detail = call->detail[0] != '\0' ? call->detail : curl_easy_strerror(result);
    if (call->too_large)
        return mlc_fail(err, MLC_E_LIMIT, "%s %s: the answer is larger than allowed", call->method,
                        call->target);
    if (may_have_been_sent(call, result))
        return mlc_fail(err, MLC_E_UNCERTAIN, "%s %s: sent, but no whole answer: %s", call->method,
                        call->target, detail);
    const mlc_code refused = mlc_http_proxy_refused(call, err);
    if (refused != MLC_OK)
        return refused;
    return mlc_fail(err, unsent_code(result), "%s %s: not sent: %s", call->method, call->target, detail);
}
