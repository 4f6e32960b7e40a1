/* order_form.c - an order as a form service request (order_inputs.h).
 *
 * Control ids differ from site to site: they are read from the configuration as "Name=ID", over built-in defaults.
 * The answer is not searched for the order number: the caller looks the order up by its reference.
 */
#include "agent/order_inputs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What can be set, in the order in which it is set. */
typedef struct form_control {
    const char *name;
    const char *id; /* default */
} form_control;

static const form_control defaults[] = {{"OrderType", "12"},
                                        {"OrderCompany", "13"},
                                        {"BranchPlant", "14"},
                                        {"SoldTo", "15"},
                                        {"ShipTo", "16"},
                                        {"CurrencyCode", "17"},
                                        {"OrderDate", "18"},
                                        {"RequestedDate", "19"},
                                        {"Reference", "20"},
                                        {"Reference2", "21"},
                                        {"Grid", "1"},
                                        {"Line.LineNumber", "30"},
                                        {"Line.ItemNumber", "31"},
                                        {"Line.Quantity", "32"},
                                        {"Line.UnitOfMeasure", "33"},
                                        {"Line.UnitPrice", "34"},
                                        {"Line.Description", "35"},
                                        {"OK", "4"}};

static const char *control_id(const mlc_order_target *target, const char *name)
{
    const size_t len = strlen(name);
    for (size_t i = 0; i < target->form_control_count; i++) {
        const char *const entry = target->form_controls[i];
        if (strncmp(entry, name, len) == 0 && entry[len] == '=')
            return entry + len + 1;
    }
    for (size_t i = 0; i < sizeof defaults / sizeof defaults[0]; i++) {
        if (strcmp(defaults[i].name, name) == 0)
            return defaults[i].id;
    }
    return NULL;
}

static mlc_code add_object(cJSON *list, cJSON **out, mlc_error *err)
{
    *out = cJSON_CreateObject();
    if (*out != NULL && cJSON_AddItemToArray(list, *out))
        return MLC_OK;
    cJSON_Delete(*out);
    return mlc_fail(err, MLC_E_NOMEM, "no memory for a form request");
}

static mlc_code set_control(cJSON *actions, const mlc_order_target *target, const char *name,
                            const char *value, mlc_error *err)
{
    cJSON *action = NULL;
    if (value == NULL || *value == '\0')
        return MLC_OK;
    mlc_code code = add_object(actions, &action, err);
    if (code == MLC_OK)
        code = mlc_json_add_str(action, "command", "SetControlValue", err);
    if (code == MLC_OK)
        code = mlc_json_add_str(action, "controlID", control_id(target, name), err);
    return code == MLC_OK ? mlc_json_add_str(action, "value", value, err) : code;
}

static mlc_code set_date(cJSON *actions, const mlc_ais *ais, const mlc_order_target *target, const char *name,
                         const char *iso, mlc_error *err)
{
    char text[32];
    int32_t julian = 0;
    if (iso == NULL)
        return MLC_OK;
    mlc_code code = mlc_jde_date_parse(iso, NULL, &julian, err);
    if (code == MLC_OK)
        code = mlc_ais_date(ais, julian, text, sizeof text, err);
    return code == MLC_OK ? set_control(actions, target, name, text, err) : code;
}

static mlc_code set_cell(cJSON *cells, const mlc_order_target *target, const char *name, const char *value,
                         mlc_error *err)
{
    cJSON *cell = NULL;
    if (value == NULL || *value == '\0')
        return MLC_OK;
    mlc_code code = add_object(cells, &cell, err);
    if (code == MLC_OK)
        code = mlc_json_add_str(cell, "command", "SetGridCellValue", err);
    if (code == MLC_OK)
        code = mlc_json_add_str(cell, "columnID", control_id(target, name), err);
    return code == MLC_OK ? mlc_json_add_str(cell, "value", value, err) : code;
}

