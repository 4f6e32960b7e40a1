/* audit_check.c - see audit_check.h. */
#include "store/audit_check.h"

#include "crypto/crypto.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SALT_LEN = 16, EVENT_DEPTH = 6 };

mlc_code mlc_audit_chain(const uint8_t previous[MLC_AUDIT_HASH_LEN], const char *event,
                         uint8_t out[MLC_AUDIT_HASH_LEN], mlc_error *err)
{
    mlc_buf bytes = {0};
    mlc_code code = mlc_buf_append(&bytes, previous, MLC_AUDIT_HASH_LEN, err);
    if (code == MLC_OK)
        code = mlc_buf_puts(&bytes, event, err);
    if (code == MLC_OK)
        code = mlc_sha256(bytes.data, bytes.len, out, err);
    mlc_buf_free(&bytes);
    return code;
}

mlc_code mlc_audit_commitment(const uint8_t salt[SALT_LEN], const char *name, const char *text,
                              uint8_t out[MLC_AUDIT_HASH_LEN], mlc_error *err)
{
    mlc_buf bytes = {0};
    mlc_code code = mlc_buf_append(&bytes, salt, SALT_LEN, err);
    if (code == MLC_OK)
        code = mlc_buf_append(&bytes, name, strlen(name) + 1, err);
    if (code == MLC_OK)
        code = mlc_buf_puts(&bytes, text, err);
    if (code == MLC_OK)
        code = mlc_sha256(bytes.data, bytes.len, out, err);
    mlc_buf_wipe(&bytes);
    return code;
}

static mlc_code broken(const mlc_audit_item *item, const char *why, mlc_error *err)
{
    return mlc_fail(err, MLC_E_CORRUPT, "audit: entry %" PRIu64 " %s", item->index, why);
}

/* ---- texts and commitments ---- */

static mlc_code check_text(const mlc_audit_item *item, const cJSON *commitments, const uint8_t *salt,
                           const cJSON *text, mlc_error *err)
{
    uint8_t hash[MLC_AUDIT_HASH_LEN];
    char hex[2 * MLC_AUDIT_HASH_LEN + 1];
    const char *const promised = mlc_json_str(commitments, text->string);
    if (promised == NULL || !cJSON_IsString(text))
        return broken(item, "has a text that the chain does not know", err);
    const mlc_code code = mlc_audit_commitment(salt, text->string, text->valuestring, hash, err);
    if (code != MLC_OK)
        return code;
    mlc_hex(hash, sizeof hash, hex);
    return strcmp(hex, promised) == 0 ? MLC_OK : broken(item, "has a text that was altered", err);
}

static mlc_code check_texts(const mlc_audit_item *item, const cJSON *event, mlc_error *err)
{
    uint8_t salt[SALT_LEN];
    cJSON *personal = NULL;
    const cJSON *node = NULL;
    int texts = 0;
    const cJSON *const commitments = mlc_json_get(event, "commitments");
    mlc_code code = mlc_json_parse(item->personal, strlen(item->personal), 0, EVENT_DEPTH, &personal, err);
    const char *const hex = mlc_json_str(personal, "salt");
    if (code == MLC_E_NOMEM)
        return code;
    if (code != MLC_OK || hex == NULL || strlen(hex) != (size_t)2 * SALT_LEN ||
        mlc_hex_parse(hex, salt, sizeof salt, NULL) != MLC_OK)
        code = broken(item, "has a personal part that cannot be read", err);
    cJSON_ArrayForEach(node, personal)
    {
        if (code != MLC_OK || strcmp(node->string, "salt") == 0)
            continue;
        code = check_text(item, commitments, salt, node, err);
        texts++;
    }
    cJSON_Delete(personal);
    if (code == MLC_OK && texts != cJSON_GetArraySize(commitments))
        return broken(item, "has lost a text", err);
    return code;
}

/* ---- redactions ---- */

