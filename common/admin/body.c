/* body.c - what the bodies of an operator's decisions have in common. */
#include "admin/admin_private.h"

#include <stdio.h>
#include <string.h>

enum { BODY_DEPTH = 4 };

/* On a loopback port any page in a browser of this machine can send a request, though it cannot read the answer.
 * It cannot hide where it comes from either. */
static bool from_elsewhere(mlc_http_req *req)
{
    const char *const origin = mlc_http_req_header(req, "origin");
    const char *const host = mlc_http_req_header(req, "host");
    if (origin == NULL)
        return false;
    const char *const name = strstr(origin, "://");
    return host == NULL || name == NULL || strcmp(name + strlen("://"), host) != 0;
}

cJSON *mlc_admin_body(mlc_http_req *req)
{
    size_t len = 0;
    cJSON *body = NULL;
    mlc_error err;
    if (from_elsewhere(req)) {
        mlc_http_reply_error(req, 403, 0, "denied", "decisions are not taken from pages of another site");
        return NULL;
    }
    const char *const text = mlc_http_req_body(req, &len);
    const mlc_code code = mlc_json_parse(text, len, 0, BODY_DEPTH, &body, &err);
    if (code != MLC_OK)
        mlc_admin_reply_failure(req, code == MLC_E_NOMEM ? code : MLC_E_INVALID, &err);
    return body;
}

bool mlc_admin_body_text(mlc_http_req *req, const cJSON *body, const char *name, size_t max,
                         const char *remedy, char *out, size_t size)
{
    char message[160];
    const char *const text = mlc_json_str(body, name);
    bool good = text != NULL && text[0] != '\0' && strlen(text) <= max;
    for (const char *p = text; good && *p != '\0'; p++)
        good = (unsigned char)*p >= ' ' && *p != 0x7f;
    if (good) {
        mlc_strlcpy(out, text, size);
        return true;
    }
    (void)snprintf(message, sizeof message, "%s: must be a text of 1 to %zu characters on one line; %s", name,
                   max, remedy);
    mlc_http_reply_error(req, 400, 0, "invalid", message);
    return false;
}

bool mlc_admin_body_actor(mlc_http_req *req, const cJSON *body, char out[MLC_ADMIN_ACTOR_MAX])
{
    char name[MLC_ADMIN_OPERATOR_MAX + 1];
    if (!mlc_admin_body_text(req, body, "operator", MLC_ADMIN_OPERATOR_MAX,
                             "give the name of the person who decides", name, sizeof name))
        return false;
    (void)snprintf(out, MLC_ADMIN_ACTOR_MAX, "operator:%s", name);
    return true;
}
