/* local_windows.c - see local.h. The file holds "PORT TOKEN\n"; it is written anew at each start, under another name first,
 * so that nobody reads half of it. */
#include "net/local.h"

#include "crypto/crypto.h"

#include <winsock2.h>
/* before the rest of Windows */
#include <windows.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static mlc_code publish(const char *path, int port, const char *token, mlc_error *err)
{
    char *const fresh = mlc_asprintf("%s.new", path);
    FILE *const out = fresh != NULL ? fopen(fresh, "w") : NULL;
    if (out == NULL) {
        const int why = errno;
        free(fresh);
        return mlc_fail(err, MLC_E_IO, "admin socket %s cannot be made: %s", path, strerror(why));
    }
    const bool written = fprintf(out, "%d %s\n", port, token) > 0;
    const bool closed = fclose(out) == 0;
    const bool named = written && closed && MoveFileExA(fresh, path, MOVEFILE_REPLACE_EXISTING);
    free(fresh);
    return named ? MLC_OK : mlc_fail(err, MLC_E_IO, "admin socket %s cannot be written", path);
}

mlc_code mlc_local_listen(mlc_http_server **out, mlc_lws *ctx, const mlc_http_server_options *options,
                          mlc_error *err)
{
    char token[MLC_ID_TEXT_MAX];
    char bearer[MLC_ID_TEXT_MAX + 8];
    mlc_http_server_options local = *options;
    *out = NULL;
    mlc_code code = mlc_random_id(token, err);
    (void)snprintf(bearer, sizeof bearer, "Bearer %s", token);
    local.unix_path = NULL;
    local.host = "127.0.0.1";
    local.port = 0;
    local.authorization = bearer;
    if (code == MLC_OK)
        code = mlc_http_server_open(out, ctx, &local, err);
    if (code == MLC_OK)
        code = publish(options->unix_path, mlc_http_server_port(*out), token, err);
    mlc_wipe(token, sizeof token);
    mlc_wipe(bearer, sizeof bearer);
    if (code != MLC_OK) {
        mlc_http_server_close(*out);
        *out = NULL;
    }
    return code;
}

CURLcode mlc_local_connect(CURL *easy, const char *path)
{
    char line[MLC_ID_TEXT_MAX + 16] = "";
    char *token = NULL;
    FILE *const in = fopen(path, "r");
    if (in == NULL)
        return CURLE_COULDNT_CONNECT;
    const bool got = fgets(line, sizeof line, in) != NULL;
    (void)fclose(in);
    const long port = got ? strtol(line, &token, 10) : 0;
    if (port <= 0 || port > 65535 || *token != ' ')
        return CURLE_COULDNT_CONNECT;
    token[strcspn(token, "\r\n")] = '\0';
    CURLcode rc = curl_easy_setopt(easy, CURLOPT_PORT, port);
    /* Not ::1, where somebody else may listen for the token. */
    if (rc == CURLE_OK)
        rc = curl_easy_setopt(easy, CURLOPT_IPRESOLVE, CURL_IPRESOLVE_V4);
    if (rc == CURLE_OK)
        rc = curl_easy_setopt(easy, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
    if (rc == CURLE_OK)
        rc = curl_easy_setopt(easy, CURLOPT_XOAUTH2_BEARER, token + 1);
    mlc_wipe(line, sizeof line);
    return rc;
}
