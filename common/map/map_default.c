/* map_default.c - the built-in mappings (their texts are compiled in from common/map/defaults), and what a mapping says. */
#include "map/map_default.h"
#include "map/map_private.h"

#include <stdio.h>
#include <string.h>

const char *mlc_map_default_text(const char *kind, size_t *len)
{
    for (size_t i = 0; map_defaults[i].kind != NULL; i++) {
        if (strcmp(map_defaults[i].kind, kind) != 0)
            continue;
        *len = map_defaults[i].len;
        return (const char *)map_defaults[i].text;
    }
    return NULL;
}

const char *mlc_map_default_kind(size_t index)
{
    for (size_t i = 0; map_defaults[i].kind != NULL; i++)
        if (i == index)
            return map_defaults[i].kind;
    return NULL;
}

mlc_code mlc_map_load_default(const char *kind, mlc_map **out, mlc_error *err)
{
    char name[80];
    size_t len = 0;
    const char *const text = mlc_map_default_text(kind, &len);
    *out = NULL;
    if (text == NULL)
        return mlc_fail(err, MLC_E_NOTFOUND, "there is no built-in mapping of \"%.40s\"; give a mapping file",
                        kind);
    (void)snprintf(name, sizeof name, "built-in %.40s.map", kind);
    return mlc_map_load_text(name, text, len, out, NULL, err);
}

const char *mlc_map_flow(const mlc_map *map)
{
    return map->flow;
}

const char *mlc_map_target(const mlc_map *map)
{
    return map->target;
}

const char *mlc_map_key(const mlc_map *map)
{
    return map->key;
}

int64_t mlc_map_version(const mlc_map *map)
{
    return map->version;
}

const char *mlc_map_digest(const mlc_map *map)
{
    return map->digest;
}

size_t mlc_map_column_count(const mlc_map *map)
{
    return map->fields.count + map->inactive.count + map->list.fields.count;
}

mlc_map_column mlc_map_column_at(const mlc_map *map, size_t index)
{
    const map_fields *const lists[] = {&map->fields, &map->inactive, &map->list.fields};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        if (index >= lists[i]->count) {
            index -= lists[i]->count;
            continue;
        }
        const map_field *const field = &lists[i]->rows[index];
        return (mlc_map_column){.name = field->to,
                                .type = map_type_name(field->type),
                                .set = field->lookup_set,
                                .key = field->lookup_key,
                                .list = lists[i] == &map->list.fields ? map->list.to : NULL,
                                .inactive = lists[i] == &map->inactive,
                                .line = field->line};
    }
    return (mlc_map_column){0};
}
