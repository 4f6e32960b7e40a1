/* message.c - messages: one entry of an outbox as bytes, and its division into DATA frames. */
#include "tunnel/frame.h"

#include "crypto/crypto.h"

#include <string.h>

size_t mlc_message_length(const mlc_message *message)
{
    return MLC_MESSAGE_HEAD_LEN + message->idem.len + message->key.len + message->kind.len +
           message->correlation.len + message->payload_len;
}

size_t mlc_message_cost(size_t length)
{
    return length + MLC_MESSAGE_OVERHEAD;
}

/* The pieces of a message in the order of the wire. */
typedef struct message_pieces {
    struct {
        const void *at;
        size_t len;
    } piece[6];
    size_t index, offset; /* where the next byte comes from */
} message_pieces;

static mlc_code append_bytes(mlc_buf *out, message_pieces *from, size_t len, mlc_error *err)
{
    while (len > 0) {
        const size_t left = from->piece[from->index].len - from->offset;
        const size_t n = left < len ? left : len;
        if (n > 0) {
            const uint8_t *at = from->piece[from->index].at;
            mlc_code code = mlc_buf_append(out, at + from->offset, n, err);
            if (code != MLC_OK)
                return code;
        }
        from->offset += n;
        len -= n;
        if (from->offset == from->piece[from->index].len) {
            from->index++;
            from->offset = 0;
        }
    }
    return MLC_OK;
}

static mlc_code append_chunk(mlc_buf *out, const mlc_message *message, message_pieces *from, uint8_t flags,
                             size_t len, mlc_error *err)
{
    const mlc_frame frame = {
        .type = MLC_FRAME_DATA, .flags = flags, .stream = MLC_STREAM_MESSAGES, .seq = message->seq};
    const size_t header_at = out->len;
    mlc_code code = mlc_frame_write(out, &frame, err);
    if (code == MLC_OK)
        code = append_bytes(out, from, len, err);
    if (code == MLC_OK)
        mlc_put_u32(out->data + header_at + 4, (uint32_t)len);
    return code;
}

mlc_code mlc_message_write(mlc_buf *out, const mlc_message *message, size_t max_frame, mlc_error *err)
{
    const mlc_text *texts[] = {&message->idem, &message->key, &message->kind, &message->correlation};
    const size_t length = mlc_message_length(message);
    uint8_t head[MLC_MESSAGE_HEAD_LEN];
    message_pieces pieces = {.piece[0] = {head, sizeof(head)},
                             .piece[5] = {message->payload, message->payload_len}};
    if (length > UINT32_MAX || max_frame <= MLC_FRAME_HEADER_LEN)
        return mlc_fail(err, MLC_E_LIMIT, "message of %zu bytes in frames of %zu", length, max_frame);
    mlc_put_u32(head, (uint32_t)length);
    mlc_put_u64(head + 4, (uint64_t)message->created_ms);
    for (size_t i = 0; i < 4; i++) {
        if (texts[i]->len > MLC_MESSAGE_TEXT_MAX)
            return mlc_fail(err, MLC_E_LIMIT, "a text of the message has %zu bytes", texts[i]->len);
        mlc_put_u16(head + 12 + 2 * i, (uint16_t)texts[i]->len);
        pieces.piece[i + 1].at = texts[i]->at;
        pieces.piece[i + 1].len = texts[i]->len;
    }
    const size_t before = out->len;
    size_t done = 0;
    while (done < length) {
        const size_t left = length - done;
        const size_t room = max_frame - MLC_FRAME_HEADER_LEN;
        const size_t n = left < room ? left : room;
        const unsigned flags = (done == 0 ? MLC_DATA_FIRST : 0U) | (n == left ? MLC_DATA_LAST : 0U);
        mlc_code code = append_chunk(out, message, &pieces, (uint8_t)flags, n, err);
        if (code != MLC_OK) {
            out->len = before;
            return code;
        }
        done += n;
    }
    return MLC_OK;
}

mlc_code mlc_message_announced(const uint8_t *data, size_t len, size_t *length, mlc_error *err)
{
    if (len < 4)
        return mlc_fail(err, MLC_E_PROTOCOL, "a message begins with %zu bytes", len);
    *length = mlc_get_u32(data);
    if (*length < MLC_MESSAGE_HEAD_LEN)
        return mlc_fail(err, MLC_E_PROTOCOL, "a message announces %zu bytes", *length);
    return MLC_OK;
}

static mlc_code read_text(const uint8_t **at, size_t *left, size_t len, const char *what, mlc_text *out,
                          mlc_error *err)
{
    if (len > MLC_MESSAGE_TEXT_MAX || len > *left)
        return mlc_fail(err, MLC_E_PROTOCOL, "message: the %s has a length of %zu bytes", what, len);
    *out = (mlc_text){.at = (const char *)*at, .len = len};
    if (!mlc_utf8_valid(out->at, len))
        return mlc_fail(err, MLC_E_PROTOCOL, "message: the %s is not UTF-8 text", what);
    *at += len;
    *left -= len;
    return MLC_OK;
}

mlc_code mlc_message_read(const uint8_t *data, size_t len, uint64_t seq, mlc_message *out, mlc_error *err)
{
    static const char *const names[] = {"idempotency key", "stream key", "kind", "correlation id"};
    mlc_text *const texts[] = {&out->idem, &out->key, &out->kind, &out->correlation};
    size_t length = 0;
    mlc_code code = mlc_message_announced(data, len, &length, err);
    if (code != MLC_OK)
        return code;
    if (length != len)
        return mlc_fail(err, MLC_E_PROTOCOL, "a message announces %zu bytes and has %zu", length, len);
    *out = (mlc_message){.seq = seq, .created_ms = (int64_t)mlc_get_u64(data + 4)};
    const uint8_t *at = data + MLC_MESSAGE_HEAD_LEN;
    size_t left = len - MLC_MESSAGE_HEAD_LEN;
    for (size_t i = 0; i < 4; i++) {
        code = read_text(&at, &left, mlc_get_u16(data + 12 + 2 * i), names[i], texts[i], err);
        if (code != MLC_OK)
            return code;
    }
    if (out->idem.len == 0)
        return mlc_fail(err, MLC_E_PROTOCOL, "message %llu has no idempotency key", (unsigned long long)seq);
    out->payload = at;
    out->payload_len = left;
    return MLC_OK;
}

mlc_code mlc_message_mark(uint64_t seq, int64_t created_ms, const char *idem, size_t idem_len,
                          uint8_t out[MLC_MARK_LEN], mlc_error *err)
{
    uint8_t data[16 + MLC_MESSAGE_TEXT_MAX];
    uint8_t hash[MLC_SHA256_LEN];
    if (idem_len > MLC_MESSAGE_TEXT_MAX)
        return mlc_fail(err, MLC_E_LIMIT, "idempotency key of %zu bytes", idem_len);
    mlc_put_u64(data, seq);
    mlc_put_u64(data + 8, (uint64_t)created_ms);
    memcpy(data + 16, idem, idem_len);
    mlc_code code = mlc_sha256(data, 16 + idem_len, hash, err);
    if (code == MLC_OK)
        memcpy(out, hash, MLC_MARK_LEN);
    return code;
}
