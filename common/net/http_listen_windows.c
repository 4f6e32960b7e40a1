/* http_listen_windows.c - http_listen.h on Windows, where there are no unix sockets (local.h). */
#include <winsock2.h>
/* before the rest of Windows */
#include <ws2tcpip.h>

#include "net/http_listen.h"

typedef struct listen_search {
    int port, found;
} listen_search;

static void look_at(uv_handle_t *handle, void *arg)
{
    listen_search *const search = arg;
    BOOL listening = FALSE;
    int flag_len = sizeof listening;
    if (handle->type != UV_POLL || uv_is_closing(handle))
        return;
    /* libuv gives no descriptor of a poll here; the socket itself is a public member. */
    const SOCKET fd = ((uv_poll_t *)handle)->socket;
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, (char *)&listening, &flag_len) != 0 || !listening)
        return;
    if (mlc_listen_fd_port((int)fd) == search->port)
        search->found = (int)fd;
}

int mlc_listen_find(uv_loop_t *loop, int port, const char *unix_path)
{
    listen_search search = {.port = port, .found = -1};
    (void)unix_path;
    uv_walk(loop, look_at, &search);
    return search.found;
}

mlc_code mlc_listen_path_free(const char *unix_path, mlc_error *err)
{
    return mlc_fail(err, MLC_E_UNSUPPORTED, "unix socket %s: there are none on Windows", unix_path);
}

bool mlc_listen_have_ipv6(void)
{
    const SOCKET fd = socket(AF_INET6, SOCK_STREAM, 0);
    if (fd == INVALID_SOCKET)
        return false;
    (void)closesocket(fd);
    return true;
}
