/* map_path.c - paths such as "F0101.ALPH", "F0115[PHTP=FAX].PH1" or "lines[0].item". */
#include "map/map_private.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool refuse(char *reason, const char *text, const char *why)
{
    (void)snprintf(reason, MLC_CFG_REASON_MAX, "the path \"%.80s\" %s", text, why);
    return false;
}

static size_t name_len(const char *text)
{
    size_t n = 0;
    while (isalnum((unsigned char)text[n]) || text[n] == '_' || text[n] == '@' || text[n] == '-')
        n++;
    return n;
}

/* "COL=value" up to a comma or the end. */
static bool parse_filter(map_step *step, const char *text, size_t len)
{
    const char *const equals = memchr(text, '=', len);
    const size_t column = name_len(text);
    if (equals == NULL || column == 0 || text + column != equals || step->filter_count == MLC_MAP_FILTERS_MAX)
        return false;
    map_filter *const filter = &step->filters[step->filter_count++];
    filter->column = mlc_strndup(text, column);
    filter->value = mlc_strndup(equals + 1, len - column - 1);
    return filter->column != NULL && filter->value != NULL;
}

/* What stands between brackets: an index, or conditions. */
static bool parse_bracket(map_step *step, const char *text, size_t len)
{
    const size_t digits = strspn(text, "0123456789");
    if (digits > 0 && digits == len && digits <= 6) {
        step->index = strtol(text, NULL, 10);
        return true;
    }
    for (size_t at = 0; at <= len;) {
        const char *const comma = memchr(text + at, ',', len - at);
        const size_t end = comma == NULL ? len : (size_t)(comma - text);
        if (!parse_filter(step, text + at, end - at))
            return false;
        at = end + 1;
    }
    return true;
}

static const char *parse_step(map_path *path, const char *p, char *reason)
{
    const size_t len = name_len(p);
    if (len == 0 || path->count == MLC_MAP_PATH_STEPS_MAX) {
        (void)refuse(reason, path->text, "is no path; write names joined by points, such as F0101.ALPH");
        return NULL;
    }
    map_step *const step = &path->steps[path->count++];
    step->index = -1;
    step->name = mlc_strndup(p, len);
    p += len;
    if (*p != '[')
        return p;
    const char *const end = strchr(p, ']');
    if (end == NULL || !parse_bracket(step, p + 1, (size_t)(end - p - 1))) {
        (void)refuse(reason, path->text, "has brackets that cannot be read; write [0] or [COLUMN=value]");
        return NULL;
    }
    return end + 1;
}

bool map_path_parse(map_path *path, const char *text, char reason[MLC_CFG_REASON_MAX])
{
    *path = (map_path){.text = mlc_strdup(text)};
    const char *p = text;
    if (path->text == NULL)
        return refuse(reason, text, "cannot be kept; there is no memory");
    path->top = *p == '/';
    p += path->top ? 1 : 0;
    while ((p = parse_step(path, p, reason)) != NULL && *p == '.')
        p++;
    if (p == NULL)
        return false;
    return *p == '\0' || refuse(reason, text, "has something behind it; join names by points");
}

void map_path_free(map_path *path)
{
    for (size_t i = 0; i < path->count; i++) {
        map_step *const step = &path->steps[i];
        for (size_t f = 0; f < step->filter_count; f++) {
            free(step->filters[f].column);
            free(step->filters[f].value);
        }
        free(step->name);
    }
    free(path->text);
    *path = (map_path){0};
}

const char *map_node_text(const cJSON *node)
{
    if (cJSON_IsBool(node))
        return cJSON_IsTrue(node) ? "true" : "false";
    return mlc_json_text(node);
}

/* Equal but for blanks on either side, as JDE pads. */
static bool same_text(const char *a, const char *b)
{
    while (*a == ' ')
        a++;
    while (*b == ' ')
        b++;
    size_t a_len = strlen(a);
    size_t b_len = strlen(b);
    while (a_len > 0 && a[a_len - 1] == ' ')
        a_len--;
    while (b_len > 0 && b[b_len - 1] == ' ')
        b_len--;
    return a_len == b_len && memcmp(a, b, a_len) == 0;
}

static bool row_fits(const map_step *step, const cJSON *row)
{
    for (size_t i = 0; i < step->filter_count; i++) {
        const char *const text = map_node_text(mlc_json_get(row, step->filters[i].column));
        if (!same_text(text != NULL ? text : "", step->filters[i].value))
            return false;
    }
    return cJSON_IsObject(row);
}

/* The element that a step's brackets choose. A single object counts as a list of one. */
static const cJSON *choose(const map_step *step, const cJSON *node)
{
    if (step->index < 0 && step->filter_count == 0)
        return node;
    if (cJSON_IsObject(node))
        return step->index > 0 || (step->filter_count > 0 && !row_fits(step, node)) ? NULL : node;
    long at = 0;
    const cJSON *row = NULL;
    cJSON_ArrayForEach(row, node)
    {
        if (step->index >= 0 ? at++ == step->index : row_fits(step, row))
            return row;
    }
    return NULL;
}

static const cJSON *first_of(const map_path *path, const map_scope *scope, size_t *from)
{
    const char *const name = path->steps[0].name;
    const cJSON *const places[] = {path->top ? NULL : scope->element, scope->rows, scope->record};
    *from = 0;
    if (strcmp(name, "settings") == 0 && path->count > 1) {
        *from = 1;
        return mlc_json_get(scope->settings, path->steps[1].name);
    }
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        const cJSON *const found = places[i] != NULL ? mlc_json_get(places[i], name) : NULL;
        if (found != NULL)
            return found;
    }
    return NULL;
}

map_presence map_path_find(const map_path *path, const map_scope *scope, const cJSON **out)
{
    size_t at = 0;
    const cJSON *node = first_of(path, scope, &at);
    for (;; at++) {
        if (node == NULL)
            return MAP_ABSENT;
        node = choose(&path->steps[at], node);
        if (node == NULL || cJSON_IsNull(node))
            return MAP_EMPTY;
        if (at + 1 == path->count)
            break;
        node = mlc_json_get(node, path->steps[at + 1].name);
    }
    *out = node;
    return MAP_HERE;
}
