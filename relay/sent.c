/* sent.c - see sent.h: the table in the store. */
#include "relay/sent.h"

#include "crypto/crypto.h"
#include "store/cursor.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* format, gone, seen, fingerprint, mask, mapping, hash, version (text) */
enum {
    FORMAT = 1,
    NAME_MAX_LEN = 200,
    HEAD = 1 + 1 + 4 + MLC_MASTER_FINGERPRINT_LEN + 8 + 2 * MLC_SENT_HASH_LEN
};

static const char *name_of(char out[NAME_MAX_LEN], const char *kind, int64_t lead, const char *id)
{
    (void)snprintf(out, NAME_MAX_LEN, "sent/%.30s/%020" PRId64 "/%.100s", kind, lead, id);
    return out;
}

static void put_number(uint8_t *out, uint64_t value, size_t len)
{
    for (size_t i = len; i-- > 0; value >>= 8)
        out[i] = (uint8_t)value;
}

static uint64_t get_number(const uint8_t *in, size_t len)
{
    uint64_t value = 0;
    for (size_t i = 0; i < len; i++)
        value = value << 8 | in[i];
    return value;
}

static mlc_code read_sent(const void *value, size_t len, mlc_sent *out, mlc_error *err)
{
    const uint8_t *at = value;
    memset(out, 0, sizeof *out);
    if (len < HEAD || at[0] != FORMAT || len - HEAD >= sizeof out->version)
        return mlc_fail(err, MLC_E_CORRUPT, "the note of a written record is damaged");
    out->gone = at[1] != 0;
    out->seen = (uint32_t)get_number(at + 2, 4);
    at += 6;
    memcpy(out->fingerprint, at, sizeof out->fingerprint);
    at += sizeof out->fingerprint;
    out->columns.mask = get_number(at, 8);
    at += 8;
    memcpy(out->columns.mapping, at, MLC_SENT_HASH_LEN);
    memcpy(out->columns.hash, at + MLC_SENT_HASH_LEN, MLC_SENT_HASH_LEN);
    memcpy(out->version, (const uint8_t *)value + HEAD, len - HEAD);
    return MLC_OK;
}

static mlc_code write_sent(mlc_txn *txn, const char *kind, const char *id, const mlc_sent *sent,
                           mlc_error *err)
{
    uint8_t bytes[HEAD + MLC_SENT_VERSION_MAX];
    char name[NAME_MAX_LEN];
    uint8_t *at = bytes;
    const size_t version_len = strlen(sent->version);
    *at++ = FORMAT;
    *at++ = sent->gone ? 1 : 0;
    put_number(at, sent->seen, 4);
    at += 4;
    memcpy(at, sent->fingerprint, sizeof sent->fingerprint);
    at += sizeof sent->fingerprint;
    put_number(at, sent->columns.mask, 8);
    at += 8;
    memcpy(at, sent->columns.mapping, MLC_SENT_HASH_LEN);
    memcpy(at + MLC_SENT_HASH_LEN, sent->columns.hash, MLC_SENT_HASH_LEN);
    memcpy(bytes + HEAD, sent->version, version_len);
    return mlc_cursor_put(txn, name_of(name, kind, mlc_compare_lead(id), id), bytes, HEAD + version_len, err);
}

mlc_code mlc_sent_get(mlc_txn *txn, const char *kind, const char *id, mlc_sent *out, mlc_error *err)
{
    char name[NAME_MAX_LEN];
    const void *value = NULL;
    size_t len = 0;
    const mlc_code code =
        mlc_cursor_get(txn, name_of(name, kind, mlc_compare_lead(id), id), &value, &len, err);
    return code == MLC_OK ? read_sent(value, len, out, err) : code;
}

mlc_code mlc_sent_put(mlc_txn *txn, const char *kind, const char *id, const mlc_sent *sent, mlc_error *err)
{
    mlc_sent old;
    mlc_sent entry = *sent;
    if (mlc_sent_get(txn, kind, id, &old, NULL) == MLC_OK)
        entry.seen = old.seen;
    return write_sent(txn, kind, id, &entry, err);
}

mlc_code mlc_sent_mark(mlc_txn *txn, const char *kind, const char *id, uint32_t seen, mlc_error *err)
{
    mlc_sent entry;
    const mlc_code code = mlc_sent_get(txn, kind, id, &entry, err);
    if (code != MLC_OK || entry.seen == seen)
        return code;
    entry.seen = seen;
    return write_sent(txn, kind, id, &entry, err);
}

typedef struct scan {
    mlc_sent_visit_fn visit;
    void *arg;
    int64_t to;
    size_t id_at; /* where the id begins in a name */
    mlc_code code;
    mlc_error *err;
} scan;

static bool on_cursor(const char *name, const void *value, size_t len, void *arg)
{
    scan *const s = arg;
    mlc_sent entry;
    if (strlen(name) < s->id_at)
        return true;
    const char *const id = name + s->id_at;
    if (mlc_compare_lead(id) >= s->to)
        return false;
    s->code = read_sent(value, len, &entry, s->err);
    return s->code == MLC_OK && s->visit(id, &entry, s->arg);
}

mlc_code mlc_sent_scan(mlc_txn *txn, const char *kind, int64_t from, int64_t to, mlc_sent_visit_fn visit,
                       void *arg, mlc_error *err)
{
    char prefix[NAME_MAX_LEN];
    char first[NAME_MAX_LEN];
    (void)name_of(first, kind, from, "");
    (void)snprintf(prefix, sizeof prefix, "sent/%.30s/", kind);
    scan s = {.visit = visit, .arg = arg, .to = to, .id_at = strlen(first), .err = err};
    const mlc_code code = mlc_cursor_scan_from(txn, prefix, first, on_cursor, &s, err);
    return code == MLC_OK ? s.code : code;
}

typedef struct summing {
    mlc_range_sum *sum;
    mlc_code code;
    mlc_error *err;
} summing;

static bool add_to_sum(const char *id, const mlc_sent *sent, void *arg)
{
    summing *const s = arg;
    if (!sent->gone)
        s->code = mlc_range_add(s->sum, id, sent->fingerprint, s->err);
    return s->code == MLC_OK;
}

mlc_code mlc_sent_sum(mlc_txn *txn, const char *kind, int64_t from, int64_t to, mlc_range_sum *out,
                      mlc_error *err)
{
    summing s = {.sum = out, .err = err};
    *out = (mlc_range_sum){0};
    const mlc_code code = mlc_sent_scan(txn, kind, from, to, add_to_sum, &s, err);
    return code == MLC_OK ? s.code : code;
}
