/* customer_map.c - see customer_map.h. */
#include "agent/customer_map.h"

#include <stdio.h>
#include <string.h>

const char *const mlc_customer_f0101_columns[] = {"AN8", "ALPH", "TAX", "AT1", "UPMJ", "UPMT", NULL};
const char *const mlc_customer_f03012_columns[] = {"AN8",  "CO",   "TRAR", "CRCD", "ACL",
                                                   "HOLD", "UPMJ", "UPMT", NULL};

static const char *text_of(const cJSON *row, const char *column)
{
    const char *text = mlc_json_member_text(row, column);
    return text != NULL ? text : "";
}

mlc_code mlc_row_stamp(const mlc_ais *ais, const char *table, const cJSON *row, mlc_jde_stamp *out,
                       mlc_error *err)
{
    const char *time = mlc_json_member_text(row, "UPMT");
    mlc_code code = mlc_ais_row_date(ais, row, "UPMJ", &out->julian, err);
    if (code != MLC_OK)
        return mlc_wrap(err, MLC_E_INVALID, "%s row %s: UPMJ is not a date", table, text_of(row, "AN8"));
    out->hms = 0;
    if (time == NULL || *time == '\0')
        return MLC_OK;
    if (mlc_jde_time_parse(time, &out->hms, err) != MLC_OK)
        return mlc_wrap(err, MLC_E_INVALID, "%s row %s: UPMT is not a time", table, text_of(row, "AN8"));
    return MLC_OK;
}

static mlc_code map_credit(const cJSON *terms, mlc_mapped_customer *out, mlc_error *err)
{
    mlc_decimal limit;
    char text[MLC_DECIMAL_TEXT_MAX];
    const mlc_code code = mlc_json_decimal(terms, "ACL", &limit, err);
    if (code == MLC_E_NOTFOUND)
        return MLC_OK;
    if (code != MLC_OK)
        return mlc_wrap(err, MLC_E_INVALID, "F03012 row %s: ACL (credit limit) is not a number",
                        out->customer.id);
    (void)snprintf(out->credit_limit, sizeof out->credit_limit, "%s",
                   mlc_decimal_text(mlc_decimal_normalize(limit), text));
    out->customer.credit_limit = out->credit_limit;
    return MLC_OK;
}

static mlc_code map_terms(const mlc_ais *ais, const cJSON *terms, mlc_mapped_customer *out, mlc_error *err)
{
    mlc_jde_stamp stamp;
    mlc_code code = mlc_row_stamp(ais, "F03012", terms, &stamp, err);
    if (code != MLC_OK)
        return code;
    if (mlc_jde_stamp_cmp(stamp, out->stamp) > 0)
        out->stamp = stamp;
    mlc_customer *const c = &out->customer;
    c->terms = text_of(terms, "TRAR");
    c->currency = text_of(terms, "CRCD");
    c->hold_code = text_of(terms, "HOLD");
    c->has_hold = true;
    c->on_hold = c->hold_code[0] != '\0' && strcmp(c->hold_code, "N") != 0;
    return map_credit(terms, out, err);
}

mlc_code mlc_customer_map(const mlc_ais *ais, const cJSON *address, const cJSON *terms,
                          mlc_mapped_customer *out, mlc_error *err)
{
    memset(out, 0, sizeof *out);
    const char *const id = mlc_json_member_text(address, "AN8");
    if (id == NULL || *id == '\0')
        return mlc_fail(err, MLC_E_INVALID, "F0101: a row without AN8 (address number)");
    const mlc_code code = mlc_row_stamp(ais, "F0101", address, &out->stamp, err);
    if (code != MLC_OK)
        return code;
    (void)snprintf(out->source, sizeof out->source, "JDE/F0101/%.30s", id);
    mlc_customer *const c = &out->customer;
    c->id = id;
    c->source = out->source;
    c->name = text_of(address, "ALPH");
    c->search_type = text_of(address, "AT1");
    c->tax_id = text_of(address, "TAX");
    return terms != NULL ? map_terms(ais, terms, out, err) : MLC_OK;
}
