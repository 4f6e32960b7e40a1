/* map_field.c - reads and checks the fields of a mapping file. */
#include "map/map_private.h"

#include "base/jdedate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIELDS_MAX = 500, WIDTH_MAX = 4000, TEXT_LEN_MAX = 1000000 };

static const char *const field_names[] = {
    "to",       "from",   "const",   "concat",   "separator", "trim",    "collapse",  "upper",
    "lower",    "left",   "right",   "pad",      "table",     "unknown", "expr",      "when",
    "type",     "by",     "scale",   "round",    "implied",   "date_in", "date_out",  "max",
    "too_long", "lookup", "default", "required", "empty",     "absent",  "substring", NULL};
static const char *const types[] = {"text", "int",      "decimal", "money",  "bool",
                                    "date", "datetime", "option",  "lookup", NULL};
static const char *const blanks[] = {"omit", "null", "blank", NULL};
static const char *const unknowns[] = {"fault", "keep", "default", "omit", NULL};
static const char *const missings[] = {"fault", "omit", "null", NULL};
static const char *const roundings[] = {"fault", "half-up", "half-even", NULL};
static const char *const lengths[] = {"fault", "cut", NULL};
static const char *const option_ways[] = {"value", "label", NULL};

const char *map_type_name(map_type type)
{
    return types[type];
}

/* ---- where the value comes from ---- */

static bool add_path(map_loading *l, const config_setting_t *setting, const char *label, map_path *out)
{
    char reason[MLC_CFG_REASON_MAX];
    const char *const text = config_setting_get_string(setting);
    if (text == NULL) {
        map_fault(l, setting, label, "must be a path in quotes, such as \"F0101.ALPH\"");
        return false;
    }
    if (map_path_parse(out, text, reason))
        return true;
    map_fault(l, setting, label, "%s", reason);
    map_path_free(out);
    return false;
}

static void load_from(map_loading *l, const config_setting_t *setting, const char *label, map_field *field)
{
    const bool several = config_setting_is_list(setting) || config_setting_is_array(setting);
    const int count = several ? config_setting_length(setting) : 1;
    if (count < 1 || count > MLC_MAP_SOURCES_MAX) {
        map_fault(l, setting, label, "%d paths; give 1 to %d", count, MLC_MAP_SOURCES_MAX);
        return;
    }
    field->from = calloc((size_t)count, sizeof *field->from);
    if (field->from == NULL) {
        map_nomem(l);
        return;
    }
    for (int i = 0; i < count; i++)
        if (add_path(l, several ? config_setting_get_elem(setting, (unsigned)i) : setting, label,
                     &field->from[field->from_count]))
            field->from_count++;
}

/* A part is a path, or a group { const = "text"; }. */
static void load_part(map_loading *l, const config_setting_t *setting, const char *label, map_field *field)
{
    map_part *const part = &field->concat[field->concat_count];
    if (!config_setting_is_group(setting)) {
        field->concat_count += add_path(l, setting, label, &part->path) ? 1 : 0;
        return;
    }
    static const char *const names[] = {"const", NULL};
    map_check_names(l, setting, label, names);
    part->constant = true;
    if (map_get_text(l, setting, label, "const", &part->text))
        field->concat_count++;
    else
        map_fault(l, setting, label, "a part is a path or { const = \"text\"; }");
}

static void load_concat(map_loading *l, const config_setting_t *setting, const char *label, map_field *field)
{
    const int count = config_setting_is_list(setting) || config_setting_is_array(setting)
                          ? config_setting_length(setting)
                          : 0;
    if (count < 1 || count > MLC_MAP_SOURCES_MAX) {
        map_fault(l, setting, label,
                  "must be a list of 1 to %d parts, such as ( \"F4101.DSC1\", \"F4101.DSC2\" )",
                  MLC_MAP_SOURCES_MAX);
        return;
    }
    field->concat = calloc((size_t)count, sizeof *field->concat);
    if (field->concat == NULL) {
        map_nomem(l);
        return;
    }
    for (int i = 0; i < count; i++)
        load_part(l, config_setting_get_elem(setting, (unsigned)i), label, field);
}

