/* order.c - see order.h: the order on its way to JDE. */
#include "record/order.h"

#include "crypto/crypto.h"
#include "record/fields.h"
#include "record/order_amounts.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ORDER_JSON_MAX = 8 * 1024 * 1024,
    ORDER_NUMBER_MAX = 100,
    SOURCE_MAX = 100,
    CURRENCY_MAX = 3,
    LINE_ID_MAX = 64,
    LINE_NUMBER_MAX = 999999,
    /* LITM and UOM of F4211 (contracts/ais.md, Data). */
    ITEM_MAX = 25,
    UOM_MAX = 2,
    DESCRIPTION_MAX = 2000,
    CUSTOMER_REFERENCE_MAX = 300,
    ADDRESS_TEXT_MAX = 250
};

/* ---- check ---- */

static void check_quantity(mlc_faults *faults, const char *field, const char *text)
{
    mlc_decimal quantity;
    if (!mlc_check_needed(faults, field, text))
        return;
    const unsigned before = faults->count;
    mlc_check_decimal(faults, field, text);
    if (faults->count != before || mlc_decimal_parse(text, &quantity, NULL) != MLC_OK)
        return;
    if (mlc_decimal_cmp(quantity, (mlc_decimal){0}) <= 0)
        mlc_fault_text(faults, field, text, "is not above zero");
}

/* "line 3 (ITEM-1) quantity": what a clerk can find on the screen. */
static const char *line_field(char *out, size_t size, size_t index, const mlc_order_line *line,
                              const char *name)
{
    const int64_t number = line->line > 0 ? line->line : (int64_t)index + 1;
    if (line->item != NULL && line->item[0] != '\0' && strlen(line->item) <= ITEM_MAX)
        (void)snprintf(out, size, "line %lld (%s) %s", (long long)number, line->item, name);
    else
        (void)snprintf(out, size, "line %lld %s", (long long)number, name);
    return out;
}

static void check_item(const mlc_order_line *line, const char *field, mlc_faults *faults)
{
    char shown[MLC_SHOWN_MAX];
    if (line->write_in && (line->item == NULL || line->item[0] == '\0'))
        mlc_fault(
            faults, field,
            "\"%s\" is a write-in product, which JDE has no item for; choose a product of the catalogue",
            mlc_shown(shown, line->description != NULL ? line->description : ""));
    else if (mlc_check_needed(faults, field, line->item))
        mlc_check_len(faults, field, line->item, ITEM_MAX);
}

static void check_line(const mlc_order_line *line, size_t index, mlc_faults *faults)
{
    char name[96];
    const size_t size = sizeof name;
    if (line->line < 1 || line->line > LINE_NUMBER_MAX)
        mlc_fault(faults, line_field(name, size, index, line, "line"), "must be a number from 1 to %d",
                  LINE_NUMBER_MAX);
    check_item(line, line_field(name, size, index, line, "item"), faults);
    check_quantity(faults, line_field(name, size, index, line, "quantity"), line->quantity);
    mlc_check_len(faults, line_field(name, size, index, line, "id"), line->id, LINE_ID_MAX);
    mlc_check_len(faults, line_field(name, size, index, line, "description"), line->description,
                  DESCRIPTION_MAX);
    mlc_check_len(faults, line_field(name, size, index, line, "uom"), line->uom, UOM_MAX);
    mlc_check_decimal(faults, line_field(name, size, index, line, "price"), line->price);
    mlc_check_decimal(faults, line_field(name, size, index, line, "discount"), line->discount);
    mlc_check_decimal(faults, line_field(name, size, index, line, "tax"), line->tax);
    mlc_check_decimal(faults, line_field(name, size, index, line, "amount"), line->amount);
    mlc_check_date(faults, line_field(name, size, index, line, "deliverOn"), line->deliver_on);
}

static void check_identity(const mlc_order *order, mlc_faults *faults)
{
    char expected[MLC_BASE36_128_MAX];
    if (!mlc_check_needed(faults, "id", order->id))
        return;
    if (mlc_uuid_to_base36(order->id, expected, NULL) != MLC_OK) {
        mlc_fault_text(faults, "id", order->id, "is no GUID");
        return;
    }
    if (mlc_check_needed(faults, "reference", order->reference) && strcmp(order->reference, expected) != 0) {
        char shown[MLC_SHOWN_MAX];
        mlc_fault(faults, "reference", "\"%s\" does not belong to this id; it must be %s",
                  mlc_shown(shown, order->reference), expected);
    }
}

