/* address_memory.c - see address_memory.h.
 * Stored under "address/SOURCE" as [{"from":"VERSION","to":"VERSION","address":{..}}, ..], oldest first. */
#include "relay/address_memory.h"

#include "record/master.h"
#include "store/cursor.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SPANS_MAX = 4, NAME_LEN = 160, MEMORY_MAX = 32 * 1024, MEMORY_DEPTH = 6 };

/* Versions begin with the emission, which only grows, and is of one version. */
static int64_t emission_of(const char *version)
{
    return version != NULL ? strtoll(version, NULL, 10) : 0;
}

static void name_of(const char *source, char out[NAME_LEN])
{
    (void)snprintf(out, NAME_LEN, "address/%.140s", source);
}

/* An array, the caller's; empty when nothing is known or what is there is of another make. */
static mlc_code load(mlc_txn *txn, const char *source, cJSON **out, mlc_error *err)
{
    char name[NAME_LEN];
    const void *value = NULL;
    size_t len = 0;
    *out = NULL;
    name_of(source, name);
    mlc_code code = mlc_cursor_get(txn, name, &value, &len, err);
    if (code == MLC_OK && mlc_json_parse(value, len, MEMORY_MAX, MEMORY_DEPTH, out, NULL) != MLC_OK)
        *out = NULL;
    if (code != MLC_OK && code != MLC_E_NOTFOUND)
        return code;
    if (!cJSON_IsArray(*out)) {
        cJSON_Delete(*out);
        *out = cJSON_CreateArray();
    }
    return *out != NULL ? MLC_OK : mlc_fail(err, MLC_E_NOMEM, "no memory for known addresses");
}

static mlc_code save(mlc_txn *txn, const char *source, const cJSON *spans, mlc_error *err)
{
    char name[NAME_LEN];
    char *const text = mlc_json_print(spans);
    name_of(source, name);
    const mlc_code code = text != NULL ? mlc_cursor_put(txn, name, text, strlen(text), err)
                                       : mlc_fail(err, MLC_E_NOMEM, "no memory for known addresses");
    free(text);
    return code;
}

static mlc_code replace_text(cJSON *span, const char *name, const char *text, mlc_error *err)
{
    cJSON_DeleteItemFromObjectCaseSensitive(span, name);
    return mlc_json_add_str(span, name, text, err);
}

static mlc_code add_span(cJSON *spans, const char *version, const mlc_address_fields *fields, mlc_error *err)
{
    cJSON *const span = cJSON_CreateObject();
    if (span == NULL || !cJSON_AddItemToArray(spans, span)) {
        cJSON_Delete(span);
        return mlc_fail(err, MLC_E_NOMEM, "no memory for known addresses");
    }
    mlc_code code = mlc_json_add_str(span, "from", version, err);
    if (code == MLC_OK)
        code = mlc_json_add_str(span, "to", version, err);
    if (code == MLC_OK)
        code = mlc_json_add(span, "address", mlc_address_to_json(fields), err);
    while (code == MLC_OK && cJSON_GetArraySize(spans) > SPANS_MAX)
        cJSON_DeleteItemFromArray(spans, 0);
    return code;
}

/* The newest span takes the version in, or makes room for it; `same` tells that it has the same address. */
static mlc_code put_after(cJSON *spans, const char *version, const mlc_address_fields *fields, mlc_error *err)
{
    const int last = cJSON_GetArraySize(spans) - 1;
    cJSON *const span = cJSON_GetArrayItem(spans, last);
    mlc_address_fields there;
    mlc_address_from_json(mlc_json_get(span, "address"), &there);
    const int64_t emission = emission_of(version);
    const int64_t to = emission_of(mlc_json_str(span, "to"));
    if (span != NULL && mlc_address_same(&there, fields, NULL))
        return emission > to ? replace_text(span, "to", version, err) : MLC_OK;
    if (span == NULL || emission > to)
        return add_span(spans, version, fields, err);
    if (emission < to) /* an older one came late */
        return MLC_OK;
    /* The same version shows another address now: Dynamics was set to what JDE has. */
    if (emission_of(mlc_json_str(span, "from")) == to) {
        cJSON_DeleteItemFromArray(spans, last);
        return add_span(spans, version, fields, err);
    }
    char before[32];
    (void)snprintf(before, sizeof before, "%" PRId64, to - 1);
    const mlc_code code = replace_text(span, "to", before, err);
    return code == MLC_OK ? add_span(spans, version, fields, err) : code;
}

mlc_code mlc_address_memory_put(mlc_txn *txn, const char *source, const char *version,
                                const mlc_address_fields *fields, mlc_error *err)
{
    cJSON *spans = NULL;
    mlc_code code = load(txn, source, &spans, err);
    if (code == MLC_OK)
        code = put_after(spans, version, fields, err);
    if (code == MLC_OK)
        code = save(txn, source, spans, err);
    cJSON_Delete(spans);
    return code;
}

mlc_code mlc_address_memory_learn(mlc_txn *txn, const char *payload, size_t len, mlc_error *err)
{
    mlc_master master;
    mlc_address_rows rows;
    if (mlc_master_parse(payload, len, &master, NULL) != MLC_OK)
        return MLC_OK;
    const cJSON *const address = mlc_json_get(master.rows, "F0116");
    const cJSON *const book = mlc_json_get(master.rows, "F0101");
    const bool account = strcmp(master.kind, "customer") == 0 || strcmp(master.kind, "supplier") == 0;
    mlc_code code = MLC_OK;
    if (account && !master.gone && book != NULL) {
        mlc_address_of_rows(book, address, &rows);
        code = mlc_address_memory_put(txn, master.source, master.version, &rows.fields, err);
    }
    mlc_master_free(&master);
    return code;
}

mlc_code mlc_address_memory_get(mlc_txn *txn, const char *source, const char *version, mlc_address_known *out,
                                mlc_error *err)
{
    const cJSON *span = NULL;
    const int64_t emission = emission_of(version);
    *out = (mlc_address_known){0};
    const mlc_code code = load(txn, source, &out->tree, err);
    if (code != MLC_OK)
        return code;
    cJSON_ArrayForEach(span, out->tree)
    {
        if (version != NULL && (emission_of(mlc_json_str(span, "from")) > emission ||
                                emission_of(mlc_json_str(span, "to")) < emission))
            continue;
        mlc_address_from_json(mlc_json_get(span, "address"), &out->fields);
        out->found = true;
    }
    return MLC_OK;
}

mlc_code mlc_address_memory_first(mlc_txn *txn, const char *source, const char *version, bool *out,
                                  mlc_error *err)
{
    cJSON *spans = NULL;
    const mlc_code code = load(txn, source, &spans, err);
    const char *const from = mlc_json_str(cJSON_GetArrayItem(spans, 0), "from");
    *out = code == MLC_OK && from != NULL && emission_of(from) == emission_of(version);
    cJSON_Delete(spans);
    return code;
}
