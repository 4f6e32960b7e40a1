#include "net/bridge.h"

#include "base/buf.h"
#include "net/bridge_local.h"
#include "net/socket.h"

#include <stdlib.h>
#include <string.h>

enum { PIECE = 64 * 1024, ACCEPT_MS = 20 * 1000, LINGER_MS = 2000 };

typedef struct bridge_end {
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        mlc_bridge_local local; /* libwebsockets' */
        uv_tcp_t tcp;           /* remote */
    } is;
    mlc_bridge *bridge;
    struct bridge_end *other;
    bool ended; /* says no more */
    char piece[PIECE];
    uv_write_t writing; /* of our piece, to the other */
    uv_shutdown_t closing;
} bridge_end;

struct mlc_bridge {
    bridge_end local, remote;
    uv_poll_t listener;
    int listen_fd;
    uv_timer_t timer;
    unsigned handles;      /* not yet closed */
    bool owned;            /* until close */
    bool listening, begun; /* handles in use */
    bool dropped;
    char address[MLC_BRIDGE_ADDRESS_MAX];
    int port;
};

/* ---- the end ---- */

static void free_when_done(mlc_bridge *b)
{
    if (b->handles == 0 && !b->owned)
        free(b);
}

static void on_closed(uv_handle_t *handle)
{
    mlc_bridge *const b = handle->data;
    b->handles--;
    free_when_done(b);
}

static void close_handle(uv_handle_t *handle, mlc_bridge *b)
{
    if (uv_is_closing(handle))
        return;
    handle->data = b;
    uv_close(handle, on_closed);
}

static void close_listener(mlc_bridge *b)
{
    if (!b->listening)
        return;
    b->listening = false;
    close_handle((uv_handle_t *)&b->listener, b);
    mlc_socket_close(b->listen_fd); /* libuv has let go of it */
}

static void drop(mlc_bridge *b)
{
    if (b->dropped)
        return;
    b->dropped = true;
    close_listener(b);
    if (b->begun)
        close_handle(&b->local.is.handle, b);
    close_handle(&b->remote.is.handle, b);
    close_handle((uv_handle_t *)&b->timer, b);
}

static void on_time_over(uv_timer_t *timer)
{
    drop(timer->data);
}

/* ---- carrying ---- */

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf);

static void on_room(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
    bridge_end *const end = handle->data;
    (void)size;
    *buf = uv_buf_init(end->piece, sizeof end->piece);
}

static void read_on(bridge_end *end)
{
    if (uv_read_start(&end->is.stream, on_room, on_read) != 0)
        drop(end->bridge);
}

static void on_written(uv_write_t *req, int status)
{
    bridge_end *const end = req->data;
    if (end->bridge->dropped)
        return;
    if (status != 0)
        drop(end->bridge);
    else
        read_on(end);
}

/* It says no more, and neither do we to the other. The other may go on for a while. */
static void end_one(bridge_end *end)
{
    mlc_bridge *const b = end->bridge;
    end->ended = true;
    if (end->other->ended || uv_shutdown(&end->closing, &end->other->is.stream, NULL) != 0) {
        drop(b);
        return;
    }
    uv_timer_start(&b->timer, on_time_over, LINGER_MS, 0);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    bridge_end *const end = stream->data;
    if (n == 0)
        return;
    uv_read_stop(stream);
    if (n == UV_EOF) {
        end_one(end);
        return;
    }
    const uv_buf_t piece = uv_buf_init(buf->base, n > 0 ? (unsigned)n : 0);
    end->writing.data = end;
    if (n < 0 || uv_write(&end->writing, &end->other->is.stream, &piece, 1, on_written) != 0)
        drop(end->bridge);
}

/* ---- beginning ---- */

static void on_connection(uv_poll_t *listener, int status, int events)
{
    mlc_bridge *const b = listener->data;
    const int fd = mlc_bridge_local_accept(b->listen_fd, listener->loop);
    (void)status;
    (void)events;
    if (fd < 0)
        return;
    mlc_bridge_local_init(&b->local.is.local, listener->loop);
    b->begun = true;
    b->handles++;
    b->local.is.handle.data = &b->local;
    if (mlc_bridge_local_open(&b->local.is.local, fd) != 0) {
        mlc_socket_close(fd);
        drop(b);
        return;
    }
    close_listener(b);
    uv_timer_stop(&b->timer);
    read_on(&b->local);
    if (!b->dropped)
        read_on(&b->remote);
}

/* False: `fd` was not taken. */
static bool open_handles(mlc_bridge *b, uv_loop_t *loop, int fd)
{
    (void)uv_timer_init(loop, &b->timer); /* this and the next cannot fail */
    (void)uv_tcp_init(loop, &b->remote.is.tcp);
    b->handles = 2;
    b->timer.data = b;
    b->remote.is.handle.data = &b->remote;
    if (uv_poll_init_socket(loop, &b->listener, (uv_os_sock_t)b->listen_fd) != 0) {
        mlc_socket_close(b->listen_fd);
        return false;
    }
    b->handles++;
    b->listening = true;
    b->listener.data = b;
    return uv_poll_start(&b->listener, UV_READABLE, on_connection) == 0 &&
           uv_tcp_open(&b->remote.is.tcp, (uv_os_sock_t)fd) == 0;
}

mlc_code mlc_bridge_open(mlc_bridge **out, uv_loop_t *loop, int fd, mlc_error *err)
{
    *out = NULL;
    mlc_bridge *const b = calloc(1, sizeof *b);
    if (b == NULL) {
        mlc_socket_close(fd);
        return mlc_fail(err, MLC_E_NOMEM, "no memory for the way through the proxy");
    }
    b->listen_fd = mlc_bridge_local_listen(b->address, &b->port);
    if (b->listen_fd < 0) {
        free(b);
        mlc_socket_close(fd);
        return mlc_fail(err, MLC_E_IO, "no socket for the way through the proxy");
    }
    b->local.bridge = b->remote.bridge = b;
    b->local.other = &b->remote;
    b->remote.other = &b->local;
    if (!open_handles(b, loop, fd)) {
        mlc_socket_close(fd);
        drop(b);
        return mlc_fail(err, MLC_E_IO, "no socket for the way through the proxy");
    }
    b->owned = true;
    (void)uv_tcp_nodelay(&b->remote.is.tcp, 1);
    uv_timer_start(&b->timer, on_time_over, ACCEPT_MS, 0);
    *out = b;
    return MLC_OK;
}

const char *mlc_bridge_address(const mlc_bridge *bridge)
{
    return bridge->address;
}

int mlc_bridge_port(const mlc_bridge *bridge)
{
    return bridge->port;
}

void mlc_bridge_close(mlc_bridge *b)
{
    if (b == NULL)
        return;
    b->owned = false;
    if (b->dropped)
        free_when_done(b);
    else
        uv_timer_start(&b->timer, on_time_over, LINGER_MS, 0);
}
