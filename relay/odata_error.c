/* odata_error.c - see odata_error.h. */
#include "relay/odata_error.h"

#include "base/json.h"
#include "net/http_client.h"

#include <ctype.h>
#include <string.h>

enum { BODY_MAX = 256 * 1024, DEPTH = 16, TEXT_MAX = 400, CODE_MAX = 24 };

/* On one line: it goes into logs and views. */
static void take_line(const char *text, char *out, size_t size)
{
    mlc_strlcpy(out, text, size);
    for (char *p = out; *p != '\0'; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            *p = ' ';
    (void)mlc_trim_right(out);
}

static bool is_code(const char *text)
{
    if (text == NULL || *text == '\0' || strlen(text) >= CODE_MAX)
        return false;
    for (const char *p = text; *p != '\0'; p++)
        if (!isalnum((unsigned char)*p) && *p != '.' && *p != '_' && *p != '-')
            return false;
    return true;
}

mlc_code mlc_odata_error_read(int status, const char *body, size_t len, mlc_error *err)
{
    cJSON *tree = NULL;
    char text[TEXT_MAX];
    mlc_code code = mlc_http_status_code(status);
    if (code == MLC_OK)
        code = MLC_E_PROTOCOL;
    /* Any 4xx says that nothing was done, also one that is not known here, as 428 (RFC 9110, section 15). */
    if (code == MLC_E_PROTOCOL && status >= 400 && status < 500)
        code = MLC_E_REJECTED;
    if (len > 0)
        (void)mlc_json_parse(body, len, BODY_MAX, DEPTH, &tree, NULL);
    const cJSON *const error = mlc_json_get(tree, "error");
    const char *const name = mlc_json_str(error, "code");
    const char *const message = mlc_json_str(error, "message");
    take_line(message != NULL ? message : "", text, sizeof text);
    if (is_code(name))
        code = mlc_fail(err, code, "%s: %s", name, text[0] != '\0' ? text : "no message");
    else if (text[0] != '\0')
        code = mlc_fail(err, code, "HTTP %d: %s", status, text);
    else
        code = mlc_fail(err, code, "HTTP %d", status);
    cJSON_Delete(tree);
    return code;
}
