/* audit_text.c - an event as JSON, with commitments in place of what is personal (audit.h). */
#include "store/audit_private.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

enum { SALT_LEN = 16 };

static mlc_code add_text(cJSON *obj, const char *name, const char *value, mlc_error *err)
{
    return value != NULL ? mlc_json_add_str(obj, name, value, err) : MLC_OK;
}

static mlc_code add_hash(cJSON *obj, const char *name, const uint8_t *hash, mlc_error *err)
{
    char hex[2 * MLC_AUDIT_HASH_LEN + 1];
    mlc_hex(hash, MLC_AUDIT_HASH_LEN, hex);
    return mlc_json_add_str(obj, name, hex, err);
}

static mlc_code add_plain(cJSON *obj, const mlc_audit_event *e, mlc_error *err)
{
    char at[MLC_ISO_TEXT_MAX];
    const struct {
        const char *name, *value;
    } texts[] = {{"at", mlc_iso_text(e->at_ms, at)},
                 {"actor", e->actor},
                 {"action", e->action},
                 {"tenant", e->tenant},
                 {"stream", e->stream},
                 {"kind", e->kind},
                 {"key", e->key},
                 {"idem", e->idem},
                 {"correlation", e->correlation},
                 {"sourceId", e->source_id},
                 {"targetId", e->target_id},
                 {"outcome", e->outcome}};
    mlc_code code = MLC_OK;
    for (size_t i = 0; code == MLC_OK && i < sizeof texts / sizeof texts[0]; i++)
        code = add_text(obj, texts[i].name, texts[i].value, err);
    if (code == MLC_OK && e->seq > 0)
        code = mlc_json_add_int(obj, "seq", (int64_t)e->seq, err);
    if (code == MLC_OK && e->attempt > 0)
        code = mlc_json_add_int(obj, "attempt", e->attempt, err);
    return code;
}

