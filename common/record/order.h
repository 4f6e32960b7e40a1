/* order.h - the canonical sales order: from Dynamics on its way to JDE, and the report that comes back.
 *
 * Order as JSON: {"kind":"order","id":"<guid>","source":"Dynamics/salesorder/<guid>","reference":"<25 chars>",
 *   "number":"ORD-01000","customer":"6001","shipTo":"6001","currency":"USD","orderDate":"2026-11-23",
 *   "requestedDate":"2026-11-30","total":"1250.00","lines":[{"line":1,"id":"<guid>","item":"ITEM-00001",
 *   "description":"..","quantity":"5","uom":"EA","price":"250.00","discount":"0","tax":"0","amount":"1250.00"}]}
 * and, when the order has them, "customerReference", "headerDiscount", "freight", "shipToAddress":{"name":..,"line1":..,
 * "line2":..,"line3":..,"city":..,"state":..,"postalCode":..,"country":..}, of a line "deliverOn":"2026-12-01" and
 * "writeIn":true. A line's amount is quantity x price - discount + tax; the total is the sum of the lines' amounts, less
 * headerDiscount, plus freight. Header and lines share no names but "id", so that a mapping tells them apart.
 * The reference is the order's id as 25 characters (crypto.h, mlc_uuid_to_base36): it stands in JDE's VR01
 * and is what an uncertain write is looked up by.
 *
 * Report as JSON: {"kind":"order.result","id":"<guid>","reference":"..","status":"created"|"failed",
 *   "doco":"1234","dcto":"SO","kcoo":"00001","code":"rejected","error":"words for a person"}
 */
#ifndef MLC_RECORD_ORDER_H
#define MLC_RECORD_ORDER_H

#include "base/buf.h"
#include "base/json.h"

enum { MLC_ORDER_LINES_MAX = 1000 };

/* Strings are borrowed from the caller, or from `tree` after parse; NULL: absent. */
typedef struct mlc_order_line {
    int64_t line;
    const char *id, *item, *description, *uom;
    const char *quantity, *price, *discount, *tax, *amount; /* decimal texts */
    const char *deliver_on;                                 /* "yyyy-mm-dd" */
    bool write_in; /* a product that was written in by hand, not chosen from the catalogue */
} mlc_order_line;

/* Where the goods go when that is not the customer's own address. All NULL: there. */
typedef struct mlc_order_address {
    const char *name, *line1, *line2, *line3, *city, *state, *postal_code, *country;
} mlc_order_address;

typedef struct mlc_order {
    cJSON *tree;
    const char *id, *source, *reference, *number, *customer, *ship_to, *currency;
    const char *order_date, *requested_date; /* "yyyy-mm-dd" */
    const char *total;
    const char *customer_reference;        /* the customer's own number of the order */
    const char *header_discount, *freight; /* decimal texts; of the whole order */
    mlc_order_address ship_to_address;
    mlc_order_line *lines; /* malloc'ed after parse */
    size_t line_count;
} mlc_order;

typedef struct mlc_order_result {
    cJSON *tree;
    const char *id, *reference;
    bool created;
    const char *doco, *dcto, *kcoo; /* when created */
    const char *code, *error;       /* when failed */
} mlc_order_result;

/* Its JSON as a tree, which the caller frees, or appended as text. */
mlc_code mlc_order_tree(const mlc_order *order, cJSON **out, mlc_error *err);
mlc_code mlc_order_print(const mlc_order *order, mlc_buf *out, mlc_error *err);
/* Check everything an order must have before it may leave for JDE: customer number, at least one line, item, quantity
 * above zero, reference that fits the id, lengths, decimals, dates; and that its amounts add up (see above), as far as it
 * names them. Reports all faults (MLC_E_INVALID). */
mlc_code mlc_order_check(const mlc_order *order, mlc_error *err);
/* Read and mlc_order_check. */
mlc_code mlc_order_parse(const char *text, size_t len, mlc_order *out, mlc_error *err);
void mlc_order_free(mlc_order *order);

mlc_code mlc_order_result_print(const mlc_order_result *result, mlc_buf *out, mlc_error *err);
mlc_code mlc_order_result_parse(const char *text, size_t len, mlc_order_result *out, mlc_error *err);
void mlc_order_result_free(mlc_order_result *result);

#endif
