/* odata_path.c - keys, escapes and addresses of the Dataverse client. Pure. */
#include "relay/odata_private.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { GUID_LEN = 36, PATH_MAX_LEN = 8192 };

static bool is_name(const char *text)
{
    if (text == NULL || *text == '\0')
        return false;
    for (const char *p = text; *p != '\0'; p++)
        if (!isalnum((unsigned char)*p) && *p != '_')
            return false;
    return true;
}

/* The value with each quote doubled. Caller frees. */
static char *double_quotes(const char *value)
{
    char *const out = calloc(2, strlen(value) + 1);
    char *to = out;
    for (const char *p = value; out != NULL && *p != '\0'; p++) {
        if (*p == '\'')
            *to++ = '\'';
        *to++ = *p;
    }
    return out;
}

mlc_code mlc_odata_escape(mlc_buf *out, const char *text, mlc_error *err)
{
    return mlc_url_encode(out, text, err);
}

mlc_code mlc_odata_key(mlc_buf *out, const char *set, const char *key, const char *value, mlc_error *err)
{
    mlc_buf part = {0};
    if (!is_name(set) || !is_name(key))
        return mlc_fail(err, MLC_E_INVALID, "key: table and column must be plain names");
    if (value == NULL || *value == '\0' || !mlc_utf8_valid(value, strlen(value)))
        return mlc_fail(err, MLC_E_INVALID, "%s: %s: a key needs a value of valid text", set, key);
    char *const quoted = double_quotes(value);
    mlc_code code = quoted != NULL ? mlc_buf_printf(&part, err, "%s(%s='", set, key)
                                   : mlc_fail(err, MLC_E_NOMEM, "no memory for a key");
    if (code == MLC_OK)
        code = mlc_odata_escape(&part, quoted, err);
    if (code == MLC_OK)
        code = mlc_buf_puts(&part, "')", err);
    if (code == MLC_OK)
        code = mlc_buf_append(out, part.data, part.len, err);
    free(quoted);
    mlc_buf_free(&part);
    return code;
}

mlc_code mlc_odata_address(const char *url, const char *path, char **out, mlc_error *err)
{
    const bool absolute = strncasecmp(path, "https:", 6) == 0 || strncasecmp(path, "http:", 5) == 0;
    if (absolute && strncmp(path, url, strlen(url)) != 0)
        return mlc_fail(err, MLC_E_INVALID, "a link of the service leads to another address: refused");
    *out = absolute ? mlc_strdup(path) : mlc_asprintf("%s%s", url, path);
    return *out != NULL ? MLC_OK : mlc_fail(err, MLC_E_NOMEM, "no memory for an address");
}

static bool is_guid(const char *text)
{
    for (size_t i = 0; i < GUID_LEN; i++) {
        const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
            return false;
    }
    return true;
}

void mlc_odata_entity_id(const char *header, char out[64])
{
    out[0] = '\0';
    const char *const open = header != NULL ? strrchr(header, '(') : NULL;
    if (open == NULL || strlen(open) < GUID_LEN + 2 || !is_guid(open + 1) || open[GUID_LEN + 1] != ')')
        return;
    memcpy(out, open + 1, GUID_LEN);
    out[GUID_LEN] = '\0';
}

/* Printable, and without blanks where `least` is '!'. */
static bool is_plain(const char *text, char least)
{
    for (const char *p = text; *p != '\0'; p++)
        if (*p < least || *p > '~')
            return false;
    return true;
}

static bool is_method(const char *text)
{
    if (text == NULL || *text == '\0')
        return false;
    for (const char *p = text; *p != '\0'; p++)
        if (*p < 'A' || *p > 'Z')
            return false;
    return true;
}

mlc_code mlc_odata_check(const mlc_odata_request *request, mlc_error *err)
{
    const char *const values[] = {request->if_match, request->if_none_match, request->prefer};
    if (!is_method(request->method))
        return mlc_fail(err, MLC_E_INVALID, "request: not a method");
    if (request->path == NULL || strlen(request->path) > PATH_MAX_LEN || !is_plain(request->path, '!'))
        return mlc_fail(err, MLC_E_INVALID, "request: a path that cannot be sent");
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        if (values[i] != NULL && !is_plain(values[i], ' '))
            return mlc_fail(err, MLC_E_INVALID, "request: a header that cannot be sent");
    return MLC_OK;
}
