/* schema_table.c - see schema_table.h. */
#include "relay/schema_table.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { NAME_MAX_LEN = 128, LABEL_MAX = 100, KEYS_MAX = 100, TARGETS_MAX = 500, CREATE = 1, UPDATE = 2 };

/* ---- from the service's answers to the compact form ---- */

/* A name of the service: letters, digits and underscores. NULL when it is none. */
static const char *plain_name(const cJSON *obj, const char *member)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    const char *const text = mlc_json_str(obj, member);
    const size_t len = text != NULL ? strlen(text) : 0;
    return len > 0 && len <= NAME_MAX_LEN && strspn(text, allowed) == len ? text : NULL;
}

/* {"UserLocalizedLabel":{"Label":".."}}, or `fallback`. */
static mlc_code add_label(cJSON *to, const char *member, const cJSON *label, const char *fallback,
                          mlc_error *err)
{
    char text[LABEL_MAX];
    const char *const shown = mlc_json_str(mlc_json_get(label, "UserLocalizedLabel"), "Label");
    mlc_strlcpy(text, shown != NULL && *shown != '\0' ? shown : fallback, sizeof text);
    for (char *p = text; *p != '\0'; p++)
        if ((unsigned char)*p < ' ')
            *p = ' ';
    return mlc_json_add_str(to, member, text, err);
}

/* A number as it came, when it is one. */
static mlc_code add_number(cJSON *to, const char *member, const cJSON *from, const char *name, mlc_error *err)
{
    const cJSON *const node = mlc_json_get(from, name);
    mlc_decimal value;
    if (!mlc_json_is_number(node) || mlc_json_decimal(from, name, &value, NULL) != MLC_OK)
        return MLC_OK;
    return mlc_json_add_decimal(to, member, value, err);
}

static const cJSON *options_of(const cJSON *attribute)
{
    const cJSON *const own = mlc_json_path(attribute, "OptionSet.Options");
    return cJSON_IsArray(own) ? own : mlc_json_path(attribute, "GlobalOptionSet.Options");
}

static mlc_code add_option(cJSON *list, const cJSON *option, mlc_error *err)
{
    int64_t value = 0;
    char label[LABEL_MAX];
    const char *const shown = mlc_json_str(mlc_json_path(option, "Label.UserLocalizedLabel"), "Label");
    if (mlc_json_int64(option, "Value", &value, err) != MLC_OK)
        return mlc_wrap(err, MLC_E_PROTOCOL, "an option without a number");
    mlc_strlcpy(label, shown != NULL ? shown : "", sizeof label);
    cJSON *const item = cJSON_CreateObject();
    if (item == NULL || !cJSON_AddItemToArray(list, item))
        return mlc_fail(err, MLC_E_NOMEM, "no memory for an option set");
    const mlc_code code = mlc_json_add_int(item, "v", value, err);
    return code == MLC_OK ? mlc_json_add_str(item, "l", label, err) : code;
}

