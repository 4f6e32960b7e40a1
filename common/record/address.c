/* address.c - see address.h: the change on its way to JDE. */
#include "record/address.h"

#include "base/clock.h"
#include "record/fields.h"

#include <stdio.h>
#include <string.h>

enum {
    TABLE_MAX = 16,
    ID_MAX = 64,
    SOURCE_MAX = 120,
    VERSION_MAX = 64,
    CHANGE_MAX = 64,
    LINE_NUMBER_MAX = 8
};

/* As Dynamics names the fields on its forms, and what fits into JDE's columns. */
static const struct field_rule {
    const char *label;
    size_t max;
} rules[MLC_ADDRESS_FIELDS] = {{"Account Name", 40},
                               {"Street 1", MLC_ADDRESS_LINE_MAX},
                               {"Street 2", MLC_ADDRESS_LINE_MAX},
                               {"Street 3", MLC_ADDRESS_LINE_MAX},
                               {"City", 25},
                               {"State/Province", 3},
                               {"ZIP/Postal Code", 12},
                               {"Country/Region", 3}};

/* Street 3 goes into two lines of JDE where it has a comma at the right place. */
static bool splits(const char *text)
{
    for (const char *comma = strstr(text, ", "); comma != NULL; comma = strstr(comma + 1, ", ")) {
        char first[4 * MLC_ADDRESS_LINE_MAX + 4];
        if ((size_t)(comma - text) >= sizeof first)
            return false;
        (void)snprintf(first, sizeof first, "%.*s", (int)(comma - text), text);
        if (mlc_utf16_len(first) <= MLC_ADDRESS_LINE_MAX && mlc_utf16_len(comma + 2) <= MLC_ADDRESS_LINE_MAX)
            return true;
    }
    return false;
}

static void check_field(mlc_faults *faults, size_t field, const char *text)
{
    char shown[MLC_SHOWN_MAX];
    if (text == NULL || mlc_utf16_len(text) <= rules[field].max)
        return;
    if (field == MLC_ADDRESS_LINE3 && splits(text))
        return;
    if (field == MLC_ADDRESS_STATE || field == MLC_ADDRESS_COUNTRY)
        mlc_fault(faults, rules[field].label,
                  "\"%s\" is longer than JDE's codes, which have at most %zu "
                  "characters; enter the code, like %s",
                  mlc_shown(shown, text), rules[field].max, field == MLC_ADDRESS_STATE ? "CO" : "US");
    else
        mlc_check_len(faults, rules[field].label, text, rules[field].max);
}

static void check_control(mlc_faults *faults, size_t field, const char *text)
{
    for (; text != NULL && *text != '\0'; text++) {
        if ((unsigned char)*text < ' ') {
            mlc_fault(faults, rules[field].label, "has a line break or another control character; remove it");
            return;
        }
    }
}

static void check_digits(mlc_faults *faults, const char *field, const char *text, const char *set)
{
    if (text != NULL && text[strspn(text, set)] != '\0')
        mlc_fault_text(faults, field, text, "has characters other than digits");
}

static void check(const mlc_address *a, mlc_faults *faults)
{
    int64_t at = 0;
    if (mlc_check_needed(faults, "table", a->table) && strcmp(a->table, "account") != 0 &&
        strcmp(a->table, "contact") != 0)
        mlc_fault(faults, "table", "must be account or contact");
    mlc_check_len(faults, "table", a->table, TABLE_MAX);
    if (mlc_check_needed(faults, "id", a->id))
        mlc_check_len(faults, "id", a->id, ID_MAX);
    if (mlc_check_needed(faults, "source", a->source))
        mlc_check_len(faults, "source", a->source, SOURCE_MAX);
    if (mlc_check_needed(faults, "an8", a->an8))
        mlc_check_an8(faults, "an8", a->an8);
    mlc_check_len(faults, "line", a->line, LINE_NUMBER_MAX);
    check_digits(faults, "line", a->line, "0123456789");
    mlc_check_len(faults, "version", a->version, VERSION_MAX);
    check_digits(faults, "version", a->version, "0123456789.");
    if (mlc_check_needed(faults, "change", a->change))
        mlc_check_len(faults, "change", a->change, CHANGE_MAX);
    if (mlc_check_needed(faults, "modified", a->modified) && mlc_iso_parse(a->modified, &at, NULL) != MLC_OK)
        mlc_fault_text(faults, "modified", a->modified, "is no time");
    for (size_t i = 0; i < MLC_ADDRESS_FIELDS; i++) {
        check_field(faults, i, a->now.text[i]);
        check_control(faults, i, a->now.text[i]);
    }
    if (a->now.text[MLC_ADDRESS_NAME] != NULL && a->now.text[MLC_ADDRESS_NAME][0] == '\0')
        mlc_fault(faults, rules[MLC_ADDRESS_NAME].label, "is empty; JDE needs a name");
}

