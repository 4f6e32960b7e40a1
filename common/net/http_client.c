/* http_client.c - the client: libcurl's multi socket interface tied to libuv polls and one timer. */
#include "net/http_private.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    LOOK_MS = 1000,
    DEFAULT_CONNECTIONS_PER_HOST = 16,
    DEFAULT_CONNECT_TIMEOUT_MS = 10 * 1000,
    MAX_IDLE_CONNECTIONS = 64
};

typedef struct mlc_http_sock {
    uv_poll_t poll;
    curl_socket_t fd;
    mlc_http_client *client;
    struct mlc_http_sock *prev, *next;
} http_sock;

static void finish_call(mlc_http_call *call, mlc_code code, const mlc_error *err, bool answered);

/* ---- release ---- */

static void free_client(mlc_http_client *client)
{
    free(client->ca_file);
    free(client->cert_file);
    free(client->key_file);
    mlc_proxy_plan_free(&client->proxy);
    free(client->user_agent);
    free(client->unix_path);
    free(client);
    curl_global_cleanup();
}

static void handle_gone(mlc_http_client *client)
{
    client->open_handles--;
    if (client->closing && client->open_handles == 0)
        free_client(client);
}

static void on_timer_closed(uv_handle_t *handle)
{
    handle_gone(handle->data);
}

static void on_poll_closed(uv_handle_t *handle)
{
    http_sock *sock = handle->data;
    mlc_http_client *client = sock->client;
    free(sock);
    handle_gone(client);
}

/* ---- sockets and time ---- */

static void close_sock(http_sock *sock)
{
    if (sock->prev != NULL)
        sock->prev->next = sock->next;
    else
        sock->client->socks = sock->next;
    if (sock->next != NULL)
        sock->next->prev = sock->prev;
    uv_poll_stop(&sock->poll);
    uv_close((uv_handle_t *)&sock->poll, on_poll_closed);
}

static http_sock *open_sock(mlc_http_client *client, curl_socket_t fd)
{
    http_sock *sock = calloc(1, sizeof(*sock));
    if (sock == NULL)
        return NULL;
    if (uv_poll_init_socket(client->loop, &sock->poll, fd) != 0) {
        free(sock);
        return NULL;
    }
    client->open_handles++;
    sock->poll.data = sock;
    sock->fd = fd;
    sock->client = client;
    sock->next = client->socks;
    if (sock->next != NULL)
        sock->next->prev = sock;
    client->socks = sock;
    return sock;
}

/* Give the ended requests to their owners. An owner may start, cancel or close in its callback. */
static void collect_done(mlc_http_client *client)
{
    int left = 0;
    CURLMsg *msg = NULL;
    while (!client->closing && (msg = curl_multi_info_read(client->multi, &left)) != NULL) {
        mlc_http_call *call = NULL;
        if (msg->msg != CURLMSG_DONE ||
            curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&call) != CURLE_OK)
            continue;
        mlc_error err;
        mlc_http_trace_end(call, msg->data.result);
        mlc_code code = mlc_http_call_outcome(call, msg->data.result, &err);
        finish_call(call, code, &err, code == MLC_OK);
    }
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    http_sock *sock = poll->data;
    mlc_http_client *client = sock->client;
    int flags = 0, running = 0;
    if (status < 0)
        flags = CURL_CSELECT_ERR;
    if (events & UV_READABLE)
        flags |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE)
        flags |= CURL_CSELECT_OUT;
    curl_multi_socket_action(client->multi, sock->fd, flags, &running);
    collect_done(client);
}

static int on_socket_wish(CURL *easy, curl_socket_t fd, int what, void *user, void *socket_user)
{
    (void)easy;
    mlc_http_client *client = user;
    http_sock *sock = socket_user;
    if (what == CURL_POLL_REMOVE) {
        if (sock != NULL)
            close_sock(sock);
        curl_multi_assign(client->multi, fd, NULL);
        return 0;
    }
    if (sock == NULL) {
        sock = open_sock(client, fd);
        if (sock == NULL)
            return -1;
        curl_multi_assign(client->multi, fd, sock);
    }
    int events =
        ((what & CURL_POLL_IN) != 0 ? UV_READABLE : 0) | ((what & CURL_POLL_OUT) != 0 ? UV_WRITABLE : 0);
    return uv_poll_start(&sock->poll, events, on_poll) == 0 ? 0 : -1;
}

