/* odata_diff.c - by which columns a row differs from what would be written to it (odata_dry.h). */
#include "relay/odata_dry.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char bind_mark[] = "@odata.bind";
enum { BIND_LEN = sizeof bind_mark - 1, GUID_LEN = 36, SHOWN_MAX = 60 };

static bool is_bind(const char *member, size_t *name_len)
{
    const size_t len = strlen(member);
    if (len <= BIND_LEN || strcmp(member + len - BIND_LEN, bind_mark) != 0)
        return false;
    *name_len = len - BIND_LEN;
    return true;
}

/* "parentcustomerid_account" sets parentcustomerid. */
static size_t without_table(const char *member, size_t len)
{
    static const char *const tables[] = {"_account", "_contact"};
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        const size_t tail = strlen(tables[i]);
        if (len > tail && strncasecmp(member + len - tail, tables[i], tail) == 0)
            return len - tail;
    }
    return len;
}

mlc_code mlc_odata_shown_column(const char *member, mlc_buf *out, mlc_error *err)
{
    size_t len = 0;
    char name[128];
    if (!is_bind(member, &len))
        return mlc_buf_puts(out, member, err);
    len = without_table(member, len);
    if (len >= sizeof name)
        return mlc_fail(err, MLC_E_LIMIT, "%.60s: the name of the column is too long", member);
    /* Navigation properties are written as the schema has them, columns in small letters. */
    for (size_t i = 0; i < len; i++)
        name[i] = (char)tolower((unsigned char)member[i]);
    name[len] = '\0';
    return mlc_buf_printf(out, err, "_%s_value", name);
}

/* ---- values ---- */

static bool is_empty(const cJSON *value)
{
    const char *const text = mlc_json_text(value);
    return value == NULL || cJSON_IsNull(value) || (text != NULL && *text == '\0');
}

static bool same_number(const char *a, const char *b)
{
    mlc_decimal left, right;
    return mlc_decimal_parse(a, &left, NULL) == MLC_OK && mlc_decimal_parse(b, &right, NULL) == MLC_OK &&
           mlc_decimal_cmp(left, right) == 0;
}

static bool same_value(const cJSON *wanted, const cJSON *shown)
{
    if (is_empty(wanted) || is_empty(shown))
        return is_empty(wanted) && is_empty(shown);
    if (cJSON_IsBool(wanted) || cJSON_IsBool(shown))
        return cJSON_IsTrue(wanted) == cJSON_IsTrue(shown) && cJSON_IsBool(wanted) && cJSON_IsBool(shown);
    const char *const a = mlc_json_text(wanted);
    const char *const b = mlc_json_text(shown);
    if (a == NULL || b == NULL)
        return cJSON_Compare(wanted, shown, true);
    if (mlc_json_is_number(wanted) || mlc_json_is_number(shown))
        return same_number(a, b);
    return strcmp(a, b) == 0;
}

/* "/accounts(GUID)": the id; NULL when it is given by another key. */
static const char *bound_id(const char *reference)
{
    const char *const open = reference != NULL ? strrchr(reference, '(') : NULL;
    return open != NULL && strlen(open) == GUID_LEN + 2 ? open + 1 : NULL;
}

static bool same_reference(const cJSON *wanted, const cJSON *shown)
{
    const char *const id = bound_id(mlc_json_text(wanted));
    const char *const there = mlc_json_text(shown);
    return id != NULL && there != NULL && strlen(there) == GUID_LEN && strncasecmp(id, there, GUID_LEN) == 0;
}

/* ---- the list ---- */

static mlc_code add_copy(cJSON *one, const char *name, const cJSON *value)
{
    cJSON *const copy = value != NULL ? cJSON_Duplicate(value, true) : cJSON_CreateNull();
    if (copy != NULL && cJSON_AddItemToObject(one, name, copy))
        return MLC_OK;
    cJSON_Delete(copy);
    return MLC_E_NOMEM;
}

static mlc_code add_difference(cJSON *list, const char *column, const cJSON *old, const cJSON *wanted)
{
    cJSON *const one = cJSON_CreateObject();
    mlc_code code = one != NULL ? mlc_json_add_str(one, "column", column, NULL) : MLC_E_NOMEM;
    if (code == MLC_OK)
        code = add_copy(one, "old", old);
    if (code == MLC_OK)
        code = add_copy(one, "new", wanted);
    if (code == MLC_OK && cJSON_AddItemToArray(list, one))
        return MLC_OK;
    cJSON_Delete(one);
    return MLC_E_NOMEM;
}

static mlc_code compare_member(cJSON *list, const cJSON *wanted, const cJSON *row)
{
    size_t len = 0;
    mlc_buf column = {0};
    mlc_code code = mlc_odata_shown_column(wanted->string, &column, NULL);
    if (code == MLC_OK) {
        const cJSON *const shown = mlc_json_get(row, mlc_buf_text(&column));
        const bool same =
            is_bind(wanted->string, &len) ? same_reference(wanted, shown) : same_value(wanted, shown);
        if (!same)
            code = add_difference(list, mlc_buf_text(&column), shown, wanted);
    }
    mlc_buf_free(&column);
    return code;
}

cJSON *mlc_odata_differences(const cJSON *body, const cJSON *row)
{
    cJSON *const list = cJSON_CreateArray();
    const cJSON *member = NULL;
    mlc_code code = list != NULL ? MLC_OK : MLC_E_NOMEM;
    cJSON_ArrayForEach(member, body)
    {
        if (code == MLC_OK)
            code = compare_member(list, member, row);
    }
    if (code == MLC_OK)
        return list;
    cJSON_Delete(list);
    return NULL;
}

/* ---- in words ---- */

static void put_value(mlc_buf *out, const cJSON *value)
{
    const char *const text = mlc_json_text(value);
    if (is_empty(value))
        (void)mlc_buf_puts(out, "empty", NULL);
    else if (text != NULL && !mlc_json_is_number(value))
        (void)mlc_buf_printf(out, NULL, "\"%.*s%s\"", SHOWN_MAX, text, strlen(text) > SHOWN_MAX ? "..." : "");
    else if (text != NULL)
        (void)mlc_buf_printf(out, NULL, "%.40s", text);
    else
        (void)mlc_buf_puts(out, cJSON_IsTrue(value) ? "true" : cJSON_IsFalse(value) ? "false" : "...", NULL);
}

void mlc_odata_differences_text(const cJSON *differences, char *out, size_t size)
{
    const cJSON *const columns = mlc_json_get(differences, "columns");
    const bool exists = mlc_json_bool(differences, "exists", false);
    const cJSON *one = NULL;
    mlc_buf text = {0};
    const char *between = exists ? "would change " : "would make a new row with ";
    cJSON_ArrayForEach(one, columns)
    {
        (void)mlc_buf_printf(&text, NULL, "%s%s ", between, mlc_json_str(one, "column"));
        if (exists) {
            put_value(&text, mlc_json_get(one, "old"));
            (void)mlc_buf_puts(&text, " -> ", NULL);
        }
        put_value(&text, mlc_json_get(one, "new"));
        between = ", ";
    }
    if (cJSON_GetArraySize(columns) == 0)
        (void)mlc_buf_puts(&text, exists ? "would change nothing" : "would make a new row", NULL);
    mlc_strlcpy(out, mlc_buf_text(&text), size);
    mlc_buf_free(&text);
}