mlc_code mlc_address_check(const mlc_address *address, mlc_error *err)
{
    mlc_faults faults = {0};
    char name[MLC_SHOWN_MAX + 16];
    char shown[MLC_SHOWN_MAX];
    check(address, &faults);
    (void)snprintf(name, sizeof name, "address of %s",
                   mlc_shown(shown, address->an8 != NULL ? address->an8 : "nobody"));
    return mlc_faults_result(&faults, name, err);
}

mlc_code mlc_address_print(const mlc_address *address, mlc_buf *out, mlc_error *err)
{
    const struct {
        const char *name, *text;
    } texts[] = {{"kind", "address"},           {"table", address->table},       {"id", address->id},
                 {"source", address->source},   {"an8", address->an8},           {"line", address->line},
                 {"version", address->version}, {"modified", address->modified}, {"change", address->change}};
    cJSON *const tree = cJSON_CreateObject();
    mlc_code code = tree != NULL ? MLC_OK : mlc_fail(err, MLC_E_NOMEM, "no memory for an address");
    for (size_t i = 0; code == MLC_OK && i < sizeof texts / sizeof texts[0]; i++)
        code = mlc_field_add(tree, texts[i].name, texts[i].text, err);
    if (code == MLC_OK)
        code = mlc_json_add(tree, "now", mlc_address_to_json(&address->now), err);
    if (code == MLC_OK && address->has_base)
        code = mlc_json_add(tree, "base", mlc_address_to_json(&address->base), err);
    return mlc_record_close(tree, code, out, err);
}

static void take_fields(mlc_faults *faults, const cJSON *tree, const char *name, mlc_address_fields *out)
{
    const cJSON *const object = mlc_json_get(tree, name);
    for (size_t i = 0; i < MLC_ADDRESS_FIELDS; i++)
        out->text[i] = mlc_field_str(faults, object, mlc_address_field_name((mlc_address_field)i));
}

mlc_code mlc_address_parse(const char *text, size_t len, mlc_address *out, mlc_error *err)
{
    mlc_faults faults = {0};
    *out = (mlc_address){0};
    mlc_code code = mlc_record_open(text, len, MLC_ADDRESS_MAX, "address", &out->tree, err);
    if (code != MLC_OK)
        return code;
    struct {
        const char *name, **text;
    } texts[] = {{"table", &out->table},       {"id", &out->id},        {"source", &out->source},
                 {"an8", &out->an8},           {"line", &out->line},    {"version", &out->version},
                 {"modified", &out->modified}, {"change", &out->change}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        *texts[i].text = mlc_field_str(&faults, out->tree, texts[i].name);
    if (!cJSON_IsObject(mlc_json_get(out->tree, "now")))
        mlc_fault(&faults, "now", "must be an object");
    take_fields(&faults, out->tree, "now", &out->now);
    const cJSON *const base = mlc_json_get(out->tree, "base");
    out->has_base = cJSON_IsObject(base);
    if (base != NULL && !out->has_base)
        mlc_fault(&faults, "base", "must be an object");
    if (out->has_base)
        take_fields(&faults, out->tree, "base", &out->base);
    code = mlc_faults_result(&faults, "address", err);
    if (code == MLC_OK)
        code = mlc_address_check(out, err);
    if (code != MLC_OK)
        mlc_address_free(out);
    return code;
}

void mlc_address_free(mlc_address *address)
{
    cJSON_Delete(address->tree);
    *address = (mlc_address){0};
}
