/* compare.c - see compare.h: the messages. Sums and ranges: compare_range.c. */
#include "record/compare.h"

#include "crypto/crypto.h"

#include <stdlib.h>
#include <string.h>

enum { DEPTH = 4 };

#define REQUEST "compare.request"
#define ANSWER  "compare.answer"
#define RESEND  "resend.request"

/* ---- members ---- */

static mlc_code bad(const char *name, mlc_error *err)
{
    return mlc_fail(err, MLC_E_INVALID, "message of the comparison: member %s is missing or wrong", name);
}

static mlc_code take_text(const cJSON *obj, const char *name, char *out, size_t size, mlc_error *err)
{
    const char *const text = mlc_json_str(obj, name);
    if (text == NULL || *text == '\0' || strlen(text) >= size)
        return bad(name, err);
    mlc_strlcpy(out, text, size);
    return MLC_OK;
}

static mlc_code take_lead(const cJSON *obj, const char *name, int64_t *out, mlc_error *err)
{
    return mlc_json_int64(obj, name, out, NULL) == MLC_OK && *out >= 0 ? MLC_OK : bad(name, err);
}

static mlc_code take_hash(const cJSON *obj, uint8_t out[MLC_MASTER_FINGERPRINT_LEN], mlc_error *err)
{
    const char *const text = mlc_json_str(obj, "hash");
    return text != NULL && mlc_hex_parse(text, out, MLC_MASTER_FINGERPRINT_LEN, NULL) == MLC_OK
               ? MLC_OK
               : bad("hash", err);
}

static mlc_code add_hash(cJSON *obj, const uint8_t hash[MLC_MASTER_FINGERPRINT_LEN], mlc_error *err)
{
    char hex[2 * MLC_MASTER_FINGERPRINT_LEN + 1];
    mlc_hex(hash, MLC_MASTER_FINGERPRINT_LEN, hex);
    return mlc_json_add_str(obj, "hash", hex, err);
}

static mlc_code open_tree(const char *text, size_t len, const char *kind, cJSON **out, mlc_error *err)
{
    mlc_code code = mlc_json_parse(text, len, MLC_COMPARE_JSON_MAX, DEPTH, out, err);
    if (code != MLC_OK)
        return mlc_wrap(err, code == MLC_E_NOMEM ? code : MLC_E_INVALID,
                        "message of the comparison cannot be read");
    const char *const told = mlc_json_str(*out, "kind");
    return told != NULL && strcmp(told, kind) == 0 ? MLC_OK : bad("kind", err);
}

static mlc_code take_asked(const cJSON *tree, mlc_compare_request *out, mlc_error *err)
{
    mlc_code code = take_text(tree, "run", out->run, sizeof out->run, err);
    if (code == MLC_OK)
        code = take_text(tree, "of", out->of, sizeof out->of, err);
    if (code == MLC_OK && !mlc_master_is_kind(out->of))
        code = bad("of", err);
    if (code == MLC_OK)
        code = take_lead(tree, "from", &out->from, err);
    if (code == MLC_OK)
        code = take_lead(tree, "to", &out->to, err);
    if (code == MLC_OK && out->to <= out->from)
        code = bad("to", err);
    return code;
}

