/* socket.c - see socket.h. */
#include "net/socket.h"

#include <fcntl.h>
#include <unistd.h>

int mlc_socket_dup(int fd)
{
    return fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

void mlc_socket_close(int fd)
{
    (void)close(fd);
}
