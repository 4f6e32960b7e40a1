/* address_row.c - see address_row.h. */
#include "relay/address_row.h"

#include "record/fields.h"

#include <stdio.h>
#include <string.h>

static const char *const columns[MLC_ADDRESS_FIELDS] = {[MLC_ADDRESS_NAME] = "name",
                                                        [MLC_ADDRESS_LINE1] = "address1_line1",
                                                        [MLC_ADDRESS_LINE2] = "address1_line2",
                                                        [MLC_ADDRESS_LINE3] = "address1_line3",
                                                        [MLC_ADDRESS_CITY] = "address1_city",
                                                        [MLC_ADDRESS_STATE] = "address1_stateorprovince",
                                                        [MLC_ADDRESS_POSTAL_CODE] = "address1_postalcode",
                                                        [MLC_ADDRESS_COUNTRY] = "address1_country"};

const char *mlc_address_set_of(const char *table)
{
    if (strcmp(table, "account") == 0)
        return "accounts";
    return strcmp(table, "contact") == 0 ? "contacts" : NULL;
}

/* A contact's name is not the name of JDE's address number. */
bool mlc_address_applies(const char *table, size_t field)
{
    return field != MLC_ADDRESS_NAME || strcmp(table, "account") == 0;
}

mlc_code mlc_address_row_columns(const char *table, const char *prefix, mlc_buf *out, mlc_error *err)
{
    mlc_code code =
        mlc_buf_printf(out, err, "%sid,modifiedon,%ssourcerecordid,%ssourceversion", table, prefix, prefix);
    for (size_t i = 0; code == MLC_OK && i < MLC_ADDRESS_FIELDS; i++)
        if (mlc_address_applies(table, i))
            code = mlc_buf_printf(out, err, ",%s", columns[i]);
    return code;
}

mlc_code mlc_address_row_path(const char *table, const char *id, const char *prefix, mlc_buf *out,
                              mlc_error *err)
{
    const mlc_code code = mlc_buf_printf(out, err, "%s(%s)?$select=", mlc_address_set_of(table), id);
    return code == MLC_OK ? mlc_address_row_columns(table, prefix, out, err) : code;
}

const char *mlc_address_column(mlc_address_field field)
{
    return columns[field];
}

/* "JDE/F0101/6001", or of a contact "JDE/F0111/6001/2". */
static bool read_source(const char *table, const char *source, mlc_address_row *out)
{
    const bool contact = strcmp(table, "contact") == 0;
    const char *const start = contact ? "JDE/F0111/" : "JDE/F0101/";
    if (strncmp(source, start, strlen(start)) != 0)
        return false;
    const char *const an8 = source + strlen(start);
    const size_t digits = strspn(an8, "0123456789");
    if (digits == 0 || digits > MLC_AN8_DIGITS || an8[digits] != (contact ? '/' : '\0'))
        return false;
    (void)snprintf(out->an8, sizeof out->an8, "%.*s", (int)digits, an8);
    if (!contact)
        return true;
    const char *const line = an8 + digits + 1;
    if (*line == '\0' || strlen(line) > MLC_AN8_DIGITS || line[strspn(line, "0123456789")] != '\0')
        return false;
    (void)snprintf(out->line, sizeof out->line, "%s", line);
    return true;
}

bool mlc_address_is_source(const char *table, const char *source)
{
    mlc_address_row row;
    return read_source(table, source, &row);
}

/* W/"1234" */
static bool read_change(const char *etag, mlc_address_row *out)
{
    const char *const digits = etag != NULL ? strpbrk(etag, "0123456789") : NULL;
    const size_t len = digits != NULL ? strspn(digits, "0123456789") : 0;
    if (len == 0 || len >= sizeof out->change)
        return false;
    (void)snprintf(out->change, sizeof out->change, "%.*s", (int)len, digits);
    return true;
}

mlc_code mlc_address_row_read(const char *table, const cJSON *row, const char *prefix, mlc_address_row *out,
                              mlc_error *err)
{
    char name[96];
    memset(out, 0, sizeof *out);
    out->etag = mlc_json_str(row, "@odata.etag");
    out->modified = mlc_json_str(row, "modifiedon");
    if (!read_change(out->etag, out) || out->modified == NULL)
        return mlc_fail(err, MLC_E_PROTOCOL, "Dynamics answered %s without @odata.etag or modifiedon",
                        mlc_address_set_of(table));
    (void)snprintf(name, sizeof name, "%.60ssourcerecordid", prefix);
    out->source = mlc_json_str(row, name);
    (void)snprintf(name, sizeof name, "%.60ssourceversion", prefix);
    out->version = mlc_json_str(row, name);
    for (size_t i = 0; i < MLC_ADDRESS_FIELDS; i++) {
        const char *const text = mlc_json_str(row, columns[i]);
        if (mlc_address_applies(table, i))
            out->fields.text[i] = text != NULL ? text : "";
    }
    if (out->source != NULL && !read_source(table, out->source, out))
        return mlc_fail(err, MLC_E_UNSUPPORTED, "%.60s is no record of JDE's address book", out->source);
    return MLC_OK;
}

mlc_code mlc_address_row_body(const char *table, const mlc_address_fields *fields, const char *prefix,
                              const char *version, cJSON **out, mlc_error *err)
{
    char name[96];
    cJSON *const body = cJSON_CreateObject();
    mlc_code code = body != NULL ? MLC_OK : mlc_fail(err, MLC_E_NOMEM, "no memory for an address");
    for (size_t i = 0; code == MLC_OK && i < MLC_ADDRESS_FIELDS; i++) {
        const char *const text = fields->text[i];
        if (mlc_address_applies(table, i) && text != NULL && (i != MLC_ADDRESS_NAME || *text != '\0'))
            code = mlc_json_add_str(body, columns[i], *text != '\0' ? text : NULL, err);
    }
    (void)snprintf(name, sizeof name, "%.60ssourceversion", prefix);
    if (code == MLC_OK)
        code = mlc_json_add_str(body, name, version, err);
    if (code != MLC_OK) {
        cJSON_Delete(body);
        return code;
    }
    *out = body;
    return MLC_OK;
}