/* libcurl says when it wants to be called. Should a wish be lost, a request would have no deadline: while there are requests,
 * it is called each LOOK_MS at the latest. */
static void on_timer(uv_timer_t *timer)
{
    mlc_http_client *client = timer->data;
    int running = 0;
    curl_multi_socket_action(client->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    collect_done(client);
    if (client->calls == NULL)
        uv_timer_stop(timer);
}

static int on_timer_wish(CURLM *multi, long timeout_ms, void *user)
{
    (void)multi;
    mlc_http_client *client = user;
    if (client->closing) {
        uv_timer_stop(&client->timer);
        return 0;
    }
    const uint64_t wait = timeout_ms >= 0 && timeout_ms < LOOK_MS ? (uint64_t)timeout_ms : LOOK_MS;
    uv_update_time(client->loop);
    uv_timer_start(&client->timer, on_timer, wait, LOOK_MS);
    return 0;
}

/* ---- requests ---- */

static void link_call(mlc_http_call *call)
{
    mlc_http_client *client = call->client;
    call->next = client->calls;
    if (call->next != NULL)
        call->next->prev = call;
    client->calls = call;
}

static void unlink_call(mlc_http_call *call)
{
    if (call->prev != NULL)
        call->prev->next = call->next;
    else
        call->client->calls = call->next;
    if (call->next != NULL)
        call->next->prev = call->prev;
}

/* The one way out of a call: detach it, tell its owner, release it. */
static void finish_call(mlc_http_call *call, mlc_code code, const mlc_error *err, bool answered)
{
    mlc_http_client *client = call->client;
    long status = 0;
    if (answered)
        (void)curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_multi_remove_handle(client->multi, call->easy);
    curl_easy_cleanup(call->easy);
    call->easy = NULL;
    unlink_call(call);
    mlc_http_response response = {.status = (int)status,
                                  .body = mlc_buf_text(&call->answer),
                                  .body_len = call->answer.len,
                                  .headers = &call->answer_headers,
                                  .elapsed_ms = mlc_mono_ms() - call->started_ms};
    mlc_log_debug(client->log, "http", "request", MLC_S("method", call->method), MLC_S("to", call->target),
                  MLC_I("status", status), MLC_S("outcome", mlc_code_name(code)),
                  MLC_I("ms", response.elapsed_ms));
    if (call->connected != NULL)
        call->connected(call->user, code, err, call->fd);
    else
        call->done(call->user, code, err, &response);
    mlc_http_call_free(call);
}

mlc_code mlc_http_call_start(mlc_http_call *call, mlc_http_call **out, mlc_error *err)
{
    call->started_ms = mlc_mono_ms();
    const CURLMcode rc = curl_multi_add_handle(call->client->multi, call->easy);
    if (rc != CURLM_OK) {
        curl_easy_cleanup(call->easy);
        mlc_http_call_free(call);
        return mlc_fail(err, MLC_E_INTERNAL, "libcurl: %s", curl_multi_strerror(rc));
    }
    link_call(call);
    if (out != NULL)
        *out = call;
    return MLC_OK;
}

mlc_code mlc_http_send(mlc_http_client *client, const mlc_http_request *request, mlc_http_done_fn done,
                       void *user, mlc_http_call **call_out, mlc_error *err)
{
    if (call_out != NULL)
        *call_out = NULL;
    if (client->closing)
        return mlc_fail(err, MLC_E_CLOSED, "the HTTP client is closed");
    mlc_http_call *call = NULL;
    mlc_code code = mlc_http_call_make(&call, client, request, err);
    if (code != MLC_OK)
        return code;
    call->done = done;
    call->user = user;
    return mlc_http_call_start(call, call_out, err);
}

static void end_closed(mlc_http_call *call)
{
    mlc_error err;
    mlc_code code = mlc_fail(&err, MLC_E_CLOSED, "%s %s: ended by us", call->method, call->target);
    finish_call(call, code, &err, false);
}

void mlc_http_cancel(mlc_http_call *call)
{
    end_closed(call);
}

/* ---- the client ---- */

static bool keep_text(char **to, const char *from)
{
    *to = mlc_strdup(from);
    return from == NULL || *to != NULL;
}

static mlc_code take_options(mlc_http_client *client, const mlc_http_client_options *o, mlc_error *err)
{
    if ((o->client_cert_file == NULL) != (o->client_key_file == NULL))
        return mlc_fail(err, MLC_E_INVALID, "client_cert_file and client_key_file go together");
    client->loop = o->loop;
    client->log = o->log;
    client->connect_timeout_ms =
        o->connect_timeout_ms > 0 ? (long)o->connect_timeout_ms : DEFAULT_CONNECT_TIMEOUT_MS;
    bool kept = keep_text(&client->ca_file, o->ca_file) &&
                keep_text(&client->cert_file, o->client_cert_file) &&
                keep_text(&client->key_file, o->client_key_file) &&
                keep_text(&client->user_agent, o->user_agent) && keep_text(&client->unix_path, o->unix_path);
    if (!kept)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for the HTTP client");
    const mlc_code code = mlc_proxy_plan_make(&client->proxy, &o->proxy, err);
    return code == MLC_OK ? mlc_http_proxy_supported(&client->proxy, err) : code;
}

static mlc_code open_multi(mlc_http_client *client, long per_host, mlc_error *err)
{
    client->multi = curl_multi_init();
    client->share = curl_share_init();
    if (client->multi == NULL || client->share == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for the HTTP client");
    curl_share_setopt(client->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
    curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, on_socket_wish);
    curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
    curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, on_timer_wish);
    curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
    curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, (long)MAX_IDLE_CONNECTIONS);
    curl_multi_setopt(client->multi, CURLMOPT_MAX_HOST_CONNECTIONS,
                      per_host > 0 ? per_host : (long)DEFAULT_CONNECTIONS_PER_HOST);
    return MLC_OK;
}