static void load_source(map_loading *l, const config_setting_t *group, map_field *field)
{
    char at[MLC_CFG_PATH_MAX];
    const config_setting_t *const from = config_setting_get_member(group, "from");
    const config_setting_t *const fixed = config_setting_get_member(group, "const");
    const config_setting_t *const concat = config_setting_get_member(group, "concat");
    const int given = (from != NULL) + (fixed != NULL) + (concat != NULL);
    if (given > 1 || (given == 0 && config_setting_get_member(group, "expr") == NULL))
        map_fault(l, group, field->label, "needs one of from, const, concat or expr; %s",
                  given > 1 ? "remove the others" : "add one");
    (void)snprintf(at, sizeof at, "%.150s.%s", field->label,
                   from != NULL    ? "from"
                   : fixed != NULL ? "const"
                                   : "concat");
    if (from != NULL)
        load_from(l, from, at, field);
    else if (concat != NULL)
        load_concat(l, concat, at, field);
    else if (fixed != NULL && (field->constant = map_scalar_text(fixed)) == NULL)
        map_fault(l, fixed, at, "must be a string, a whole number, true or false; write decimals in quotes");
    if (concat != NULL && !map_get_text(l, group, field->label, "separator", &field->separator))
        field->separator = mlc_strdup(" ");
}

/* ---- what is done with it ---- */

static void load_substring(map_loading *l, const config_setting_t *group, map_field *field)
{
    char at[MLC_CFG_PATH_MAX];
    const config_setting_t *const setting = config_setting_get_member(group, "substring");
    if (setting == NULL)
        return;
    (void)snprintf(at, sizeof at, "%.150s.substring", field->label);
    const bool list = config_setting_is_list(setting) || config_setting_is_array(setting);
    const int start = list ? config_setting_get_int_elem(setting, 0) : 0;
    const int len = list ? config_setting_get_int_elem(setting, 1) : 0;
    if (!list || config_setting_length(setting) != 2 || start < 1 || len < 1) {
        map_fault(l, setting, at, "must be [first, length] in characters counted from 1, such as [1, 3]");
        return;
    }
    field->sub_start = (size_t)start;
    field->sub_len = (size_t)len;
}

static void load_pad(map_loading *l, const config_setting_t *group, map_field *field)
{
    static const char *const names[] = {"width", "with", "side", NULL};
    static const char *const sides[] = {"left", "right", NULL};
    char at[MLC_CFG_PATH_MAX];
    char *with = NULL;
    int64_t width = 0;
    int side = 0;
    const config_setting_t *const setting = config_setting_get_member(group, "pad");
    if (setting == NULL)
        return;
    (void)snprintf(at, sizeof at, "%.150s.pad", field->label);
    if (!config_setting_is_group(setting)) {
        map_fault(l, setting, at, "must be a group such as { width = 12; with = \" \"; side = \"left\"; }");
        return;
    }
    map_check_names(l, setting, at, names);
    if (config_setting_get_member(setting, "width") == NULL)
        map_fault(l, setting, at, "width is missing; give the number of characters");
    (void)map_get_int(l, setting, at, "width", 1, WIDTH_MAX, &width);
    (void)map_get_choice(l, setting, at, "side", sides, &side);
    field->pad_width = (size_t)width;
    field->pad_left = side == 0;
    field->pad_with = ' ';
    if (map_get_text(l, setting, at, "with", &with)) {
        if (strlen(with) == 1)
            field->pad_with = with[0];
        else
            map_fault(l, setting, at, "with must be a single plain character, such as \"0\"");
    }
    free(with);
}

