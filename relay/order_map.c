/* order_map.c - see order_map.h. */
#include "relay/order_map.h"

#include "crypto/crypto.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DATE_LEN = 10 };

enum { COLUMN_MAX = 96 };

/* Texts of a line that the canonical order points to. */
typedef struct line_texts {
    char discount[MLC_DECIMAL_TEXT_MAX];
    char deliver_on[DATE_LEN + 1];
} line_texts;

/* Texts that the canonical order points to. */
typedef struct order_texts {
    char source[64];
    char reference[MLC_BASE36_128_MAX];
    char order_date[DATE_LEN + 1], requested_date[DATE_LEN + 1];
    char discount[MLC_DECIMAL_TEXT_MAX];
    line_texts *lines;
} order_texts;

/* The ship-to address of an order and the address of its customer, column by column. */
static const struct address_column {
    const char *ship_to, *own;
    size_t offset;
} address_columns[] = {
    {"shipto_line1", "address1_line1", offsetof(mlc_order_address, line1)},
    {"shipto_line2", "address1_line2", offsetof(mlc_order_address, line2)},
    {"shipto_line3", "address1_line3", offsetof(mlc_order_address, line3)},
    {"shipto_city", "address1_city", offsetof(mlc_order_address, city)},
    {"shipto_stateorprovince", "address1_stateorprovince", offsetof(mlc_order_address, state)},
    {"shipto_postalcode", "address1_postalcode", offsetof(mlc_order_address, postal_code)},
    {"shipto_country", "address1_country", offsetof(mlc_order_address, country)},
};
enum { ADDRESS_COLUMNS = sizeof address_columns / sizeof address_columns[0] };

static mlc_code add_addresses(mlc_buf *out, bool ship_to, mlc_error *err)
{
    mlc_code code = MLC_OK;
    for (size_t i = 0; code == MLC_OK && i < ADDRESS_COLUMNS; i++)
        code = mlc_buf_printf(out, err, ",%s", ship_to ? address_columns[i].ship_to : address_columns[i].own);
    return code;
}

mlc_code mlc_order_header_path(const char *order_id, const mlc_order_map_options *options, mlc_buf *out,
                               mlc_error *err)
{
    const char *const reference = options->customer_reference;
    mlc_code code = mlc_buf_printf(
        out, err,
        "salesorders(%s)?$select=salesorderid,ordernumber,totalamount,requestdeliveryby,createdon,"
        "discountamount,discountpercentage,freightamount,_customerid_value,%sjdeordernumber,"
        "%sjdeorderstatus,shipto_name",
        order_id, options->prefix, options->prefix);
    if (code == MLC_OK)
        code = add_addresses(out, true, err);
    if (code == MLC_OK && reference != NULL && reference[0] != '\0' && strcmp(reference, "ordernumber") != 0)
        code = mlc_buf_printf(out, err, ",%s", reference);
    if (code == MLC_OK)
        code = mlc_buf_printf(out, err, "&$expand=customerid_account($select=accountnumber,name");
    if (code == MLC_OK)
        code = add_addresses(out, false, err);
    return code == MLC_OK ? mlc_buf_printf(out, err, "),transactioncurrencyid($select=isocurrencycode)")
                          : code;
}

mlc_code mlc_order_lines_path(const char *order_id, mlc_buf *out, mlc_error *err)
{
    return mlc_buf_printf(
        out, err,
        "salesorderdetails?$filter=_salesorderid_value%%20eq%%20%s&$select=salesorderdetailid,"
        "lineitemnumber,quantity,priceperunit,manualdiscountamount,volumediscountamount,tax,extendedamount,"
        "productdescription,requestdeliveryby,isproductoverridden"
        "&$expand=productid($select=productnumber,name),uomid($select=name)&$orderby=lineitemnumber",
        order_id);
}

static const char *own_text(const cJSON *row, const char *prefix, const char *name)
{
    char column[COLUMN_MAX];
    (void)snprintf(column, sizeof column, "%.60s%s", prefix, name);
    return mlc_json_member_text(row, column);
}

const char *mlc_order_jde_number(const cJSON *header, const char *prefix)
{
    const char *const number = own_text(header, prefix, "jdeordernumber");
    return number != NULL && *number != '\0' ? number : NULL;
}

