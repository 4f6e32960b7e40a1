/* socket_windows.c - see socket.h. */
#include <winsock2.h>

#include "net/socket.h"

#include <errno.h>

int mlc_socket_dup(int fd)
{
    WSAPROTOCOL_INFOA info;
    SOCKET copy = INVALID_SOCKET;
    if (WSADuplicateSocketA((SOCKET)fd, GetCurrentProcessId(), &info) == 0)
        copy = WSASocketA(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, &info, 0,
                          WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
    if (copy != INVALID_SOCKET)
        return (int)copy;
    errno = EIO;
    return -1;
}

void mlc_socket_close(int fd)
{
    (void)closesocket((SOCKET)fd);
}
