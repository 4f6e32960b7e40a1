/* Addresses of the internet, where POSIX keeps them. */
#ifndef MLC_WINDOWS_NETINET_IN_H
#define MLC_WINDOWS_NETINET_IN_H
#include <winsock2.h>
/* before the rest of Windows */
#include <ws2tcpip.h>
#endif
