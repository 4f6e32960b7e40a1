/* order_inputs.c - see order_inputs.h. */
#include "agent/order_inputs.h"

#include "record/order_amounts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Decimals of UPRC and of AEXP. */
enum { PRICE_SCALE = 4, AMOUNT_SCALE = 2 };

static mlc_code add_amount(cJSON *node, const char *name, mlc_decimal value, mlc_error *err)
{
    char text[MLC_DECIMAL_TEXT_MAX];
    return mlc_json_add_str(node, name, mlc_decimal_text(mlc_decimal_normalize(value), text), err);
}

static mlc_code add_net_price(cJSON *node, const mlc_order_line *line, const mlc_order_share *share,
                              mlc_error *err)
{
    mlc_decimal quantity;
    mlc_decimal price;
    mlc_decimal extended;
    mlc_code code = mlc_decimal_parse(line->quantity, &quantity, err);
    if (code == MLC_OK)
        code = mlc_decimal_div(share->net, quantity, PRICE_SCALE, &price, err);
    if (code == MLC_OK)
        code = mlc_decimal_rescale(share->net, AMOUNT_SCALE, MLC_ROUND_HALF_UP, &extended, err);
    if (code == MLC_OK)
        code = add_amount(node, "unitPrice", price, err);
    if (code == MLC_OK)
        code = add_amount(node, "extended", extended, err);
    return code;
}

static mlc_code add_discounts(cJSON *lines, const mlc_order *order, bool net_price, mlc_error *err)
{
    mlc_order_share *const shares = calloc(order->line_count + 1, sizeof *shares);
    if (shares == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for an order's discounts");
    mlc_code code = mlc_order_spread(order, shares, err);
    for (size_t i = 0; code == MLC_OK && i < order->line_count; i++) {
        cJSON *const node = cJSON_GetArrayItem(lines, (int)i);
        if (shares[i].discount.unscaled == 0)
            continue;
        code = net_price ? add_net_price(node, &order->lines[i], &shares[i], err)
                         : add_amount(node, "adjustment", shares[i].discount, err);
    }
    free(shares);
    return code;
}

static bool has_amount(const char *text)
{
    mlc_decimal value;
    return text != NULL && mlc_decimal_parse(text, &value, NULL) == MLC_OK && value.unscaled != 0;
}

static mlc_code add_freight(cJSON *lines, const mlc_order *order, const mlc_order_target *target,
                            mlc_error *err)
{
    int64_t number = 0;
    if (target->freight_item == NULL || !has_amount(order->freight))
        return MLC_OK;
    for (size_t i = 0; i < order->line_count; i++)
        number = order->lines[i].line > number ? order->lines[i].line : number;
    cJSON *const node = cJSON_CreateObject();
    const struct {
        const char *name, *text;
    } fields[] = {{"item", target->freight_item},
                  {"description", "Freight"},
                  {"quantity", "1"},
                  {"price", order->freight},
                  {"lineType", target->freight_line_type}};
    mlc_code code = mlc_json_add_int(node, "line", number + 1, err);
    for (size_t i = 0; code == MLC_OK && i < sizeof fields / sizeof fields[0]; i++)
        if (fields[i].text != NULL)
            code = mlc_json_add_str(node, fields[i].name, fields[i].text, err);
    if (code == MLC_OK && cJSON_AddItemToArray(lines, node))
        return MLC_OK;
    cJSON_Delete(node);
    return code != MLC_OK ? code : mlc_fail(err, MLC_E_NOMEM, "no memory for a line of freight");
}

mlc_code mlc_order_input_record(const mlc_order *order, const mlc_order_target *target, cJSON **out,
                                mlc_error *err)
{
    cJSON *tree = NULL;
    mlc_code code = mlc_order_tree(order, &tree, err);
    if (code != MLC_OK)
        return code;
    cJSON *const lines = cJSON_GetObjectItemCaseSensitive(tree, "lines");
    code = add_discounts(lines, order, target->net_price, err);
    if (code == MLC_OK)
        code = add_freight(lines, order, target, err);
    if (code != MLC_OK) {
        cJSON_Delete(tree);
        return code;
    }
    *out = tree;
    return MLC_OK;
}

static mlc_code make_settings(const mlc_order_target *target, cJSON **out, mlc_error *err)
{
    const struct {
        const char *name, *text;
    } fields[] = {{"order_type", target->order_type},
                  {"purchase_order_type", target->order_type},
                  {"company", target->company},
                  {"branch_plant", target->branch_plant},
                  {"supplier", target->supplier}};
    *out = cJSON_CreateObject();
    mlc_code code = *out != NULL ? MLC_OK : mlc_fail(err, MLC_E_NOMEM, "no memory for settings");
    for (size_t i = 0; code == MLC_OK && i < sizeof fields / sizeof fields[0]; i++)
        if (fields[i].text != NULL)
            code = mlc_json_add_str(*out, fields[i].name, fields[i].text, err);
    return code;
}

mlc_code mlc_order_orchestration_inputs(mlc_map *map, const mlc_order *order, const mlc_order_target *target,
                                        cJSON **out, mlc_error *err)
{
    char name[80];
    mlc_map_result result = {0};
    cJSON *record = NULL;
    cJSON *settings = NULL;
    mlc_code code = mlc_order_input_record(order, target, &record, err);
    if (code == MLC_OK)
        code = make_settings(target, &settings, err);
    if (code == MLC_OK) {
        const mlc_map_env env = {.settings = settings};
        (void)snprintf(name, sizeof name, "order %.60s", order->number != NULL ? order->number : order->id);
        code = mlc_map_run(map, record, false, name, &env, NULL, &result, err);
        if (code == MLC_OK) {
            *out = result.output;
            result.output = NULL;
        }
        mlc_map_result_free(&result);
    }
    cJSON_Delete(settings);
    cJSON_Delete(record);
    return code;
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