static mlc_code add_options(cJSON *to, const cJSON *options, mlc_error *err)
{
    const cJSON *option = NULL;
    mlc_code code = MLC_OK;
    if (!cJSON_IsArray(options) || mlc_json_get(to, "options") != NULL)
        return MLC_OK;
    if (cJSON_GetArraySize(options) > MLC_SCHEMA_OPTIONS_MAX)
        return mlc_fail(err, MLC_E_LIMIT, "an option set has more than %d options", MLC_SCHEMA_OPTIONS_MAX);
    cJSON *const list = cJSON_AddArrayToObject(to, "options");
    if (list == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for an option set");
    cJSON_ArrayForEach(option, options)
    {
        code = code == MLC_OK ? add_option(list, option, err) : code;
    }
    return code;
}

static mlc_code add_names(cJSON *to, const char *member, const cJSON *names, int max, mlc_error *err)
{
    const cJSON *name = NULL;
    if (!cJSON_IsArray(names))
        return MLC_OK;
    if (cJSON_GetArraySize(names) > max)
        return mlc_fail(err, MLC_E_LIMIT, "\"%s\" has more than %d names", member, max);
    cJSON *const list = cJSON_AddArrayToObject(to, member);
    cJSON_ArrayForEach(name, names)
    {
        if (cJSON_IsString(name) && !cJSON_AddItemToArray(list, cJSON_CreateString(name->valuestring)))
            return mlc_fail(err, MLC_E_NOMEM, "no memory for metadata");
    }
    return MLC_OK;
}

/* Amounts that take their precision from the currency or the organization are stored with four decimals. */
static mlc_code add_precision(cJSON *to, const cJSON *attribute, mlc_error *err)
{
    int64_t source = 0;
    if (mlc_json_int64(attribute, "PrecisionSource", &source, NULL) == MLC_OK && source != 0)
        return mlc_json_add_int(to, "p", 4, err);
    return add_number(to, "p", attribute, "Precision", err);
}

static mlc_code fill_column(cJSON *to, const cJSON *attribute, const char *name, mlc_error *err)
{
    const char *const level = mlc_json_str(mlc_json_get(attribute, "RequiredLevel"), "Value");
    const int write = (mlc_json_bool(attribute, "IsValidForCreate", false) ? CREATE : 0) |
                      (mlc_json_bool(attribute, "IsValidForUpdate", false) ? UPDATE : 0);
    mlc_code code = mlc_json_add_str(to, "n", name, err);
    if (code == MLC_OK)
        code = add_label(to, "l", mlc_json_get(attribute, "DisplayName"), name, err);
    if (code == MLC_OK)
        code = mlc_json_add_str(to, "t", plain_name(attribute, "AttributeType"), err);
    if (code == MLC_OK)
        code = mlc_json_add_str(to, "r", level != NULL && strlen(level) < 32 ? level : "None", err);
    if (code == MLC_OK)
        code = mlc_json_add_int(to, "w", write, err);
    if (code == MLC_OK)
        code = add_number(to, "max", attribute, "MaxLength", err);
    if (code == MLC_OK)
        code = add_precision(to, attribute, err);
    if (code == MLC_OK)
        code = add_number(to, "lo", attribute, "MinValue", err);
    if (code == MLC_OK)
        code = add_number(to, "hi", attribute, "MaxValue", err);
    if (code == MLC_OK)
        code = add_names(to, "targets", mlc_json_get(attribute, "Targets"), TARGETS_MAX, err);
    if (code == MLC_OK)
        code = add_options(to, options_of(attribute), err);
    return code;
}

static mlc_code add_columns(cJSON *to, const cJSON *attributes, mlc_error *err)
{
    const cJSON *attribute = NULL;
    mlc_code code = MLC_OK;
    cJSON *const list = cJSON_AddArrayToObject(to, "columns");
    if (!cJSON_IsArray(attributes))
        return mlc_fail(err, MLC_E_PROTOCOL, "the metadata has no list \"Attributes\"");
    if (cJSON_GetArraySize(attributes) > MLC_SCHEMA_COLUMNS_MAX)
        return mlc_fail(err, MLC_E_LIMIT, "a table has more than %d columns", MLC_SCHEMA_COLUMNS_MAX);
    cJSON_ArrayForEach(attribute, attributes)
    {
        const char *const name = plain_name(attribute, "LogicalName");
        cJSON *const column = cJSON_CreateObject();
        if (column == NULL || !cJSON_AddItemToArray(list, column))
            return mlc_fail(err, MLC_E_NOMEM, "no memory for metadata");
        if (name == NULL)
            return mlc_fail(err, MLC_E_PROTOCOL, "the metadata has a column without LogicalName");
        code = fill_column(column, attribute, name, err);
        if (code != MLC_OK)
            return mlc_wrap(err, code, "metadata of column \"%s\"", name);
    }
    return MLC_OK;
}

static mlc_code add_keys(cJSON *to, const cJSON *keys, mlc_error *err)
{
    const cJSON *key = NULL;
    cJSON *const list = cJSON_AddArrayToObject(to, "keys");
    mlc_code code = MLC_OK;
    if (cJSON_GetArraySize(keys) > KEYS_MAX)
        return mlc_fail(err, MLC_E_LIMIT, "a table has more than %d keys", KEYS_MAX);
    cJSON_ArrayForEach(key, keys)
    {
        cJSON *const item = cJSON_CreateObject();
        const char *const status = plain_name(key, "EntityKeyIndexStatus");
        if (item == NULL || !cJSON_AddItemToArray(list, item))
            return mlc_fail(err, MLC_E_NOMEM, "no memory for metadata");
        code = add_names(item, "columns", mlc_json_get(key, "KeyAttributes"), KEYS_MAX, err);
        if (code == MLC_OK)
            code = mlc_json_add_str(item, "status", status != NULL ? status : "unknown", err);
        if (code != MLC_OK)
            return code;
    }
    return MLC_OK;
}

static cJSON *compact_column(const cJSON *compact, const char *name)
{
    cJSON *column = NULL;
    cJSON_ArrayForEach(column, mlc_json_get(compact, "columns"))
    {
        if (strcmp(mlc_json_str(column, "n"), name) == 0)
            return column;
    }
    return NULL;
}

mlc_code mlc_schema_add_options(cJSON *compact, const cJSON *answer, mlc_error *err)
{
    const cJSON *attribute = NULL;
    const cJSON *const list = mlc_json_get(answer, "value");
    mlc_code code = MLC_OK;
    if (!cJSON_IsArray(list))
        return mlc_fail(err, MLC_E_PROTOCOL, "the metadata of option sets has no list \"value\"");
    cJSON_ArrayForEach(attribute, list)
    {
        const char *const name = plain_name(attribute, "LogicalName");
        cJSON *const column = name != NULL ? compact_column(compact, name) : NULL;
        if (column != NULL && code == MLC_OK)
            code = add_options(column, options_of(attribute), err);
    }
    return code;
}

static mlc_code fill_table(cJSON *to, const cJSON *definition, mlc_error *err)
{
    static const char *const names[][2] = {{"table", "LogicalName"},
                                           {"set", "EntitySetName"},
                                           {"id", "PrimaryIdAttribute"},
                                           {"name", "PrimaryNameAttribute"}};
    mlc_code code = MLC_OK;
    for (size_t i = 0; code == MLC_OK && i < sizeof names / sizeof names[0]; i++) {
        const char *const name = plain_name(definition, names[i][1]);
        if (name == NULL)
            return mlc_fail(err, MLC_E_PROTOCOL, "the metadata has no %s", names[i][1]);
        code = mlc_json_add_str(to, names[i][0], name, err);
    }
    if (code == MLC_OK)
        code =
            add_label(to, "label", mlc_json_get(definition, "DisplayName"), mlc_json_str(to, "table"), err);
    if (code == MLC_OK)
        code = add_columns(to, mlc_json_get(definition, "Attributes"), err);
    if (code == MLC_OK)
        code = add_keys(to, mlc_json_get(definition, "Keys"), err);
    return code;
}

mlc_code mlc_schema_compact(const cJSON *definition, cJSON **out, mlc_error *err)
{
    cJSON *const to = cJSON_CreateObject();
    const mlc_code code =
        to != NULL ? fill_table(to, definition, err) : mlc_fail(err, MLC_E_NOMEM, "no memory for metadata");
    if (code != MLC_OK) {
        cJSON_Delete(to);
        return code;
    }
    *out = to;
    return MLC_OK;
}

/* ---- from the compact form to a table ---- */

static mlc_column_type type_of(const char *name)
{
    static const struct {
        const char *name;
        mlc_column_type type;
    } types[] = {{"String", MLC_COLUMN_TEXT},     {"Memo", MLC_COLUMN_TEXT},
                 {"Money", MLC_COLUMN_DECIMAL},   {"Decimal", MLC_COLUMN_DECIMAL},
                 {"Double", MLC_COLUMN_DECIMAL},  {"Integer", MLC_COLUMN_INTEGER},
                 {"BigInt", MLC_COLUMN_INTEGER},  {"Boolean", MLC_COLUMN_BOOLEAN},
                 {"Picklist", MLC_COLUMN_CHOICE}, {"State", MLC_COLUMN_CHOICE},
                 {"Status", MLC_COLUMN_CHOICE},   {"DateTime", MLC_COLUMN_DATETIME},
                 {"Lookup", MLC_COLUMN_LOOKUP},   {"Customer", MLC_COLUMN_LOOKUP},
                 {"Owner", MLC_COLUMN_LOOKUP},    {"Uniqueidentifier", MLC_COLUMN_GUID}};
    for (size_t i = 0; name != NULL && i < sizeof types / sizeof types[0]; i++)
        if (strcmp(types[i].name, name) == 0)
            return types[i].type;
    return MLC_COLUMN_OTHER;
}

static mlc_code read_column(const cJSON *from, mlc_schema_column *to, mlc_error *err)
{
    int64_t write = 0;
    int64_t decimals = -1;
    const char *const level = mlc_json_str(from, "r");
    to->name = mlc_json_str(from, "n");
    to->label = mlc_json_str(from, "l");
    if (to->name == NULL || to->label == NULL)
        return mlc_fail(err, MLC_E_CORRUPT, "metadata: a column without name or label");
    to->type = type_of(mlc_json_str(from, "t"));
    to->required =
        level != NULL && (strcmp(level, "SystemRequired") == 0 || strcmp(level, "ApplicationRequired") == 0);
    (void)mlc_json_int64(from, "w", &write, NULL);
    to->writable = write != 0;
    if (mlc_json_int64(from, "max", &to->max_length, NULL) != MLC_OK || to->max_length < 0)
        to->max_length = 0;
    if (mlc_json_int64(from, "p", &decimals, NULL) != MLC_OK || decimals < 0 ||
        decimals > MLC_DECIMAL_SCALE_MAX)
        decimals = -1;
    to->decimals = (int)decimals;
    to->has_low = mlc_json_decimal(from, "lo", &to->low, NULL) == MLC_OK;
    to->has_high = mlc_json_decimal(from, "hi", &to->high, NULL) == MLC_OK;
    const cJSON *const options = mlc_json_get(from, "options");
    const cJSON *const targets = mlc_json_get(from, "targets");
    to->options = cJSON_IsArray(options) ? options : NULL;
    to->targets = cJSON_IsArray(targets) ? targets : NULL;
    return MLC_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const mlc_schema_column *)a)->name, ((const mlc_schema_column *)b)->name);
}

