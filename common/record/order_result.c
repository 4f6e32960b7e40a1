/* order_result.c - see order.h: the report that comes back from JDE. */
#include "record/fields.h"
#include "record/order.h"

#include <stdio.h>
#include <string.h>

/* The key of F4201, with room to spare: a report about an order that exists is not refused for its looks. */
enum {
    RESULT_JSON_MAX = 64 * 1024,
    ID_MAX = 64,
    REFERENCE_MAX = 25,
    DOCO_MAX = 32,
    DCTO_MAX = 16,
    KCOO_MAX = 16
};
enum { CODE_MAX = 40, ERROR_TEXT_MAX = 2000 };

static void check(const mlc_order_result *r, mlc_faults *faults)
{
    if (mlc_check_needed(faults, "id", r->id))
        mlc_check_len(faults, "id", r->id, ID_MAX);
    mlc_check_len(faults, "reference", r->reference, REFERENCE_MAX);
    if (!r->created) {
        if (mlc_check_needed(faults, "code", r->code))
            mlc_check_len(faults, "code", r->code, CODE_MAX);
        mlc_check_len(faults, "error", r->error, ERROR_TEXT_MAX);
        return;
    }
    if (mlc_check_needed(faults, "doco", r->doco))
        mlc_check_len(faults, "doco", r->doco, DOCO_MAX);
    mlc_check_len(faults, "dcto", r->dcto, DCTO_MAX);
    mlc_check_len(faults, "kcoo", r->kcoo, KCOO_MAX);
}

static mlc_code result_of(const mlc_order_result *r, const mlc_faults *faults, mlc_error *err)
{
    char name[64];
    char shown[MLC_SHOWN_MAX];
    (void)snprintf(name, sizeof name, "report of order %s",
                   mlc_shown(shown, r->id != NULL ? r->id : "without id"));
    return mlc_faults_result(faults, name, err);
}

mlc_code mlc_order_result_print(const mlc_order_result *result, mlc_buf *out, mlc_error *err)
{
    cJSON *const tree = cJSON_CreateObject();
    if (tree == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for an order report");
    const bool created = result->created;
    const struct {
        const char *name, *text;
    } fields[] = {{"kind", "order.result"},
                  {"id", result->id},
                  {"reference", result->reference},
                  {"status", created ? "created" : "failed"},
                  {"doco", created ? result->doco : NULL},
                  {"dcto", created ? result->dcto : NULL},
                  {"kcoo", created ? result->kcoo : NULL},
                  {"code", created ? NULL : result->code},
                  {"error", created ? NULL : result->error}};
    mlc_code code = MLC_OK;
    for (size_t i = 0; code == MLC_OK && i < sizeof fields / sizeof fields[0]; i++)
        code = mlc_field_add(tree, fields[i].name, fields[i].text, err);
    return mlc_record_close(tree, code, out, err);
}

static mlc_code take(mlc_order_result *r, mlc_error *err)
{
    mlc_faults faults = {0};
    const char *const status = mlc_field_str(&faults, r->tree, "status");
    r->id = mlc_field_str(&faults, r->tree, "id");
    r->reference = mlc_field_str(&faults, r->tree, "reference");
    r->created = status != NULL && strcmp(status, "created") == 0;
    r->doco = mlc_field_str(&faults, r->tree, "doco");
    r->dcto = mlc_field_str(&faults, r->tree, "dcto");
    r->kcoo = mlc_field_str(&faults, r->tree, "kcoo");
    r->code = mlc_field_str(&faults, r->tree, "code");
    r->error = mlc_field_str(&faults, r->tree, "error");
    if (!r->created && (status == NULL || strcmp(status, "failed") != 0))
        mlc_fault(&faults, "status", "must be \"created\" or \"failed\"");
    if (faults.count == 0)
        check(r, &faults);
    return result_of(r, &faults, err);
}

mlc_code mlc_order_result_parse(const char *text, size_t len, mlc_order_result *out, mlc_error *err)
{
    *out = (mlc_order_result){0};
    mlc_code code = mlc_record_open(text, len, RESULT_JSON_MAX, "order.result", &out->tree, err);
    if (code == MLC_OK)
        code = take(out, err);
    if (code != MLC_OK)
        mlc_order_result_free(out);
    return code;
}

void mlc_order_result_free(mlc_order_result *result)
{
    cJSON_Delete(result->tree);
    *result = (mlc_order_result){0};
}
