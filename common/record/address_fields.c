/* address_fields.c - see address.h: the fields of an address alone. */
#include "record/address.h"

#include "crypto/crypto.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const names[MLC_ADDRESS_FIELDS] = {"name", "line1", "line2",      "line3",
                                                      "city", "state", "postalCode", "country"};

const char *mlc_address_field_name(mlc_address_field field)
{
    return names[field];
}

static size_t trimmed_len(const char *text)
{
    size_t len = text != NULL ? strlen(text) : 0;
    while (len > 0 && text[len - 1] == ' ')
        len--;
    return len;
}

static bool is_code(mlc_address_field field)
{
    return field == MLC_ADDRESS_STATE || field == MLC_ADDRESS_COUNTRY;
}

bool mlc_address_same_field(const mlc_address_fields *a, const mlc_address_fields *b, mlc_address_field field)
{
    const size_t len = trimmed_len(a->text[field]);
    if (len != trimmed_len(b->text[field]))
        return false;
    if (len == 0)
        return true;
    return is_code(field) ? strncasecmp(a->text[field], b->text[field], len) == 0
                          : memcmp(a->text[field], b->text[field], len) == 0;
}

bool mlc_address_same(const mlc_address_fields *a, const mlc_address_fields *b,
                      const mlc_address_fields *mask)
{
    for (size_t i = 0; i < MLC_ADDRESS_FIELDS; i++) {
        const bool counts = mask == NULL || mask->text[i] != NULL;
        if (counts && !mlc_address_same_field(a, b, (mlc_address_field)i))
            return false;
    }
    return true;
}

bool mlc_address_empty(const mlc_address_fields *fields)
{
    for (size_t i = 0; i < MLC_ADDRESS_FIELDS; i++)
        if (trimmed_len(fields->text[i]) > 0)
            return false;
    return true;
}

const char *mlc_address_words(const mlc_address_fields *fields, char *out, size_t size)
{
    mlc_buf text = {0};
    for (size_t i = 0; i < MLC_ADDRESS_FIELDS; i++)
        if (trimmed_len(fields->text[i]) > 0)
            (void)mlc_buf_printf(&text, NULL, "%s%.*s", text.len > 0 ? ", " : "",
                                 (int)trimmed_len(fields->text[i]), fields->text[i]);
    mlc_strlcpy(out, text.len > 0 ? mlc_buf_text(&text) : "no address", size);
    mlc_buf_free(&text);
    return out;
}

mlc_code mlc_address_hash(const mlc_address_fields *fields, uint8_t out[MLC_ADDRESS_HASH_LEN], mlc_error *err)
{
    uint8_t hash[MLC_SHA256_LEN];
    mlc_buf text = {0};
    mlc_code code = MLC_OK;
    for (size_t i = 0; code == MLC_OK && i < MLC_ADDRESS_FIELDS; i++) {
        const size_t from = text.len;
        code = mlc_buf_append(&text, fields->text[i], trimmed_len(fields->text[i]), err);
        for (size_t at = from; is_code((mlc_address_field)i) && at < text.len; at++)
            if (text.data[at] >= 'a' && text.data[at] <= 'z')
                text.data[at] = (uint8_t)(text.data[at] - 'a' + 'A');
        if (code == MLC_OK) /* a text holds no NUL: what follows it cannot run into it */
            code = mlc_buf_append(&text, "", 1, err);
    }
    if (code == MLC_OK)
        code = mlc_sha256(text.data, text.len, hash, err);
    if (code == MLC_OK)
        memcpy(out, hash, MLC_ADDRESS_HASH_LEN);
    mlc_buf_free(&text);
    return code;
}

cJSON *mlc_address_to_json(const mlc_address_fields *fields)
{
    cJSON *const obj = cJSON_CreateObject();
    for (size_t i = 0; obj != NULL && i < MLC_ADDRESS_FIELDS; i++) {
        if (fields->text[i] != NULL && mlc_json_add_str(obj, names[i], fields->text[i], NULL) != MLC_OK) {
            cJSON_Delete(obj);
            return NULL;
        }
    }
    return obj;
}

void mlc_address_from_json(const cJSON *object, mlc_address_fields *out)
{
    for (size_t i = 0; i < MLC_ADDRESS_FIELDS; i++)
        out->text[i] = mlc_json_str(object, names[i]);
}

static const char *column(const cJSON *row, const char *name)
{
    const char *const text = mlc_json_member_text(row, name);
    return text != NULL ? text : "";
}

void mlc_address_of_rows(const cJSON *book, const cJSON *address, mlc_address_rows *out)
{
    const char *const third = column(address, "ADD3");
    const char *const fourth = column(address, "ADD4");
    mlc_address_fields *const f = &out->fields;
    const char *const parts[] = {third, third[0] != '\0' && fourth[0] != '\0' ? ", " : "", fourth};
    out->line3[0] = '\0';
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        const size_t used = strlen(out->line3);
        mlc_strlcpy(out->line3 + used, parts[i], sizeof out->line3 - used);
    }
    f->text[MLC_ADDRESS_NAME] = book != NULL ? column(book, "ALPH") : NULL;
    f->text[MLC_ADDRESS_LINE1] = column(address, "ADD1");
    f->text[MLC_ADDRESS_LINE2] = column(address, "ADD2");
    f->text[MLC_ADDRESS_LINE3] = out->line3;
    f->text[MLC_ADDRESS_CITY] = column(address, "CTY1");
    f->text[MLC_ADDRESS_STATE] = column(address, "ADDS");
    f->text[MLC_ADDRESS_POSTAL_CODE] = column(address, "ADDZ");
    f->text[MLC_ADDRESS_COUNTRY] = column(address, "CTR");
}
