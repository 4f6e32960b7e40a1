/* address_result.c - see address.h: the report that comes back from JDE. */
#include "record/address.h"
#include "record/fields.h"

#include <string.h>

enum { TABLE_MAX = 16, ID_MAX = 64, SOURCE_MAX = 120, CODE_MAX = 40, DETAIL_MAX = 2000 };

static bool is_outcome(const char *text)
{
    static const char *const known[] = {"applied", "unchanged", "conflict", "failed"};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(text, known[i]) == 0)
            return true;
    return false;
}

static void check(const mlc_address_result *r, mlc_faults *faults)
{
    if (mlc_check_needed(faults, "table", r->table) && strcmp(r->table, "account") != 0 &&
        strcmp(r->table, "contact") != 0)
        mlc_fault(faults, "table", "must be account or contact");
    if (mlc_check_needed(faults, "id", r->id))
        mlc_check_len(faults, "id", r->id, ID_MAX);
    if (mlc_check_needed(faults, "source", r->source))
        mlc_check_len(faults, "source", r->source, SOURCE_MAX);
    if (mlc_check_needed(faults, "outcome", r->outcome) && !is_outcome(r->outcome))
        mlc_fault_text(faults, "outcome", r->outcome, "is none of applied, unchanged, conflict, failed");
    mlc_check_len(faults, "code", r->code, CODE_MAX);
    mlc_check_len(faults, "detail", r->detail, DETAIL_MAX);
}

mlc_code mlc_address_result_print(const mlc_address_result *r, mlc_buf *out, mlc_error *err)
{
    const struct {
        const char *name, *text;
    } texts[] = {{"kind", "address.result"}, {"table", r->table}, {"id", r->id},        {"source", r->source},
                 {"outcome", r->outcome},    {"code", r->code},   {"detail", r->detail}};
    cJSON *const tree = cJSON_CreateObject();
    mlc_code code = tree != NULL ? MLC_OK : mlc_fail(err, MLC_E_NOMEM, "no memory for a report");
    for (size_t i = 0; code == MLC_OK && i < sizeof texts / sizeof texts[0]; i++)
        code = mlc_field_add(tree, texts[i].name, texts[i].text, err);
    if (code == MLC_OK)
        code = mlc_json_add_bool(tree, "restore", r->restore, err);
    if (code == MLC_OK)
        code = mlc_json_add(tree, "sent", mlc_address_to_json(&r->sent), err);
    if (code == MLC_OK)
        code = mlc_json_add(tree, "jde", mlc_address_to_json(&r->jde), err);
    return mlc_record_close(tree, code, out, err);
}

mlc_code mlc_address_result_parse(const char *text, size_t len, mlc_address_result *out, mlc_error *err)
{
    mlc_faults faults = {0};
    *out = (mlc_address_result){0};
    mlc_code code = mlc_record_open(text, len, MLC_ADDRESS_MAX, "address.result", &out->tree, err);
    if (code != MLC_OK)
        return code;
    struct {
        const char *name, **text;
    } texts[] = {{"table", &out->table},     {"id", &out->id},     {"source", &out->source},
                 {"outcome", &out->outcome}, {"code", &out->code}, {"detail", &out->detail}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        *texts[i].text = mlc_field_str(&faults, out->tree, texts[i].name);
    out->restore = mlc_json_bool(out->tree, "restore", false);
    mlc_address_from_json(mlc_json_get(out->tree, "sent"), &out->sent);
    mlc_address_from_json(mlc_json_get(out->tree, "jde"), &out->jde);
    if (faults.count == 0)
        check(out, &faults);
    code = mlc_faults_result(&faults, "report of an address", err);
    if (code != MLC_OK)
        mlc_address_result_free(out);
    return code;
}

void mlc_address_result_free(mlc_address_result *result)
{
    cJSON_Delete(result->tree);
    *result = (mlc_address_result){0};
}