/* The members of shipToAddress. */
typedef struct address_field {
    const char *name;
    size_t offset;
} address_field;

static const address_field address_fields[] = {{"name", offsetof(mlc_order_address, name)},
                                               {"line1", offsetof(mlc_order_address, line1)},
                                               {"line2", offsetof(mlc_order_address, line2)},
                                               {"line3", offsetof(mlc_order_address, line3)},
                                               {"city", offsetof(mlc_order_address, city)},
                                               {"state", offsetof(mlc_order_address, state)},
                                               {"postalCode", offsetof(mlc_order_address, postal_code)},
                                               {"country", offsetof(mlc_order_address, country)}};
enum { ADDRESS_FIELDS = sizeof address_fields / sizeof address_fields[0] };

static const char *address_text(const mlc_order_address *address, size_t at)
{
    const char *text = NULL;
    memcpy(&text, (const char *)address + address_fields[at].offset, sizeof text);
    return text;
}

static void check_address(const mlc_order_address *address, mlc_faults *faults)
{
    for (size_t i = 0; i < ADDRESS_FIELDS; i++) {
        char name[48];
        (void)snprintf(name, sizeof name, "shipToAddress %s", address_fields[i].name);
        mlc_check_len(faults, name, address_text(address, i), ADDRESS_TEXT_MAX);
    }
}

static void check(const mlc_order *order, mlc_faults *faults)
{
    check_identity(order, faults);
    if (order->customer == NULL || order->customer[0] == '\0')
        mlc_fault(faults, "customer", "has no JDE number; give the account its JDE customer number");
    mlc_check_an8(faults, "customer", order->customer);
    mlc_check_an8(faults, "shipTo", order->ship_to);
    mlc_check_len(faults, "source", order->source, SOURCE_MAX);
    mlc_check_len(faults, "number", order->number, ORDER_NUMBER_MAX);
    mlc_check_len(faults, "currency", order->currency, CURRENCY_MAX);
    mlc_check_date(faults, "orderDate", order->order_date);
    mlc_check_date(faults, "requestedDate", order->requested_date);
    mlc_check_decimal(faults, "total", order->total);
    mlc_check_decimal(faults, "headerDiscount", order->header_discount);
    mlc_check_decimal(faults, "freight", order->freight);
    mlc_check_len(faults, "customerReference", order->customer_reference, CUSTOMER_REFERENCE_MAX);
    check_address(&order->ship_to_address, faults);
    if (order->line_count == 0)
        mlc_fault(faults, "lines", "the order has none; add at least one product");
    if (order->line_count > MLC_ORDER_LINES_MAX)
        mlc_fault(faults, "lines", "%zu are too many; split the order, at most %d fit", order->line_count,
                  MLC_ORDER_LINES_MAX);
    for (size_t i = 0; i < order->line_count && i < MLC_ORDER_LINES_MAX; i++)
        check_line(&order->lines[i], i, faults);
    if (faults->count == 0)
        mlc_order_check_amounts(order, faults);
}

static mlc_code result_of(const mlc_order *order, const mlc_faults *faults, mlc_error *err)
{
    char name[64];
    char shown[MLC_SHOWN_MAX];
    const char *const known = order->number != NULL && order->number[0] != '\0' ? order->number : order->id;
    (void)snprintf(name, sizeof name, "order %s", mlc_shown(shown, known != NULL ? known : "without id"));
    return mlc_faults_result(faults, name, err);
}

mlc_code mlc_order_check(const mlc_order *order, mlc_error *err)
{
    mlc_faults faults = {0};
    check(order, &faults);
    return result_of(order, &faults, err);
}

/* ---- print ---- */

