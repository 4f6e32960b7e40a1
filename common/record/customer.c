/* customer.c - see customer.h. */
#include "record/customer.h"

#include "record/fields.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Widths of JDE's columns (contracts/ais.md, Data). */
enum {
    CUSTOMER_JSON_MAX = 64 * 1024,
    SOURCE_MAX = 100,
    VERSION_MAX = 64,
    NAME_MAX_LEN = 40,
    SEARCH_TYPE_MAX = 3,
    TAX_ID_MAX = 20,
    TERMS_MAX = 3,
    CURRENCY_MAX = 3,
    HOLD_CODE_MAX = 2
};

static void check(const mlc_customer *c, mlc_faults *faults)
{
    if (mlc_check_needed(faults, "id", c->id))
        mlc_check_an8(faults, "id", c->id);
    if (mlc_check_needed(faults, "source", c->source))
        mlc_check_len(faults, "source", c->source, SOURCE_MAX);
    if (mlc_check_needed(faults, "version", c->version)) {
        mlc_check_len(faults, "version", c->version, VERSION_MAX);
        if (c->version[strspn(c->version, "0123456789.")] != '\0')
            mlc_fault(faults, "version", "has characters other than digits and points");
    }
    mlc_check_len(faults, "name", c->name, NAME_MAX_LEN);
    mlc_check_len(faults, "searchType", c->search_type, SEARCH_TYPE_MAX);
    mlc_check_len(faults, "taxId", c->tax_id, TAX_ID_MAX);
    mlc_check_decimal(faults, "creditLimit", c->credit_limit);
    mlc_check_len(faults, "terms", c->terms, TERMS_MAX);
    mlc_check_len(faults, "currency", c->currency, CURRENCY_MAX);
    mlc_check_len(faults, "holdCode", c->hold_code, HOLD_CODE_MAX);
}

static mlc_code add_fields(cJSON *fields, const mlc_customer *c, const char *credit_limit, mlc_error *err)
{
    mlc_code code = mlc_field_add(fields, "name", c->name, err);
    if (code == MLC_OK)
        code = mlc_field_add(fields, "searchType", c->search_type, err);
    if (code == MLC_OK)
        code = mlc_field_add(fields, "taxId", c->tax_id, err);
    if (code == MLC_OK)
        code = mlc_field_add(fields, "creditLimit", credit_limit, err);
    if (code == MLC_OK)
        code = mlc_field_add(fields, "terms", c->terms, err);
    if (code == MLC_OK)
        code = mlc_field_add(fields, "currency", c->currency, err);
    if (code == MLC_OK)
        code = mlc_field_add(fields, "holdCode", c->hold_code, err);
    if (code == MLC_OK && c->has_hold)
        code = mlc_json_add_bool(fields, "onHold", c->on_hold, err);
    return code;
}

static mlc_code print(const mlc_customer *c, const char *version, const char *credit_limit, mlc_buf *out,
                      mlc_error *err)
{
    cJSON *const tree = cJSON_CreateObject();
    cJSON *const fields = cJSON_CreateObject();
    if (tree == NULL || fields == NULL) {
        cJSON_Delete(tree);
        cJSON_Delete(fields);
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a customer");
    }
    mlc_code code = mlc_json_add_str(tree, "kind", "customer", err);
    if (code == MLC_OK)
        code = mlc_field_add(tree, "id", c->id, err);
    if (code == MLC_OK)
        code = mlc_field_add(tree, "source", c->source, err);
    if (code == MLC_OK)
        code = mlc_field_add(tree, "version", version, err);
    if (code == MLC_OK)
        code = add_fields(fields, c, credit_limit, err);
    if (code == MLC_OK)
        code = mlc_json_add(tree, "fields", fields, err);
    else
        cJSON_Delete(fields);
    return mlc_record_close(tree, code, out, err);
}

mlc_code mlc_customer_print(const mlc_customer *customer, mlc_buf *out, mlc_error *err)
{
    if (customer->id == NULL || customer->source == NULL || customer->version == NULL)
        return mlc_fail(err, MLC_E_INVALID, "customer: id, source and version are needed");
    return print(customer, customer->version, customer->credit_limit, out, err);
}

static mlc_code take(mlc_customer *c, mlc_error *err)
{
    mlc_faults faults = {0};
    char name[64];
    char shown[MLC_SHOWN_MAX];
    const cJSON *const fields = mlc_json_get(c->tree, "fields");
    c->id = mlc_field_str(&faults, c->tree, "id");
    c->source = mlc_field_str(&faults, c->tree, "source");
    c->version = mlc_field_str(&faults, c->tree, "version");
    if (!cJSON_IsObject(fields))
        mlc_fault(&faults, "fields", "must be an object");
    c->name = mlc_field_str(&faults, fields, "name");
    c->search_type = mlc_field_str(&faults, fields, "searchType");
    c->tax_id = mlc_field_str(&faults, fields, "taxId");
    c->credit_limit = mlc_field_str(&faults, fields, "creditLimit");
    c->terms = mlc_field_str(&faults, fields, "terms");
    c->currency = mlc_field_str(&faults, fields, "currency");
    c->hold_code = mlc_field_str(&faults, fields, "holdCode");
    const cJSON *const hold = mlc_json_get(fields, "onHold");
    c->has_hold = cJSON_IsBool(hold);
    c->on_hold = cJSON_IsTrue(hold);
    if (hold != NULL && !cJSON_IsBool(hold) && !cJSON_IsNull(hold))
        mlc_fault(&faults, "onHold", "must be true or false");
    /* A member of the wrong type reads as absent: to call it missing as well would mislead. */
    if (faults.count == 0)
        check(c, &faults);
    (void)snprintf(name, sizeof name, "customer %s", mlc_shown(shown, c->id != NULL ? c->id : "without id"));
    return mlc_faults_result(&faults, name, err);
}

mlc_code mlc_customer_parse(const char *text, size_t len, mlc_customer *out, mlc_error *err)
{
    *out = (mlc_customer){0};
    mlc_code code = mlc_record_open(text, len, CUSTOMER_JSON_MAX, "customer", &out->tree, err);
    if (code == MLC_OK)
        code = take(out, err);
    if (code != MLC_OK)
        mlc_customer_free(out);
    return code;
}

void mlc_customer_free(mlc_customer *customer)
{
    cJSON_Delete(customer->tree);
    *customer = (mlc_customer){0};
}

mlc_code mlc_customer_fingerprint(const mlc_customer *customer, uint8_t out[16], mlc_error *err)
{
    mlc_buf text = {0};
    uint8_t hash[MLC_SHA256_LEN];
    char digits[MLC_DECIMAL_TEXT_MAX] = "";
    mlc_decimal limit;
    /* 500.0 and 500.00 are the same limit. */
    const bool exact =
        customer->credit_limit != NULL && mlc_decimal_parse(customer->credit_limit, &limit, NULL) == MLC_OK;
    if (exact)
        (void)mlc_decimal_text(mlc_decimal_normalize(limit), digits);
    mlc_code code = print(customer, NULL, exact ? digits : customer->credit_limit, &text, err);
    if (code == MLC_OK)
        code = mlc_sha256(text.data, text.len, hash, err);
    if (code == MLC_OK)
        memcpy(out, hash, 16);
    mlc_buf_free(&text);
    return code;
}
