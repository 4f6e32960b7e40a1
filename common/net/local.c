/* local.c - see local.h. */
#include "net/local.h"

mlc_code mlc_local_listen(mlc_http_server **out, mlc_lws *ctx, const mlc_http_server_options *options,
                          mlc_error *err)
{
    return mlc_http_server_open(out, ctx, options, err);
}

CURLcode mlc_local_connect(CURL *easy, const char *path)
{
    return curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, path);
}