static mlc_code add_line(cJSON *inserts, const mlc_order_target *target, const mlc_order_line *line,
                         mlc_error *err)
{
    char number[24];
    cJSON *event = NULL;
    (void)snprintf(number, sizeof number, "%lld", (long long)line->line);
    const mlc_code made = add_object(inserts, &event, err);
    if (made != MLC_OK)
        return made;
    cJSON *const cells = cJSON_AddArrayToObject(event, "gridColumnEvents");
    mlc_code code = cells != NULL ? set_cell(cells, target, "Line.LineNumber", number, err)
                                  : mlc_fail(err, MLC_E_NOMEM, "no memory for a form request");
    if (code == MLC_OK)
        code = set_cell(cells, target, "Line.ItemNumber", line->item, err);
    if (code == MLC_OK)
        code = set_cell(cells, target, "Line.Quantity", line->quantity, err);
    if (code == MLC_OK)
        code = set_cell(cells, target, "Line.UnitOfMeasure", line->uom, err);
    if (code == MLC_OK)
        code = set_cell(cells, target, "Line.UnitPrice", line->price, err);
    return code == MLC_OK ? set_cell(cells, target, "Line.Description", line->description, err) : code;
}

static mlc_code add_grid(cJSON *actions, const mlc_order *order, const mlc_order_target *target,
                         mlc_error *err)
{
    cJSON *action = NULL;
    mlc_code code = add_object(actions, &action, err);
    if (code != MLC_OK)
        return code;
    cJSON *const grid = cJSON_AddObjectToObject(action, "gridAction");
    code = mlc_json_add_str(grid, "gridID", control_id(target, "Grid"), err);
    cJSON *const inserts = cJSON_AddArrayToObject(grid, "gridRowInsertEvents");
    if (code == MLC_OK && inserts == NULL)
        code = mlc_fail(err, MLC_E_NOMEM, "no memory for a form request");
    for (size_t i = 0; code == MLC_OK && i < order->line_count; i++)
        code = add_line(inserts, target, &order->lines[i], err);
    return code;
}

static mlc_code add_header(cJSON *actions, const mlc_ais *ais, const mlc_order *order,
                           const mlc_order_target *target, mlc_error *err)
{
    const struct {
        const char *name, *value;
    } texts[] = {{"OrderType", target->order_type},
                 {"OrderCompany", target->company},
                 {"BranchPlant", target->branch_plant},
                 {"SoldTo", order->customer},
                 {"ShipTo", order->ship_to != NULL ? order->ship_to : order->customer},
                 {"CurrencyCode", order->currency},
                 {"Reference", order->reference},
                 {"Reference2", order->number}};
    mlc_code code = MLC_OK;
    for (size_t i = 0; code == MLC_OK && i < sizeof texts / sizeof texts[0]; i++)
        code = set_control(actions, target, texts[i].name, texts[i].value, err);
    if (code == MLC_OK)
        code = set_date(actions, ais, target, "OrderDate", order->order_date, err);
    return code == MLC_OK ? set_date(actions, ais, target, "RequestedDate", order->requested_date, err)
                          : code;
}

static mlc_code press_ok(cJSON *actions, const mlc_order_target *target, mlc_error *err)
{
    cJSON *action = NULL;
    mlc_code code = add_object(actions, &action, err);
    if (code == MLC_OK)
        code = mlc_json_add_str(action, "command", "DoAction", err);
    return code == MLC_OK ? mlc_json_add_str(action, "controlID", control_id(target, "OK"), err) : code;
}

mlc_code mlc_order_form_request(const mlc_ais *ais, const mlc_order *order, const mlc_order_target *target,
                                cJSON **out, mlc_error *err)
{
    cJSON *const request = cJSON_CreateObject();
    mlc_code code = mlc_json_add_str(request, "formName", target->form_name, err);
    if (code == MLC_OK)
        code = mlc_json_add_str(request, "version", target->form_version, err);
    if (code == MLC_OK)
        code = mlc_json_add_str(request, "formServiceAction", "C", err);
    cJSON *const actions = code == MLC_OK ? cJSON_AddArrayToObject(request, "formActions") : NULL;
    if (code == MLC_OK && actions == NULL)
        code = mlc_fail(err, MLC_E_NOMEM, "no memory for a form request");
    if (code == MLC_OK)
        code = add_header(actions, ais, order, target, err);
    if (code == MLC_OK)
        code = add_grid(actions, order, target, err);
    if (code == MLC_OK)
        code = press_ok(actions, target, err);
    if (code != MLC_OK) {
        cJSON_Delete(request);
        return code;
    }
    *out = request;
    return MLC_OK;
}
