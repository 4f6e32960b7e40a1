/* durable.c - see durable.h. */
#include "link/durable.h"

#include "store/cursor.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    NAME_MAX_LEN = 160,
    POSITION_LEN = 24 + MLC_MARK_LEN,
    GENERATION_LEN = 8,
    REFUSAL_HEAD = 26, /* epoch, generation, sequence, code */
    DROP_AT_ONCE = 64
};

static mlc_code odd_length(const char *name, size_t len, mlc_error *err)
{
    return mlc_fail(err, MLC_E_CORRUPT, "the stored %s has %zu bytes", name, len);
}

/* ---- position ---- */

mlc_code link_position_get(mlc_txn *txn, const char *in_name, mlc_position *out, mlc_error *err)
{
    char name[NAME_MAX_LEN];
    const void *value = NULL;
    size_t len = 0;
    memset(out, 0, sizeof(*out));
    snprintf(name, sizeof(name), "tunnel/%s/received", in_name);
    const mlc_code code = mlc_cursor_get(txn, name, &value, &len, err);
    if (code == MLC_E_NOTFOUND)
        return MLC_OK;
    if (code != MLC_OK)
        return code;
    if (len != POSITION_LEN)
        return odd_length(name, len, err);
    const uint8_t *p = value;
    out->epoch = mlc_get_u64(p);
    out->generation = mlc_get_u64(p + 8);
    out->seq = mlc_get_u64(p + 16);
    memcpy(out->mark, p + 24, MLC_MARK_LEN);
    return MLC_OK;
}

mlc_code link_position_put(mlc_txn *txn, const char *in_name, const mlc_position *position, mlc_error *err)
{
    char name[NAME_MAX_LEN];
    uint8_t value[POSITION_LEN];
    snprintf(name, sizeof(name), "tunnel/%s/received", in_name);
    mlc_put_u64(value, position->epoch);
    mlc_put_u64(value + 8, position->generation);
    mlc_put_u64(value + 16, position->seq);
    memcpy(value + 24, position->mark, MLC_MARK_LEN);
    return mlc_cursor_put(txn, name, value, sizeof(value), err);
}

/* ---- refusals ---- */

mlc_code link_refusal_put(mlc_txn *txn, const char *in_name, const mlc_position *stream, uint64_t seq,
                          unsigned code, const char *text, mlc_error *err)
{
    char name[NAME_MAX_LEN];
    uint8_t value[REFUSAL_HEAD + MLC_FRAME_TEXT_MAX + 1];
    char *words = (char *)value + REFUSAL_HEAD;
    snprintf(name, sizeof(name), "tunnel/%s/refused/%020" PRIu64, in_name, seq);
    mlc_put_u64(value, stream->epoch);
    mlc_put_u64(value + 8, stream->generation);
    mlc_put_u64(value + 16, seq);
    mlc_put_u16(value + 24, (uint16_t)code);
    mlc_strlcpy(words, text, MLC_FRAME_TEXT_MAX + 1);
    return mlc_cursor_put(txn, name, value, REFUSAL_HEAD + strlen(words), err);
}

typedef struct refusal_walk {
    const mlc_position *stream;
    uint64_t seq; /* scan: visit after; drop: forget up to */
    link_refusal_fn visit;
    void *arg;
    bool others;
    uint64_t found[DROP_AT_ONCE];
    size_t count;
} refusal_walk;

static bool is_of_stream(const refusal_walk *walk, const uint8_t *value)
{
    return mlc_get_u64(value) == walk->stream->epoch && mlc_get_u64(value + 8) == walk->stream->generation;
}

static bool visit_refusal(const char *name, const void *value, size_t len, void *arg)
{
    (void)name;
    refusal_walk *walk = arg;
    const uint8_t *p = value;
    char text[MLC_FRAME_TEXT_MAX + 1] = "";
    if (len < REFUSAL_HEAD || len > REFUSAL_HEAD + MLC_FRAME_TEXT_MAX)
        return true;
    const uint64_t seq = mlc_get_u64(p + 16);
    if (!is_of_stream(walk, p) || seq <= walk->seq) {
        walk->others = true;
        return true;
    }
    memcpy(text, p + REFUSAL_HEAD, len - REFUSAL_HEAD);
    walk->visit(walk->arg, seq, mlc_get_u16(p + 24), text);
    return true;
}

mlc_code link_refusals_scan(mlc_txn *txn, const char *in_name, const mlc_position *stream, uint64_t after,
                            link_refusal_fn visit, void *arg, bool *others, mlc_error *err)
{
    char name[NAME_MAX_LEN];
    refusal_walk walk = {.stream = stream, .seq = after, .visit = visit, .arg = arg};
    snprintf(name, sizeof(name), "tunnel/%s/refused/", in_name);
    const mlc_code code = mlc_cursor_scan(txn, name, visit_refusal, &walk, err);
    *others = walk.others;
    return code;
}

static bool collect_refusal(const char *name, const void *value, size_t len, void *arg)
{
    (void)name;
    refusal_walk *walk = arg;
    const uint8_t *p = value;
    if (len >= REFUSAL_HEAD && (!is_of_stream(walk, p) || mlc_get_u64(p + 16) <= walk->seq))
        walk->found[walk->count++] = mlc_get_u64(p + 16);
    return walk->count < DROP_AT_ONCE;
}

mlc_code link_refusals_drop(mlc_txn *txn, const char *in_name, const mlc_position *stream, uint64_t upto,
                            mlc_error *err)
{
    char name[NAME_MAX_LEN];
    refusal_walk walk = {.stream = stream, .seq = upto};
    do {
        walk.count = 0;
        snprintf(name, sizeof(name), "tunnel/%s/refused/", in_name);
        mlc_code code = mlc_cursor_scan(txn, name, collect_refusal, &walk, err);
        for (size_t i = 0; code == MLC_OK && i < walk.count; i++) {
            snprintf(name, sizeof(name), "tunnel/%s/refused/%020" PRIu64, in_name, walk.found[i]);
            code = mlc_cursor_delete(txn, name, err);
        }
        if (code != MLC_OK)
            return code;
    } while (walk.count == DROP_AT_ONCE);
    return MLC_OK;
}

/* ---- generation ---- */

mlc_code link_generation_get(mlc_txn *txn, const char *out_name, uint64_t *generation, mlc_error *err)
{
    char name[NAME_MAX_LEN];
    const void *value = NULL;
    size_t len = 0;
    *generation = 1;
    snprintf(name, sizeof(name), "tunnel/%s/generation", out_name);
    const mlc_code code = mlc_cursor_get(txn, name, &value, &len, err);
    if (code == MLC_E_NOTFOUND)
        return MLC_OK;
    if (code != MLC_OK)
        return code;
    if (len != GENERATION_LEN)
        return odd_length(name, len, err);
    *generation = mlc_get_u64(value);
    return MLC_OK;
}

mlc_code link_generation_put(mlc_txn *txn, const char *out_name, uint64_t generation, mlc_error *err)
{
    char name[NAME_MAX_LEN];
    uint8_t value[GENERATION_LEN];
    snprintf(name, sizeof(name), "tunnel/%s/generation", out_name);
    mlc_put_u64(value, generation);
    return mlc_cursor_put(txn, name, value, sizeof(value), err);
}
