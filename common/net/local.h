/* local.h - the admin socket: a server that only this machine, and only who may, reaches. `path` is the same to both sides.
 *
 * local.c: a unix socket at the path, mode 0660. local_windows.c: a loopback port that Windows chooses, and a secret drawn
 * at each start; both stand in the file at the path, and who may read the file (its folder's access list) may ask.
 * Thread rule: loop's thread only.
 */
#ifndef MLC_NET_LOCAL_H
#define MLC_NET_LOCAL_H

#include "net/http_server.h"

#include <curl/curl.h>

/* As mlc_http_server_open with options->unix_path. */
mlc_code mlc_local_listen(mlc_http_server **out, mlc_lws *ctx, const mlc_http_server_options *options,
                          mlc_error *err);

/* Have a transfer, whose URL begins with "http://localhost/", go there. */
CURLcode mlc_local_connect(CURL *easy, const char *path);

#endif
