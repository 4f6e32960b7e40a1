/* audit_segment.c - closing and removing segments, verification, redaction (audit.h). */
#include "store/audit_private.h"

#include <stdlib.h>
#include <string.h>

enum { SEGMENT_LEN = 8 + 8 + 2 * MLC_AUDIT_HASH_LEN, SEGMENT_ENTRIES = 10000 };
static const int64_t DAY_MS = (int64_t)24 * 3600 * 1000;

/* ---- segments on record ---- */

static mlc_code segment_put(mlc_txn *txn, const mlc_audit_segment *s, mlc_error *err)
{
    uint8_t key[8];
    uint8_t bytes[SEGMENT_LEN];
    store_be64(key, s->from);
    store_be64(bytes, s->to);
    store_be64(bytes + 8, (uint64_t)s->last_ms);
    memcpy(bytes + 16, s->first_hash, MLC_AUDIT_HASH_LEN);
    memcpy(bytes + 16 + MLC_AUDIT_HASH_LEN, s->last_hash, MLC_AUDIT_HASH_LEN);
    return store_put(txn, DB_AUDIT_SEGMENT, key, sizeof key, bytes, sizeof bytes, err);
}

static mlc_code segment_read(const store_walk *walk, mlc_audit_segment *out, mlc_error *err)
{
    const uint8_t *const bytes = walk->value.mv_data;
    if (walk->key.mv_size != 8 || walk->value.mv_size != SEGMENT_LEN)
        return mlc_fail(err, MLC_E_CORRUPT, "audit: a segment's anchor cannot be read");
    out->from = store_get_be64(walk->key.mv_data);
    out->to = store_get_be64(bytes);
    out->last_ms = (int64_t)store_get_be64(bytes + 8);
    memcpy(out->first_hash, bytes + 16, MLC_AUDIT_HASH_LEN);
    memcpy(out->last_hash, bytes + 16 + MLC_AUDIT_HASH_LEN, MLC_AUDIT_HASH_LEN);
    return MLC_OK;
}

/* The oldest one. MLC_E_NOTFOUND. */
static mlc_code segment_first(mlc_txn *txn, mlc_audit_segment *out, mlc_error *err)
{
    store_walk walk;
    mlc_code code = store_walk_open(&walk, txn, DB_AUDIT_SEGMENT, "", 0, 0, err);
    if (code == MLC_OK)
        code = segment_read(&walk, out, err);
    store_walk_close(&walk);
    return code;
}

/* ---- closing ---- */

static mlc_code segment_fill(mlc_txn *txn, mlc_audit_segment *s, mlc_error *err)
{
    mlc_audit_item item;
    mlc_code code = audit_get(txn, s->from, &item, err);
    if (code == MLC_OK)
        memcpy(s->first_hash, item.hash, sizeof s->first_hash);
    if (code == MLC_OK)
        code = audit_get(txn, s->to, &item, err);
    if (code != MLC_OK)
        return code == MLC_E_NOTFOUND
                   ? mlc_wrap(err, MLC_E_CORRUPT, "audit: an entry of %llu to %llu is missing",
                              (unsigned long long)s->from, (unsigned long long)s->to)
                   : code;
    memcpy(s->last_hash, item.hash, sizeof s->last_hash);
    return mlc_audit_time(&item, &s->last_ms, err);
}

static mlc_code tell(mlc_txn *txn, const char *action, const mlc_audit_segment *s, int64_t now_ms,
                     mlc_error *err)
{
    const mlc_audit_event event = {
        .at_ms = now_ms, .actor = "store", .action = action, .outcome = "ok", .segment = s};
    return mlc_audit_append(txn, &event, NULL, err);
}

/* The last index of the segment to be closed now; 0: none. */
static mlc_code due_end(mlc_txn *txn, const mlc_audit_policy *policy, uint64_t open, uint64_t head,
                        int64_t now_ms, uint64_t *end, mlc_error *err)
{
    mlc_audit_item item;
    int64_t at = 0;
    const uint64_t entries = policy->segment_entries > 0 ? policy->segment_entries : SEGMENT_ENTRIES;
    const int64_t age = policy->segment_age_ms > 0 ? policy->segment_age_ms : 30 * DAY_MS;
    *end = 0;
    if (head < open)
        return MLC_OK;
    if (head - open + 1 >= entries) {
        *end = open + entries - 1;
        return MLC_OK;
    }
    mlc_code code = audit_get(txn, open, &item, err);
    if (code == MLC_OK)
        code = mlc_audit_time(&item, &at, err);
    if (code == MLC_OK && at <= now_ms - age)
        *end = head;
    return code;
}

