/* http_listen_name.c - what http_listen.h says of addresses and of the names of sockets; the same on all systems. */
#include "net/http_listen.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

bool mlc_listen_is_loopback(const char *host)
{
    struct in_addr v4;
    if (host == NULL)
        return false;
    if (strcmp(host, "::1") == 0)
        return true;
    return inet_pton(AF_INET, host, &v4) == 1 && (ntohl(v4.s_addr) >> 24) == 127;
}

typedef union inet_name {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
} inet_name;

/* False: no TCP socket. */
static bool name_of(int fd, inet_name *name)
{
    socklen_t len = sizeof(*name);
    memset(name, 0, sizeof(*name));
    return getsockname((uv_os_sock_t)fd, &name->any, &len) == 0 &&
           (name->any.sa_family == AF_INET || name->any.sa_family == AF_INET6);
}

int mlc_listen_fd_port(int fd)
{
    inet_name name;
    if (!name_of(fd, &name))
        return 0;
    return ntohs(name.any.sa_family == AF_INET6 ? name.v6.sin6_port : name.v4.sin_port);
}

bool mlc_listen_fd_is_loopback(int fd)
{
    inet_name name;
    if (!name_of(fd, &name))
        return false;
    if (name.any.sa_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&name.v6.sin6_addr) != 0;
    return (ntohl(name.v4.sin_addr.s_addr) >> 24) == 127;
}
