/* http_accept_windows.c - listening sockets that a service manager opened: Windows' manager opens none. */
#include "net/http_listen.h"
#include "net/http_server_private.h"

mlc_code mlc_http_accept_open(mlc_http_server *server, int fd, mlc_error *err)
{
    (void)fd;
    return mlc_fail(err, MLC_E_UNSUPPORTED, "server %s: sockets are not passed on Windows", server->name);
}

void mlc_http_accept_close(mlc_http_server *server)
{
    (void)server;
}

mlc_code mlc_inherited_listener(int *fd, mlc_error *err)
{
    (void)err;
    *fd = 0;
    return MLC_OK;
}