static mlc_code read_table(mlc_schema_table *t, mlc_error *err)
{
    const cJSON *const list = mlc_json_get(t->tree, "columns");
    const cJSON *column = NULL;
    t->name = mlc_json_str(t->tree, "table");
    t->set = mlc_json_str(t->tree, "set");
    t->label = mlc_json_str(t->tree, "label");
    t->id_column = mlc_json_str(t->tree, "id");
    t->name_column = mlc_json_str(t->tree, "name");
    t->keys = mlc_json_get(t->tree, "keys");
    if (t->name == NULL || t->set == NULL || t->label == NULL || t->id_column == NULL ||
        t->name_column == NULL || !cJSON_IsArray(list))
        return mlc_fail(err, MLC_E_CORRUPT, "metadata: a table without its names or columns");
    const int size = cJSON_GetArraySize(list);
    if (size > MLC_SCHEMA_COLUMNS_MAX)
        return mlc_fail(err, MLC_E_LIMIT, "a table has more than %d columns", MLC_SCHEMA_COLUMNS_MAX);
    t->columns = calloc((size_t)size + 1, sizeof *t->columns);
    if (t->columns == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for metadata");
    cJSON_ArrayForEach(column, list)
    {
        const mlc_code code = read_column(column, &t->columns[t->count], err);
        if (code != MLC_OK)
            return code;
        t->count++;
    }
    qsort(t->columns, t->count, sizeof *t->columns, by_name);
    return MLC_OK;
}

mlc_code mlc_schema_table_new(cJSON *compact, mlc_schema_table **out, mlc_error *err)
{
    *out = NULL;
    mlc_schema_table *const t = calloc(1, sizeof *t);
    if (t == NULL) {
        cJSON_Delete(compact);
        return mlc_fail(err, MLC_E_NOMEM, "no memory for metadata");
    }
    t->tree = compact;
    const mlc_code code = read_table(t, err);
    if (code != MLC_OK) {
        mlc_schema_table_free(t);
        return code;
    }
    *out = t;
    return MLC_OK;
}

void mlc_schema_table_free(mlc_schema_table *table)
{
    if (table == NULL)
        return;
    cJSON_Delete(table->tree);
    free(table->columns);
    free(table);
}

/* ---- questions ---- */

const mlc_schema_column *mlc_schema_column_find(const mlc_schema_table *table, const char *name)
{
    const mlc_schema_column wanted = {.name = name};
    return bsearch(&wanted, table->columns, table->count, sizeof *table->columns, by_name);
}

bool mlc_schema_option_known(const mlc_schema_column *column, int64_t value)
{
    const cJSON *option = NULL;
    int64_t known = 0;
    cJSON_ArrayForEach(option, column->options)
    {
        if (mlc_json_int64(option, "v", &known, NULL) == MLC_OK && known == value)
            return true;
    }
    return false;
}

bool mlc_schema_option_value(const mlc_schema_column *column, const char *label, int64_t *value)
{
    const cJSON *option = NULL;
    cJSON_ArrayForEach(option, column->options)
    {
        const char *const text = mlc_json_str(option, "l");
        if (text != NULL && strcasecmp(text, label) == 0)
            return mlc_json_int64(option, "v", value, NULL) == MLC_OK;
    }
    return false;
}

const char *mlc_schema_key_status(const mlc_schema_table *table, const char *column)
{
    const cJSON *key = NULL;
    cJSON_ArrayForEach(key, table->keys)
    {
        const cJSON *const columns = mlc_json_get(key, "columns");
        const char *const only = cJSON_GetStringValue(cJSON_GetArrayItem(columns, 0));
        if (cJSON_GetArraySize(columns) == 1 && only != NULL && strcmp(only, column) == 0)
            return mlc_json_str(key, "status");
    }
    return NULL;
}
