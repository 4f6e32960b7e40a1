/* schema_check.c - see schema_check.h. */
#include "relay/schema_check.h"

#include "base/buf.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { FIELD_MAX = 100, SHOWN_MAX = 40, SET_MAX = 129, GUID_LEN = 36 };

static const char bind_suffix[] = "@odata.bind";

typedef struct checker {
    const mlc_schema_table *table;
    mlc_schema_set_fn table_of_set;
    void *user;
    mlc_faults *faults;
} checker;

/* "Credit Limit (creditlimit)" */
static const char *field_of(const mlc_schema_column *column, char out[FIELD_MAX])
{
    if (strcmp(column->label, column->name) == 0)
        (void)snprintf(out, FIELD_MAX, "%.90s", column->name);
    else
        (void)snprintf(out, FIELD_MAX, "%.50s (%.44s)", column->label, column->name);
    return out;
}

static const char *shown(const char *text, char out[SHOWN_MAX])
{
    mlc_strlcpy(out, text, SHOWN_MAX - 2);
    if (strlen(text) > strlen(out))
        memcpy(out + strlen(out), "..", sizeof "..");
    return out;
}

/* ---- one value ---- */

static void check_text(const checker *c, const mlc_schema_column *column, const cJSON *value,
                       const char *field)
{
    char text[SHOWN_MAX];
    if (!cJSON_IsString(value)) {
        mlc_fault(c->faults, field, "must be a text; correct its type in the mapping");
        return;
    }
    const size_t len = mlc_utf16_len(value->valuestring);
    if (column->max_length > 0 && len > (size_t)column->max_length)
        mlc_fault(
            c->faults, field,
            "\"%s\" has %zu characters, Dynamics takes %lld; shorten it in JDE, or let the mapping cut it",
            shown(value->valuestring, text), len, (long long)column->max_length);
}

static void check_range(const checker *c, const mlc_schema_column *column, mlc_decimal value,
                        const char *text, const char *field)
{
    char limit[MLC_DECIMAL_TEXT_MAX];
    if (column->has_low && mlc_decimal_cmp(value, column->low) < 0)
        mlc_fault(c->faults, field, "%.30s is below %s, the least that Dynamics takes; correct it in JDE",
                  text, mlc_decimal_text(column->low, limit));
    if (column->has_high && mlc_decimal_cmp(value, column->high) > 0)
        mlc_fault(c->faults, field, "%.30s is above %s, the most that Dynamics takes; correct it in JDE",
                  text, mlc_decimal_text(column->high, limit));
}

static void check_decimal(const checker *c, const mlc_schema_column *column, const cJSON *value,
                          const char *field)
{
    mlc_decimal number;
    const char *const text = mlc_json_is_number(value) ? mlc_json_text(value) : NULL;
    if (text == NULL || mlc_decimal_parse(text, &number, NULL) != MLC_OK) {
        mlc_fault(c->faults, field,
                  "must be a number of at most 18 digits; correct the value or its type in "
                  "the mapping");
        return;
    }
    check_range(c, column, number, text, field);
    const unsigned decimals = mlc_decimal_normalize(number).scale;
    if (column->decimals >= 0 && decimals > (unsigned)column->decimals)
        mlc_fault(c->faults, field,
                  "%.30s has %u decimals, Dynamics keeps %d; round it in the mapping, or raise the column's "
                  "precision",
                  text, decimals, column->decimals);
}

/* A whole number in the body. */
static bool whole_number(const cJSON *value, int64_t *out)
{
    mlc_decimal number;
    const char *const text = mlc_json_is_number(value) ? mlc_json_text(value) : NULL;
    if (cJSON_IsNumber(value)) {
        *out = (int64_t)value->valuedouble;
        return (double)*out == value->valuedouble;
    }
    if (text == NULL || mlc_decimal_parse(text, &number, NULL) != MLC_OK)
        return false;
    number = mlc_decimal_normalize(number);
    *out = number.unscaled;
    return number.scale == 0;
}