static void load_texts(map_loading *l, const config_setting_t *group, map_field *field)
{
    bool upper = false;
    bool lower = false;
    int64_t left = 0;
    int64_t right = 0;
    (void)map_get_bool(l, group, field->label, "trim", &field->trim);
    (void)map_get_bool(l, group, field->label, "collapse", &field->collapse);
    (void)map_get_bool(l, group, field->label, "upper", &upper);
    (void)map_get_bool(l, group, field->label, "lower", &lower);
    if (upper && lower)
        map_fault(l, group, field->label, "upper and lower cannot both be; remove one");
    field->letters = upper ? MAP_UPPER : lower ? MAP_LOWER : MAP_AS_IS;
    (void)map_get_int(l, group, field->label, "left", 1, TEXT_LEN_MAX, &left);
    (void)map_get_int(l, group, field->label, "right", 1, TEXT_LEN_MAX, &right);
    field->left = (size_t)left;
    field->right = (size_t)right;
    load_substring(l, group, field);
    load_pad(l, group, field);
}

static void load_table(map_loading *l, const config_setting_t *group, map_field *field)
{
    char *name = NULL;
    int unknown = 0;
    if (map_get_text(l, group, field->label, "table", &name)) {
        field->table = map_table_by_name(l->map, name);
        if (field->table == NULL)
            map_fault(l, config_setting_get_member(group, "table"), field->label,
                      "table \"%.60s\" is not defined; add it to the group tables", name);
    }
    if (map_get_choice(l, group, field->label, "unknown", unknowns, &unknown) && name == NULL)
        map_fault(l, group, field->label, "unknown has no meaning without table; add table or remove it");
    field->unknown = (map_unknown)unknown;
    if (field->unknown == MAP_U_DEFAULT && config_setting_get_member(group, "default") == NULL)
        map_fault(l, group, field->label, "unknown = \"default\" needs a default; add one");
    free(name);
}

/* The fault stands at the expression's own line, as an expression begins on the line of its name. */
static void load_lua(map_loading *l, const config_setting_t *group, const map_field *field, const char *name,
                     int *out)
{
    char at[MLC_CFG_PATH_MAX];
    char reason[MLC_CFG_REASON_MAX];
    unsigned line = 1;
    char *text = NULL;
    if (!map_get_text(l, group, field->label, name, &text))
        return;
    *out = map_lua_compile(l->map->lua, text, reason, &line);
    if (*out == 0) {
        (void)snprintf(at, sizeof at, "%.150s.%s", field->label, name);
        mlc_cfg_fault_add(l->faults, NULL, map_line(config_setting_get_member(group, name)) + line - 1, at,
                          "line %u of the expression: %.200s; correct it", line, reason);
    }
    free(text);
}

/* ---- what it becomes ---- */

static void load_lookup(map_loading *l, const config_setting_t *group, map_field *field)
{
    static const char *const names[] = {"set", "key", "not_found", NULL};
    char at[MLC_CFG_PATH_MAX];
    int missing = 0;
    const config_setting_t *const setting = config_setting_get_member(group, "lookup");
    if (setting == NULL) {
        if (field->type == MAP_LOOKUP)
            map_fault(l, group, field->label,
                      "type \"lookup\" needs lookup = { set = ...; key = ...; }; add it");
        return;
    }
    (void)snprintf(at, sizeof at, "%.150s.lookup", field->label);
    if (!config_setting_is_group(setting)) {
        map_fault(l, setting, at, "must be a group such as { set = \"accounts\"; key = \"accountnumber\"; }");
        return;
    }
    if (field->type != MAP_LOOKUP && config_setting_get_member(group, "type") != NULL)
        map_fault(l, setting, at, "does not go with type \"%s\"; remove one of them", types[field->type]);
    field->type = MAP_LOOKUP;
    map_check_names(l, setting, at, names);
    if (!map_get_text(l, setting, at, "set", &field->lookup_set) ||
        !map_get_text(l, setting, at, "key", &field->lookup_key))
        map_fault(l, setting, at, "set and key must both be given: the entity set and the column to look in");
    (void)map_get_choice(l, setting, at, "not_found", missings, &missing);
    field->not_found = (map_missing)missing;
}

