/* http_private.h - what http_client.c (the client and its sockets) and http_call.c (one request) share.
 *
 * Whether a request was sent. Every caller up to the outbox builds on this distinction, so it is exact:
 * - libcurl calls the pre-request hook when the connection stands (DNS, TCP, proxy tunnel and TLS done)
 *   and nothing of the request was written. No hook, no request: certainly not sent.
 * - After the hook, CURLINFO_REQUEST_SIZE grows with each piece of the request the socket took. Grown:
 *   the request may have been executed. Not grown: certainly not sent.
 * - When a kept-alive connection dies before the first byte of the answer, libcurl silently sends the
 *   request again on a new one, whatever its method. The hook sees the second attempt: it is let through
 *   only when the first wrote nothing, or the method is safe (GET, HEAD, OPTIONS); otherwise the request
 *   ends as MLC_E_UNCERTAIN and the caller decides. Connections idle for longer than common server
 *   timeouts are not used again, to make this rare.
 * - HTTP/1.1 only: under HTTP/2 the count of written bytes would be that of a frame queue.
 */
#ifndef MLC_NET_HTTP_PRIVATE_H
#define MLC_NET_HTTP_PRIVATE_H

#include "net/http_client.h"
#include "net/http_trace.h"

#include <curl/curl.h>

struct mlc_http_response_headers {
    mlc_buf text; /* name NUL value NUL name NUL ... */
};

struct mlc_http_call {
    mlc_http_client *client;
    mlc_http_call *prev, *next; /* running requests of the client */
    CURL *easy;
    struct curl_slist *headers;
    void *body;
    size_t body_len;
    char *method;
    char *target; /* host and path, for messages: never the query, user or password */

    struct mlc_http_trace *trace; /* NULL: none */
    bool proxied;
    mlc_http_done_fn done;
    void *user;
    int64_t started_ms;

    bool safe;      /* may be sent twice without harm */
    bool sent;      /* an earlier attempt wrote something */
    bool too_large; /* we ended it because of the answer's size */
    unsigned attempts;
    long written_before; /* CURLINFO_REQUEST_SIZE when the running attempt began */

    size_t header_bytes;
    bool head_ended; /* libcurl takes a hang-up inside the head for an answer */
    struct mlc_http_response_headers answer_headers;
    mlc_buf answer;
    char detail[CURL_ERROR_SIZE];
};

struct mlc_http_client {
    uv_loop_t *loop;
    mlc_log *log;
    CURLM *multi;
    CURLSH *share; /* TLS sessions, so that a new connection resumes */
    uv_timer_t timer;
    struct mlc_http_sock *socks;
    size_t open_handles; /* uv handles whose close callback is still to come */
    mlc_http_call *calls;
    bool closing;
    char *ca_file, *cert_file, *key_file, *proxy, *no_proxy, *user_agent, *unix_path;
    bool proxy_from_env;
    long connect_timeout_ms;
};

/* Check the request and make a call of it, not yet added to the multi handle. */
mlc_code mlc_http_call_make(mlc_http_call **out, mlc_http_client *client, const mlc_http_request *request,
                            mlc_error *err);
/* Code and message for the end of a call. */
mlc_code mlc_http_call_outcome(mlc_http_call *call, CURLcode result, mlc_error *err);
/* http_trace.c: have the trace of a call filled in during its handshake, and at its end. No-ops without one. */
void mlc_http_trace_begin(mlc_http_call *call);
void mlc_http_trace_end(mlc_http_call *call, CURLcode result);
/* http_trace_tls.c: libcurl calls it with the TLS library's context before a handshake; user: the trace. */
CURLcode mlc_http_trace_tls(CURL *easy, void *context, void *user);
/* Free all but the easy handle, which is cleaned up before. */
void mlc_http_call_free(mlc_http_call *call);

#endif