static mlc_code close_due(mlc_txn *txn, const mlc_audit_policy *policy, int64_t now_ms, bool *closed,
                          mlc_error *err)
{
    audit_mark head;
    audit_mark base;
    audit_mark open;
    mlc_audit_segment segment = {0};
    mlc_code code = audit_mark_get(txn, AUDIT_HEAD, &head, err);
    if (code == MLC_OK)
        code = audit_mark_get(txn, AUDIT_BASE, &base, err);
    if (code == MLC_OK)
        code = audit_mark_get(txn, AUDIT_OPEN, &open, err);
    if (code != MLC_OK)
        return code;
    segment.from = open.index > base.index ? open.index : base.index + 1;
    code = due_end(txn, policy, segment.from, head.index, now_ms, &segment.to, err);
    *closed = code == MLC_OK && segment.to > 0;
    if (!*closed)
        return code;
    code = segment_fill(txn, &segment, err);
    if (code == MLC_OK)
        code = segment_put(txn, &segment, err);
    open = (audit_mark){.index = segment.to + 1};
    if (code == MLC_OK)
        code = audit_mark_put(txn, AUDIT_OPEN, &open, err);
    return code == MLC_OK ? tell(txn, "segment closed", &segment, now_ms, err) : code;
}

/* ---- retention ---- */

static mlc_code remove_due(mlc_txn *txn, const mlc_audit_policy *policy, int64_t now_ms, bool *removed,
                           mlc_error *err)
{
    uint8_t key[8];
    mlc_audit_segment segment = {0};
    const int64_t keep = policy->keep_ms > 0 ? policy->keep_ms : 730 * DAY_MS;
    *removed = false;
    mlc_code code = segment_first(txn, &segment, err);
    if (code == MLC_E_NOTFOUND || (code == MLC_OK && segment.last_ms > now_ms - keep))
        return MLC_OK;
    for (uint64_t index = segment.from; code == MLC_OK && index <= segment.to; index++) {
        store_be64(key, index);
        code = store_del(txn, DB_AUDIT, key, sizeof key, err);
    }
    store_be64(key, segment.from);
    if (code == MLC_OK)
        code = store_del(txn, DB_AUDIT_SEGMENT, key, sizeof key, err);
    audit_mark base = {.index = segment.to};
    memcpy(base.hash, segment.last_hash, sizeof base.hash);
    if (code == MLC_OK)
        code = audit_mark_put(txn, AUDIT_BASE, &base, err);
    *removed = code == MLC_OK;
    return code == MLC_OK ? tell(txn, "segment removed", &segment, now_ms, err) : code;
}

mlc_code mlc_audit_rotate(mlc_txn *txn, const mlc_audit_policy *policy, int64_t now_ms, bool *more,
                          mlc_error *err)
{
    bool closed = false;
    bool removed = false;
    mlc_code code = close_due(txn, policy, now_ms, &closed, err);
    if (code == MLC_OK)
        code = remove_due(txn, policy, now_ms, &removed, err);
    *more = closed || removed;
    return code;
}

/* ---- verification ---- */

typedef struct verify_run {
    mlc_audit_check check;
    audit_mark base, head;
    const mlc_audit_head *known;
    bool has_head; /* stores of the first format, opened for reading only, have none */
    store_walk segments;
    bool has_segment; /* `segment` is one whose end was not met yet */
    mlc_audit_segment segment;
} verify_run;

static mlc_code next_segment(mlc_txn *txn, verify_run *run, bool first, mlc_error *err)
{
    const mlc_code code = first ? store_walk_open(&run->segments, txn, DB_AUDIT_SEGMENT, "", 0, 0, err)
                                : store_walk_next(&run->segments, txn, err);
    run->has_segment = code == MLC_OK;
    if (code != MLC_OK)
        return code == MLC_E_NOTFOUND ? MLC_OK : code;
    return segment_read(&run->segments, &run->segment, err);
}

