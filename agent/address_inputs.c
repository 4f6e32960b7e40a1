/* address_inputs.c - see address_inputs.h. */
#include "agent/address_inputs.h"

#include <stdio.h>
#include <string.h>

/* Street 3 is JDE's third and fourth line. What fits into the third stays there. */
static mlc_code add_third(cJSON *inputs, const char *text, mlc_error *err)
{
    char first[4 * MLC_ADDRESS_LINE_MAX + 4];
    const char *rest = "";
    mlc_strlcpy(first, text, sizeof first);
    if (mlc_utf16_len(text) > MLC_ADDRESS_LINE_MAX) {
        for (const char *comma = strstr(text, ", "); comma != NULL; comma = strstr(comma + 1, ", ")) {
            if ((size_t)(comma - text) >= sizeof first)
                break;
            (void)snprintf(first, sizeof first, "%.*s", (int)(comma - text), text);
            rest = comma + 2;
            if (mlc_utf16_len(first) <= MLC_ADDRESS_LINE_MAX && mlc_utf16_len(rest) <= MLC_ADDRESS_LINE_MAX)
                break;
        }
    }
    const mlc_code code = mlc_json_add_str(inputs, "AddressLine3", first, err);
    return code == MLC_OK ? mlc_json_add_str(inputs, "AddressLine4", rest, err) : code;
}

mlc_code mlc_address_inputs(const char *an8, const mlc_address_fields *wanted,
                            const mlc_address_fields *present, cJSON **out, mlc_error *err)
{
    static const char *const names[MLC_ADDRESS_FIELDS] = {"Name", "AddressLine1", "AddressLine2", NULL,
                                                          "City", "State",        "PostalCode",   "Country"};
    cJSON *const inputs = cJSON_CreateObject();
    mlc_code code = inputs != NULL ? mlc_json_add_str(inputs, "AddressNumber", an8, err)
                                   : mlc_fail(err, MLC_E_NOMEM, "no memory for an address's inputs");
    for (size_t i = 0; code == MLC_OK && i < MLC_ADDRESS_FIELDS; i++) {
        const char *const text = wanted->text[i] != NULL ? wanted->text[i] : "";
        if (mlc_address_same_field(wanted, present, (mlc_address_field)i))
            continue;
        code = i == MLC_ADDRESS_LINE3 ? add_third(inputs, text, err)
                                      : mlc_json_add_str(inputs, names[i], text, err);
    }
    if (code != MLC_OK) {
        cJSON_Delete(inputs);
        return code;
    }
    *out = inputs;
    return MLC_OK;
}