static void check_integer(const checker *c, const mlc_schema_column *column, const cJSON *value,
                          const char *field)
{
    int64_t number = 0;
    char text[32];
    if (!whole_number(value, &number)) {
        mlc_fault(c->faults, field, "must be a whole number; correct the value or its type in the mapping");
        return;
    }
    (void)snprintf(text, sizeof text, "%lld", (long long)number);
    check_range(c, column, (mlc_decimal){.unscaled = number}, text, field);
}

static void check_choice(const checker *c, const mlc_schema_column *column, const cJSON *value,
                         const char *field)
{
    int64_t number = 0;
    if (!whole_number(value, &number))
        mlc_fault(c->faults, field, "must be the number of an option; correct its type in the mapping");
    else if (column->options != NULL && !mlc_schema_option_known(column, number))
        mlc_fault(
            c->faults, field,
            "Dynamics has no option %lld here; add it to the choice in Dynamics, or correct the mapping",
            (long long)number);
}

/* 2026-11-23 or 2026-11-23T10:00:00Z */
static bool is_time(const char *text)
{
    static const char form[] = "dddd-dd-dd";
    for (size_t i = 0; form[i] != '\0'; i++)
        if (form[i] == 'd' ? !isdigit((unsigned char)text[i]) : text[i] != form[i])
            return false;
    const char *const rest = text + sizeof form - 1;
    return *rest == '\0' || (*rest == 'T' && rest[strspn(rest, "T0123456789:.+-Z")] == '\0');
}

static void check_value(const checker *c, const mlc_schema_column *column, const cJSON *value,
                        const char *field)
{
    switch (column->type) {
    case MLC_COLUMN_TEXT:
        check_text(c, column, value, field);
        break;
    case MLC_COLUMN_DECIMAL:
        check_decimal(c, column, value, field);
        break;
    case MLC_COLUMN_INTEGER:
        check_integer(c, column, value, field);
        break;
    case MLC_COLUMN_CHOICE:
        check_choice(c, column, value, field);
        break;
    case MLC_COLUMN_BOOLEAN:
        if (!cJSON_IsBool(value))
            mlc_fault(c->faults, field, "must be yes or no; correct its type in the mapping");
        break;
    case MLC_COLUMN_DATETIME:
        if (!cJSON_IsString(value) || !is_time(value->valuestring))
            mlc_fault(c->faults, field, "must be a date like 2026-11-23; correct the value in JDE");
        break;
    case MLC_COLUMN_GUID:
        if (!cJSON_IsString(value) || strlen(value->valuestring) != GUID_LEN)
            mlc_fault(c->faults, field, "must be the id of a row; correct the mapping");
        break;
    case MLC_COLUMN_LOOKUP:
        mlc_fault(c->faults, field, "is a lookup; the mapping must give it by \"lookup\"");
        break;
    case MLC_COLUMN_OTHER:
        break;
    }
}

/* ---- lookups ---- */

static bool has_target(const mlc_schema_column *column, const char *table)
{
    const cJSON *target = NULL;
    cJSON_ArrayForEach(target, column->targets)
    {
        if (cJSON_IsString(target) && strcmp(target->valuestring, table) == 0)
            return true;
    }
    return false;
}

/* The lookup column of a navigation property: "transactioncurrencyid", or "parentcustomerid_account" with the one target
 * that it allows. Navigation properties of own columns are spelled as their makers did. */
static const mlc_schema_column *column_of_bind(const mlc_schema_table *table, const char *nav, size_t len,
                                               const char **only)
{
    *only = NULL;
    for (size_t i = 0; i < table->count; i++) {
        const mlc_schema_column *const column = &table->columns[i];
        const size_t own = strlen(column->name);
        const cJSON *target = NULL;
        if (column->type != MLC_COLUMN_LOOKUP || own > len || strncasecmp(column->name, nav, own) != 0)
            continue;
        if (own == len)
            return column;
        cJSON_ArrayForEach(target, column->targets)
        {
            if (cJSON_IsString(target) && nav[own] == '_' && strlen(target->valuestring) == len - own - 1 &&
                strncasecmp(target->valuestring, nav + own + 1, len - own - 1) == 0) {
                *only = target->valuestring;
                return column;
            }
        }
    }
    return NULL;
}

