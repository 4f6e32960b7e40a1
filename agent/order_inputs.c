/* order_inputs.c - see order_inputs.h. */
#include "agent/order_inputs.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static mlc_code add_number(cJSON *obj, const char *name, const char *text, mlc_error *err)
{
    mlc_decimal value;
    const mlc_code code = mlc_decimal_parse(text != NULL ? text : "0", &value, err);
    return code == MLC_OK ? mlc_json_add_decimal(obj, name, mlc_decimal_normalize(value), err) : code;
}

static mlc_code line_inputs(const mlc_order_line *line, cJSON *out, mlc_error *err)
{
    mlc_code code = mlc_json_add_int(out, "LineNumber", line->line, err);
    if (code == MLC_OK)
        code = mlc_json_add_str(out, "ItemNumber", line->item, err);
    if (code == MLC_OK)
        code = add_number(out, "Quantity", line->quantity, err);
    if (code == MLC_OK && line->uom != NULL)
        code = mlc_json_add_str(out, "UnitOfMeasure", line->uom, err);
    if (code == MLC_OK && line->price != NULL)
        code = add_number(out, "UnitPrice", line->price, err);
    if (code == MLC_OK && line->description != NULL)
        code = mlc_json_add_str(out, "Description", line->description, err);
    return code;
}

static mlc_code header_inputs(const mlc_order *order, const mlc_order_target *target, cJSON *out,
                              mlc_error *err)
{
    const struct {
        const char *name, *value;
    } texts[] = {{"Reference", order->reference},
                 {"Reference2", order->number},
                 {"OrderType", target->order_type},
                 {"OrderCompany", target->company},
                 {"BranchPlant", target->branch_plant},
                 {"SoldTo", order->customer},
                 {"ShipTo", order->ship_to != NULL ? order->ship_to : order->customer},
                 {"CurrencyCode", order->currency},
                 {"OrderDate", order->order_date},
                 {"RequestedDate", order->requested_date}};
    mlc_code code = MLC_OK;
    for (size_t i = 0; code == MLC_OK && i < sizeof texts / sizeof texts[0]; i++) {
        if (texts[i].value != NULL && texts[i].value[0] != '\0')
            code = mlc_json_add_str(out, texts[i].name, texts[i].value, err);
    }
    return code;
}

mlc_code mlc_order_orchestration_inputs(const mlc_order *order, const mlc_order_target *target, cJSON **out,
                                        mlc_error *err)
{
    cJSON *const inputs = cJSON_CreateObject();
    cJSON *const lines = inputs != NULL ? cJSON_AddArrayToObject(inputs, "Lines") : NULL;
    mlc_code code = lines != NULL ? MLC_OK : mlc_fail(err, MLC_E_NOMEM, "no memory for an order's inputs");
    if (code == MLC_OK)
        code = header_inputs(order, target, inputs, err);
    for (size_t i = 0; code == MLC_OK && i < order->line_count; i++) {
        cJSON *const line = cJSON_CreateObject();
        if (line == NULL || !cJSON_AddItemToArray(lines, line)) {
            cJSON_Delete(line);
            code = mlc_fail(err, MLC_E_NOMEM, "no memory for an order's lines");
            break;
        }
        code = line_inputs(&order->lines[i], line, err);
    }
    if (code != MLC_OK) {
        cJSON_Delete(inputs);
        return code;
    }
    *out = inputs;
    return MLC_OK;
}

bool mlc_order_key_find(const cJSON *answer, mlc_jde_order_key *out)
{
    const char *const doco = mlc_json_member_text(answer, "DOCO");
    if (doco != NULL && *doco != '\0') {
        *out = (mlc_jde_order_key){doco, mlc_json_member_text(answer, "DCTO"),
                                   mlc_json_member_text(answer, "KCOO")};
        return true;
    }
    const cJSON *child = NULL;
    cJSON_ArrayForEach(child, answer)
    {
        if ((cJSON_IsObject(child) || cJSON_IsArray(child)) && mlc_order_key_find(child, out))
            return true;
    }
    return false;
}
