/* order_map.c - see order_map.h. */
#include "relay/order_map.h"

#include "crypto/crypto.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DATE_LEN = 10 };

/* Texts that the canonical order points to. */
typedef struct order_texts {
    char source[64];
    char reference[MLC_BASE36_128_MAX];
    char order_date[DATE_LEN + 1], requested_date[DATE_LEN + 1];
} order_texts;

mlc_code mlc_order_header_path(const char *order_id, const char *prefix, mlc_buf *out, mlc_error *err)
{
    return mlc_buf_printf(
        out, err,
        "salesorders(%s)?$select=salesorderid,name,ordernumber,totalamount,requestdeliveryby,createdon,"
        "_customerid_value,%sjdeordernumber&$expand=customerid_account($select=accountnumber),"
        "transactioncurrencyid($select=isocurrencycode)",
        order_id, prefix);
}

mlc_code mlc_order_lines_path(const char *order_id, mlc_buf *out, mlc_error *err)
{
    return mlc_buf_printf(
        out, err,
        "salesorderdetails?$filter=_salesorderid_value%%20eq%%20%s&$select=salesorderdetailid,"
        "lineitemnumber,quantity,priceperunit,manualdiscountamount,tax,extendedamount,productdescription"
        "&$expand=productid($select=productnumber,name),uomid($select=name)&$orderby=lineitemnumber",
        order_id);
}

const char *mlc_order_jde_number(const cJSON *header, const char *prefix)
{
    char column[96];
    (void)snprintf(column, sizeof column, "%.60sjdeordernumber", prefix);
    const char *const number = mlc_json_member_text(header, column);
    return number != NULL && *number != '\0' ? number : NULL;
}

/* "2026-11-30" of a date or a date with time; NULL when there is none. */
static const char *day_of(const cJSON *row, const char *column, char out[DATE_LEN + 1])
{
    const char *const text = mlc_json_str(row, column);
    if (text == NULL || strlen(text) < DATE_LEN)
        return NULL;
    memcpy(out, text, DATE_LEN);
    out[DATE_LEN] = '\0';
    return out;
}

static const char *text_or(const cJSON *row, const char *column, const char *fallback)
{
    const char *const text = mlc_json_member_text(row, column);
    return text != NULL ? text : fallback;
}

static void map_line(const cJSON *row, int64_t position, mlc_order_line *out)
{
    const cJSON *const product = mlc_json_get(row, "productid");
    int64_t number = 0;
    /* Lines without numbers (made by an import) are counted as they come. */
    if (mlc_json_int64(row, "lineitemnumber", &number, NULL) != MLC_OK || number <= 0)
        number = position;
    out->line = number;
    out->id = mlc_json_str(row, "salesorderdetailid");
    out->item = mlc_json_str(product, "productnumber");
    out->description = mlc_json_str(row, "productdescription");
    if (out->description == NULL)
        out->description = mlc_json_str(product, "name");
    out->uom = mlc_json_str(mlc_json_get(row, "uomid"), "name");
    out->quantity = mlc_json_member_text(row, "quantity");
    out->price = text_or(row, "priceperunit", "0");
    out->discount = text_or(row, "manualdiscountamount", "0");
    out->tax = text_or(row, "tax", "0");
    out->amount = text_or(row, "extendedamount", "0");
}

static mlc_code map_header(const cJSON *header, order_texts *texts, mlc_order *out, mlc_error *err)
{
    out->id = mlc_json_str(header, "salesorderid");
    if (out->id == NULL)
        return mlc_fail(err, MLC_E_PROTOCOL, "Dynamics answered a sales order without salesorderid");
    const mlc_code code = mlc_uuid_to_base36(out->id, texts->reference, err);
    if (code != MLC_OK)
        return code;
    (void)snprintf(texts->source, sizeof texts->source, "Dynamics/salesorder/%.40s", out->id);
    out->source = texts->source;
    out->reference = texts->reference;
    out->number = mlc_json_str(header, "ordernumber");
    out->customer = mlc_json_str(mlc_json_get(header, "customerid_account"), "accountnumber");
    out->ship_to = out->customer;
    out->currency = mlc_json_str(mlc_json_get(header, "transactioncurrencyid"), "isocurrencycode");
    out->order_date = day_of(header, "createdon", texts->order_date);
    out->requested_date = day_of(header, "requestdeliveryby", texts->requested_date);
    out->total = text_or(header, "totalamount", "0");
    return MLC_OK;
}

mlc_code mlc_order_map(const cJSON *header, const cJSON *lines, mlc_buf *out, mlc_error *err)
{
    order_texts texts;
    mlc_order order = {0};
    const cJSON *row = NULL;
    const int count = cJSON_GetArraySize(lines);
    mlc_code code = map_header(header, &texts, &order, err);
    if (code != MLC_OK)
        return code;
    order.lines = calloc((size_t)count + 1, sizeof *order.lines);
    if (order.lines == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for an order of %d lines", count);
    cJSON_ArrayForEach(row, lines)
    {
        map_line(row, (int64_t)order.line_count + 1, &order.lines[order.line_count]);
        order.line_count++;
    }
    code = mlc_order_check(&order, err);
    if (code == MLC_OK)
        code = mlc_order_print(&order, out, err);
    free(order.lines);
    return code;
}
