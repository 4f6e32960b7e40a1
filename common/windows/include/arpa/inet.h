/* Where POSIX keeps inet_pton and ntohl. */
#ifndef MLC_WINDOWS_ARPA_INET_H
#define MLC_WINDOWS_ARPA_INET_H
#include <winsock2.h>
/* before the rest of Windows */
#include <ws2tcpip.h>
#endif
