/* map_setting.c - single settings of a mapping file: their types, names and faults. */
#include "map/map_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

unsigned map_line(const config_setting_t *setting)
{
    const unsigned line = config_setting_source_line(setting);
    return line > 0 ? line : 1;
}

void map_nomem(map_loading *l)
{
    l->faults->nomem = true;
}

void map_fault(map_loading *l, const config_setting_t *setting, const char *label, const char *fmt, ...)
{
    char reason[MLC_CFG_REASON_MAX];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(reason, sizeof reason, fmt, args);
    va_end(args);
    reason[mlc_utf8_prefix(reason, strlen(reason))] = '\0';
    mlc_cfg_fault_add(l->faults, NULL, map_line(setting), label, "%s", reason);
}

static void join(char out[MLC_CFG_PATH_MAX], const char *label, const char *name)
{
    (void)snprintf(out, MLC_CFG_PATH_MAX, "%.150s%s%.80s", label, *label != '\0' ? "." : "", name);
}

void map_check_names(map_loading *l, const config_setting_t *group, const char *label,
                     const char *const *names)
{
    mlc_cfg_field known[48] = {0};
    size_t count = 0;
    char at[MLC_CFG_PATH_MAX];
    char near[MLC_CFG_PATH_MAX];
    while (count < sizeof known / sizeof known[0] && names[count] != NULL) {
        known[count].path = names[count];
        count++;
    }
    for (int i = 0; i < config_setting_length(group); i++) {
        const config_setting_t *const member = config_setting_get_elem(group, (unsigned)i);
        const char *const name = config_setting_name(member);
        size_t n = 0;
        while (n < count && strcmp(names[n], name) != 0)
            n++;
        if (n < count)
            continue;
        join(at, label, name);
        if (mlc_cfg_nearest(known, count, name, near, sizeof near))
            map_fault(l, member, at, "unknown setting; did you mean \"%s\"? Correct or remove it", near);
        else
            map_fault(l, member, at, "unknown setting; remove it (docs/mapping.md lists all)");
    }
}

char *map_scalar_text(const config_setting_t *setting)
{
    switch (config_setting_type(setting)) {
    case CONFIG_TYPE_STRING: {
        const char *const text = config_setting_get_string(setting);
        return mlc_utf8_valid(text, strlen(text)) ? mlc_strdup(text) : NULL; /* of \x escapes */
    }
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_INT64:
        return mlc_asprintf("%lld", config_setting_get_int64(setting));
    case CONFIG_TYPE_BOOL:
        return mlc_strdup(config_setting_get_bool(setting) != 0 ? "true" : "false");
    default:
        return NULL;
    }
}

/* The member, or NULL; with another type than wanted a fault is added. */
static const config_setting_t *member(map_loading *l, const config_setting_t *group, const char *label,
                                      const char *name, bool fits(int type), const char *wanted)
{
    const config_setting_t *const setting = config_setting_get_member(group, name);
    char at[MLC_CFG_PATH_MAX];
    if (setting == NULL || fits(config_setting_type(setting)))
        return setting;
    join(at, label, name);
    map_fault(l, setting, at, "is of another type; give %s", wanted);
    return NULL;
}

static bool is_text(int type)
{
    return type == CONFIG_TYPE_STRING;
}

static bool is_int(int type)
{
    return type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64;
}

static bool is_bool(int type)
{
    return type == CONFIG_TYPE_BOOL;
}

bool map_get_text(map_loading *l, const config_setting_t *group, const char *label, const char *name,
                  char **out)
{
    const config_setting_t *const setting = member(l, group, label, name, is_text, "a string in quotes");
    if (setting == NULL)
        return false;
    const char *const text = config_setting_get_string(setting);
    if (!mlc_utf8_valid(text, strlen(text))) {
        map_fault(l, setting, name,
                  "is not UTF-8 text; write the characters themselves instead of \\x escapes");
        return false;
    }
    *out = mlc_strdup(text);
    if (*out == NULL)
        map_nomem(l);
    return *out != NULL;
}

bool map_get_int(map_loading *l, const config_setting_t *group, const char *label, const char *name,
                 int64_t min, int64_t max, int64_t *out)
{
    const config_setting_t *const setting = member(l, group, label, name, is_int, "a whole number");
    char at[MLC_CFG_PATH_MAX];
    if (setting == NULL)
        return false;
    const int64_t value = config_setting_get_int64(setting);
    join(at, label, name);
    if (value < min || value > max) {
        map_fault(l, setting, at, "%" PRId64 " is out of range; choose from %" PRId64 " to %" PRId64, value,
                  min, max);
        return false;
    }
    *out = value;
    return true;
}

bool map_get_bool(map_loading *l, const config_setting_t *group, const char *label, const char *name,
                  bool *out)
{
    const config_setting_t *const setting = member(l, group, label, name, is_bool, "true or false");
    if (setting != NULL)
        *out = config_setting_get_bool(setting) != 0;
    return setting != NULL;
}

bool map_get_choice(map_loading *l, const config_setting_t *group, const char *label, const char *name,
                    const char *const *choices, int *out)
{
    const config_setting_t *const setting = member(l, group, label, name, is_text, "a word in quotes");
    char at[MLC_CFG_PATH_MAX];
    char list[200] = "";
    if (setting == NULL)
        return false;
    const char *const text = config_setting_get_string(setting);
    for (int i = 0; choices[i] != NULL; i++) {
        if (strcmp(choices[i], text) == 0) {
            *out = i;
            return true;
        }
        const size_t used = strlen(list);
        (void)snprintf(list + used, sizeof list - used, "%s\"%s\"", i > 0 ? ", " : "", choices[i]);
    }
    join(at, label, name);
    map_fault(l, setting, at, "\"%.40s\" is not known; choose one of %s", text, list);
    return false;
}