static void release_curl(mlc_http_client *client)
{
    if (client->multi != NULL)
        curl_multi_cleanup(client->multi);
    if (client->share != NULL)
        curl_share_cleanup(client->share);
    client->multi = NULL;
    client->share = NULL;
}

mlc_code mlc_http_client_open(mlc_http_client **out, const mlc_http_client_options *options, mlc_error *err)
{
    *out = NULL;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return mlc_fail(err, MLC_E_INTERNAL, "libcurl cannot be initialised");
    mlc_http_client *client = calloc(1, sizeof(*client));
    if (client == NULL) {
        curl_global_cleanup();
        return mlc_fail(err, MLC_E_NOMEM, "no memory for the HTTP client");
    }
    mlc_code code = take_options(client, options, err);
    if (code == MLC_OK)
        code = open_multi(client, options->max_connections_per_host, err);
    int rc = code == MLC_OK ? uv_timer_init(options->loop, &client->timer) : 0;
    if (rc != 0)
        code = mlc_fail(err, MLC_E_IO, "timer: %s", uv_strerror(rc));
    if (code != MLC_OK) {
        release_curl(client);
        free_client(client);
        return code;
    }
    client->timer.data = client;
    client->open_handles = 1;
    *out = client;
    return MLC_OK;
}

void mlc_http_client_close(mlc_http_client *client)
{
    if (client == NULL || client->closing)
        return;
    client->closing = true;
    while (client->calls != NULL)
        end_closed(client->calls);
    release_curl(client);
    while (client->socks != NULL)
        close_sock(client->socks);
    uv_timer_stop(&client->timer);
    uv_close((uv_handle_t *)&client->timer, on_timer_closed);
}