static mlc_code check_anchors(mlc_txn *txn, verify_run *run, const mlc_audit_item *item, mlc_error *err)
{
    const mlc_audit_segment *const s = &run->segment;
    if (run->known != NULL && run->known->index == item->index &&
        memcmp(run->known->hash, item->hash, MLC_AUDIT_HASH_LEN) != 0)
        return mlc_fail(err, MLC_E_CORRUPT, "audit: entry %llu has another hash than the one that was noted",
                        (unsigned long long)item->index);
    if (!run->has_segment || item->index < s->from)
        return MLC_OK;
    if ((item->index == s->from && memcmp(item->hash, s->first_hash, MLC_AUDIT_HASH_LEN) != 0) ||
        (item->index == s->to && memcmp(item->hash, s->last_hash, MLC_AUDIT_HASH_LEN) != 0))
        return mlc_fail(err, MLC_E_CORRUPT, "audit: entry %llu does not fit the anchor of its segment",
                        (unsigned long long)item->index);
    return item->index == s->to ? next_segment(txn, run, false, err) : MLC_OK;
}

static mlc_code walk_entries(mlc_txn *txn, verify_run *run, mlc_error *err)
{
    uint8_t previous[MLC_AUDIT_HASH_LEN];
    store_walk walk;
    mlc_code code = store_walk_open(&walk, txn, DB_AUDIT, "", 0, 0, err);
    memcpy(previous, run->base.hash, sizeof previous);
    while (code == MLC_OK) {
        mlc_audit_item item = {.previous = previous};
        code = audit_row_read(&walk.key, &walk.value, &item, err);
        if (code == MLC_OK && run->check.count == 0 && item.index != run->base.index + 1)
            code = mlc_fail(err, MLC_E_CORRUPT, "audit: entry %llu is missing",
                            (unsigned long long)run->base.index + 1);
        if (code == MLC_OK)
            code = mlc_audit_check_next(&run->check, &item, false, err);
        if (code == MLC_OK)
            code = check_anchors(txn, run, &item, err);
        if (code != MLC_OK)
            break;
        memcpy(previous, item.hash, sizeof previous);
        code = store_walk_next(&walk, txn, err);
    }
    store_walk_close(&walk);
    return code == MLC_E_NOTFOUND ? MLC_OK : code;
}

static mlc_code check_ends(const verify_run *run, mlc_error *err)
{
    const uint64_t last = run->check.last > 0 ? run->check.last : run->base.index;
    const uint64_t known = run->known != NULL ? run->known->index : 0;
    if (run->has_head && last != run->head.index)
        return mlc_fail(err, MLC_E_CORRUPT, "audit: entry %llu is missing; the trail went on to %llu",
                        (unsigned long long)last + 1, (unsigned long long)run->head.index);
    if (run->has_head && run->check.count > 0 &&
        memcmp(run->check.hash, run->head.hash, MLC_AUDIT_HASH_LEN) != 0)
        return mlc_fail(err, MLC_E_CORRUPT, "audit: entry %llu does not fit the noted end of the trail",
                        (unsigned long long)last);
    if (run->check.count > 0 && !run->check.whole)
        return mlc_fail(err, MLC_E_CORRUPT,
                        "audit: entries 1 to %llu are missing, and no entry tells of their removal",
                        (unsigned long long)run->base.index);
    if (run->has_segment)
        return mlc_fail(err, MLC_E_CORRUPT, "audit: the segment of entries %llu to %llu does not end",
                        (unsigned long long)run->segment.from, (unsigned long long)run->segment.to);
    if (known > last)
        return mlc_fail(err, MLC_E_CORRUPT, "audit: entry %llu was noted, but the trail ends with entry %llu",
                        (unsigned long long)known, (unsigned long long)last);
    if (known > 0 && known < run->base.index)
        return mlc_fail(err, MLC_E_NOTFOUND,
                        "audit: entry %llu was removed by retention; compare with a head that is less old",
                        (unsigned long long)known);
    if (known > 0 && known == run->base.index &&
        memcmp(run->known->hash, run->base.hash, MLC_AUDIT_HASH_LEN) != 0)
        return mlc_fail(err, MLC_E_CORRUPT, "audit: entry %llu has another hash than the one that was noted",
                        (unsigned long long)known);
    return mlc_audit_check_end(&run->check, err);
}