static mlc_code note_bare(mlc_audit_check *check, const mlc_audit_item *item, const char *key, mlc_error *err)
{
    for (size_t i = 0; i < check->bare_count; i++)
        if (strcmp(check->bare[i].key, key) == 0)
            return MLC_OK;
    if (check->bare_count == check->bare_cap) {
        const size_t cap = check->bare_cap > 0 ? check->bare_cap * 2 : 16;
        mlc_audit_bare *const grown = realloc(check->bare, cap * sizeof *grown);
        if (grown == NULL)
            return mlc_fail(err, MLC_E_NOMEM, "no memory to check an audit trail");
        check->bare = grown;
        check->bare_cap = cap;
    }
    char *const copy = mlc_strdup(key);
    if (copy == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory to check an audit trail");
    check->bare[check->bare_count++] = (mlc_audit_bare){.index = item->index, .key = copy};
    return MLC_OK;
}

static void settle_bare(mlc_audit_check *check, const char *key)
{
    for (size_t i = 0; i < check->bare_count; i++) {
        if (strcmp(check->bare[i].key, key) != 0)
            continue;
        free(check->bare[i].key);
        check->bare[i] = check->bare[--check->bare_count];
        return;
    }
}

/* ---- one entry ---- */

/* Does this removal explain why the entries before the first are not there? */
static void look_removal(mlc_audit_check *check, const cJSON *event)
{
    uint8_t hash[MLC_AUDIT_HASH_LEN];
    int64_t to = 0;
    const cJSON *const segment = mlc_json_get(event, "segment");
    const char *const hex = mlc_json_str(segment, "lastHash");
    if (hex == NULL || strlen(hex) != 2 * sizeof hash ||
        mlc_hex_parse(hex, hash, sizeof hash, NULL) != MLC_OK ||
        mlc_json_int64(segment, "to", &to, NULL) != MLC_OK || to < 1)
        return;
    if ((uint64_t)to == check->first - 1 && memcmp(hash, check->before, sizeof hash) == 0)
        check->whole = true;
}

static mlc_code check_meaning(mlc_audit_check *check, const mlc_audit_item *item, const cJSON *event,
                              mlc_error *err)
{
    int64_t index = 0;
    const char *const action = mlc_json_str(event, "action");
    const char *const key = mlc_json_str(event, "key");
    if (mlc_json_int64(event, "index", &index, NULL) != MLC_OK || (uint64_t)index != item->index)
        return broken(item, "has another index in its text", err);
    if (action != NULL && strcmp(action, "segment removed") == 0)
        look_removal(check, event);
    if (action != NULL && key != NULL && strcmp(action, "redacted") == 0)
        settle_bare(check, key);
    if (item->personal != NULL)
        return check_texts(item, event, err);
    if (cJSON_GetArraySize(mlc_json_get(event, "commitments")) > 0)
        return note_bare(check, item, key != NULL ? key : "", err);
    return MLC_OK;
}

/* Most events need no closer look, and parsing costs more than hashing. */
static bool is_simple(const mlc_audit_item *item)
{
    char start[40];
    (void)snprintf(start, sizeof start, "{\"index\":%" PRIu64 ",", item->index);
    return item->personal == NULL && strncmp(item->event, start, strlen(start)) == 0 &&
           strstr(item->event, "\"commitments\"") == NULL && strstr(item->event, "\"redacted\"") == NULL &&
           strstr(item->event, "\"segment removed\"") == NULL;
}

static mlc_code check_place(mlc_audit_check *check, const mlc_audit_item *item, bool gaps, mlc_error *err)
{
    static const uint8_t zeros[MLC_AUDIT_HASH_LEN];
    if (item->index == 0)
        return broken(item, "does not fit the chain: entries are counted from 1", err);
    if (check->first == 0) {
        check->first = item->index;
        check->whole = item->index == 1;
        memcpy(check->before, item->previous, sizeof check->before);
        if (item->index == 1 && memcmp(item->previous, zeros, sizeof zeros) != 0)
            return broken(item, "does not fit the chain: something came before the first", err);
        return MLC_OK;
    }
    if (item->index <= check->last || (!gaps && item->index != check->last + 1))
        return mlc_fail(err, MLC_E_CORRUPT,
                        "audit: entry %" PRIu64 " is missing; entry %" PRIu64 " stands there",
                        check->last + 1, item->index);
    if (item->index == check->last + 1 && memcmp(item->previous, check->hash, sizeof check->hash) != 0)
        return broken(item, "does not fit the chain", err);
    return MLC_OK;
}

mlc_code mlc_audit_check_next(mlc_audit_check *check, const mlc_audit_item *item, bool gaps, mlc_error *err)
{
    uint8_t hash[MLC_AUDIT_HASH_LEN];
    cJSON *event = NULL;
    mlc_code code = check_place(check, item, gaps, err);
    if (code == MLC_OK)
        code = mlc_audit_chain(item->previous, item->event, hash, err);
    if (code != MLC_OK)
        return code;
    if (memcmp(hash, item->hash, sizeof hash) != 0)
        return broken(item, "does not fit the chain", err);
    if (!is_simple(item)) {
        code = mlc_json_parse(item->event, strlen(item->event), 0, EVENT_DEPTH, &event, err);
        if (code == MLC_OK)
            code = check_meaning(check, item, event, err);
        else if (code != MLC_E_NOMEM)
            code = broken(item, "is not readable", err);
        cJSON_Delete(event);
    }
    memcpy(check->hash, hash, sizeof hash);
    check->last = item->index;
    check->count++;
    return code;
}

mlc_code mlc_audit_check_end(const mlc_audit_check *check, mlc_error *err)
{
    if (check->bare_count == 0)
        return MLC_OK;
    return mlc_fail(err, MLC_E_CORRUPT,
                    "audit: entry %" PRIu64
                    " has lost its texts, and no entry tells of a redaction of \"%.80s\"",
                    check->bare[0].index, check->bare[0].key);
}

void mlc_audit_check_free(mlc_audit_check *check)
{
    for (size_t i = 0; i < check->bare_count; i++)
        free(check->bare[i].key);
    free(check->bare);
    *check = (mlc_audit_check){0};
}