static mlc_code add_line(cJSON *lines, const mlc_order_line *line, mlc_error *err)
{
    cJSON *const node = cJSON_CreateObject();
    if (node == NULL || !cJSON_AddItemToArray(lines, node)) {
        cJSON_Delete(node);
        return mlc_fail(err, MLC_E_NOMEM, "no memory for an order line");
    }
    const struct {
        const char *name, *text;
    } fields[] = {{"id", line->id},
                  {"item", line->item},
                  {"description", line->description},
                  {"quantity", line->quantity},
                  {"uom", line->uom},
                  {"price", line->price},
                  {"discount", line->discount},
                  {"tax", line->tax},
                  {"amount", line->amount},
                  {"deliverOn", line->deliver_on}};
    mlc_code code = mlc_json_add_int(node, "line", line->line, err);
    if (code == MLC_OK && line->write_in)
        code = mlc_json_add_bool(node, "writeIn", true, err);
    for (size_t i = 0; code == MLC_OK && i < sizeof fields / sizeof fields[0]; i++)
        code = mlc_field_add(node, fields[i].name, fields[i].text, err);
    return code;
}

static mlc_code add_lines(cJSON *tree, const mlc_order *order, mlc_error *err)
{
    cJSON *const lines = cJSON_CreateArray();
    mlc_code code = lines != NULL ? MLC_OK : mlc_fail(err, MLC_E_NOMEM, "no memory for order lines");
    for (size_t i = 0; code == MLC_OK && i < order->line_count; i++)
        code = add_line(lines, &order->lines[i], err);
    if (code == MLC_OK)
        return mlc_json_add(tree, "lines", lines, err);
    cJSON_Delete(lines);
    return code;
}

static mlc_code add_address(cJSON *tree, const mlc_order_address *address, mlc_error *err)
{
    cJSON *node = NULL;
    mlc_code code = MLC_OK;
    for (size_t i = 0; code == MLC_OK && i < ADDRESS_FIELDS; i++) {
        const char *const text = address_text(address, i);
        if (text == NULL)
            continue;
        if (node == NULL && (node = cJSON_AddObjectToObject(tree, "shipToAddress")) == NULL)
            return mlc_fail(err, MLC_E_NOMEM, "no memory for an order's address");
        code = mlc_json_add_str(node, address_fields[i].name, text, err);
    }
    return code;
}

