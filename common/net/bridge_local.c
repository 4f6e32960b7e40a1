/* bridge_local.c - see bridge_local.h. */
#include "net/bridge_local.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* The kernel chooses a free name in the abstract namespace: five hexadecimal digits after a NUL. */
int mlc_bridge_local_listen(char address[MLC_BRIDGE_ADDRESS_MAX], int *port)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    socklen_t len = sizeof(sa_family_t);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    *port = 0;
    if (fd < 0)
        return -1;
    if (bind(fd, (const struct sockaddr *)&name, len) == 0 && listen(fd, 4) == 0) {
        len = sizeof name;
        if (getsockname(fd, (struct sockaddr *)&name, &len) == 0 && len > sizeof(sa_family_t) + 1 &&
            len < sizeof(sa_family_t) + MLC_BRIDGE_ADDRESS_MAX - 2) {
            const size_t chars = len - sizeof(sa_family_t) - 1;
            address[0] = '+';
            address[1] = '@';
            memcpy(address + 2, name.sun_path + 1, chars);
            address[2 + chars] = '\0';
            return fd;
        }
    }
    close(fd);
    return -1;
}

static bool is_own(int fd)
{
    struct ucred peer = {0};
    socklen_t len = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && peer.pid == getpid();
}

int mlc_bridge_local_accept(int listen_fd, uv_loop_t *loop)
{
    (void)loop;
    const int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0 || is_own(fd))
        return fd;
    close(fd);
    return -1;
}

void mlc_bridge_local_init(mlc_bridge_local *local, uv_loop_t *loop)
{
    (void)uv_pipe_init(loop, local, 0); /* never fails */
}

int mlc_bridge_local_open(mlc_bridge_local *local, int fd)
{
    return uv_pipe_open(local, fd);
}
