/* json.c - accessors, builders and printing of json.h. The reader is in json_parse.c. */
#include "base/json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *mlc_json_print(const cJSON *tree)
{
    return cJSON_PrintUnformatted(tree);
}

static const cJSON *get_n(const cJSON *obj, const char *name, size_t len)
{
    if (!cJSON_IsObject(obj))
        return NULL;
    const cJSON *found = NULL;
    for (const cJSON *child = obj->child; child != NULL; child = child->next)
        if (child->string != NULL && strncmp(child->string, name, len) == 0 && child->string[len] == '\0')
            found = child;
    return found;
}

const cJSON *mlc_json_get(const cJSON *obj, const char *name)
{
    return name == NULL ? NULL : get_n(obj, name, strlen(name));
}

const cJSON *mlc_json_path(const cJSON *obj, const char *path)
{
    const cJSON *node = obj;
    const char *step = path;
    while (node != NULL && step != NULL) {
        size_t len = strcspn(step, ".");
        node = get_n(node, step, len);
        step = step[len] == '.' ? step + len + 1 : NULL;
    }
    return node;
}

const char *mlc_json_str(const cJSON *obj, const char *name)
{
    return cJSON_GetStringValue(mlc_json_get(obj, name));
}

bool mlc_json_is_number(const cJSON *node)
{
    if (cJSON_IsNumber(node))
        return true;
    if (!cJSON_IsRaw(node) || node->valuestring == NULL)
        return false;
    char first = node->valuestring[0];
    return first == '-' || (first >= '0' && first <= '9');
}

const char *mlc_json_text(const cJSON *node)
{
    if (cJSON_IsString(node) || (cJSON_IsRaw(node) && mlc_json_is_number(node)))
        return node->valuestring;
    return NULL;
}

const char *mlc_json_member_text(const cJSON *obj, const char *name)
{
    return mlc_json_text(mlc_json_get(obj, name));
}

bool mlc_json_bool(const cJSON *obj, const char *name, bool fallback)
{
    const cJSON *node = mlc_json_get(obj, name);
    if (cJSON_IsBool(node))
        return cJSON_IsTrue(node);
    const char *text = cJSON_GetStringValue(node);
    if (text != NULL && strcmp(text, "true") == 0)
        return true;
    if (text != NULL && strcmp(text, "false") == 0)
        return false;
    return fallback;
}

static bool is_digits(const char *text)
{
    const char *digits = text[0] == '-' ? text + 1 : text;
    return digits[0] != '\0' && digits[strspn(digits, "0123456789")] == '\0';
}

/* "12.0" and "1e3" are whole numbers too when they come as JSON numbers. */
static bool whole_decimal(const char *text, int64_t *out)
{
    mlc_decimal value = {0};
    if (mlc_decimal_parse(text, &value, NULL) != MLC_OK)
        return false;
    value = mlc_decimal_normalize(value);
    *out = value.unscaled;
    return value.scale == 0;
}

mlc_code mlc_json_int64(const cJSON *obj, const char *name, int64_t *out, mlc_error *err)
{
    const cJSON *node = mlc_json_get(obj, name);
    if (node == NULL)
        return mlc_fail(err, MLC_E_NOTFOUND, "member %s is missing", name);
    const char *text = mlc_json_text(node);
    int64_t value = 0;
    bool good = false;
    if (text != NULL && is_digits(text)) {
        errno = 0;
        value = strtoll(text, NULL, 10);
        good = errno == 0;
    } else if (text != NULL && mlc_json_is_number(node)) {
        good = whole_decimal(text, &value);
    }
    if (!good)
        return mlc_fail(err, MLC_E_INVALID, "member %s is not a whole number of 64 bits", name);
    *out = value;
    return MLC_OK;
}

mlc_code mlc_json_decimal(const cJSON *obj, const char *name, mlc_decimal *out, mlc_error *err)
{
    const cJSON *node = mlc_json_get(obj, name);
    if (node == NULL || cJSON_IsNull(node))
        return mlc_fail(err, MLC_E_NOTFOUND, "member %s is missing", name);
    const char *text = mlc_json_text(node);
    if (text == NULL)
        return mlc_fail(err, MLC_E_INVALID, "member %s is neither a number nor a string", name);
    mlc_decimal value = {0};
    if (mlc_decimal_parse(text, &value, err) != MLC_OK)
        return mlc_wrap(err, MLC_E_INVALID, "member %s is not an exact decimal number", name);
    *out = value;
    return MLC_OK;
}

mlc_code mlc_json_add(cJSON *parent, const char *name, cJSON *child, mlc_error *err)
{
    if (child == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "out of memory for a JSON member");
    mlc_code code = MLC_OK;
    if (name == NULL ? !cJSON_IsArray(parent) : !cJSON_IsObject(parent))
        code = mlc_fail(err, MLC_E_INTERNAL, "JSON parent takes no %s", name == NULL ? "element" : "member");
    else if (name == NULL ? !cJSON_AddItemToArray(parent, child)
                          : !cJSON_AddItemToObject(parent, name, child))
        code = mlc_fail(err, MLC_E_NOMEM, "out of memory for a JSON member");
    if (code != MLC_OK)
        cJSON_Delete(child);
    return code;
}

mlc_code mlc_json_add_str(cJSON *obj, const char *name, const char *text, mlc_error *err)
{
    if (text == NULL)
        return mlc_json_add(obj, name, cJSON_CreateNull(), err);
    if (!mlc_utf8_valid(text, strlen(text)))
        return mlc_fail(err, MLC_E_INVALID, "text of member %s is not well-formed UTF-8",
                        name == NULL ? "of an array" : name);
    return mlc_json_add(obj, name, cJSON_CreateString(text), err);
}

mlc_code mlc_json_add_int(cJSON *obj, const char *name, int64_t value, mlc_error *err)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%" PRId64, value);
    return mlc_json_add(obj, name, cJSON_CreateRaw(text), err);
}

mlc_code mlc_json_add_bool(cJSON *obj, const char *name, bool value, mlc_error *err)
{
    return mlc_json_add(obj, name, cJSON_CreateBool(value), err);
}

mlc_code mlc_json_add_decimal(cJSON *obj, const char *name, mlc_decimal value, mlc_error *err)
{
    char text[MLC_DECIMAL_TEXT_MAX];
    return mlc_json_add(obj, name, cJSON_CreateRaw(mlc_decimal_text(value, text)), err);
}