mlc_code mlc_order_tree(const mlc_order *order, cJSON **out, mlc_error *err)
{
    cJSON *const tree = cJSON_CreateObject();
    if (tree == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for an order");
    const struct {
        const char *name, *text;
    } fields[] = {{"kind", "order"},
                  {"id", order->id},
                  {"source", order->source},
                  {"reference", order->reference},
                  {"number", order->number},
                  {"customer", order->customer},
                  {"shipTo", order->ship_to},
                  {"currency", order->currency},
                  {"orderDate", order->order_date},
                  {"requestedDate", order->requested_date},
                  {"total", order->total},
                  {"customerReference", order->customer_reference},
                  {"headerDiscount", order->header_discount},
                  {"freight", order->freight}};
    mlc_code code = MLC_OK;
    for (size_t i = 0; code == MLC_OK && i < sizeof fields / sizeof fields[0]; i++)
        code = mlc_field_add(tree, fields[i].name, fields[i].text, err);
    if (code == MLC_OK)
        code = add_address(tree, &order->ship_to_address, err);
    if (code == MLC_OK)
        code = add_lines(tree, order, err);
    if (code != MLC_OK) {
        cJSON_Delete(tree);
        return code;
    }
    *out = tree;
    return MLC_OK;
}

mlc_code mlc_order_print(const mlc_order *order, mlc_buf *out, mlc_error *err)
{
    cJSON *tree = NULL;
    const mlc_code code = mlc_order_tree(order, &tree, err);
    return code == MLC_OK ? mlc_record_close(tree, MLC_OK, out, err) : code;
}

/* ---- parse ---- */

static void take_line(mlc_order_line *line, const cJSON *node, mlc_faults *faults)
{
    /* A line without a readable number stays 0, which the check names. */
    if (mlc_json_int64(node, "line", &line->line, NULL) != MLC_OK)
        line->line = 0;
    line->id = mlc_field_str(faults, node, "id");
    line->item = mlc_field_str(faults, node, "item");
    line->description = mlc_field_str(faults, node, "description");
    line->quantity = mlc_field_str(faults, node, "quantity");
    line->uom = mlc_field_str(faults, node, "uom");
    line->price = mlc_field_str(faults, node, "price");
    line->discount = mlc_field_str(faults, node, "discount");
    line->tax = mlc_field_str(faults, node, "tax");
    line->amount = mlc_field_str(faults, node, "amount");
    line->deliver_on = mlc_field_str(faults, node, "deliverOn");
    line->write_in = mlc_json_bool(node, "writeIn", false);
}

static void take_address(mlc_order_address *address, const cJSON *node, mlc_faults *faults)
{
    if (node == NULL || cJSON_IsNull(node))
        return;
    if (!cJSON_IsObject(node)) {
        mlc_fault(faults, "shipToAddress", "must be an object");
        return;
    }
    for (size_t i = 0; i < ADDRESS_FIELDS; i++) {
        const char *const text = mlc_field_str(faults, node, address_fields[i].name);
        memcpy((char *)address + address_fields[i].offset, &text, sizeof text);
    }
}

static mlc_code take_lines(mlc_order *order, mlc_faults *faults, mlc_error *err)
{
    const cJSON *const lines = mlc_json_get(order->tree, "lines");
    const cJSON *node = NULL;
    if (!cJSON_IsArray(lines)) {
        mlc_fault(faults, "lines", "must be a list");
        return MLC_OK;
    }
    const size_t count = (size_t)cJSON_GetArraySize(lines);
    if (count > MLC_ORDER_LINES_MAX) {
        mlc_fault(faults, "lines", "%zu are too many; split the order, at most %d fit", count,
                  MLC_ORDER_LINES_MAX);
        return MLC_OK;
    }
    if (count == 0)
        return MLC_OK;
    order->lines = calloc(count, sizeof *order->lines);
    if (order->lines == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for %zu order lines", count);
    cJSON_ArrayForEach(node, lines)
    {
        if (cJSON_IsObject(node))
            take_line(&order->lines[order->line_count++], node, faults);
        else
            mlc_fault(faults, "lines", "each must be an object");
    }
    return MLC_OK;
}

static mlc_code take(mlc_order *order, mlc_error *err)
{
    mlc_faults faults = {0};
    const cJSON *const tree = order->tree;
    order->id = mlc_field_str(&faults, tree, "id");
    order->source = mlc_field_str(&faults, tree, "source");
    order->reference = mlc_field_str(&faults, tree, "reference");
    order->number = mlc_field_str(&faults, tree, "number");
    order->customer = mlc_field_str(&faults, tree, "customer");
    order->ship_to = mlc_field_str(&faults, tree, "shipTo");
    order->currency = mlc_field_str(&faults, tree, "currency");
    order->order_date = mlc_field_str(&faults, tree, "orderDate");
    order->requested_date = mlc_field_str(&faults, tree, "requestedDate");
    order->total = mlc_field_str(&faults, tree, "total");
    order->customer_reference = mlc_field_str(&faults, tree, "customerReference");
    order->header_discount = mlc_field_str(&faults, tree, "headerDiscount");
    order->freight = mlc_field_str(&faults, tree, "freight");
    take_address(&order->ship_to_address, mlc_json_get(tree, "shipToAddress"), &faults);
    const mlc_code code = take_lines(order, &faults, err);
    if (code != MLC_OK)
        return code;
    /* A member of the wrong type reads as absent: to call it missing as well would mislead. */
    if (faults.count == 0)
        check(order, &faults);
    return result_of(order, &faults, err);
}

mlc_code mlc_order_parse(const char *text, size_t len, mlc_order *out, mlc_error *err)
{
    *out = (mlc_order){0};
    mlc_code code = mlc_record_open(text, len, ORDER_JSON_MAX, "order", &out->tree, err);
    if (code == MLC_OK)
        code = take(out, err);
    if (code != MLC_OK)
        mlc_order_free(out);
    return code;
}

void mlc_order_free(mlc_order *order)
{
    free(order->lines);
    cJSON_Delete(order->tree);
    *order = (mlc_order){0};
}
