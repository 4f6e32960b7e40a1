/* parts: tunnel */
/* fuzz_frame.c - any bytes as a websocket message: what is read as frames and messages lies inside, and is written
 * again as the same bytes. */
#include "tunnel/frame.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void try_notice(const mlc_frame *frame)
{
    mlc_notice notice;
    mlc_notice again;
    mlc_frame copy;
    mlc_buf out = {0};
    size_t used = 0;
    if (mlc_notice_read(frame, &notice, NULL) != MLC_OK)
        return;
    must(strlen(notice.text) <= MLC_FRAME_TEXT_MAX && mlc_utf8_valid(notice.text, strlen(notice.text)));
    must(mlc_notice_write(&out, frame, notice.code, notice.retry_ms, notice.text, NULL) == MLC_OK);
    must(mlc_frame_read(out.data, out.len, &copy, &used, NULL) == MLC_OK && used == out.len);
    must(mlc_notice_read(&copy, &again, NULL) == MLC_OK);
    must(again.code == notice.code && again.retry_ms == notice.retry_ms &&
         strcmp(again.text, notice.text) == 0);
    mlc_buf_free(&out);
}

static void try_message(const uint8_t *data, size_t len, uint64_t seq)
{
    mlc_message message;
    mlc_frame frame;
    mlc_buf out = {0};
    size_t used = 0;
    if (mlc_message_read(data, len, seq, &message, NULL) != MLC_OK)
        return;
    must(mlc_message_length(&message) == len && message.idem.len > 0);
    must((const uint8_t *)message.payload + message.payload_len == data + len);
    must(mlc_message_write(&out, &message, len + MLC_FRAME_HEADER_LEN, NULL) == MLC_OK);
    must(mlc_frame_read(out.data, out.len, &frame, &used, NULL) == MLC_OK && used == out.len);
    must(frame.body_len == len && memcmp(frame.body, data, len) == 0);
    mlc_buf_free(&out);
}

static void try_frame(const mlc_frame *frame)
{
    mlc_start start;
    uint64_t last = 0;
    size_t length = 0;
    (void)mlc_start_read(frame, &start, NULL);
    if (mlc_skip_read(frame, &last, NULL) == MLC_OK)
        must(last >= frame->seq);
    (void)mlc_message_announced(frame->body, frame->body_len, &length, NULL);
    try_notice(frame);
    try_message(frame->body, frame->body_len, frame->seq);
    must(mlc_frame_name(frame->type) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* A copy of exactly this length, so that a step beyond it is seen. */
    uint8_t *const copy = malloc(size > 0 ? size : 1);
    size_t at = 0;
    if (copy == NULL)
        return 0;
    if (size > 0)
        memcpy(copy, data, size);
    while (at < size) {
        mlc_frame frame;
        mlc_error err;
        size_t used = 0;
        if (mlc_frame_read(copy + at, size - at, &frame, &used, &err) != MLC_OK) {
            must(err.code == MLC_E_PROTOCOL || err.code == MLC_E_LIMIT);
            break;
        }
        must(used >= MLC_FRAME_HEADER_LEN && used <= size - at && used == mlc_frame_length(copy + at));
        must(frame.body + frame.body_len == copy + at + used);
        try_frame(&frame);
        at += used;
    }
    try_message(copy, size, 1);
    free(copy);
    return 0;
}
