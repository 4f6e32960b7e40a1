/* frame.c - frames and their small bodies. */
#include "tunnel/frame.h"

#include <string.h>

enum { START_LEN = 24, SKIP_LEN = 8, NOTICE_LEN = 6 };

const char *mlc_frame_name(unsigned type)
{
    static const char *const names[] = {"?",   "CHALLENGE", "HELLO", "WELCOME", "START", "DATA", "SKIP",
                                        "ACK", "NACK",      "BUSY",  "PING",    "PONG",  "CLOSE"};
    return type < sizeof(names) / sizeof(names[0]) ? names[type] : "?";
}

const char *mlc_close_name(unsigned code)
{
    static const char *const names[] = {"goodbye", "replaced", "auth",   "version", "protocol",
                                        "limit",   "timeout",  "kicked", "later",   "internal"};
    unsigned index = code - MLC_CLOSE_GOODBYE;
    return index < sizeof(names) / sizeof(names[0]) ? names[index] : "unknown";
}

static void put_header(uint8_t *p, const mlc_frame *frame)
{
    p[0] = frame->type;
    p[1] = frame->flags;
    mlc_put_u16(p + 2, frame->stream);
    mlc_put_u32(p + 4, (uint32_t)frame->body_len);
    mlc_put_u64(p + 8, frame->seq);
    mlc_put_u64(p + 16, frame->ack);
    mlc_put_u32(p + 24, frame->credit);
    mlc_put_u32(p + 28, 0);
}

mlc_code mlc_frame_write(mlc_buf *out, const mlc_frame *frame, mlc_error *err)
{
    if (frame->body_len > UINT32_MAX)
        return mlc_fail(err, MLC_E_LIMIT, "frame body of %zu bytes", frame->body_len);
    uint8_t header[MLC_FRAME_HEADER_LEN];
    put_header(header, frame);
    mlc_code code = mlc_buf_append(out, header, sizeof(header), err);
    if (code == MLC_OK && frame->body_len > 0) {
        code = mlc_buf_append(out, frame->body, frame->body_len, err);
        if (code != MLC_OK)
            out->len -= sizeof(header);
    }
    return code;
}

size_t mlc_frame_length(const uint8_t *data)
{
    return MLC_FRAME_HEADER_LEN + (size_t)mlc_get_u32(data + 4);
}

mlc_code mlc_frame_read(const uint8_t *data, size_t len, mlc_frame *out, size_t *used, mlc_error *err)
{
    if (len < MLC_FRAME_HEADER_LEN)
        return mlc_fail(err, MLC_E_PROTOCOL, "a frame header is cut after %zu bytes", len);
    size_t body_len = mlc_get_u32(data + 4);
    if (body_len > len - MLC_FRAME_HEADER_LEN)
        return mlc_fail(err, MLC_E_PROTOCOL, "a frame announces %zu bytes and %zu are there", body_len,
                        len - MLC_FRAME_HEADER_LEN);
    *out = (mlc_frame){.type = data[0],
                       .flags = data[1],
                       .stream = mlc_get_u16(data + 2),
                       .seq = mlc_get_u64(data + 8),
                       .ack = mlc_get_u64(data + 16),
                       .credit = mlc_get_u32(data + 24),
                       .body = data + MLC_FRAME_HEADER_LEN,
                       .body_len = body_len};
    *used = MLC_FRAME_HEADER_LEN + body_len;
    return MLC_OK;
}

void mlc_frame_stamp(uint8_t *data, uint64_t ack, uint32_t credit)
{
    mlc_put_u64(data + 16, ack);
    mlc_put_u32(data + 24, credit);
}

static mlc_code wrong_length(const mlc_frame *frame, mlc_error *err)
{
    return mlc_fail(err, MLC_E_PROTOCOL, "%s frame with a body of %zu bytes", mlc_frame_name(frame->type),
                    frame->body_len);
}

