/* bridge_local_windows.c - see bridge_local.h. The other end must be one of this process's own sockets. */
#include <winsock2.h>
/* before the rest of Windows */
#include <ws2tcpip.h>

#include "net/bridge_local.h"

#include "base/buf.h"

static bool open_at(SOCKET s, char address[MLC_BRIDGE_ADDRESS_MAX], int *port)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int len = sizeof name;
    BOOL alone = TRUE;
    unsigned long at_once = 1;
    if (setsockopt(s, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, (const char *)&alone, sizeof alone) != 0 ||
        bind(s, (const struct sockaddr *)&name, sizeof name) != 0 || listen(s, 4) != 0 ||
        ioctlsocket(s, (long)FIONBIO, &at_once) != 0 || getsockname(s, (struct sockaddr *)&name, &len) != 0)
        return false;
    mlc_strlcpy(address, "127.0.0.1", MLC_BRIDGE_ADDRESS_MAX);
    *port = ntohs(name.sin_port);
    return true;
}

int mlc_bridge_local_listen(char address[MLC_BRIDGE_ADDRESS_MAX], int *port)
{
    const SOCKET s = socket(AF_INET, SOCK_STREAM, 0);
    *port = 0;
    if (s == INVALID_SOCKET)
        return -1;
    if (open_at(s, address, port))
        return (int)s;
    (void)closesocket(s);
    return -1;
}

/* Both ends of a connection of this machine have the same two ports. */
typedef struct own_search {
    u_short from, to; /* network order */
    bool found;
} own_search;

static void look_at(uv_handle_t *handle, void *arg)
{
    own_search *const search = arg;
    struct sockaddr_in here, peer;
    int here_len = sizeof here, peer_len = sizeof peer;
    if (handle->type != UV_POLL || uv_is_closing(handle))
        return;
    /* libuv gives no descriptor of a poll here; the socket itself is a public member. */
    const SOCKET s = ((uv_poll_t *)handle)->socket;
    if (getsockname(s, (struct sockaddr *)&here, &here_len) == 0 &&
        getpeername(s, (struct sockaddr *)&peer, &peer_len) == 0 && here.sin_family == AF_INET &&
        here.sin_addr.s_addr == htonl(INADDR_LOOPBACK) && peer.sin_addr.s_addr == htonl(INADDR_LOOPBACK) &&
        here.sin_port == search->from && peer.sin_port == search->to)
        search->found = true;
}

static bool is_own(SOCKET s, uv_loop_t *loop)
{
    struct sockaddr_in peer, here;
    int peer_len = sizeof peer, here_len = sizeof here;
    if (getpeername(s, (struct sockaddr *)&peer, &peer_len) != 0 ||
        getsockname(s, (struct sockaddr *)&here, &here_len) != 0)
        return false;
    own_search search = {.from = peer.sin_port, .to = here.sin_port};
    uv_walk(loop, look_at, &search);
    return search.found;
}

int mlc_bridge_local_accept(int listen_fd, uv_loop_t *loop)
{
    const SOCKET s = accept((SOCKET)listen_fd, NULL, NULL);
    if (s == INVALID_SOCKET)
        return -1;
    if (is_own(s, loop))
        return (int)s;
    (void)closesocket(s);
    return -1;
}

void mlc_bridge_local_init(mlc_bridge_local *local, uv_loop_t *loop)
{
    (void)uv_tcp_init(loop, local); /* never fails without flags */
}

int mlc_bridge_local_open(mlc_bridge_local *local, int fd)
{
    return uv_tcp_open(local, (uv_os_sock_t)fd);
}
