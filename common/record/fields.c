/* fields.c - see fields.h. */
#include "record/fields.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

const char *mlc_shown(char out[MLC_SHOWN_MAX], const char *text)
{
    mlc_strlcpy(out, text, MLC_SHOWN_MAX);
    return out;
}

void mlc_fault_text(mlc_faults *faults, const char *field, const char *text, const char *reason)
{
    char shown[MLC_SHOWN_MAX];
    mlc_fault(faults, field, "\"%s\" %s", mlc_shown(shown, text), reason);
}

mlc_code mlc_record_open(const char *text, size_t len, size_t max_len, const char *kind, cJSON **out,
                         mlc_error *err)
{
    cJSON *tree = NULL;
    *out = NULL;
    const mlc_code code = mlc_json_parse(text, len, max_len, MLC_RECORD_DEPTH_MAX, &tree, err);
    if (code != MLC_OK)
        return code == MLC_E_NOMEM ? code : mlc_wrap(err, MLC_E_INVALID, "the %s is not readable JSON", kind);
    const char *const found = mlc_json_str(tree, "kind");
    if (found == NULL || strcmp(found, kind) != 0) {
        char shown[MLC_SHOWN_MAX];
        (void)mlc_fail(err, MLC_E_INVALID, "kind: \"%s\" is not \"%s\"",
                       mlc_shown(shown, found != NULL ? found : ""), kind);
        cJSON_Delete(tree);
        return MLC_E_INVALID;
    }
    *out = tree;
    return MLC_OK;
}

const char *mlc_field_str(mlc_faults *faults, const cJSON *obj, const char *name)
{
    const cJSON *const node = mlc_json_get(obj, name);
    if (node == NULL || cJSON_IsNull(node))
        return NULL;
    if (!cJSON_IsString(node)) {
        mlc_fault(faults, name, "must be a text in quotes");
        return NULL;
    }
    return node->valuestring;
}

mlc_code mlc_field_add(cJSON *obj, const char *name, const char *text, mlc_error *err)
{
    return text == NULL ? MLC_OK : mlc_json_add_str(obj, name, text, err);
}

mlc_code mlc_record_close(cJSON *tree, mlc_code code, mlc_buf *out, mlc_error *err)
{
    if (code == MLC_OK) {
        char *const text = mlc_json_print(tree);
        code = text == NULL ? mlc_fail(err, MLC_E_NOMEM, "no memory to print a record")
                            : mlc_buf_puts(out, text, err);
        free(text);
    }
    cJSON_Delete(tree);
    return code;
}

bool mlc_check_needed(mlc_faults *faults, const char *field, const char *text)
{
    if (text != NULL && text[0] != '\0')
        return true;
    mlc_fault(faults, field, "is missing");
    return false;
}

void mlc_check_len(mlc_faults *faults, const char *field, const char *text, size_t max)
{
    if (text == NULL)
        return;
    const size_t len = mlc_utf16_len(text);
    if (len > max)
        mlc_fault(faults, field, "has %zu characters, at most %zu fit; shorten it", len, max);
}

void mlc_check_an8(mlc_faults *faults, const char *field, const char *text)
{
    if (text == NULL || text[0] == '\0')
        return;
    const size_t digits = strspn(text, "0123456789");
    if (text[digits] != '\0' || digits > MLC_AN8_DIGITS)
        mlc_fault_text(faults, field, text, "is no JDE address number; it has 1 to 8 digits");
}

void mlc_check_decimal(mlc_faults *faults, const char *field, const char *text)
{
    mlc_decimal value;
    if (text == NULL || text[0] == '\0')
        return;
    if (mlc_decimal_parse(text, &value, NULL) != MLC_OK)
        mlc_fault_text(faults, field, text, "is no number that can be held exactly; write it like 1250.00");
}

/* Exactly ten characters, so that a time of day does not slip in. */
static bool is_day(const char *text)
{
    int64_t wall_ms = 0;
    static const char shape[] = "dddd-dd-dd";
    for (size_t i = 0; i < sizeof shape - 1; i++)
        if (shape[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != shape[i])
            return false;
    return text[sizeof shape - 1] == '\0' && mlc_iso_parse(text, &wall_ms, NULL) == MLC_OK;
}

void mlc_check_date(mlc_faults *faults, const char *field, const char *text)
{
    if (text == NULL || text[0] == '\0')
        return;
    if (!is_day(text))
        mlc_fault_text(faults, field, text, "is no date; write it as year-month-day, like 2026-11-23");
}