bool mlc_order_jde_refused(const cJSON *header, const char *prefix)
{
    const char *const status = own_text(header, prefix, "jdeorderstatus");
    return status != NULL && strcmp(status, "Failed") == 0;
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

static mlc_code amount_of(const cJSON *row, const char *column, mlc_decimal *out, mlc_error *err)
{
    const mlc_code code = mlc_decimal_parse(text_or(row, column, "0"), out, err);
    if (code == MLC_OK)
        *out = mlc_decimal_normalize(*out);
    return code;
}

/* Discounts by hand and by volume count alike. An amount that cannot be read is left for the check to name. */
static const char *line_discount(const cJSON *row, char out[MLC_DECIMAL_TEXT_MAX])
{
    mlc_decimal manual;
    mlc_decimal volume;
    const char *const text = text_or(row, "manualdiscountamount", "0");
    if (amount_of(row, "manualdiscountamount", &manual, NULL) != MLC_OK ||
        amount_of(row, "volumediscountamount", &volume, NULL) != MLC_OK || volume.unscaled == 0 ||
        mlc_decimal_add(manual, volume, &manual, NULL) != MLC_OK)
        return text;
    return mlc_decimal_text(manual, out);
}

static void map_line(const cJSON *row, int64_t position, const mlc_order_map_options *options,
                     line_texts *texts, mlc_order_line *out)
{
    const cJSON *const product = mlc_json_get(row, "productid");
    const char *const stand_in = options->write_in_item;
    int64_t number = 0;
    /* Lines without numbers (made by an import) are counted as they come. */
    if (mlc_json_int64(row, "lineitemnumber", &number, NULL) != MLC_OK || number <= 0)
        number = position;
    out->line = number;
    out->id = mlc_json_str(row, "salesorderdetailid");
    out->item = mlc_json_str(product, "productnumber");
    out->write_in = mlc_json_str(product, "name") == NULL && out->item == NULL &&
                    mlc_json_bool(row, "isproductoverridden", false);
    if (out->write_in && stand_in != NULL && stand_in[0] != '\0')
        out->item = stand_in;
    out->description = mlc_json_str(row, "productdescription");
    if (out->description == NULL)
        out->description = mlc_json_str(product, "name");
    out->uom = mlc_json_str(mlc_json_get(row, "uomid"), "name");
    out->quantity = mlc_json_member_text(row, "quantity");
    out->price = text_or(row, "priceperunit", "0");
    out->discount = line_discount(row, texts->discount);
    out->tax = text_or(row, "tax", "0");
    out->amount = text_or(row, "extendedamount", "0");
    out->deliver_on = day_of(row, "requestdeliveryby", texts->deliver_on);
}

/* ---- header ---- */

static bool is_blank(const char *text)
{
    return text == NULL || text[strspn(text, " \t\r\n")] == '\0';
}

static bool same_text(const char *a, const char *b)
{
    return is_blank(a) ? is_blank(b) : b != NULL && strcmp(a, b) == 0;
}

/* Dynamics copies the customer's address onto each order: only one that differs is an address of the order. */
static void map_ship_to(const cJSON *header, mlc_order_address *out)
{
    const cJSON *const account = mlc_json_get(header, "customerid_account");
    bool given = false;
    bool differs = false;
    for (size_t i = 0; i < ADDRESS_COLUMNS; i++) {
        const char *const text = mlc_json_str(header, address_columns[i].ship_to);
        given = given || !is_blank(text);
        differs = differs || !same_text(text, mlc_json_str(account, address_columns[i].own));
    }
    if (!given || !differs)
        return;
    for (size_t i = 0; i < ADDRESS_COLUMNS; i++) {
        const char *const text = mlc_json_str(header, address_columns[i].ship_to);
        if (!is_blank(text))
            memcpy((char *)out + address_columns[i].offset, &text, sizeof text);
    }
    out->name = mlc_json_str(header, "shipto_name");
    if (is_blank(out->name))
        out->name = mlc_json_str(account, "name");
}

typedef struct header_amounts {
    mlc_decimal items, fixed, percent, discount; /* items: without tax, after the lines' discounts */
} header_amounts;

/* discount = sum of the lines' amounts (tax is in them) + freight - total */
static mlc_code read_amounts(const cJSON *header, const cJSON *lines, header_amounts *out, mlc_error *err)
{
    const cJSON *row = NULL;
    mlc_decimal total;
    mlc_decimal freight;
    mlc_code code = amount_of(header, "totalamount", &total, err);
    if (code == MLC_OK)
        code = amount_of(header, "freightamount", &freight, err);
    if (code == MLC_OK)
        code = amount_of(header, "discountamount", &out->fixed, err);
    if (code == MLC_OK)
        code = amount_of(header, "discountpercentage", &out->percent, err);
    if (code == MLC_OK)
        code = mlc_decimal_sub(freight, total, &out->discount, err);
    for (row = lines != NULL ? lines->child : NULL; code == MLC_OK && row != NULL; row = row->next) {
        mlc_decimal amount;
        mlc_decimal tax;
        code = amount_of(row, "extendedamount", &amount, err);
        if (code == MLC_OK)
            code = amount_of(row, "tax", &tax, err);
        if (code == MLC_OK)
            code = mlc_decimal_add(out->discount, amount, &out->discount, err);
        if (code == MLC_OK)
            code = mlc_decimal_add(out->items, amount, &out->items, err);
        if (code == MLC_OK)
            code = mlc_decimal_sub(out->items, tax, &out->items, err);
    }
    return code;
}

/* Is the discount what amount and percentage make, to less than a hundredth? */
static bool percentage_fits(const header_amounts *a)
{
    mlc_decimal cut;
    const mlc_decimal hundredth = {1, 2};
    const mlc_decimal minus_hundredth = {-1, 2};
    if (mlc_decimal_mul(a->items, mlc_decimal_normalize(a->percent), &cut, NULL) != MLC_OK ||
        mlc_decimal_mul(mlc_decimal_normalize(cut), hundredth, &cut, NULL) != MLC_OK ||
        mlc_decimal_add(cut, a->fixed, &cut, NULL) != MLC_OK ||
        mlc_decimal_sub(a->discount, cut, &cut, NULL) != MLC_OK)
        return false;
    return mlc_decimal_cmp(cut, hundredth) < 0 && mlc_decimal_cmp(cut, minus_hundredth) > 0;
}

/* The discount that goes to JDE: the amount as it stands; with a percentage, the amount that Dynamics made of it. When that does
 * not fit, the amount alone, so that the check of the order names the difference. */
static void map_discount(const cJSON *header, const cJSON *lines, order_texts *texts, mlc_order *out)
{
    header_amounts a = {0};
    out->header_discount = mlc_json_member_text(header, "discountamount");
    if (read_amounts(header, lines, &a, NULL) == MLC_OK && a.percent.unscaled != 0 && percentage_fits(&a))
        out->header_discount = mlc_decimal_text(mlc_decimal_normalize(a.discount), texts->discount);
}

static mlc_code map_header(const cJSON *header, const cJSON *lines, const mlc_order_map_options *options,
                           order_texts *texts, mlc_order *out, mlc_error *err)
{
    const char *const reference = options->customer_reference;
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
    out->freight = mlc_json_member_text(header, "freightamount");
    if (reference != NULL && reference[0] != '\0' && !is_blank(mlc_json_member_text(header, reference)))
        out->customer_reference = mlc_json_member_text(header, reference);
    map_discount(header, lines, texts, out);
    map_ship_to(header, &out->ship_to_address);
    return MLC_OK;
}

mlc_code mlc_order_map(const cJSON *header, const cJSON *lines, const mlc_order_map_options *options,
                       mlc_buf *out, mlc_error *err)
{
    order_texts texts = {0};
    mlc_order order = {0};
    const cJSON *row = NULL;
    const int count = cJSON_GetArraySize(lines);
    mlc_code code = map_header(header, lines, options, &texts, &order, err);
    if (code != MLC_OK)
        return code;
    order.lines = calloc((size_t)count + 1, sizeof *order.lines);
    texts.lines = calloc((size_t)count + 1, sizeof *texts.lines);
    if (order.lines == NULL || texts.lines == NULL)
        code = mlc_fail(err, MLC_E_NOMEM, "no memory for an order of %d lines", count);
    for (row = code == MLC_OK && lines != NULL ? lines->child : NULL; row != NULL; row = row->next) {
        map_line(row, (int64_t)order.line_count + 1, options, &texts.lines[order.line_count],
                 &order.lines[order.line_count]);
        order.line_count++;
    }
    if (code == MLC_OK)
        code = mlc_order_check(&order, err);
    if (code == MLC_OK)
        code = mlc_order_print(&order, out, err);
    free(texts.lines);
    free(order.lines);
    return code;
}
