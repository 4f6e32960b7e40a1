/* map_private.h - what the map_*.c files share: the compiled mapping and the steps of a run. */
#ifndef MLC_MAP_MAP_PRIVATE_H
#define MLC_MAP_MAP_PRIVATE_H

#include "base/config_file.h"
#include "map/map.h"

#include <locale.h>

enum {
    MLC_MAP_PATH_STEPS_MAX = 8,
    MLC_MAP_FILTERS_MAX = 4,
    MLC_MAP_SOURCES_MAX = 16,
    MLC_MAP_NAME_MAX = 128,
    MLC_MAP_VALUE_MAX = 1 << 18, /* bytes of one value */
    MLC_MAP_ROWS_MAX = 10000     /* elements of an input list that one output list takes */
};

/* ---- map_path.c: where a value stands in the record ---- */

typedef struct map_filter {
    char *column, *value;
} map_filter;

typedef struct map_step {
    char *name;
    long index; /* -1: none */
    map_filter filters[MLC_MAP_FILTERS_MAX];
    size_t filter_count;
} map_step;

typedef struct map_path {
    char *text;
    map_step steps[MLC_MAP_PATH_STEPS_MAX];
    size_t count;
    bool top; /* begins with "/": at the record, not at the element of a list */
} map_path;

/* The objects a path may begin in. */
typedef struct map_scope {
    const cJSON *record, *rows; /* rows: NULL when the record has none */
    const cJSON *element;       /* of the list being mapped; NULL: none */
    const cJSON *settings;
} map_scope;

/* False with "reason; remedy" when the path cannot be read. Free in any case. */
bool map_path_parse(map_path *path, const char *text, char reason[MLC_CFG_REASON_MAX]);
void map_path_free(map_path *path);
typedef enum map_presence { MAP_ABSENT, MAP_EMPTY, MAP_HERE } map_presence;
/* The node, borrowed. MAP_ABSENT: the record says nothing of it; MAP_EMPTY: null, or a list is there without such a row. */
map_presence map_path_find(const map_path *path, const map_scope *scope, const cJSON **out);
/* Text of a node with a single value, borrowed; "true" and "false" for booleans; NULL for others. */
const char *map_node_text(const cJSON *node);

/* ---- the compiled mapping ---- */

typedef enum map_type {
    MAP_TEXT,
    MAP_INT,
    MAP_DECIMAL,
    MAP_MONEY,
    MAP_BOOL,
    MAP_DATE,
    MAP_DATETIME,
    MAP_OPTION,
    MAP_LOOKUP
} map_type;
typedef enum map_letters { MAP_AS_IS, MAP_UPPER, MAP_LOWER } map_letters;
typedef enum map_blank { MAP_OMIT, MAP_NULL, MAP_BLANK } map_blank;
typedef enum map_unknown { MAP_U_FAULT, MAP_U_KEEP, MAP_U_DEFAULT, MAP_U_OMIT } map_unknown;
typedef enum map_missing { MAP_M_FAULT, MAP_M_OMIT, MAP_M_NULL } map_missing;

typedef struct map_table {
    char *name;
    struct {
        char *from, *to;
    } * rows; /* sorted by from */
    size_t count;
    unsigned line;
} map_table;

typedef struct map_part { /* of concat */
    bool constant;
    char *text;
    map_path path;
} map_part;

typedef struct map_field {
    char *to;
    map_path *from;
    size_t from_count;
    char *constant;
    map_part *concat;
    size_t concat_count;
    char *separator;
    size_t sub_start, sub_len; /* in characters, from 1; 0: none */
    size_t left, right;
    size_t pad_width;
    const map_table *table;
    char *date_in, *date_out; /* NULL: any known, ISO */
    size_t max;
    char *lookup_set, *lookup_key;
    char *fallback;
    map_letters letters;
    map_unknown unknown;
    int expr, when; /* references of the Lua registry; 0: none */
    map_type type;
    int scale; /* -1: as written */
    int implied;
    mlc_rounding round;
    map_missing not_found;
    map_blank empty, absent;
    unsigned line;
    bool trim, collapse, pad_left, by_label, cut, required;
    char pad_with;
    char label[MLC_CFG_PATH_MAX]; /* "fields[3]" */
} map_field;

typedef struct map_fields {
    map_field *rows;
    size_t count;
} map_fields;

