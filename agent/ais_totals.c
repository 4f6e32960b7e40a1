/* ais_totals.c - see ais_totals.h. */
#include "agent/ais_totals.h"

#include "agent/ais_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_SIZE = 40 };

typedef struct totals_call {
    char table[NAME_SIZE], column[NAME_SIZE], group_by[NAME_SIZE]; /* column "": a count */
    mlc_ais_count_fn on_count;
    mlc_ais_sums_fn on_sums;
    void *user;
} totals_call;

/* "F0911.AA_SUM" or "AA_SUM". */
static const char *member_of(const cJSON *obj, const char *table, const char *name)
{
    char full[2 * NAME_SIZE + 8];
    (void)snprintf(full, sizeof full, "%s.%s", table, name);
    const char *const text = mlc_json_member_text(obj, full);
    return text != NULL ? text : mlc_json_member_text(obj, name);
}

static mlc_code read_sums(const totals_call *call, const cJSON *output, cJSON *sums, mlc_error *err)
{
    char name[NAME_SIZE + 8];
    const cJSON *group = NULL;
    mlc_code code = MLC_OK;
    (void)snprintf(name, sizeof name, "%s_SUM", call->column);
    for (group = output->child; code == MLC_OK && group != NULL; group = group->next) {
        const cJSON *const by = mlc_json_get(group, "groupBy");
        const char *const key = member_of(by, call->table, call->group_by);
        const char *const sum = member_of(group, call->table, name);
        if (key == NULL || sum == NULL)
            return mlc_fail(err, MLC_E_PROTOCOL, "%s: a group of the answer has no groupBy.%s or no %s",
                            call->table, call->group_by, name);
        cJSON *const item = cJSON_CreateObject();
        if (item == NULL || !cJSON_AddItemToArray(sums, item)) {
            cJSON_Delete(item);
            return mlc_fail(err, MLC_E_NOMEM, "no memory for sums of %s", call->table);
        }
        code = mlc_json_add_str(item, "key", key, err);
        if (code == MLC_OK)
            code = mlc_json_add_str(item, "sum", sum, err);
    }
    return code;
}

static mlc_code answer_part(const totals_call *call, int status, const cJSON *body, const cJSON **out,
                            mlc_error *err)
{
    char words[MLC_ERROR_MESSAGE_MAX / 2];
    char name[NAME_SIZE + 4];
    if (ais_errors_text(body, words, sizeof words))
        return mlc_fail(err, MLC_E_REJECTED, "%s: AIS reports: %s", call->table, words);
    if (status < 200 || status >= 300)
        return mlc_fail(err, mlc_http_status_code(status), "%s: AIS answered with status %d: %.200s",
                        call->table, status,
                        mlc_json_str(body, "message") != NULL ? mlc_json_str(body, "message") : "");
    (void)snprintf(name, sizeof name, "ds_%s", call->table);
    *out = mlc_json_get(body, name);
    return MLC_OK;
}

static void give_count(totals_call *call, mlc_code code, mlc_error *err, const cJSON *part)
{
    int64_t count = 0;
    if (code == MLC_OK && mlc_json_int64(part, "count", &count, err) != MLC_OK)
        code = mlc_fail(err, MLC_E_PROTOCOL, "%s: the answer to COUNT has no ds_%s.count", call->table,
                        call->table);
    call->on_count(call->user, code, err, count);
}

static void give_sums(totals_call *call, mlc_code code, mlc_error *err, const cJSON *part)
{
    const cJSON *const output = mlc_json_get(part, "output");
    cJSON *const sums = cJSON_CreateArray();
    if (code == MLC_OK && !cJSON_IsArray(output))
        code = mlc_fail(err, MLC_E_PROTOCOL, "%s: the answer to AGGREGATION has no ds_%s.output", call->table,
                        call->table);
    if (code == MLC_OK)
        code = sums != NULL ? read_sums(call, output, sums, err)
                            : mlc_fail(err, MLC_E_NOMEM, "no memory for sums of %s", call->table);
    call->on_sums(call->user, code, err, code == MLC_OK ? sums : NULL);
    cJSON_Delete(sums);
}

static void on_answer(void *user, mlc_code code, const mlc_error *why, int status, cJSON *body)
{
    totals_call *const call = user;
    const cJSON *part = NULL;
    mlc_error err;
    err = *why;
    if (code == MLC_OK)
        code = answer_part(call, status, body, &part, &err);
    if (call->on_count != NULL)
        give_count(call, code, &err, part);
    else
        give_sums(call, code, &err, part);
    free(call);
}

static mlc_code start(mlc_ais *ais, const mlc_ais_query *query, const totals_call *wanted, mlc_error *err)
{
    char *body = NULL;
    totals_call *const call = calloc(1, sizeof *call);
    if (call == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory to read %s", query->table);
    *call = *wanted;
    (void)snprintf(call->table, sizeof call->table, "%s", query->table);
    const bool sums = call->on_sums != NULL;
    char *const url = ais_join(ais->url, "/jderest/v2/dataservice", "", err);
    mlc_code code = url != NULL ? ais_total_print(query, sums ? call->column : NULL,
                                                  sums ? call->group_by : NULL, &body, err)
                                : MLC_E_NOMEM;
    if (code == MLC_OK)
        code = ais_call_start(ais, AIS_READ, url, body, on_answer, call, err);
    else
        free(url);
    if (code != MLC_OK)
        free(call);
    return code;
}

mlc_code mlc_ais_count(mlc_ais *ais, const mlc_ais_query *query, mlc_ais_count_fn fn, void *user,
                       mlc_error *err)
{
    const totals_call call = {.on_count = fn, .user = user};
    return start(ais, query, &call, err);
}

mlc_code mlc_ais_sums(mlc_ais *ais, const mlc_ais_query *query, const char *column, const char *group_by,
                      mlc_ais_sums_fn fn, void *user, mlc_error *err)
{
    totals_call call = {.on_sums = fn, .user = user};
    (void)snprintf(call.column, sizeof call.column, "%s", column);
    (void)snprintf(call.group_by, sizeof call.group_by, "%s", group_by);
    return start(ais, query, &call, err);
}
