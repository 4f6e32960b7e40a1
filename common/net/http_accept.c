/* http_accept.c - connections of a listening socket that the service manager opened (socket activation).
 *
 * libwebsockets 4.1 takes no listening socket, but it adopts connections (lws_adopt_socket_vhost), as its own listener
 * does. The socket is shared with the manager, and perhaps with a predecessor that is just ending: accept may find
 * nothing, and the socket is only ever closed, never shut down, so that connections wait in it until somebody accepts.
 */
#include "net/http_listen.h"
#include "net/http_server_private.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    FIRST_FD = 3,  /* SD_LISTEN_FDS_START */
    AT_ONCE = 64,  /* connections taken before others get their turn */
    REST_MS = 100, /* when there are no more descriptors */
    PID_DIGITS_MAX = 10
};

typedef struct http_accept {
    uv_poll_t poll;
    uv_timer_t rest;
    mlc_http_server *server;
    int fd;
    unsigned open_handles;
    bool warned;
} http_accept;

static void start(http_accept *a);

static void on_rested(uv_timer_t *timer)
{
    start(timer->data);
}

/* Out of descriptors or memory: the connection stays in the queue, which would call at once again. */
static void take_a_rest(http_accept *a, int error)
{
    if (!a->warned)
        mlc_log_warn(a->server->log, "server", "connections cannot be accepted and wait",
                     MLC_S("server", a->server->name), MLC_S("error", strerrordesc_np(error)));
    a->warned = true;
    (void)uv_poll_stop(&a->poll);
    (void)uv_timer_start(&a->rest, on_rested, REST_MS, 0);
}

static void adopt(const mlc_http_server *server, int fd)
{
    const int on = 1;
    if (server->conn_count >= server->max_conns) {
        (void)close(fd);
        return;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)lws_adopt_socket_vhost(server->vhost, fd); /* closes it when it fails */
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    http_accept *const a = poll->data;
    (void)status;
    (void)events;
    for (int i = 0; i < AT_ONCE && a->server->accept == a; i++) {
        const int fd = accept4(a->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0) {
            a->warned = false;
            adopt(a->server, fd);
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            break;
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
            take_a_rest(a, errno);
            break;
        } /* anything else is the fault of that one connection */
    }
    mlc_lws_poke(a->server->ctx);
}

static void start(http_accept *a)
{
    (void)uv_poll_start(&a->poll, UV_READABLE, on_readable);
}

static void on_closed(uv_handle_t *handle)
{
    http_accept *const a = handle->data;
    if (--a->open_handles > 0)
        return;
    (void)close(a->fd);
    free(a);
}

mlc_code mlc_http_accept_open(mlc_http_server *server, int fd, mlc_error *err)
{
    http_accept *const a = calloc(1, sizeof *a);
    uv_loop_t *const loop = mlc_lws_loop(server->ctx);
    if (a == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a server");
    a->server = server;
    a->fd = fd;
    const int rc = uv_poll_init(loop, &a->poll, fd);
    if (rc != 0) {
        free(a);
        return mlc_fail(err, MLC_E_IO, "the socket passed cannot be watched: %s", uv_strerror(rc));
    }
    (void)uv_timer_init(loop, &a->rest); /* never fails */
    a->open_handles = 2;
    a->poll.data = a->rest.data = a;
    server->accept = a;
    start(a);
    return MLC_OK;
}

void mlc_http_accept_close(mlc_http_server *server)
{
    http_accept *const a = server->accept;
    if (a == NULL)
        return;
    server->accept = NULL;
    uv_close((uv_handle_t *)&a->poll, on_closed);
    uv_close((uv_handle_t *)&a->rest, on_closed);
}

/* ---- what a service manager passes ---- */

static bool listens(int fd)
{
    int value = 0;
    socklen_t len = sizeof value;
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &len) != 0 || value == 0)
        return false;
    return mlc_listen_fd_port(fd) != 0;
}

/* Is the number in the environment variable this one? */
static bool variable_is(const char *name, long number)
{
    char text[PID_DIGITS_MAX + 2];
    const char *const value = getenv(name);
    (void)snprintf(text, sizeof text, "%ld", number);
    return value != NULL && strcmp(value, text) == 0;
}

mlc_code mlc_inherited_listener(int *fd, mlc_error *err)
{
    *fd = 0;
    const bool for_us = getenv("LISTEN_FDS") != NULL && variable_is("LISTEN_PID", (long)getpid());
    const bool one = variable_is("LISTEN_FDS", 1);
    (void)unsetenv("LISTEN_PID");
    (void)unsetenv("LISTEN_FDS");
    (void)unsetenv("LISTEN_FDNAMES");
    if (!for_us)
        return MLC_OK;
    if (!one)
        return mlc_fail(err, MLC_E_INVALID,
                        "LISTEN_FDS: exactly one socket is expected; give one ListenStream=");
    if (!listens(FIRST_FD))
        return mlc_fail(
            err, MLC_E_INVALID,
            "LISTEN_FDS: the socket passed is not a listening TCP socket; give ListenStream=PORT and "
            "Accept=no");
    const int flags = fcntl(FIRST_FD, F_GETFL);
    if (flags < 0 || fcntl(FIRST_FD, F_SETFL, flags | O_NONBLOCK) != 0 ||
        fcntl(FIRST_FD, F_SETFD, FD_CLOEXEC) != 0)
        return mlc_fail(err, MLC_E_IO, "the socket passed: %s", strerrordesc_np(errno));
    *fd = FIRST_FD;
    return MLC_OK;
}
