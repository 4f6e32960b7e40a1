/* entry.c - see entry.h. Layout, version 1, numbers big-endian:
 *   version 1, state 1, flags 1 (1: uncertain), error code 1, attempts 4, created 8, next 8, began 8, ended 8,
 *   seven lengths of 2 (tenant, key, idem, kind, correlation, last error, outcome), payload length 4,
 *   the texts, each with a NUL, the payload, a NUL. */
#include "store/entry.h"

#include "store/store_private.h"

#include <string.h>

enum {
    VERSION = 1,
    FLAG_UNCERTAIN = 1,
    TEXTS = 7,
    HEAD_LEN = 8 + 4 * 8 + TEXTS * 2 + 4,
    PAYLOAD_MAX = 1 << 28
};

static size_t cut_length(const char *text)
{
    const size_t len = strlen(text);
    return len <= ENTRY_TEXT_MAX ? len : mlc_utf8_prefix(text, ENTRY_TEXT_MAX);
}

uint64_t entry_size(const mlc_entry *e)
{
    return HEAD_LEN + strlen(e->tenant) + strlen(e->key) + strlen(e->idem) + strlen(e->kind) +
           strlen(e->correlation) + e->payload_len;
}

mlc_code entry_write(const mlc_entry *e, mlc_buf *out, mlc_error *err)
{
    const char *const texts[TEXTS] = {e->tenant,      e->key,        e->idem,   e->kind,
                                      e->correlation, e->last_error, e->outcome};
    static const char *const names[TEXTS] = {"tenant",      "key",   "idem",   "kind",
                                             "correlation", "error", "outcome"};
    uint8_t head[HEAD_LEN] = {VERSION, (uint8_t)e->state, e->uncertain ? FLAG_UNCERTAIN : 0,
                              (uint8_t)e->error_code};
    size_t lens[TEXTS];
    uint8_t *at = head + 4;
    if (e->payload_len > PAYLOAD_MAX)
        return mlc_fail(err, MLC_E_INVALID, "entry: payload of %zu bytes is too long", e->payload_len);
    store_be16(at, (uint16_t)(e->attempts >> 16));
    store_be16(at + 2, (uint16_t)e->attempts);
    store_be64(at + 4, (uint64_t)e->created_ms);
    store_be64(at + 12, (uint64_t)e->next_attempt_ms);
    store_be64(at + 20, (uint64_t)e->began_ms);
    store_be64(at + 28, (uint64_t)e->ended_ms);
    at += 36;
    for (size_t i = 0; i < TEXTS; i++, at += 2) {
        lens[i] = cut_length(texts[i]);
        if (i < 5 && texts[i][lens[i]] != '\0')
            return mlc_fail(err, MLC_E_INVALID, "entry: %s is longer than %d bytes", names[i],
                            ENTRY_TEXT_MAX);
        store_be16(at, (uint16_t)lens[i]);
    }
    store_be16(at, (uint16_t)(e->payload_len >> 16));
    store_be16(at + 2, (uint16_t)e->payload_len);
    mlc_code code = mlc_buf_append(out, head, sizeof head, err);
    for (size_t i = 0; code == MLC_OK && i < TEXTS; i++) {
        code = mlc_buf_append(out, texts[i], lens[i], err);
        if (code == MLC_OK)
            code = mlc_buf_append(out, "", 1, err);
    }
    if (code == MLC_OK && e->payload_len > 0)
        code = mlc_buf_append(out, e->payload, e->payload_len, err);
    return code == MLC_OK ? mlc_buf_append(out, "", 1, err) : code;
}

static uint32_t get_be32(const uint8_t *in)
{
    return (uint32_t)in[0] << 24 | (uint32_t)in[1] << 16 | (uint32_t)in[2] << 8 | in[3];
}

static mlc_code corrupt(uint64_t seq, const char *what, mlc_error *err)
{
    return mlc_fail(err, MLC_E_CORRUPT, "entry %llu: %s", (unsigned long long)seq, what);
}

mlc_code entry_read(const void *data, size_t len, uint64_t seq, mlc_entry *out, mlc_error *err)
{
    const uint8_t *const head = data;
    const char **const texts[TEXTS] = {&out->tenant,      &out->key,        &out->idem,   &out->kind,
                                       &out->correlation, &out->last_error, &out->outcome};
    memset(out, 0, sizeof *out);
    if (len < HEAD_LEN || head[0] != VERSION)
        return corrupt(seq, "of an unknown version, or cut", err);
    if (head[1] > MLC_ENTRY_DONE)
        return corrupt(seq, "in an unknown state", err);
    out->seq = seq;
    out->state = (mlc_entry_state)head[1];
    out->uncertain = (head[2] & FLAG_UNCERTAIN) != 0;
    out->error_code = head[3] <= MLC_E_INTERNAL ? (mlc_code)head[3] : MLC_OK;
    out->attempts = get_be32(head + 4);
    out->created_ms = (int64_t)store_get_be64(head + 8);
    out->next_attempt_ms = (int64_t)store_get_be64(head + 16);
    out->began_ms = (int64_t)store_get_be64(head + 24);
    out->ended_ms = (int64_t)store_get_be64(head + 32);
    const uint8_t *const lens = head + 40;
    size_t at = HEAD_LEN;
    for (size_t i = 0; i < TEXTS; i++) {
        const size_t text_len = (size_t)lens[2 * i] << 8 | lens[2 * i + 1];
        if (len - at <= text_len || head[at + text_len] != 0)
            return corrupt(seq, "with a text that does not fit", err);
        *texts[i] = (const char *)head + at;
        at += text_len + 1;
    }
    out->payload_len = get_be32(lens + (size_t)2 * TEXTS);
    if (len - at != out->payload_len + 1 || head[len - 1] != 0)
        return corrupt(seq, "with a payload that does not fit", err);
    out->payload = head + at;
    return MLC_OK;
}
