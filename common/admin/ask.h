/* ask.h - one question to the admin socket of a running program. Thread rule: loop's thread only. */
#ifndef MLC_ADMIN_ASK_H
#define MLC_ADMIN_ASK_H

#include "base/json.h"
#include "net/http_client.h"

/* `answer` is NULL unless MLC_OK, and valid during the call. MLC_E_UNREACHABLE: nobody listens; MLC_E_DENIED: this user may
 * not open the socket; MLC_E_REJECTED: the program's own words; MLC_E_CLOSED as of http_client.h. */
typedef void (*mlc_ask_fn)(void *user, mlc_code code, const mlc_error *err, const cJSON *answer);

/* GET `path`. `client` was opened with unix_path; *call as of mlc_http_send. */
mlc_code mlc_admin_ask(mlc_http_client *client, const char *socket, const char *path, int64_t timeout_ms,
                       mlc_ask_fn fn, void *user, mlc_error *err);

#endif
