/* entra_answer.c - see entra_answer.h. */
#include "relay/entra_answer.h"

#include "base/json.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    ANSWER_DEPTH = 8,
    REASON_MAX = 300,
    MARGIN_MS = 5 * 60 * 1000,
    MARGIN_PART = 5,
    LIFE_MAX_S = 7 * 24 * 3600,
    MS = 1000
};

int64_t mlc_entra_margin_ms(int64_t life_ms)
{
    const int64_t part = life_ms / MARGIN_PART;
    return part < MARGIN_MS ? part : MARGIN_MS;
}

/* The first line of the description: what follows are trace ids and times. */
static void take_reason(const cJSON *tree, const char *secret, char out[REASON_MAX])
{
    const char *text = mlc_json_str(tree, "error_description");
    if (text == NULL || *text == '\0')
        text = mlc_json_str(tree, "error");
    if (text == NULL || (*secret != '\0' && strstr(text, secret) != NULL))
        text = "no reason given";
    mlc_strlcpy(out, text, REASON_MAX);
    for (char *p = out; *p != '\0'; p++) {
        if (*p == '\r' || *p == '\n') {
            *p = '\0';
            return;
        }
        if ((unsigned char)*p < ' ')
            *p = ' ';
    }
}

static mlc_code refusal(int status, const cJSON *tree, const char *secret, mlc_error *err)
{
    char reason[REASON_MAX];
    take_reason(tree, secret, reason);
    if (status == 429)
        return mlc_fail(err, MLC_E_THROTTLED, "Entra ID asks to slow down: %s", reason);
    if (status >= 400 && status < 500)
        return mlc_fail(err, MLC_E_AUTH, "Entra ID gives no token (%d): %s", status, reason);
    return mlc_fail(err, MLC_E_UNREACHABLE, "Entra ID cannot give a token now (%d): %s", status, reason);
}

/* It goes into a header line as it is. */
static bool is_token(const char *text)
{
    size_t len = 0;
    for (; text[len] != '\0'; len++)
        if ((unsigned char)text[len] <= ' ' || (unsigned char)text[len] > '~')
            return false;
    return len > 0 && len <= MLC_ENTRA_TOKEN_MAX;
}

static mlc_code take_token(const cJSON *tree, char **token, int64_t *life_ms, mlc_error *err)
{
    int64_t seconds = 0;
    const char *const type = mlc_json_str(tree, "token_type");
    const char *const text = mlc_json_str(tree, "access_token");
    if (text == NULL || !is_token(text))
        return mlc_fail(err, MLC_E_UNREACHABLE, "the token answer has no usable access_token");
    if (type != NULL && strcasecmp(type, "Bearer") != 0)
        return mlc_fail(err, MLC_E_UNREACHABLE, "the token answer is not for a Bearer token");
    if (mlc_json_int64(tree, "expires_in", &seconds, NULL) != MLC_OK || seconds <= 0)
        return mlc_fail(err, MLC_E_UNREACHABLE, "the token answer has no usable expires_in");
    *token = mlc_strdup(text);
    if (*token == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a token");
    *life_ms = (seconds < LIFE_MAX_S ? seconds : LIFE_MAX_S) * MS;
    return MLC_OK;
}

static void wipe_token(const cJSON *tree)
{
    const cJSON *const node = mlc_json_get(tree, "access_token");
    if (cJSON_IsString(node))
        mlc_wipe(node->valuestring, strlen(node->valuestring));
}

mlc_code mlc_entra_answer_read(int status, const char *body, size_t len, const char *secret, char **token,
                               int64_t *life_ms, mlc_error *err)
{
    cJSON *tree = NULL;
    const mlc_code parsed = mlc_json_parse(body, len, MLC_ENTRA_ANSWER_MAX, ANSWER_DEPTH, &tree, NULL);
    mlc_code code = MLC_OK;
    if (status < 200 || status >= 300)
        code = refusal(status, tree, secret, err);
    else if (parsed != MLC_OK)
        code = mlc_fail(err, MLC_E_UNREACHABLE, "the token answer is not JSON");
    else
        code = take_token(tree, token, life_ms, err);
    wipe_token(tree);
    cJSON_Delete(tree);
    return code;
}
