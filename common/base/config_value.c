/* config_value.c - the types of settings: text or number to a checked value.
 *
 * The same text rules hold for the file, for defaults and for environment variables. */
#include "base/config_private.h"
#include "base/os.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN = 80 }; /* characters of a faulty value that a message repeats */

static mlc_code fault(char *reason, const char *fmt, ...) MLC_PRINTF(2, 3);
static mlc_code fault(char *reason, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(reason, MLC_CFG_REASON_MAX, fmt, args);
    va_end(args);
    return MLC_E_INVALID;
}

void mlc_cfg_item_clear(mlc_cfg_item *item)
{
    if (item->text != NULL && item->field != NULL && item->field->type == MLC_CFG_SECRET)
        mlc_wipe(item->text, strlen(item->text));
    free(item->text);
    item->text = NULL;
    for (size_t i = 0; item->list != NULL && i < item->count; i++)
        free(item->list[i]);
    free(item->list);
    item->list = NULL;
    item->count = 0;
    item->number = 0;
}

const char *mlc_cfg_expected(const mlc_cfg_field *field)
{
    switch (field->type) {
    case MLC_CFG_STRING:
        return "a string in quotes";
    case MLC_CFG_INT:
        return "a whole number";
    case MLC_CFG_BOOL:
        return "true or false";
    case MLC_CFG_DURATION:
        return "a duration such as \"500ms\", \"30s\", \"5m\", \"2h\" or \"7d\"";
    case MLC_CFG_SIZE:
        return "a size such as 4096, \"64K\", \"256M\" or \"4G\"";
    case MLC_CFG_URL:
        return "an absolute https:// or wss:// URL in quotes";
    case MLC_CFG_PATH:
        return "a path in quotes";
    case MLC_CFG_SECRET:
        return "a reference to a secret: \"file:/path\", \"env:NAME\", \"credential:NAME\" or \"sealed:...\"";
    case MLC_CFG_ENUM:
        return "one of the words listed in the manual, in quotes";
    case MLC_CFG_STRINGS:
        return "a list of strings: [ \"a\", \"b\" ]";
    }
    return "another value";
}

/* ---- numbers ---- */

typedef struct unit {
    const char *name;
    int64_t factor;
} unit;

static const unit duration_units[] = {{"ms", 1},      {"s", 1000},     {"m", 60000},
                                      {"h", 3600000}, {"d", 86400000}, {NULL, 0}};
static const unit size_units[] = {{"", 1},           {"K", 1024},          {"M", 1048576},
                                  {"G", 1073741824}, {"T", 1099511627776}, {NULL, 0}};
static const unit no_units[] = {{"", 1}, {NULL, 0}};

static const unit *units_of(mlc_cfg_type type)
{
    return type == MLC_CFG_DURATION ? duration_units : type == MLC_CFG_SIZE ? size_units : no_units;
}

const char *mlc_cfg_number_text(mlc_cfg_type type, int64_t number, char out[32])
{
    const unit *best = units_of(type);
    for (const unit *u = best + 1; number != 0 && u->name != NULL; u++)
        if (number % u->factor == 0)
            best = u;
    (void)snprintf(out, 32, "%" PRId64 "%s", number / best->factor, best->name);
    return out;
}

static mlc_code check_bounds(const mlc_cfg_field *field, int64_t number, const char *what, char *reason)
{
    char low[32];
    char high[32];
    char have[32];
    const mlc_cfg_type type = what[0] == '\0' ? field->type : MLC_CFG_INT;
    const bool bounded = field->max != 0 || field->min < 0; /* above; with min > 0 alone, only below */
    if ((field->min == 0 && !bounded) || (number >= field->min && (!bounded || number <= field->max)))
        return MLC_OK;
    if (!bounded)
        return fault(reason, "%s%s is too little; choose at least %s",
                     mlc_cfg_number_text(type, number, have), what,
                     mlc_cfg_number_text(type, field->min, low));
    return fault(reason, "%s%s is out of range; choose from %s to %s",
                 mlc_cfg_number_text(type, number, have), what, mlc_cfg_number_text(type, field->min, low),
                 mlc_cfg_number_text(type, field->max, high));
}

mlc_code mlc_cfg_set_number(mlc_cfg_item *item, int64_t number, char *reason)
{
    const mlc_code code = check_bounds(item->field, number, "", reason);
    if (code == MLC_OK)
        item->number = number;
    return code;
}

static mlc_code set_number_text(mlc_cfg_item *item, const char *text, char *reason)
{
    char *end = NULL;
    errno = 0;
    const long long number = strtoll(text, &end, 10);
    const bool negative_ok = item->field->type == MLC_CFG_INT;
    const bool starts_well = (text[0] >= '0' && text[0] <= '9') || (text[0] == '-' && negative_ok);
    for (const unit *u = units_of(item->field->type); starts_well && errno == 0 && end != text && u->name;
         u++) {
        int64_t value;
        if (strcmp(end, u->name) == 0 && !__builtin_mul_overflow((int64_t)number, u->factor, &value))
            return mlc_cfg_set_number(item, value, reason);
    }
    return fault(reason, "\"%.*s\" is not understood; give %s", SHOWN, text, mlc_cfg_expected(item->field));
}