static mlc_code new_tree(const char *kind, const char *run, const char *of, cJSON **out, mlc_error *err)
{
    *out = cJSON_CreateObject();
    if (*out == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a message of the comparison");
    mlc_code code = mlc_json_add_str(*out, "kind", kind, err);
    if (code == MLC_OK)
        code = mlc_json_add_str(*out, "run", run, err);
    if (code == MLC_OK)
        code = mlc_json_add_str(*out, "of", of, err);
    return code;
}

/* Frees the tree. */
static mlc_code end_tree(cJSON *tree, mlc_code code, mlc_buf *out, mlc_error *err)
{
    char *const text = code == MLC_OK ? mlc_json_print(tree) : NULL;
    if (code == MLC_OK)
        code = text != NULL ? mlc_buf_puts(out, text, err)
                            : mlc_fail(err, MLC_E_NOMEM, "no memory for a message of the comparison");
    cJSON_free(text);
    cJSON_Delete(tree);
    return code;
}

static mlc_code add_asked(cJSON *tree, const mlc_compare_request *asked, mlc_error *err)
{
    const mlc_code code = mlc_json_add_int(tree, "from", asked->from, err);
    return code == MLC_OK ? mlc_json_add_int(tree, "to", asked->to, err) : code;
}

/* A new object at the end of a list; NULL: no memory. */
static cJSON *add_object(cJSON *list)
{
    cJSON *const obj = cJSON_CreateObject();
    if (obj != NULL && cJSON_AddItemToArray(list, obj))
        return obj;
    cJSON_Delete(obj);
    return NULL;
}

/* ---- request ---- */

mlc_code mlc_compare_request_print(const mlc_compare_request *request, mlc_buf *out, mlc_error *err)
{
    cJSON *tree = NULL;
    mlc_code code = new_tree(REQUEST, request->run, request->of, &tree, err);
    if (code == MLC_OK)
        code = add_asked(tree, request, err);
    return end_tree(tree, code, out, err);
}

mlc_code mlc_compare_request_parse(const char *text, size_t len, mlc_compare_request *out, mlc_error *err)
{
    cJSON *tree = NULL;
    memset(out, 0, sizeof *out);
    mlc_code code = open_tree(text, len, REQUEST, &tree, err);
    if (code == MLC_OK)
        code = take_asked(tree, out, err);
    cJSON_Delete(tree);
    return code;
}

/* ---- answer ---- */

void mlc_compare_answer_free(mlc_compare_answer *answer)
{
    free(answer->ranges);
    free(answer->ids);
    answer->ranges = NULL;
    answer->ids = NULL;
    answer->range_count = answer->id_count = 0;
}

static mlc_code add_range(cJSON *list, const mlc_range *range, mlc_error *err)
{
    cJSON *const obj = add_object(list);
    mlc_code code = mlc_json_add_int(obj, "from", range->from, err);
    if (code == MLC_OK)
        code = mlc_json_add_int(obj, "to", range->to, err);
    if (code == MLC_OK)
        code = mlc_json_add_int(obj, "count", (int64_t)range->sum.count, err);
    return code == MLC_OK ? add_hash(obj, range->sum.hash, err) : code;
}

static mlc_code add_id(cJSON *list, const mlc_compare_id *id, mlc_error *err)
{
    cJSON *const obj = add_object(list);
    mlc_code code = mlc_json_add_str(obj, "id", id->id, err);
    if (code == MLC_OK && id->usable)
        code = add_hash(obj, id->fingerprint, err);
    if (code == MLC_OK && id->unsent)
        code = mlc_json_add_bool(obj, "unsent", true, err);
    return code;
}

mlc_code mlc_compare_answer_print(const mlc_compare_answer *answer, mlc_buf *out, mlc_error *err)
{
    cJSON *tree = NULL;
    mlc_code code = new_tree(ANSWER, answer->asked.run, answer->asked.of, &tree, err);
    if (code == MLC_OK)
        code = add_asked(tree, &answer->asked, err);
    if (code == MLC_OK)
        code = mlc_json_add_bool(tree, "enabled", answer->enabled, err);
    if (code != MLC_OK)
        return end_tree(tree, code, out, err);
    cJSON *const list = cJSON_AddArrayToObject(tree, answer->by_ids ? "ids" : "ranges");
    for (size_t i = 0; code == MLC_OK && !answer->by_ids && i < answer->range_count; i++)
        code = add_range(list, &answer->ranges[i], err);
    for (size_t i = 0; code == MLC_OK && answer->by_ids && i < answer->id_count; i++)
        code = add_id(list, &answer->ids[i], err);
    return end_tree(tree, code, out, err);
}

static mlc_code take_range(const cJSON *obj, mlc_range *out, mlc_error *err)
{
    int64_t count = 0;
    mlc_code code = take_lead(obj, "from", &out->from, err);
    if (code == MLC_OK)
        code = take_lead(obj, "to", &out->to, err);
    if (code == MLC_OK)
        code = take_lead(obj, "count", &count, err);
    if (code == MLC_OK)
        code = take_hash(obj, out->sum.hash, err);
    out->sum.count = (uint64_t)count;
    return code;
}

/* They cover what was asked for, and each is smaller than that: else the questions would have no end. */
static mlc_code check_cover(const mlc_compare_answer *answer, mlc_error *err)
{
    int64_t at = answer->asked.from;
    for (size_t i = 0; i < answer->range_count; i++) {
        const mlc_range *const range = &answer->ranges[i];
        if (range->from != at || range->to <= range->from)
            return bad("ranges", err);
        at = range->to;
    }
    return at == answer->asked.to && answer->range_count > 1 ? MLC_OK : bad("ranges", err);
}

static mlc_code take_ranges(const cJSON *list, mlc_compare_answer *out, mlc_error *err)
{
    const cJSON *item = NULL;
    const size_t count = (size_t)cJSON_GetArraySize(list);
    if (count > MLC_COMPARE_RANGES_MAX)
        return bad("ranges", err);
    out->ranges = calloc(count + 1, sizeof *out->ranges);
    if (out->ranges == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for %zu ranges", count);
    cJSON_ArrayForEach(item, list)
    {
        const mlc_code code = take_range(item, &out->ranges[out->range_count++], err);
        if (code != MLC_OK)
            return code;
    }
    return check_cover(out, err);
}

static mlc_code take_ids(const cJSON *list, mlc_compare_answer *out, mlc_error *err)
{
    const cJSON *item = NULL;
    const size_t count = (size_t)cJSON_GetArraySize(list);
    if (count > MLC_COMPARE_IDS_MAX)
        return bad("ids", err);
    out->ids = calloc(count + 1, sizeof *out->ids);
    if (out->ids == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for %zu ids", count);
    cJSON_ArrayForEach(item, list)
    {
        mlc_compare_id *const id = &out->ids[out->id_count++];
        mlc_code code = take_text(item, "id", id->id, sizeof id->id, err);
        id->usable = mlc_json_get(item, "hash") != NULL;
        id->unsent = mlc_json_bool(item, "unsent", false);
        if (code == MLC_OK && id->usable)
            code = take_hash(item, id->fingerprint, err);
        if (code != MLC_OK)
            return code;
    }
    return MLC_OK;
}

mlc_code mlc_compare_answer_parse(const char *text, size_t len, mlc_compare_answer *out, mlc_error *err)
{
    cJSON *tree = NULL;
    memset(out, 0, sizeof *out);
    mlc_code code = open_tree(text, len, ANSWER, &tree, err);
    if (code == MLC_OK)
        code = take_asked(tree, &out->asked, err);
    const cJSON *const ids = mlc_json_get(tree, "ids");
    const cJSON *const ranges = mlc_json_get(tree, "ranges");
    out->enabled = mlc_json_bool(tree, "enabled", false);
    out->by_ids = ids != NULL;
    if (code == MLC_OK && !cJSON_IsArray(out->by_ids ? ids : ranges))
        code = bad("ranges", err);
    if (code == MLC_OK && out->by_ids)
        code = take_ids(ids, out, err);
    else if (code == MLC_OK)
        code = take_ranges(ranges, out, err);
    cJSON_Delete(tree);
    return code;
}

/* ---- resend ---- */

void mlc_resend_free(mlc_resend_request *request)
{
    free(request->ids);
    request->ids = NULL;
    request->id_count = 0;
}

mlc_code mlc_resend_print(const mlc_resend_request *request, mlc_buf *out, mlc_error *err)
{
    cJSON *tree = NULL;
    mlc_code code = new_tree(RESEND, request->run, request->of, &tree, err);
    if (code != MLC_OK)
        return end_tree(tree, code, out, err);
    cJSON *const list = cJSON_AddArrayToObject(tree, "ids");
    for (size_t i = 0; code == MLC_OK && i < request->id_count; i++) {
        cJSON *const obj = add_object(list);
        code = mlc_json_add_str(obj, "id", request->ids[i].id, err);
        if (code == MLC_OK)
            code = mlc_json_add_bool(obj, "known", request->ids[i].known, err);
    }
    return end_tree(tree, code, out, err);
}

static mlc_code take_resend(const cJSON *list, mlc_resend_request *out, mlc_error *err)
{
    const cJSON *item = NULL;
    const size_t count = (size_t)cJSON_GetArraySize(list);
    if (!cJSON_IsArray(list) || count == 0 || count > MLC_COMPARE_RESEND_MAX)
        return bad("ids", err);
    out->ids = calloc(count, sizeof *out->ids);
    if (out->ids == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for %zu ids", count);
    cJSON_ArrayForEach(item, list)
    {
        mlc_resend_id *const id = &out->ids[out->id_count++];
        const mlc_code code = take_text(item, "id", id->id, sizeof id->id, err);
        if (code != MLC_OK)
            return code;
        id->known = mlc_json_bool(item, "known", false);
    }
    return MLC_OK;
}

mlc_code mlc_resend_parse(const char *text, size_t len, mlc_resend_request *out, mlc_error *err)
{
    cJSON *tree = NULL;
    memset(out, 0, sizeof *out);
    mlc_code code = open_tree(text, len, RESEND, &tree, err);
    if (code == MLC_OK)
        code = take_text(tree, "run", out->run, sizeof out->run, err);
    if (code == MLC_OK)
        code = take_text(tree, "of", out->of, sizeof out->of, err);
    if (code == MLC_OK && !mlc_master_is_kind(out->of))
        code = bad("of", err);
    if (code == MLC_OK)
        code = take_resend(mlc_json_get(tree, "ids"), out, err);
    cJSON_Delete(tree);
    return code;
}