mlc_code mlc_audit_verify(mlc_txn *txn, const mlc_audit_head *known, uint64_t *count, mlc_error *err)
{
    verify_run run = {.known = known};
    MDB_val format;
    mlc_code code = store_get(txn, DB_META, "format", sizeof "format", &format, err);
    run.has_head = code == MLC_OK && format.mv_size == 8 && store_get_be64(format.mv_data) > 1;
    if (code == MLC_OK)
        code = audit_mark_get(txn, AUDIT_BASE, &run.base, err);
    if (code == MLC_OK)
        code = audit_mark_get(txn, AUDIT_HEAD, &run.head, err);
    if (code == MLC_OK)
        code = next_segment(txn, &run, true, err);
    if (code == MLC_OK)
        code = walk_entries(txn, &run, err);
    if (code == MLC_OK)
        code = check_ends(&run, err);
    if (count != NULL)
        *count = run.check.count;
    store_walk_close(&run.segments);
    mlc_audit_check_free(&run.check);
    return code;
}

/* ---- redaction ---- */

typedef struct redact_run {
    mlc_audit_redaction *r;
    uint64_t *found; /* indexes whose personal part is to go */
    size_t count;
    uint64_t next;
    mlc_code code;
} redact_run;

static bool visit_redact(const mlc_audit_item *item, void *arg)
{
    redact_run *const run = arg;
    cJSON *event = NULL;
    run->next = item->index + 1;
    run->code = mlc_json_parse(item->event, strlen(item->event), 0, 0, &event, NULL);
    const char *const key = mlc_json_str(event, "key");
    const char *const action = mlc_json_str(event, "action");
    if (key != NULL && action != NULL && strcmp(key, run->r->key) == 0 && strcmp(action, "redacted") != 0) {
        if (item->personal != NULL)
            run->found[run->count++] = item->index;
        else if (mlc_json_get(event, "commitments") != NULL)
            run->r->bare++;
        else if (mlc_json_get(event, "detail") != NULL || mlc_json_get(event, "payloadHash") != NULL)
            run->r->fixed++;
    }
    cJSON_Delete(event);
    return run->code == MLC_OK;
}

static mlc_code strip(mlc_txn *txn, uint64_t index, mlc_error *err)
{
    mlc_audit_item item;
    mlc_buf row = {0};
    uint8_t key[8];
    store_be64(key, index);
    mlc_code code = audit_get(txn, index, &item, err);
    if (code == MLC_OK)
        code = mlc_buf_append(&row, item.hash, MLC_AUDIT_HASH_LEN, err);
    if (code == MLC_OK)
        code = mlc_buf_append(&row, item.event, strlen(item.event) + 1, err);
    if (code == MLC_OK)
        code = store_put(txn, DB_AUDIT, key, sizeof key, row.data, row.len, err);
    mlc_buf_free(&row);
    return code;
}

mlc_code mlc_audit_redact(mlc_txn *txn, mlc_audit_redaction *redaction, mlc_error *err)
{
    audit_mark head;
    redact_run run = {.r = redaction, .next = redaction->from};
    run.found = calloc(redaction->max > 0 ? redaction->max : 1, sizeof *run.found);
    if (run.found == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a redaction");
    mlc_code code = audit_mark_get(txn, AUDIT_HEAD, &head, err);
    if (code == MLC_OK)
        code = mlc_audit_scan(txn, redaction->from, redaction->max, visit_redact, &run, err);
    if (code == MLC_OK && run.code != MLC_OK)
        code = mlc_fail(err, run.code == MLC_E_NOMEM ? run.code : MLC_E_CORRUPT,
                        "audit: entry %llu is not readable", (unsigned long long)run.next - 1);
    for (size_t i = 0; code == MLC_OK && i < run.count; i++)
        code = strip(txn, run.found[i], err);
    if (code == MLC_OK) {
        redaction->redacted += run.count;
        redaction->from = run.next > head.index || run.next == redaction->from ? 0 : run.next;
    }
    free(run.found);
    return code;
}
