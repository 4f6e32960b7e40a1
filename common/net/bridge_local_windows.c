/* bridge_local_windows.c - see bridge_local.h. Windows tells which process a TCP connection belongs to. */
#include <winsock2.h>
/* before the rest of Windows */
#include <iphlpapi.h>
#include <ws2tcpip.h>

#include "net/bridge_local.h"

#include "base/buf.h"

#include <stdlib.h>

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

/* The system's table of TCP connections with their processes. The caller frees it. */
static MIB_TCPTABLE_OWNER_PID *connections(void)
{
    MIB_TCPTABLE_OWNER_PID *table = NULL;
    DWORD size = 64 * 1024, rc = ERROR_INSUFFICIENT_BUFFER;
    for (int tries = 0; rc == ERROR_INSUFFICIENT_BUFFER && tries < 4; tries++) {
        free(table);
        size *= 2;
        table = malloc(size);
        if (table == NULL)
            return NULL;
        DWORD got = size;
        rc = GetExtendedTcpTable(table, &got, FALSE, AF_INET, TCP_TABLE_OWNER_PID_CONNECTIONS, 0);
        if (rc == ERROR_INSUFFICIENT_BUFFER && got > size)
            size = got;
    }
    if (rc == NO_ERROR)
        return table;
    free(table);
    return NULL;
}

/* Its other end: local there is what is remote here. */
static bool is_own(SOCKET s)
{
    struct sockaddr_in peer, here;
    int peer_len = sizeof peer, here_len = sizeof here;
    bool own = false;
    if (getpeername(s, (struct sockaddr *)&peer, &peer_len) != 0 ||
        getsockname(s, (struct sockaddr *)&here, &here_len) != 0)
        return false;
    MIB_TCPTABLE_OWNER_PID *const table = connections();
    for (DWORD i = 0; table != NULL && i < table->dwNumEntries && !own; i++) {
        const MIB_TCPROW_OWNER_PID *const row = &table->table[i];
        own = row->dwLocalPort == peer.sin_port && row->dwRemotePort == here.sin_port &&
              row->dwLocalAddr == peer.sin_addr.s_addr && row->dwOwningPid == GetCurrentProcessId();
    }
    free(table);
    return own;
}

int mlc_bridge_local_accept(int listen_fd)
{
    const SOCKET s = accept((SOCKET)listen_fd, NULL, NULL);
    if (s == INVALID_SOCKET)
        return -1;
    if (is_own(s))
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