static void check_reference(const checker *c, const mlc_schema_column *column, const char *only,
                            const char *reference, const char *field)
{
    char set[SET_MAX];
    const char *const start = *reference == '/' ? reference + 1 : reference;
    const size_t len = strcspn(start, "(");
    if (start[len] != '(' || len == 0 || len >= sizeof set) {
        mlc_fault(c->faults, field, "does not name a row; correct the lookup in the mapping");
        return;
    }
    (void)snprintf(set, sizeof set, "%.*s", (int)len, start);
    const char *const table = c->table_of_set(c->user, set);
    if (table == NULL || column->targets == NULL)
        return;
    if (only != NULL ? strcmp(only, table) != 0 : !has_target(column, table))
        mlc_fault(c->faults, field, "cannot point to a row of \"%s\"; correct the lookup in the mapping",
                  set);
}

static void check_bind(const checker *c, const cJSON *member, size_t len)
{
    char field[FIELD_MAX];
    const char *only = NULL;
    const mlc_schema_column *const column = column_of_bind(c->table, member->string, len, &only);
    if (column == NULL) {
        (void)snprintf(field, sizeof field, "%.*s", (int)(len < 90 ? len : 90), member->string);
        mlc_fault(c->faults, field, "table \"%s\" of Dynamics has no such lookup; correct the mapping",
                  c->table->name);
        return;
    }
    (void)field_of(column, field);
    if (cJSON_IsString(member))
        check_reference(c, column, only, member->valuestring, field);
    else if (!cJSON_IsNull(member))
        mlc_fault(c->faults, field, "does not name a row; correct the lookup in the mapping");
    else if (column->required)
        mlc_fault(c->faults, field, "is empty, but Dynamics requires it; fill it in JDE");
}

/* ---- the body ---- */

static bool is_bind(const char *name, size_t *len)
{
    const size_t whole = strlen(name);
    const size_t tail = sizeof bind_suffix - 1;
    *len = whole > tail ? whole - tail : 0;
    return *len > 0 && strcmp(name + *len, bind_suffix) == 0;
}

static void check_member(const checker *c, const cJSON *member)
{
    char field[FIELD_MAX];
    size_t len = 0;
    if (member->string == NULL || member->string[0] == '@')
        return;
    if (is_bind(member->string, &len)) {
        check_bind(c, member, len);
        return;
    }
    const mlc_schema_column *const column = mlc_schema_column_find(c->table, member->string);
    if (column == NULL) {
        (void)snprintf(field, sizeof field, "%.90s", member->string);
        mlc_fault(c->faults, field,
                  "table \"%s\" of Dynamics has no such column; add it there, or take it out of the mapping",
                  c->table->name);
        return;
    }
    (void)field_of(column, field);
    const bool empty = cJSON_IsNull(member) || (cJSON_IsString(member) && member->valuestring[0] == '\0');
    if (!column->writable)
        mlc_fault(c->faults, field, "cannot be written in Dynamics; take it out of the mapping");
    else if (empty && column->required)
        mlc_fault(c->faults, field, "is empty, but Dynamics requires it; fill it in JDE");
    else if (!cJSON_IsNull(member))
        check_value(c, column, member, field);
}

void mlc_schema_check(const mlc_schema_table *table, const cJSON *body, bool whole,
                      mlc_schema_set_fn table_of_set, void *user, mlc_faults *faults)
{
    const checker c = {table, table_of_set, user, faults};
    const cJSON *member = NULL;
    char field[FIELD_MAX];
    cJSON_ArrayForEach(member, body)
    {
        check_member(&c, member);
    }
    const mlc_schema_column *const name = mlc_schema_column_find(table, table->name_column);
    if (whole && name != NULL && name->required && name->writable && mlc_json_get(body, name->name) == NULL)
        mlc_fault(faults, field_of(name, field),
                  "is missing, but Dynamics requires it; fill it in JDE, or add it to the mapping");
}