typedef struct map_list { /* an output list made of an input list */
    char *to;
    map_path from;
    map_fields fields;
    bool set, required;
    unsigned line;
} map_list;

typedef struct map_lua map_lua;

struct mlc_map {
    char *file, *flow, *target, *key;
    int64_t version;
    char digest[MLC_MAP_DIGEST_MAX];
    map_table *tables;
    size_t table_count;
    map_fields fields, inactive;
    map_list list;
    map_lua *lua;
    locale_t locale; /* letters of Unicode, whatever the process's locale */
};

const char *map_type_name(map_type type);
const char *map_table_find(const map_table *table, const char *code);
const map_table *map_table_by_name(const mlc_map *map, const char *name);

/* ---- map_field.c: one field of the file ---- */

typedef struct map_loading {
    mlc_map *map;
    mlc_cfg_faults *faults;
} map_loading;

/* Reads a list of fields at `setting` under `label`. */
void map_fields_load(map_loading *l, const config_setting_t *setting, const char *label, map_fields *out);
void map_fields_free(map_fields *fields);

/* ---- map_setting.c: settings against a table of names ---- */

unsigned map_line(const config_setting_t *setting);
void map_fault(map_loading *l, const config_setting_t *setting, const char *label, const char *fmt, ...)
    MLC_PRINTF(4, 5);
/* Each member of a group must be one of `names` (NULL-terminated); others are faults with the nearest name. */
void map_check_names(map_loading *l, const config_setting_t *group, const char *label,
                     const char *const *names);
/* Each gives a copy or value, or a fault when the setting is of another type; false and untouched when absent. */
bool map_get_text(map_loading *l, const config_setting_t *group, const char *label, const char *name,
                  char **out);
bool map_get_int(map_loading *l, const config_setting_t *group, const char *label, const char *name,
                 int64_t min, int64_t max, int64_t *out);
bool map_get_bool(map_loading *l, const config_setting_t *group, const char *label, const char *name,
                  bool *out);
bool map_get_choice(map_loading *l, const config_setting_t *group, const char *label, const char *name,
                    const char *const *choices, int *out);
/* A string, number, true or false as text. NULL: it is none of them, or no memory. Caller frees. */
char *map_scalar_text(const config_setting_t *setting);
void map_nomem(map_loading *l);

/* ---- map_lua.c: expressions ---- */

map_lua *map_lua_new(const mlc_map *map); /* NULL when out of memory */
void map_lua_free(map_lua *lua);
/* Compile; 0 with a reason (and the line within the expression) when it is refused. */
int map_lua_compile(map_lua *lua, const char *expression, char reason[MLC_CFG_REASON_MAX], unsigned *line);
typedef enum map_lua_kind { MAP_LUA_NIL, MAP_LUA_TRUE, MAP_LUA_FALSE, MAP_LUA_TEXT } map_lua_kind;
/* Run with `value` (NULL: nil). A text is written into `out`. False with words in `reason` on an error. */
bool map_lua_run(map_lua *lua, int chunk, const char *value, const map_scope *scope, map_lua_kind *kind,
                 mlc_buf *out, char reason[MLC_CFG_REASON_MAX]);

/* ---- map_value.c: steps on texts and the types; false with "reason; remedy" ---- */

typedef struct map_value {
    map_presence presence;
    mlc_buf text;
} map_value;

bool map_text_set(map_value *value, const char *text, size_t len);
/* The letters of Unicode, by the first of these locales (a list that ends with NULL) that the machine has. *out is the caller's
 * (freelocale). MLC_E_UNSUPPORTED: it has none of them; says what is to be installed. */
mlc_code map_letters_open(const char *const *names, locale_t *out, mlc_error *err);
bool map_text_letters(const map_field *field, locale_t locale, map_value *value, char *reason);
void map_text_trim(const map_field *field, map_value *value);
void map_text_part(const map_field *field, map_value *value);
bool map_text_pad(const map_field *field, map_value *value, char *reason);
bool map_text_max(const map_field *field, map_value *value, char *reason);
/* Brings the text into the form of the type: digits of a number, a date as it goes out, "true" or "false". */
bool map_value_convert(const map_field *field, map_value *value, char *reason);

/* ---- map_trace.c ---- */

/* `before` and `after` NULL: none. Trace NULL: does nothing. */
void map_trace_add(mlc_map_trace *trace, const char *field, const char *before, const char *after,
                   const char *fmt, ...) MLC_PRINTF(5, 6);

#endif