static void load_numbers(map_loading *l, const config_setting_t *group, map_field *field)
{
    static const char *const numeric[] = {"scale", "round", "implied"};
    int64_t scale = -1;
    int64_t implied = 0;
    int rounding = 0;
    (void)map_get_int(l, group, field->label, "scale", 0, MLC_DECIMAL_SCALE_MAX, &scale);
    (void)map_get_int(l, group, field->label, "implied", 0, MLC_DECIMAL_SCALE_MAX, &implied);
    (void)map_get_choice(l, group, field->label, "round", roundings, &rounding);
    field->scale = (int)scale;
    field->implied = (int)implied;
    field->round = (mlc_rounding)rounding;
    for (size_t i = 0; i < sizeof numeric / sizeof numeric[0]; i++)
        if (field->type != MAP_DECIMAL && field->type != MAP_MONEY &&
            config_setting_get_member(group, numeric[i]) != NULL)
            map_fault(l, group, field->label, "%s goes only with type \"decimal\" or \"money\"; set the type",
                      numeric[i]);
}

static void check_format(map_loading *l, const config_setting_t *group, const map_field *field,
                         const char *format)
{
    static const char *const words[] = {"iso", "julian", "yyyymmdd"};
    char text[64];
    for (size_t i = 0; format != NULL && i < sizeof words / sizeof words[0]; i++)
        if (strcmp(words[i], format) == 0)
            return;
    if (format != NULL && mlc_jde_date_format(126001, format, text, sizeof text, NULL) != MLC_OK)
        map_fault(l, group, field->label,
                  "\"%.40s\" is no form of a date; give \"iso\", \"julian\", \"yyyymmdd\" or one such as "
                  "\"dd/MM/yyyy\"",
                  format);
}

static void load_dates(map_loading *l, const config_setting_t *group, map_field *field)
{
    (void)map_get_text(l, group, field->label, "date_in", &field->date_in);
    (void)map_get_text(l, group, field->label, "date_out", &field->date_out);
    if ((field->date_in != NULL || field->date_out != NULL) && field->type != MAP_DATE &&
        field->type != MAP_DATETIME)
        map_fault(l, group, field->label, "date_in and date_out go only with dates; set type = \"date\"");
    if (field->type == MAP_DATETIME && field->date_out != NULL)
        map_fault(l, group, field->label,
                  "date_out goes only with type \"date\", as a time is always ISO; remove it");
    check_format(l, group, field, field->date_in);
    check_format(l, group, field, field->date_out);
}

static void load_type(map_loading *l, const config_setting_t *group, map_field *field)
{
    int type = 0;
    int by = 0;
    int64_t max = 0;
    int too_long = 0;
    (void)map_get_choice(l, group, field->label, "type", types, &type);
    field->type = (map_type)type;
    if (map_get_choice(l, group, field->label, "by", option_ways, &by) && field->type != MAP_OPTION)
        map_fault(l, group, field->label, "by goes only with type \"option\"; set the type or remove it");
    field->by_label = by == 1;
    load_lookup(l, group, field);
    load_numbers(l, group, field);
    load_dates(l, group, field);
    if (map_get_int(l, group, field->label, "max", 1, TEXT_LEN_MAX, &max) && field->type != MAP_TEXT)
        map_fault(l, group, field->label, "max goes only with type \"text\"; remove it");
    if (map_get_choice(l, group, field->label, "too_long", lengths, &too_long) && max == 0)
        map_fault(l, group, field->label, "too_long has no meaning without max; add max or remove it");
    field->max = (size_t)max;
    field->cut = too_long == 1;
}