static mlc_code add_segment(cJSON *obj, const mlc_audit_segment *s, mlc_error *err)
{
    cJSON *const node = cJSON_AddObjectToObject(obj, "segment");
    if (node == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for an audit entry");
    mlc_code code = mlc_json_add_int(node, "from", (int64_t)s->from, err);
    if (code == MLC_OK)
        code = mlc_json_add_int(node, "to", (int64_t)s->to, err);
    if (code == MLC_OK)
        code = mlc_json_add_int(node, "entries", (int64_t)(s->to - s->from + 1), err);
    if (code == MLC_OK)
        code = add_hash(node, "firstHash", s->first_hash, err);
    return code == MLC_OK ? add_hash(node, "lastHash", s->last_hash, err) : code;
}

/* The text goes to `personal`, the commitment to `commitments`. */
static mlc_code commit_to(cJSON *commitments, cJSON *personal, const uint8_t salt[SALT_LEN], const char *name,
                          const char *text, mlc_error *err)
{
    uint8_t hash[MLC_AUDIT_HASH_LEN];
    if (text == NULL || text[0] == '\0')
        return MLC_OK;
    mlc_code code = mlc_audit_commitment(salt, name, text, hash, err);
    if (code == MLC_OK)
        code = add_hash(commitments, name, hash, err);
    return code == MLC_OK ? mlc_json_add_str(personal, name, text, err) : code;
}

static mlc_code add_personal(cJSON *obj, cJSON *personal, const mlc_audit_event *e, mlc_error *err)
{
    uint8_t salt[SALT_LEN];
    char hex[2 * SALT_LEN + 1];
    cJSON *const commitments = cJSON_AddObjectToObject(obj, "commitments");
    if (commitments == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for an audit entry");
    mlc_code code = mlc_random(salt, sizeof salt, err);
    mlc_hex(salt, sizeof salt, hex);
    if (code == MLC_OK)
        code = mlc_json_add_str(personal, "salt", hex, err);
    if (code == MLC_OK)
        code = commit_to(commitments, personal, salt, "payloadBefore", e->payload_before, err);
    if (code == MLC_OK)
        code = commit_to(commitments, personal, salt, "payloadHash", e->payload_hash, err);
    return code == MLC_OK ? commit_to(commitments, personal, salt, "detail", e->detail, err) : code;
}

static bool has_text(const char *text)
{
    return text != NULL && text[0] != '\0';
}

mlc_code audit_print(const mlc_audit_event *event, uint64_t index, char **text, char **personal,
                     mlc_error *err)
{
    const bool is_personal =
        has_text(event->detail) || has_text(event->payload_hash) || has_text(event->payload_before);
    cJSON *const obj = cJSON_CreateObject();
    cJSON *const side = cJSON_CreateObject();
    *text = NULL;
    *personal = NULL;
    mlc_code code = obj != NULL && side != NULL ? mlc_json_add_int(obj, "index", (int64_t)index, err)
                                                : mlc_fail(err, MLC_E_NOMEM, "no memory for an audit entry");
    if (code == MLC_OK)
        code = add_plain(obj, event, err);
    if (code == MLC_OK && event->segment != NULL)
        code = add_segment(obj, event->segment, err);
    if (code == MLC_OK && is_personal)
        code = add_personal(obj, side, event, err);
    if (code == MLC_OK)
        *text = mlc_json_print(obj);
    if (code == MLC_OK && is_personal)
        *personal = mlc_json_print(side);
    if (code == MLC_OK && (*text == NULL || (is_personal && *personal == NULL)))
        code = mlc_fail(err, MLC_E_NOMEM, "no memory for an audit entry");
    cJSON_Delete(obj);
    cJSON_Delete(side);
    return code;
}

/* ---- the other way ---- */

static mlc_code take_personal(cJSON *event, const char *text, mlc_error *err)
{
    cJSON *personal = NULL;
    const cJSON *node = NULL;
    mlc_code code = mlc_json_parse(text, strlen(text), 0, 0, &personal, err);
    cJSON_ArrayForEach(node, personal)
    {
        if (code == MLC_OK && cJSON_IsString(node) && strcmp(node->string, "salt") != 0)
            code = mlc_json_add_str(event, node->string, node->valuestring, err);
    }
    cJSON_Delete(personal);
    return code;
}

mlc_code mlc_audit_tree(const mlc_audit_item *item, cJSON **out, mlc_error *err)
{
    cJSON *tree = NULL;
    mlc_code code = mlc_json_parse(item->event, strlen(item->event), 0, 0, &tree, err);
    const bool promised = mlc_json_get(tree, "commitments") != NULL;
    cJSON_DeleteItemFromObjectCaseSensitive(tree, "commitments");
    if (code == MLC_OK && item->personal != NULL)
        code = take_personal(tree, item->personal, err);
    else if (code == MLC_OK && promised)
        code = mlc_json_add_bool(tree, "redacted", true, err);
    if (code != MLC_OK) {
        cJSON_Delete(tree);
        return code == MLC_E_NOMEM ? code
                                   : mlc_wrap(err, MLC_E_CORRUPT, "audit: entry %llu is not readable",
                                              (unsigned long long)item->index);
    }
    *out = tree;
    return MLC_OK;
}

mlc_code mlc_audit_time(const mlc_audit_item *item, int64_t *wall_ms, mlc_error *err)
{
    cJSON *tree = NULL;
    mlc_code code = mlc_json_parse(item->event, strlen(item->event), 0, 0, &tree, err);
    const char *const at = mlc_json_str(tree, "at");
    if (code == MLC_OK)
        code = at != NULL ? mlc_iso_parse(at, wall_ms, err) : mlc_fail(err, MLC_E_CORRUPT, "it has no time");
    cJSON_Delete(tree);
    return code == MLC_OK || code == MLC_E_NOMEM
               ? code
               : mlc_wrap(err, MLC_E_CORRUPT, "audit: entry %llu is not readable",
                          (unsigned long long)item->index);
}

mlc_code mlc_audit_head_parse(const char *text, mlc_audit_head *out, mlc_error *err)
{
    char *end = NULL;
    *out = (mlc_audit_head){0};
    if (text[0] >= '1' && text[0] <= '9')
        out->index = strtoull(text, &end, 10);
    if (end != NULL && *end == ':' && strlen(end + 1) == (size_t)2 * MLC_AUDIT_HASH_LEN &&
        mlc_hex_parse(end + 1, out->hash, sizeof out->hash, NULL) == MLC_OK)
        return MLC_OK;
    return mlc_fail(err, MLC_E_INVALID, "\"%.80s\" is no head of an audit trail; it is written INDEX:HASH",
                    text);
}
