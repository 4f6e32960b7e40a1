/* config_get.c - reading values of a loaded configuration. A path or type that the schema does not have
 * is a bug of the caller and ends the program at once, with the path on standard error. */
#include "base/config_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void bug(const char *path, const char *what)
{
    (void)fprintf(stderr, "bug: configuration setting \"%s\" %s\n", path, what);
    abort();
}

/* The item, or NULL when it belongs to a list element that does not exist. */
static const mlc_cfg_item *lookup(const mlc_cfg *cfg, const char *path)
{
    const mlc_cfg_item *item = mlc_cfg_item_find(cfg, cfg->count, path);
    if (item != NULL)
        return item;
    char abstract[MLC_CFG_PATH_MAX];
    if (!mlc_cfg_abstract(path, abstract, sizeof abstract) ||
        (mlc_cfg_find_field(cfg->schema, cfg->fields, abstract) == NULL &&
         !mlc_cfg_has_below(cfg->schema, cfg->fields, abstract, "[].")))
        bug(path, "is not in the schema");
    return NULL;
}

static bool is_text(mlc_cfg_type type)
{
    return type == MLC_CFG_STRING || type == MLC_CFG_URL || type == MLC_CFG_PATH || type == MLC_CFG_ENUM;
}

static bool is_number(mlc_cfg_type type)
{
    return type == MLC_CFG_INT || type == MLC_CFG_DURATION || type == MLC_CFG_SIZE;
}

const char *mlc_cfg_str(const mlc_cfg *cfg, const char *path)
{
    const mlc_cfg_item *item = lookup(cfg, path);
    if (item != NULL && (item->field == NULL || !is_text(item->field->type)))
        bug(path, "is not a text");
    return item == NULL ? NULL : item->text;
}

int64_t mlc_cfg_int(const mlc_cfg *cfg, const char *path)
{
    const mlc_cfg_item *item = lookup(cfg, path);
    if (item != NULL && (item->field == NULL || !is_number(item->field->type)))
        bug(path, "is not a number");
    return item == NULL ? 0 : item->number;
}

bool mlc_cfg_bool(const mlc_cfg *cfg, const char *path)
{
    const mlc_cfg_item *item = lookup(cfg, path);
    if (item != NULL && (item->field == NULL || item->field->type != MLC_CFG_BOOL))
        bug(path, "is not a yes-or-no value");
    return item != NULL && item->number != 0;
}

const char *mlc_cfg_secret(const mlc_cfg *cfg, const char *path)
{
    const mlc_cfg_item *item = lookup(cfg, path);
    if (item != NULL && (item->field == NULL || item->field->type != MLC_CFG_SECRET))
        bug(path, "is not a secret");
    return item == NULL ? NULL : item->text;
}

size_t mlc_cfg_count(const mlc_cfg *cfg, const char *path)
{
    const mlc_cfg_item *item = lookup(cfg, path);
    if (item != NULL && item->field != NULL && item->field->type != MLC_CFG_STRINGS)
        bug(path, "is not a list");
    return item == NULL ? 0 : item->count;
}

const char *mlc_cfg_list_str(const mlc_cfg *cfg, const char *path, size_t index)
{
    const mlc_cfg_item *item = lookup(cfg, path);
    if (item != NULL && (item->field == NULL || item->field->type != MLC_CFG_STRINGS))
        bug(path, "is not a list of strings");
    return item == NULL || index >= item->count ? NULL : item->list[index];
}

const char *mlc_cfg_where(const mlc_cfg *cfg, const char *path, char *out, size_t size)
{
    const mlc_cfg_item *item = lookup(cfg, path);
    if (item != NULL && item->source == MLC_CFG_FROM_FILE)
        (void)snprintf(out, size, "%s:%u", cfg->file, item->line);
    else
        (void)snprintf(out, size, "%s",
                       item != NULL && item->source == MLC_CFG_FROM_ENV ? "environment" : "default");
    return out;
}

const char *mlc_cfg_at(char *out, size_t size, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    const int len = vsnprintf(out, size, fmt, args);
    va_end(args);
    if (len < 0 || (size_t)len >= size)
        bug(out, "has a path that is too long");
    return out;
}
