/* http_client.h - HTTP requests on the libuv loop, through libcurl's multi socket interface.
 *
 * TLS is always verified (peer and host name). There is no switch for it. Plain http:// is refused
 * except to loopback hosts, which are never reached through a proxy. The proxy: proxy.h. Connections are kept alive and
 * shared; HTTP/1.1 only, for the sake of an exact "was it sent" (see http_private.h). Redirects are not
 * followed. Bodies are limited; each request has a deadline. URLs with a user in them are refused.
 *
 * A request may carry a trace (http_trace.h): how far it got, and whose certificates the peer showed.
 *
 * Thread rule: everything on the loop's thread. Callbacks run from the loop, never inside the call
 * that started the request.
 */
#ifndef MLC_NET_HTTP_CLIENT_H
#define MLC_NET_HTTP_CLIENT_H

#include "base/buf.h"
#include "base/error.h"
#include "base/log.h"
#include "net/proxy.h"

#include <uv.h>

typedef struct mlc_http_client mlc_http_client;
typedef struct mlc_http_call mlc_http_call; /* a running request; invalid after its callback */

typedef struct mlc_http_client_options {
    uv_loop_t *loop;
    mlc_log *log;
    const char *ca_file;          /* PEM bundle used instead of the system's; NULL: the system's */
    const char *client_cert_file; /* PEM, with client_key_file; NULL: none */
    const char *client_key_file;
    mlc_proxy proxy;       /* copied */
    const char *unix_path; /* all requests go to this unix socket, whatever host the URL names; NULL: none */
    const char *user_agent;
    long max_connections_per_host; /* 0: 16 */
    int64_t connect_timeout_ms;    /* 0: 10 s */
} mlc_http_client_options;

typedef struct mlc_http_header {
    const char *name;
    const char *value;
} mlc_http_header;

struct mlc_http_trace; /* http_trace.h */

typedef struct mlc_http_request {
    const char *method; /* "GET", "POST", "PATCH", ... */
    const char *url;
    const mlc_http_header *headers; /* copied */
    size_t header_count;
    const void *body; /* copied; NULL: none */
    size_t body_len;
    int64_t timeout_ms; /* whole request; 0: 30 s */
    size_t max_body;    /* of the answer; 0: 8 MiB */
    /* Filled in until the callback, which may read it; a connection of its own is made. NULL: none. */
    struct mlc_http_trace *trace;
} mlc_http_request;

/* Valid during the callback. With code MLC_OK an HTTP answer was read in full, whatever its status.
 * Otherwise: MLC_E_UNREACHABLE, MLC_E_TLS, MLC_E_TIMEOUT (certainly not sent), MLC_E_UNCERTAIN (the
 * request may have been executed), MLC_E_LIMIT (answer too large; also counts as sent), MLC_E_CLOSED. */
typedef struct mlc_http_response {
    int status;
    const char *body; /* NUL-terminated, never NULL */
    size_t body_len;
    const struct mlc_http_response_headers *headers;
    int64_t elapsed_ms;
} mlc_http_response;

/* First header of that name (case-insensitive) or NULL. Valid during the callback. */
const char *mlc_http_header_get(const mlc_http_response *response, const char *name);

typedef void (*mlc_http_done_fn)(void *user, mlc_code code, const mlc_error *err,
                                 const mlc_http_response *response);

mlc_code mlc_http_client_open(mlc_http_client **out, const mlc_http_client_options *options, mlc_error *err);
/* Ends running requests with MLC_E_CLOSED (their callbacks run during the call), then releases. The
 * loop must run once more afterwards for its handles to close. */
void mlc_http_client_close(mlc_http_client *client);

/* Start a request; `done` is called exactly once. *call (may be NULL) can be given to cancel. */
mlc_code mlc_http_send(mlc_http_client *client, const mlc_http_request *request, mlc_http_done_fn done,
                       void *user, mlc_http_call **call, mlc_error *err);
/* "host:port" of the proxy through which the way to this host (no port, IPv6 without brackets) leads; NULL: none. Borrowed. */
const char *mlc_http_client_proxy(const mlc_http_client *client, const char *host);

/* Called once. With MLC_OK `fd` is a connected stream socket, non-blocking, which the callee owns; else -1. */
typedef void (*mlc_http_connected_fn)(void *user, mlc_code code, const mlc_error *err, int fd);

/* Connect to host (IPv6 without brackets) and port by the client's way, the proxy with its sign-in included, and hand over
 * the connection: for protocols that are not HTTP. TLS is the caller's. The call can be cancelled as a request. Codes as of a
 * request that was not sent, and MLC_E_AUTH: the proxy does not take user and password. */
mlc_code mlc_http_connect(mlc_http_client *client, const char *host, int port, int64_t timeout_ms,
                          mlc_http_connected_fn done, void *user, mlc_http_call **call, mlc_error *err);

/* End it now; its callback runs during the call with MLC_E_CLOSED. */
void mlc_http_cancel(mlc_http_call *call);

/* Class of an HTTP status for a writer: 2xx MLC_OK, 400/405/413/415/422 MLC_E_REJECTED, 401 MLC_E_AUTH, 403
 * MLC_E_DENIED, 404/410 MLC_E_NOTFOUND, 409/412 MLC_E_CONFLICT, 408/429 MLC_E_THROTTLED, 5xx
 * MLC_E_UNAVAILABLE, others MLC_E_PROTOCOL. Modules that know better (AIS 444) test before calling. */
mlc_code mlc_http_status_code(int status);

#endif
