/* config_tree.c - walks the parsed file along the schema, and the schema along the parsed file.
 *
 * First every setting of the file is taken over or reported; then every row of the schema that has no
 * value yet gets one from the environment or its default, or is reported as missing. */
#include "base/config_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct paths {
    char concrete[MLC_CFG_PATH_MAX]; /* "tenants[0].id" */
    char abstract[MLC_CFG_PATH_MAX]; /* "tenants[].id" */
} paths;

static unsigned line_of(const config_setting_t *node)
{
    const unsigned line = config_setting_source_line(node);
    return line > 0 ? line : 1;
}

static const char *type_name(const config_setting_t *node)
{
    switch (config_setting_type(node)) {
    case CONFIG_TYPE_GROUP:
        return "a group { }";
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_INT64:
        return "a whole number";
    case CONFIG_TYPE_FLOAT:
        return "a number with a point";
    case CONFIG_TYPE_STRING:
        return "a string";
    case CONFIG_TYPE_BOOL:
        return "true or false";
    case CONFIG_TYPE_ARRAY:
        return "an array [ ]";
    default:
        return "a list ( )";
    }
}

/* The value of the overriding environment variable; NULL when there is none (an empty one is none). */
static const char *override_of(const char *path, char *name, size_t size)
{
    if (!mlc_cfg_env_name(path, name, size))
        return NULL;
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

static mlc_cfg_item *new_item(mlc_cfg_loading *l, const char *path, const mlc_cfg_field *field)
{
    mlc_cfg_item *item = mlc_cfg_item_add(l->cfg, path, field);
    if (item == NULL)
        l->broken = MLC_E_NOMEM;
    return item;
}

/* ---- the file's settings ---- */

static mlc_code set_number(mlc_cfg_item *item, int64_t number, char *reason)
{
    const mlc_cfg_type type = item->field->type;
    if (type == MLC_CFG_DURATION && number != 0) {
        (void)snprintf(reason, MLC_CFG_REASON_MAX, "a duration needs a unit; give %s",
                       mlc_cfg_expected(item->field));
        return MLC_E_INVALID;
    }
    if (type == MLC_CFG_SIZE && number < 0) {
        (void)snprintf(reason, MLC_CFG_REASON_MAX, "a size cannot be negative; give %s",
                       mlc_cfg_expected(item->field));
        return MLC_E_INVALID;
    }
    return mlc_cfg_set_number(item, number, reason);
}

static mlc_code wrong_type(const mlc_cfg_field *field, const config_setting_t *node, char *reason)
{
    (void)snprintf(reason, MLC_CFG_REASON_MAX, "found %s; give %s", type_name(node), mlc_cfg_expected(field));
    return MLC_E_INVALID;
}

static mlc_code set_list(mlc_cfg_item *item, const config_setting_t *node, char *reason)
{
    const int count = config_setting_length(node);
    for (int i = 0; i < count; i++) {
        const char *text = config_setting_get_string_elem(node, i);
        if (text == NULL)
            return wrong_type(item->field, config_setting_get_elem(node, (unsigned)i), reason);
        if (mlc_cfg_add_string(item, text, strlen(text), reason) != MLC_OK)
            return MLC_E_INVALID;
    }
    return MLC_OK;
}

static mlc_code set_from_node(const mlc_cfg *cfg, mlc_cfg_item *item, const config_setting_t *node,
                              char *reason)
{
    const mlc_cfg_type want = item->field->type;
    const int type = config_setting_type(node);
    if (want == MLC_CFG_STRINGS)
        return type == CONFIG_TYPE_ARRAY || type == CONFIG_TYPE_LIST ? set_list(item, node, reason)
                                                                     : wrong_type(item->field, node, reason);
    if (type == CONFIG_TYPE_BOOL && want == MLC_CFG_BOOL) {
        item->number = config_setting_get_bool(node) != 0;
        return MLC_OK;
    }
    if ((type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64) &&
        (want == MLC_CFG_INT || want == MLC_CFG_DURATION || want == MLC_CFG_SIZE))
        return set_number(item, config_setting_get_int64(node), reason);
    if (type == CONFIG_TYPE_STRING && want != MLC_CFG_INT && want != MLC_CFG_BOOL)
        return mlc_cfg_set_text(cfg, item, config_setting_get_string(node), reason);
    return wrong_type(item->field, node, reason);
}

static void take_value(mlc_cfg_loading *l, const config_setting_t *node, const paths *at,
                       const mlc_cfg_field *field)
{
    char env[MLC_CFG_PATH_MAX + 8];
    char reason[MLC_CFG_REASON_MAX];
    if (override_of(at->concrete, env, sizeof env) != NULL)
        return; /* what is overridden need not be right: the secret it names may be elsewhere */
    mlc_cfg_item *item = new_item(l, at->concrete, field);
    if (item == NULL)
        return;
    item->source = MLC_CFG_FROM_FILE;
    item->line = line_of(node);
    if (set_from_node(l->cfg, item, node, reason) != MLC_OK)
        mlc_cfg_fault_add(l->faults, NULL, line_of(node), at->concrete, "%s", reason);
}

static void take_group(mlc_cfg_loading *l, const config_setting_t *group, const paths *at);

static void take_list(mlc_cfg_loading *l, const config_setting_t *list, const paths *at)
{
    const int count = config_setting_length(list);
    mlc_cfg_item *item = new_item(l, at->concrete, NULL);
    if (item == NULL)
        return;
    item->source = MLC_CFG_FROM_FILE;
    item->line = line_of(list);
    item->count = (size_t)count;
    for (int i = 0; i < count; i++) {
        const config_setting_t *element = config_setting_get_elem(list, (unsigned)i);
        paths below;
        const int a = snprintf(below.concrete, sizeof below.concrete, "%s[%d]", at->concrete, i);
        const int b = snprintf(below.abstract, sizeof below.abstract, "%s[]", at->abstract);
        if (a >= (int)sizeof below.concrete || b >= (int)sizeof below.abstract)
            return; /* no path of the schema is that long */
        if (config_setting_is_group(element))
            take_group(l, element, &below);
        else
            mlc_cfg_fault_add(l->faults, NULL, line_of(element), below.concrete,
                              "found %s; write each element as a group { ... }", type_name(element));
    }
}

static void report_unknown(mlc_cfg_loading *l, const config_setting_t *node, const paths *at)
{
    char guess[MLC_CFG_PATH_MAX];
    if (mlc_cfg_nearest(l->cfg->schema, l->cfg->fields, at->abstract, guess, sizeof guess))
        mlc_cfg_fault_add(l->faults, NULL, line_of(node), at->concrete,
                          "unknown setting; did you mean \"%s\"? Correct or remove it", guess);
    else
        mlc_cfg_fault_add(l->faults, NULL, line_of(node), at->concrete, "unknown setting; remove it");
}

static void take_setting(mlc_cfg_loading *l, const config_setting_t *node, const paths *at)
{
    const mlc_cfg *cfg = l->cfg;
    const mlc_cfg_field *field = mlc_cfg_find_field(cfg->schema, cfg->fields, at->abstract);
    if (field != NULL) {
        take_value(l, node, at, field);
    } else if (mlc_cfg_has_below(cfg->schema, cfg->fields, at->abstract, ".")) {
        if (config_setting_is_group(node))
            take_group(l, node, at);
        else
            mlc_cfg_fault_add(l->faults, NULL, line_of(node), at->concrete,
                              "found %s; write it as a group: %s: { ... };", type_name(node),
                              config_setting_name(node));
    } else if (mlc_cfg_has_below(cfg->schema, cfg->fields, at->abstract, "[].")) {
        if (config_setting_is_list(node) ||
            (config_setting_is_array(node) && config_setting_length(node) == 0))
            take_list(l, node, at);
        else
            mlc_cfg_fault_add(l->faults, NULL, line_of(node), at->concrete,
                              "found %s; write it as a list of groups: %s = ( { ... }, { ... } );",
                              type_name(node), config_setting_name(node));
    } else if (!l->some) {
        report_unknown(l, node, at);
    }
}

static void take_group(mlc_cfg_loading *l, const config_setting_t *group, const paths *at)
{
    const char *const dot = at->concrete[0] != '\0' ? "." : "";
    const int count = config_setting_length(group);
    for (int i = 0; i < count; i++) {
        const config_setting_t *node = config_setting_get_elem(group, (unsigned)i);
        const char *name = config_setting_name(node);
        paths below;
        const int a = snprintf(below.concrete, sizeof below.concrete, "%s%s%s", at->concrete, dot, name);
        const int b = snprintf(below.abstract, sizeof below.abstract, "%s%s%s", at->abstract, dot, name);
        if (a >= (int)sizeof below.concrete || b >= (int)sizeof below.abstract)
            mlc_cfg_fault_add(l->faults, NULL, line_of(node), at->concrete,
                              "contains a name that is too long; remove it");
        else
            take_setting(l, node, &below);
    }
}

void mlc_cfg_take_file(mlc_cfg_loading *l)
{
    const paths top = {.concrete = "", .abstract = ""};
    take_group(l, l->root, &top);
    mlc_cfg_items_sort(l->cfg);
}

/* ---- what the file leaves open ---- */

/* The node at a concrete path, or the last one on the way to it; *whole tells which. */
static const config_setting_t *descend(const config_setting_t *root, const char *path, bool *whole)
{
    const config_setting_t *node = root;
    *whole = true;
    for (const char *p = path; *p != '\0';) {
        const config_setting_t *next = NULL;
        if (*p == '[') {
            char *end;
            const unsigned long index = strtoul(p + 1, &end, 10);
            next = config_setting_is_aggregate(node) ? config_setting_get_elem(node, (unsigned)index) : NULL;
            p = end + 1;
        } else {
            char name[MLC_CFG_PATH_MAX];
            const size_t len = strcspn(p, ".[");
            (void)snprintf(name, sizeof name, "%.*s", (int)len, p);
            next = config_setting_is_group(node) ? config_setting_get_member(node, name) : NULL;
            p += len;
        }
        p += *p == '.' ? 1 : 0;
        if (next == NULL) {
            *whole = false;
            return node;
        }
        node = next;
    }
    return node;
}

static void report_missing(mlc_cfg_loading *l, const char *path, const mlc_cfg_field *field)
{
    char env[MLC_CFG_PATH_MAX + 8];
    bool whole;
    const unsigned line = line_of(descend(l->root, path, &whole));
    if (mlc_cfg_env_name(path, env, sizeof env))
        mlc_cfg_fault_add(l->faults, NULL, line, path, "missing; give %s, here or as %s",
                          mlc_cfg_expected(field), env);
    else
        mlc_cfg_fault_add(l->faults, NULL, line, path, "missing; give %s", mlc_cfg_expected(field));
}

/* An empty default means "none" for all types that have no empty value. */
static bool has_default(const mlc_cfg_field *field)
{
    return field->fallback != NULL &&
           (field->fallback[0] != '\0' || field->type == MLC_CFG_STRING || field->type == MLC_CFG_STRINGS);
}

static void complete_setting(mlc_cfg_loading *l, size_t known, const char *path, const mlc_cfg_field *field)
{
    char env[MLC_CFG_PATH_MAX + 8];
    char reason[MLC_CFG_REASON_MAX];
    if (mlc_cfg_item_find(l->cfg, known, path) != NULL)
        return;
    mlc_cfg_item *item = new_item(l, path, field);
    if (item == NULL)
        return;
    const char *text = override_of(path, env, sizeof env);
    if (text != NULL) {
        item->source = MLC_CFG_FROM_ENV;
        if (mlc_cfg_set_text(l->cfg, item, text, reason) != MLC_OK) {
            char where[MLC_CFG_PATH_MAX + 32];
            (void)snprintf(where, sizeof where, "environment variable %s", env);
            mlc_cfg_fault_add(l->faults, where, 0, path, "%s", reason);
        }
    } else if (field->required) {
        report_missing(l, path, field);
    } else if (has_default(field) && mlc_cfg_set_text(l->cfg, item, field->fallback, reason) != MLC_OK) {
        l->broken = MLC_E_INTERNAL;
        mlc_cfg_fault_add(l->faults, "default", 0, path, "%s", reason);
    }
}

/* `prefix` has the indices of the lists passed so far; `rest` is what follows in the schema's path. */
static void complete_field(mlc_cfg_loading *l, size_t known, const char *prefix, const char *rest,
                           const mlc_cfg_field *field)
{
    char path[MLC_CFG_PATH_MAX];
    const char *brackets = strstr(rest, "[]");
    const int head = brackets == NULL ? (int)strlen(rest) : (int)(brackets - rest);
    if (snprintf(path, sizeof path, "%s%.*s", prefix, head, rest) >= (int)sizeof path)
        return;
    if (brackets == NULL) {
        complete_setting(l, known, path, field);
        return;
    }
    const mlc_cfg_item *list = mlc_cfg_item_find(l->cfg, known, path);
    const size_t count = list != NULL && list->field == NULL ? list->count : 0;
    for (size_t i = 0; i < count && l->broken == MLC_OK; i++) {
        char element[MLC_CFG_PATH_MAX];
        bool whole = false;
        if (snprintf(element, sizeof element, "%s[%zu]", path, i) >= (int)sizeof element)
            return;
        /* An element that is no group has been reported; its settings are not missed as well. */
        if (config_setting_is_group(descend(l->root, element, &whole)) && whole)
            complete_field(l, known, element, brackets + 2, field);
    }
}

void mlc_cfg_complete(mlc_cfg_loading *l)
{
    const size_t known = l->cfg->count; /* sorted; items added below stand behind them */
    for (size_t i = 0; i < l->cfg->fields && l->broken == MLC_OK; i++)
        complete_field(l, known, "", l->cfg->schema[i].path, &l->cfg->schema[i]);
    mlc_cfg_items_sort(l->cfg);
}