static void load_rest(map_loading *l, const config_setting_t *group, map_field *field)
{
    const config_setting_t *const fallback = config_setting_get_member(group, "default");
    int empty = MAP_NULL;
    int absent = MAP_OMIT;
    if (fallback != NULL && (field->fallback = map_scalar_text(fallback)) == NULL)
        map_fault(l, fallback, field->label,
                  "default must be a string, a whole number, true or false; write decimals in quotes");
    (void)map_get_bool(l, group, field->label, "required", &field->required);
    (void)map_get_choice(l, group, field->label, "empty", blanks, &empty);
    (void)map_get_choice(l, group, field->label, "absent", blanks, &absent);
    field->empty = (map_blank)empty;
    field->absent = (map_blank)absent;
}

/* ---- the list ---- */

static void check_twice(map_loading *l, const config_setting_t *group, const map_fields *fields,
                        const map_field *field)
{
    for (size_t i = 0; i < fields->count; i++)
        if (fields->rows[i].to != NULL && strcmp(fields->rows[i].to, field->to) == 0)
            map_fault(l, group, field->label,
                      "to = \"%.80s\" is written by line %u already; remove one of them", field->to,
                      fields->rows[i].line);
}

static void load_field(map_loading *l, const config_setting_t *group, map_fields *fields, map_field *field)
{
    if (!config_setting_is_group(group)) {
        map_fault(l, group, field->label,
                  "must be a group such as { to = \"name\"; from = \"F0101.ALPH\"; }");
        return;
    }
    map_check_names(l, group, field->label, field_names);
    if (!map_get_text(l, group, field->label, "to", &field->to) || field->to[0] == '\0' ||
        strlen(field->to) > MLC_MAP_NAME_MAX / 2)
        map_fault(l, group, field->label,
                  "to is missing or too long; name the column to write, at most %d characters",
                  MLC_MAP_NAME_MAX / 2);
    else
        check_twice(l, group, fields, field);
    load_source(l, group, field);
    load_texts(l, group, field);
    load_table(l, group, field);
    load_lua(l, group, field, "expr", &field->expr);
    load_lua(l, group, field, "when", &field->when);
    load_type(l, group, field);
    load_rest(l, group, field);
}

void map_fields_load(map_loading *l, const config_setting_t *setting, const char *label, map_fields *out)
{
    const int count = config_setting_is_list(setting) ? config_setting_length(setting) : -1;
    if (count < 0 || count > FIELDS_MAX) {
        map_fault(l, setting, label, "must be a list ( { to = ...; }, { ... } ) of at most %d fields",
                  FIELDS_MAX);
        return;
    }
    out->rows = calloc((size_t)count + 1, sizeof *out->rows);
    if (out->rows == NULL) {
        map_nomem(l);
        return;
    }
    for (int i = 0; i < count; i++) {
        const config_setting_t *const group = config_setting_get_elem(setting, (unsigned)i);
        map_field *const field = &out->rows[i];
        *field = (map_field){.trim = true, .scale = -1, .line = map_line(group)};
        (void)snprintf(field->label, sizeof field->label, "%.60s[%d]", label, i);
        load_field(l, group, out, field);
        out->count++;
    }
}

static void field_free(map_field *field)
{
    for (size_t i = 0; i < field->from_count; i++)
        map_path_free(&field->from[i]);
    for (size_t i = 0; i < field->concat_count; i++) {
        map_path_free(&field->concat[i].path);
        free(field->concat[i].text);
    }
    free(field->from);
    free(field->concat);
    free(field->to);
    free(field->constant);
    free(field->separator);
    free(field->date_in);
    free(field->date_out);
    free(field->lookup_set);
    free(field->lookup_key);
    free(field->fallback);
}

void map_fields_free(map_fields *fields)
{
    for (size_t i = 0; i < fields->count; i++)
        field_free(&fields->rows[i]);
    free(fields->rows);
    *fields = (map_fields){0};
}
