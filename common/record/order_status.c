/* order_status.c - see order_status.h. */
#include "record/order_status.h"

#include "crypto/crypto.h"
#include "record/fields.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    STATUS_JSON_MAX = 4 * 1024 * 1024,
    VERSION_MAX = 64,
    DOCO_MAX = 32,
    DCTO_MAX = 16,
    KCOO_MAX = 16,
    STATUS_MAX = 40,
    CODE_MAX = 10,
    ITEM_MAX = 100
};

/* ---- what it amounts to ---- */

static mlc_decimal amount_of(const char *text)
{
    mlc_decimal value = {0};
    if (text == NULL || mlc_decimal_parse(text, &value, NULL) != MLC_OK)
        return (mlc_decimal){0};
    return value;
}

static bool is_above_zero(const char *text)
{
    return mlc_decimal_cmp(amount_of(text), (mlc_decimal){0}) > 0;
}

/* Nothing more will come of the line. */
static bool is_over(const mlc_order_status_line *line)
{
    mlc_decimal sum;
    return mlc_decimal_add(amount_of(line->shipped), amount_of(line->cancelled), &sum, NULL) == MLC_OK &&
           mlc_decimal_cmp(sum, amount_of(line->ordered)) >= 0;
}

const char *mlc_order_status_word(const mlc_order_status *status)
{
    bool over = status->line_count > 0;
    bool shipped = false;
    bool waits = false;
    for (size_t i = 0; i < status->line_count; i++) {
        const mlc_order_status_line *const line = &status->lines[i];
        over = over && is_over(line);
        shipped = shipped || is_above_zero(line->shipped);
        waits = waits || is_above_zero(line->backordered);
    }
    if (over && !shipped)
        return "Cancelled";
    if (over)
        return status->purchase ? "Received" : MLC_ORDER_SHIPPED;
    if (shipped)
        return status->purchase ? "Partly received" : "Partly shipped";
    if (status->hold != NULL && status->hold[0] != '\0')
        return "On hold";
    return waits ? "Back-ordered" : "Created";
}

/* ---- check ---- */

static void check_line(const mlc_order_status_line *line, mlc_faults *faults)
{
    char name[64];
    const struct {
        const char *name, *text;
    } amounts[] = {{"ordered", line->ordered},
                   {"shipped", line->shipped},
                   {"backordered", line->backordered},
                   {"cancelled", line->cancelled}};
    if (line->line < 1)
        mlc_fault(faults, "line", "must be a number above zero");
    for (size_t i = 0; i < sizeof amounts / sizeof amounts[0]; i++) {
        (void)snprintf(name, sizeof name, "line %lld %s", (long long)line->line, amounts[i].name);
        mlc_check_decimal(faults, name, amounts[i].text);
    }
    (void)snprintf(name, sizeof name, "line %lld", (long long)line->line);
    mlc_check_len(faults, name, line->item, ITEM_MAX);
    mlc_check_len(faults, name, line->last, CODE_MAX);
    mlc_check_len(faults, name, line->next, CODE_MAX);
    mlc_check_date(faults, name, line->requested);
    mlc_check_date(faults, name, line->ship_date);
}

static void check(const mlc_order_status *s, mlc_faults *faults)
{
    char expected[MLC_BASE36_128_MAX];
    if (mlc_check_needed(faults, "id", s->id) && mlc_uuid_to_base36(s->id, expected, NULL) != MLC_OK)
        mlc_fault_text(faults, "id", s->id, "is no GUID");
    if (mlc_check_needed(faults, "version", s->version)) {
        mlc_check_len(faults, "version", s->version, VERSION_MAX);
        if (s->version[strspn(s->version, "0123456789.")] != '\0')
            mlc_fault(faults, "version", "has characters other than digits and points");
    }
    if (mlc_check_needed(faults, "doco", s->doco))
        mlc_check_len(faults, "doco", s->doco, DOCO_MAX);
    mlc_check_len(faults, "dcto", s->dcto, DCTO_MAX);
    mlc_check_len(faults, "kcoo", s->kcoo, KCOO_MAX);
    if (mlc_check_needed(faults, "status", s->status))
        mlc_check_len(faults, "status", s->status, STATUS_MAX);
    mlc_check_len(faults, "hold", s->hold, CODE_MAX);
    for (size_t i = 0; i < s->line_count; i++)
        check_line(&s->lines[i], faults);
}

/* ---- print ---- */

static mlc_code add_line(cJSON *lines, const mlc_order_status_line *line, mlc_error *err)
{
    cJSON *const node = cJSON_CreateObject();
    if (node == NULL || !cJSON_AddItemToArray(lines, node)) {
        cJSON_Delete(node);
        return mlc_fail(err, MLC_E_NOMEM, "no memory for an order's status");
    }
    const struct {
        const char *name, *text;
    } fields[] = {
        {"item", line->item},           {"last", line->last},           {"next", line->next},
        {"ordered", line->ordered},     {"shipped", line->shipped},     {"backordered", line->backordered},
        {"cancelled", line->cancelled}, {"requested", line->requested}, {"shipDate", line->ship_date}};
    mlc_code code = mlc_json_add_int(node, "line", line->line, err);
    for (size_t i = 0; code == MLC_OK && i < sizeof fields / sizeof fields[0]; i++)
        code = mlc_field_add(node, fields[i].name, fields[i].text, err);
    return code;
}