/* ---- texts ---- */

static mlc_code keep(mlc_cfg_item *item, char *text, char *reason)
{
    if (text == NULL)
        return fault(reason, "no memory for the value; free memory and try again");
    item->text = text;
    return MLC_OK;
}

static mlc_code set_bool(mlc_cfg_item *item, const char *text, char *reason)
{
    if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
        return fault(reason, "\"%.*s\" is neither true nor false; give one of them", SHOWN, text);
    item->number = text[0] == 't';
    return MLC_OK;
}

static mlc_code set_enum(mlc_cfg_item *item, const char *text, char *reason)
{
    size_t n =
        (size_t)snprintf(reason, MLC_CFG_REASON_MAX, "\"%.*s\" is not known; choose one of", SHOWN, text);
    for (const char *const *choice = item->field->choices; choice != NULL && *choice != NULL; choice++) {
        if (strcmp(*choice, text) == 0)
            return keep(item, mlc_strdup(text), reason);
        if (n < MLC_CFG_REASON_MAX)
            n += (size_t)snprintf(reason + n, MLC_CFG_REASON_MAX - n, " \"%s\"", *choice);
    }
    return MLC_E_INVALID;
}

/* Relative paths start from the folder of the configuration file, wherever the program was started.
 * "-" stays: it stands for standard output or input. */
static mlc_code set_path(const mlc_cfg *cfg, mlc_cfg_item *item, const char *text, char *reason)
{
    if (text[0] == '\0')
        return fault(reason, "the path is empty; give a path or leave the setting out");
    const char *slash = mlc_os_last_slash(cfg->file);
    if (mlc_os_absolute(text) || strcmp(text, "-") == 0 || slash == NULL)
        return keep(item, mlc_strdup(text), reason);
    return keep(item, mlc_asprintf("%.*s/%s", (int)(slash - cfg->file), cfg->file, text), reason);
}

static mlc_code check_string(const mlc_cfg_field *field, const char *text, size_t len, char *reason)
{
    if (!mlc_utf8_valid(text, len))
        return fault(reason, "the value is not UTF-8 text; save the file as UTF-8");
    return check_bounds(field, (int64_t)len, " bytes", reason);
}

mlc_code mlc_cfg_add_string(mlc_cfg_item *item, const char *text, size_t len, char *reason)
{
    if (check_string(item->field, text, len, reason) != MLC_OK)
        return MLC_E_INVALID;
    char **list = realloc(item->list, (item->count + 1) * sizeof *list);
    if (list == NULL)
        return fault(reason, "no memory for the list; free memory and try again");
    item->list = list;
    list[item->count] = mlc_strndup(text, len);
    if (list[item->count] == NULL)
        return fault(reason, "no memory for the list; free memory and try again");
    item->count++;
    return MLC_OK;
}

static mlc_code set_strings(mlc_cfg_item *item, const char *text, char *reason)
{
    for (const char *p = text; *p != '\0';) {
        const char *const first = p + strspn(p, " ");
        const size_t part = strcspn(first, ",");
        size_t len = part;
        while (len > 0 && first[len - 1] == ' ')
            len--;
        if (mlc_cfg_add_string(item, first, len, reason) != MLC_OK)
            return MLC_E_INVALID;
        p = first + part;
        p += *p == ',' ? 1 : 0;
    }
    return MLC_OK;
}

mlc_code mlc_cfg_set_text(const mlc_cfg *cfg, mlc_cfg_item *item, const char *text, char *reason)
{
    switch (item->field->type) {
    case MLC_CFG_STRING:
        return check_string(item->field, text, strlen(text), reason) != MLC_OK
                   ? MLC_E_INVALID
                   : keep(item, mlc_strdup(text), reason);
    case MLC_CFG_INT:
    case MLC_CFG_DURATION:
    case MLC_CFG_SIZE:
        return set_number_text(item, text, reason);
    case MLC_CFG_BOOL:
        return set_bool(item, text, reason);
    case MLC_CFG_URL:
        return mlc_cfg_url_check(text, reason) ? keep(item, mlc_strdup(text), reason) : MLC_E_INVALID;
    case MLC_CFG_PATH:
        return set_path(cfg, item, text, reason);
    case MLC_CFG_SECRET:
        return keep(item, mlc_strdup(text), reason); /* the reference, until all settings are known */
    case MLC_CFG_ENUM:
        return set_enum(item, text, reason);
    case MLC_CFG_STRINGS:
        return set_strings(item, text, reason);
    }
    return fault(reason, "the schema gives it no type; report this as a bug");
}
