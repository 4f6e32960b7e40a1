/* http_connect.c - a connection through the proxy, handed over as a socket.
 *
 * libcurl does what it does before each request, sign-in at the proxy included, and stops when the way stands. It reads the
 * proxy's answer byte by byte, so nothing of what the far end says is lost in its buffers.
 */
#include "net/http_private.h"

#include "net/host.h"
#include "net/socket.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void set_options(mlc_http_call *call, const char *url, int64_t timeout_ms)
{
    CURL *const easy = call->easy;
    /* http: the TLS inside is the caller's. */
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http");
    curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)timeout_ms);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    if (call->client->user_agent != NULL)
        curl_easy_setopt(easy, CURLOPT_USERAGENT, call->client->user_agent);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->detail);
    mlc_http_proxy_set(call);
}

mlc_code mlc_http_connect(mlc_http_client *client, const char *host, int port, int64_t timeout_ms,
                          mlc_http_connected_fn done, void *user, mlc_http_call **call_out, mlc_error *err)
{
    char authority[MLC_AUTHORITY_MAX];
    char url[MLC_AUTHORITY_MAX + 16];
    if (call_out != NULL)
        *call_out = NULL;
    if (client->closing)
        return mlc_fail(err, MLC_E_CLOSED, "the HTTP client is closed");
    if (strlen(host) >= MLC_HOST_MAX)
        return mlc_fail(err, MLC_E_INVALID, "the host's name is too long");
    mlc_http_call *const call = calloc(1, sizeof *call);
    if (call == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a connection");
    (void)snprintf(url, sizeof url, "http://%s/", mlc_host_join(host, port, authority));
    call->client = client;
    call->fd = -1;
    call->connected = done;
    call->user = user;
    call->proxied = mlc_proxy_plan_leads(&client->proxy, host);
    call->method = mlc_strdup("CONNECT");
    call->target = mlc_strdup(authority);
    call->easy = curl_easy_init();
    if (call->method == NULL || call->target == NULL || call->easy == NULL) {
        if (call->easy != NULL)
            curl_easy_cleanup(call->easy);
        mlc_http_call_free(call);
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a connection");
    }
    set_options(call, url, timeout_ms);
    return mlc_http_call_start(call, call_out, err);
}

mlc_code mlc_http_connect_take(mlc_http_call *call, mlc_error *err)
{
    curl_socket_t fd = CURL_SOCKET_BAD;
    /* A duplicate: libcurl closes its own with the call. */
    if (curl_easy_getinfo(call->easy, CURLINFO_ACTIVESOCKET, &fd) == CURLE_OK && fd != CURL_SOCKET_BAD)
        call->fd = mlc_socket_dup((int)fd);
    if (call->fd < 0)
        return mlc_fail(err, MLC_E_IO, "%s %s: the connection cannot be taken over: %s", call->method,
                        call->target, strerrordesc_np(errno));
    return MLC_OK;
}