mlc_code mlc_order_status_print(const mlc_order_status *status, mlc_buf *out, mlc_error *err)
{
    cJSON *const tree = cJSON_CreateObject();
    const struct {
        const char *name, *text;
    } fields[] = {{"kind", "order.status"},
                  {"id", status->id},
                  {"reference", status->reference},
                  {"version", status->version},
                  {"target", status->purchase ? "purchase" : "sales"},
                  {"doco", status->doco},
                  {"dcto", status->dcto},
                  {"kcoo", status->kcoo},
                  {"status", status->status},
                  {"hold", status->hold}};
    cJSON *const lines = tree != NULL ? cJSON_AddArrayToObject(tree, "lines") : NULL;
    mlc_code code = lines != NULL ? MLC_OK : mlc_fail(err, MLC_E_NOMEM, "no memory for an order's status");
    for (size_t i = 0; code == MLC_OK && i < sizeof fields / sizeof fields[0]; i++)
        code = mlc_field_add(tree, fields[i].name, fields[i].text, err);
    for (size_t i = 0; code == MLC_OK && i < status->line_count; i++)
        code = add_line(lines, &status->lines[i], err);
    return mlc_record_close(tree, code, out, err);
}

/* ---- parse ---- */

static void take_line(mlc_order_status_line *line, const cJSON *node, mlc_faults *faults)
{
    if (mlc_json_int64(node, "line", &line->line, NULL) != MLC_OK)
        line->line = 0;
    line->item = mlc_field_str(faults, node, "item");
    line->last = mlc_field_str(faults, node, "last");
    line->next = mlc_field_str(faults, node, "next");
    line->ordered = mlc_field_str(faults, node, "ordered");
    line->shipped = mlc_field_str(faults, node, "shipped");
    line->backordered = mlc_field_str(faults, node, "backordered");
    line->cancelled = mlc_field_str(faults, node, "cancelled");
    line->requested = mlc_field_str(faults, node, "requested");
    line->ship_date = mlc_field_str(faults, node, "shipDate");
}

static mlc_code take_lines(mlc_order_status *s, mlc_faults *faults, mlc_error *err)
{
    const cJSON *const lines = mlc_json_get(s->tree, "lines");
    const cJSON *node = NULL;
    const size_t count = (size_t)cJSON_GetArraySize(lines);
    if (!cJSON_IsArray(lines) || count > MLC_ORDER_STATUS_LINES_MAX) {
        mlc_fault(faults, "lines", "must be a list of at most %d", MLC_ORDER_STATUS_LINES_MAX);
        return MLC_OK;
    }
    s->lines = calloc(count + 1, sizeof *s->lines);
    if (s->lines == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for an order's status");
    cJSON_ArrayForEach(node, lines)
    {
        if (cJSON_IsObject(node))
            take_line(&s->lines[s->line_count++], node, faults);
        else
            mlc_fault(faults, "lines", "each must be an object");
    }
    return MLC_OK;
}

static mlc_code take(mlc_order_status *s, mlc_error *err)
{
    char name[64];
    char shown[MLC_SHOWN_MAX];
    mlc_faults faults = {0};
    const char *const target = mlc_field_str(&faults, s->tree, "target");
    s->purchase = target != NULL && strcmp(target, "purchase") == 0;
    if (target == NULL || (!s->purchase && strcmp(target, "sales") != 0))
        mlc_fault(&faults, "target", "must be \"sales\" or \"purchase\"");
    s->id = mlc_field_str(&faults, s->tree, "id");
    s->reference = mlc_field_str(&faults, s->tree, "reference");
    s->version = mlc_field_str(&faults, s->tree, "version");
    s->doco = mlc_field_str(&faults, s->tree, "doco");
    s->dcto = mlc_field_str(&faults, s->tree, "dcto");
    s->kcoo = mlc_field_str(&faults, s->tree, "kcoo");
    s->status = mlc_field_str(&faults, s->tree, "status");
    s->hold = mlc_field_str(&faults, s->tree, "hold");
    const mlc_code code = take_lines(s, &faults, err);
    if (code != MLC_OK)
        return code;
    if (faults.count == 0)
        check(s, &faults);
    (void)snprintf(name, sizeof name, "status of order %s",
                   mlc_shown(shown, s->id != NULL ? s->id : "without id"));
    return mlc_faults_result(&faults, name, err);
}

mlc_code mlc_order_status_parse(const char *text, size_t len, mlc_order_status *out, mlc_error *err)
{
    *out = (mlc_order_status){0};
    mlc_code code = mlc_record_open(text, len, STATUS_JSON_MAX, "order.status", &out->tree, err);
    if (code == MLC_OK)
        code = take(out, err);
    if (code != MLC_OK)
        mlc_order_status_free(out);
    return code;
}

void mlc_order_status_free(mlc_order_status *status)
{
    free(status->lines);
    cJSON_Delete(status->tree);
    *status = (mlc_order_status){0};
}
