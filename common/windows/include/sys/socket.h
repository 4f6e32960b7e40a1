/* Sockets, as far as they are the same. */
#ifndef MLC_WINDOWS_SYS_SOCKET_H
#define MLC_WINDOWS_SYS_SOCKET_H
#include <winsock2.h>
/* before the rest of Windows */
#include <ws2tcpip.h>
#endif
