/* config_name.c - paths of settings: matching them with the schema and guessing what was meant. */
#include "base/config_private.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { NAME_LONGEST = 64 }; /* longer names are compared by their beginning */

bool mlc_cfg_abstract(const char *path, char *out, size_t size)
{
    size_t n = 0;
    for (const char *p = path; *p != '\0'; p++) {
        if (n + 1 >= size)
            return false;
        out[n++] = *p;
        if (*p == '[')
            p += strspn(p + 1, "0123456789");
    }
    out[n] = '\0';
    return true;
}

const mlc_cfg_field *mlc_cfg_find_field(const mlc_cfg_field *schema, size_t fields, const char *abstract)
{
    for (size_t i = 0; i < fields; i++)
        if (strcmp(schema[i].path, abstract) == 0)
            return &schema[i];
    return NULL;
}

bool mlc_cfg_has_below(const mlc_cfg_field *schema, size_t fields, const char *abstract,
                       const char *separator)
{
    const size_t len = strlen(abstract);
    for (size_t i = 0; i < fields; i++)
        if (strncmp(schema[i].path, abstract, len) == 0 &&
            strncmp(schema[i].path + len, separator, strlen(separator)) == 0)
            return true;
    return false;
}

bool mlc_cfg_env_name(const char *path, char *out, size_t size)
{
    const size_t prefix = strlen("MLC_");
    if (strchr(path, '[') != NULL || strlen(path) + prefix >= size)
        return false;
    (void)snprintf(out, size, "MLC_%s", path);
    for (char *p = out + prefix; *p != '\0'; p++)
        *p = isalnum((unsigned char)*p) ? (char)toupper((unsigned char)*p) : '_';
    return true;
}

/* Edit distance of two names: characters to insert, drop or replace. */
static size_t distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t row[NAME_LONGEST + 1];
    a_len = a_len < NAME_LONGEST ? a_len : NAME_LONGEST;
    b_len = b_len < NAME_LONGEST ? b_len : NAME_LONGEST;
    for (size_t j = 0; j <= b_len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            const size_t replaced =
                diagonal + (tolower((unsigned char)a[i - 1]) != tolower((unsigned char)b[j - 1]));
            diagonal = row[j];
            const size_t shorter = row[j] < row[j - 1] ? row[j] : row[j - 1];
            row[j] = replaced < shorter + 1 ? replaced : shorter + 1;
        }
    }
    return row[b_len];
}

static const char *last_name(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot == NULL ? path : dot + 1;
}

bool mlc_cfg_nearest(const mlc_cfg_field *schema, size_t fields, const char *abstract, char *out, size_t size)
{
    const char *const name = last_name(abstract);
    const size_t name_len = strlen(name);
    const size_t group_len = (size_t)(name - abstract); /* with the dot */
    size_t best = name_len / 3 + 2;                     /* further off is no guess but a distraction */
    bool found = false;
    /* Names of the same group first. */
    for (size_t i = 0; i < fields; i++) {
        const char *path = schema[i].path;
        if (strncmp(path, abstract, group_len) != 0)
            continue;
        const size_t len = strcspn(path + group_len, ".[");
        const size_t d = distance(name, name_len, path + group_len, len);
        if (d < best) {
            best = d;
            found = true;
            (void)snprintf(out, size, "%.*s", (int)(group_len + len), path);
        }
    }
    /* Otherwise the right name in the wrong group. */
    for (size_t i = 0; i < fields && !found; i++) {
        found = strcmp(last_name(schema[i].path), name) == 0;
        if (found)
            (void)snprintf(out, size, "%s", schema[i].path);
    }
    return found;
}