mlc_code mlc_start_write(mlc_buf *out, uint64_t first, const mlc_start *start, mlc_error *err)
{
    uint8_t body[START_LEN];
    mlc_put_u64(body, start->epoch);
    mlc_put_u64(body + 8, start->generation);
    mlc_put_u64(body + 16, start->acked);
    const mlc_frame frame = {.type = MLC_FRAME_START,
                             .stream = MLC_STREAM_MESSAGES,
                             .seq = first,
                             .body = body,
                             .body_len = sizeof(body)};
    return mlc_frame_write(out, &frame, err);
}

mlc_code mlc_start_read(const mlc_frame *frame, mlc_start *out, mlc_error *err)
{
    if (frame->body_len < START_LEN)
        return wrong_length(frame, err);
    *out = (mlc_start){.epoch = mlc_get_u64(frame->body),
                       .generation = mlc_get_u64(frame->body + 8),
                       .acked = mlc_get_u64(frame->body + 16)};
    if (frame->seq == 0 || out->acked >= frame->seq)
        return mlc_fail(err, MLC_E_PROTOCOL, "START at %llu with %llu acknowledged",
                        (unsigned long long)frame->seq, (unsigned long long)out->acked);
    return MLC_OK;
}

mlc_code mlc_skip_write(mlc_buf *out, uint64_t first, uint64_t last, mlc_error *err)
{
    uint8_t body[SKIP_LEN];
    mlc_put_u64(body, last);
    const mlc_frame frame = {.type = MLC_FRAME_SKIP,
                             .stream = MLC_STREAM_MESSAGES,
                             .seq = first,
                             .body = body,
                             .body_len = sizeof(body)};
    return mlc_frame_write(out, &frame, err);
}

mlc_code mlc_skip_read(const mlc_frame *frame, uint64_t *last, mlc_error *err)
{
    if (frame->body_len < SKIP_LEN)
        return wrong_length(frame, err);
    *last = mlc_get_u64(frame->body);
    if (frame->seq == 0 || *last < frame->seq || *last == UINT64_MAX)
        return mlc_fail(err, MLC_E_PROTOCOL, "SKIP from %llu to %llu", (unsigned long long)frame->seq,
                        (unsigned long long)*last);
    return MLC_OK;
}

mlc_code mlc_notice_write(mlc_buf *out, const mlc_frame *head, unsigned code, int64_t retry_ms,
                          const char *text, mlc_error *err)
{
    uint8_t body[NOTICE_LEN + MLC_FRAME_TEXT_MAX + 1];
    char *words = (char *)body + NOTICE_LEN;
    int64_t retry = retry_ms < 0 ? 0 : retry_ms > UINT32_MAX ? UINT32_MAX : retry_ms;
    mlc_put_u16(body, (uint16_t)code);
    mlc_put_u32(body + 2, (uint32_t)retry);
    mlc_strlcpy(words, text != NULL ? text : "", MLC_FRAME_TEXT_MAX + 1);
    mlc_frame frame = *head;
    frame.body = body;
    frame.body_len = NOTICE_LEN + strlen(words);
    return mlc_frame_write(out, &frame, err);
}

mlc_code mlc_notice_read(const mlc_frame *frame, mlc_notice *out, mlc_error *err)
{
    if (frame->body_len < NOTICE_LEN || frame->body_len > NOTICE_LEN + MLC_FRAME_TEXT_MAX)
        return wrong_length(frame, err);
    size_t len = frame->body_len - NOTICE_LEN;
    if (!mlc_utf8_valid((const char *)frame->body + NOTICE_LEN, len))
        return mlc_fail(err, MLC_E_PROTOCOL, "%s frame whose text is not UTF-8", mlc_frame_name(frame->type));
    out->code = mlc_get_u16(frame->body);
    out->retry_ms = mlc_get_u32(frame->body + 2);
    memcpy(out->text, frame->body + NOTICE_LEN, len);
    out->text[len] = '\0';
    return MLC_OK;
}
