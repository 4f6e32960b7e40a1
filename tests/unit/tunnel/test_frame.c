/* Frames and messages: bytes as docs/protocol.md shows them, and what must be refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/crypto.h"
#include "tunnel/frame.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static mlc_text text(const char *s)
{
    return (mlc_text){.at = s, .len = strlen(s)};
}

static mlc_message example_message(void)
{
    return (mlc_message){.seq = 42,
                         .created_ms = 1764021600123,
                         .idem = text("acme/jde/F0101/6001/7"),
                         .key = text("account/6001"),
                         .kind = text("customer"),
                         .correlation = text("c-1"),
                         .payload = "{\"AN8\":6001}",
                         .payload_len = 12};
}

/* ---- the document ---- */

/* Bytes of the code block that follows "<!-- example: name -->" in docs/protocol.md; what follows a '|' is a
 * comment. */
static bool read_example(const char *name, mlc_buf *out)
{
    char line[256], marker[64];
    bool found = false, inside = false;
    FILE *file = fopen(MLC_SOURCE_DIR "/docs/protocol.md", "r");
    if (file == NULL)
        return false;
    snprintf(marker, sizeof(marker), "<!-- example: %s -->", name);
    while (fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, marker, strlen(marker)) == 0)
            found = true;
        else if (found && strncmp(line, "```", 3) == 0 && inside)
            break;
        else if (found && strncmp(line, "```", 3) == 0)
            inside = true;
        else if (inside)
            for (const char *p = line; p[0] != '\0' && p[0] != '|'; p++) {
                uint8_t byte = 0;
                if (!isxdigit((unsigned char)p[0]) || !isxdigit((unsigned char)p[1]))
                    continue;
                const char pair[3] = {p[0], p[1], '\0'};
                inside = inside && mlc_hex_parse(pair, &byte, 1, NULL) == MLC_OK &&
                         mlc_buf_append(out, &byte, 1, NULL) == MLC_OK;
                p++;
            }
    }
    fclose(file);
    return inside;
}

/* Frees the bytes when they differ, since nothing after it runs then. */
static void assert_example(const char *name, mlc_buf *bytes)
{
    mlc_buf expected = {0};
    const bool found = read_example(name, &expected);
    const bool same = found && expected.len > 0 && bytes->len == expected.len && bytes->data != NULL &&
                      expected.data != NULL && memcmp(bytes->data, expected.data, expected.len) == 0;
    mlc_buf_free(&expected);
    if (same)
        return;
    mlc_buf_free(bytes);
    fail_msg("docs/protocol.md: the example \"%s\" %s", name, found ? "shows other bytes" : "is missing");
}

static void test_document_shows_data_frame(void **state)
{
    (void)state;
    mlc_buf out = {0};
    const mlc_message message = example_message();
    assert_int_equal(mlc_message_write(&out, &message, MLC_FRAME_MAX, NULL), MLC_OK);
    mlc_frame_stamp(out.data, 17, 4194304);
    assert_example("data", &out);
    mlc_buf_free(&out);
}

static void test_document_shows_other_frames(void **state)
{
    (void)state;
    mlc_buf out = {0};
    const mlc_start start = {.epoch = 0x0123456789abcdef, .generation = 1, .acked = 40};
    assert_int_equal(mlc_start_write(&out, 42, &start, NULL), MLC_OK);
    mlc_frame_stamp(out.data, 0, 4194304);
    assert_example("start", &out);
    mlc_buf_clear(&out);
    assert_int_equal(mlc_skip_write(&out, 43, 50, NULL), MLC_OK);
    mlc_frame_stamp(out.data, 17, 4194304);
    assert_example("skip", &out);
    mlc_buf_clear(&out);
    const mlc_frame nack = {.type = MLC_FRAME_NACK, .seq = 42, .ack = 41, .credit = 4194304};
    assert_int_equal(mlc_notice_write(&out, &nack, MLC_REFUSAL_REJECTED, 0, "no such kind", NULL), MLC_OK);
    assert_example("nack", &out);
    mlc_buf_free(&out);
}

static void test_document_shows_mark(void **state)
{
    (void)state;
    mlc_buf out = {0};
    uint8_t mark[MLC_MARK_LEN];
    const mlc_message m = example_message();
    assert_int_equal(mlc_message_mark(m.seq, m.created_ms, m.idem.at, m.idem.len, mark, NULL), MLC_OK);
    assert_int_equal(mlc_buf_append(&out, mark, sizeof(mark), NULL), MLC_OK);
    assert_example("mark", &out);
    mlc_buf_free(&out);
}

/* ---- frames ---- */

static void test_frame_round_trip(void **state)
{
    (void)state;
    mlc_buf out = {0};
    const mlc_frame frame = {.type = MLC_FRAME_PING,
                             .flags = 7,
                             .stream = 0x1234,
                             .seq = UINT64_MAX,
                             .ack = 0x0102030405060708,
                             .credit = 0xfffefdfc,
                             .body = (const uint8_t *)"body",
                             .body_len = 4};
    assert_int_equal(mlc_frame_write(&out, &frame, NULL), MLC_OK);
    assert_int_equal(out.len, MLC_FRAME_HEADER_LEN + 4);
    assert_int_equal(mlc_frame_length(out.data), out.len);
    mlc_frame back;
    size_t used = 0;
    assert_int_equal(mlc_frame_read(out.data, out.len, &back, &used, NULL), MLC_OK);
    assert_int_equal(used, out.len);
    assert_int_equal(back.type, frame.type);
    assert_int_equal(back.flags, frame.flags);
    assert_int_equal(back.stream, frame.stream);
    assert_true(back.seq == frame.seq && back.ack == frame.ack && back.credit == frame.credit);
    assert_int_equal(back.body_len, 4);
    assert_memory_equal(back.body, "body", 4);
    mlc_buf_free(&out);
}

static void test_cut_frames_are_refused(void **state)
{
    (void)state;
    mlc_buf out = {0};
    const mlc_message message = example_message();
    assert_int_equal(mlc_message_write(&out, &message, MLC_FRAME_MAX, NULL), MLC_OK);
    mlc_frame frame;
    size_t used = 0;
    for (size_t len = 0; len < out.len; len++) {
        uint8_t *exact = malloc(len + 1); /* so that a sanitizer sees one byte too many */
        memcpy(exact, out.data, len);
        assert_int_equal(mlc_frame_read(exact, len, &frame, &used, NULL), MLC_E_PROTOCOL);
        free(exact);
    }
    mlc_buf_free(&out);
}

static void test_small_bodies_are_checked(void **state)
{
    (void)state;
    uint8_t body[24] = {0};
    mlc_start start;
    mlc_notice notice;
    uint64_t last = 0;
    mlc_frame frame = {.type = MLC_FRAME_START, .seq = 1, .body = body, .body_len = 23};
    assert_int_equal(mlc_start_read(&frame, &start, NULL), MLC_E_PROTOCOL);
    frame.body_len = 24;
    assert_int_equal(mlc_start_read(&frame, &start, NULL), MLC_OK);
    frame.seq = 0;
    assert_int_equal(mlc_start_read(&frame, &start, NULL), MLC_E_PROTOCOL);
    frame = (mlc_frame){.type = MLC_FRAME_SKIP, .seq = 5, .body = body, .body_len = 8};
    mlc_put_u64(body, 4); /* ends before it begins */
    assert_int_equal(mlc_skip_read(&frame, &last, NULL), MLC_E_PROTOCOL);
    mlc_put_u64(body, UINT64_MAX);
    assert_int_equal(mlc_skip_read(&frame, &last, NULL), MLC_E_PROTOCOL);
    mlc_put_u64(body, 5);
    assert_int_equal(mlc_skip_read(&frame, &last, NULL), MLC_OK);
    frame = (mlc_frame){.type = MLC_FRAME_CLOSE, .body = body, .body_len = 5};
    assert_int_equal(mlc_notice_read(&frame, &notice, NULL), MLC_E_PROTOCOL);
    body[6] = 0xff; /* not UTF-8 */
    frame.body_len = 7;
    assert_int_equal(mlc_notice_read(&frame, &notice, NULL), MLC_E_PROTOCOL);
}

static void test_notice_text_is_cut(void **state)
{
    (void)state;
    char words[MLC_FRAME_TEXT_MAX * 2];
    mlc_buf out = {0};
    mlc_frame frame;
    mlc_notice notice;
    size_t used = 0;
    memset(words, 'x', sizeof(words));
    memcpy(words + MLC_FRAME_TEXT_MAX - 1, "\xc3\xa9", 2); /* the cut falls inside a character */
    words[sizeof(words) - 1] = '\0';
    const mlc_frame head = {.type = MLC_FRAME_BUSY};
    assert_int_equal(mlc_notice_write(&out, &head, 1, INT64_MAX, words, NULL), MLC_OK);
    assert_int_equal(mlc_frame_read(out.data, out.len, &frame, &used, NULL), MLC_OK);
    assert_int_equal(mlc_notice_read(&frame, &notice, NULL), MLC_OK);
    assert_int_equal(strlen(notice.text), MLC_FRAME_TEXT_MAX - 1);
    assert_true(notice.retry_ms == UINT32_MAX);
    mlc_buf_free(&out);
}

/* ---- messages ---- */

/* Put the chunks of encoded frames together again. */
static void join_chunks(const mlc_buf *frames, size_t max_frame, mlc_buf *out, size_t *count)
{
    size_t at = 0;
    *count = 0;
    while (at < frames->len) {
        mlc_frame frame;
        size_t used = 0;
        assert_int_equal(mlc_frame_read(frames->data + at, frames->len - at, &frame, &used, NULL), MLC_OK);
        assert_in_range(used, MLC_FRAME_HEADER_LEN + 1, max_frame);
        assert_int_equal((frame.flags & MLC_DATA_FIRST) != 0, at == 0);
        assert_int_equal((frame.flags & MLC_DATA_LAST) != 0, at + used == frames->len);
        assert_int_equal(mlc_buf_append(out, frame.body, frame.body_len, NULL), MLC_OK);
        at += used;
        ++*count;
    }
}

static void test_message_in_chunks(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 900, (size_t)1024 * 1024};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        char *payload = malloc(sizes[i] + 1);
        memset(payload, 'p', sizes[i] + 1);
        mlc_message message = example_message(), back;
        mlc_buf frames = {0}, whole = {0};
        size_t count = 0, announced = 0;
        message.payload = payload;
        message.payload_len = sizes[i];
        assert_int_equal(mlc_message_write(&frames, &message, 1024, NULL), MLC_OK);
        join_chunks(&frames, 1024, &whole, &count);
        assert_int_equal(count, (whole.len + 991) / 992);
        assert_int_equal(whole.len, mlc_message_length(&message));
        assert_int_equal(mlc_message_announced(whole.data, whole.len, &announced, NULL), MLC_OK);
        assert_int_equal(announced, whole.len);
        assert_int_equal(mlc_message_read(whole.data, whole.len, 42, &back, NULL), MLC_OK);
        assert_int_equal(back.payload_len, sizes[i]);
        assert_memory_equal(back.payload, payload, sizes[i]);
        assert_int_equal(back.idem.len, message.idem.len);
        assert_memory_equal(back.idem.at, message.idem.at, back.idem.len);
        assert_memory_equal(back.correlation.at, "c-1", 3);
        assert_true(back.created_ms == message.created_ms);
        mlc_buf_free(&frames);
        mlc_buf_free(&whole);
        free(payload);
    }
}

static void test_bad_messages_are_refused(void **state)
{
    (void)state;
    mlc_buf out = {0};
    mlc_message message = example_message(), back;
    assert_int_equal(mlc_message_write(&out, &message, MLC_FRAME_MAX, NULL), MLC_OK);
    uint8_t *m = out.data + MLC_FRAME_HEADER_LEN;
    const size_t len = out.len - MLC_FRAME_HEADER_LEN;
    assert_int_equal(mlc_message_read(m, len, 1, &back, NULL), MLC_OK);
    assert_int_equal(mlc_message_read(m, len - 1, 1, &back, NULL), MLC_E_PROTOCOL);
    assert_int_equal(mlc_message_read(m, 3, 1, &back, NULL), MLC_E_PROTOCOL);
    mlc_put_u16(m + 12, 0); /* no idempotency key */
    assert_int_equal(mlc_message_read(m, len, 1, &back, NULL), MLC_E_PROTOCOL);
    mlc_put_u16(m + 12, MLC_MESSAGE_TEXT_MAX + 1);
    assert_int_equal(mlc_message_read(m, len, 1, &back, NULL), MLC_E_PROTOCOL);
    mlc_put_u16(m + 12, (uint16_t)len); /* a text that runs over the end */
    assert_int_equal(mlc_message_read(m, len, 1, &back, NULL), MLC_E_PROTOCOL);
    mlc_put_u16(m + 12, 21);
    m[MLC_MESSAGE_HEAD_LEN] = 0; /* a NUL in a key */
    assert_int_equal(mlc_message_read(m, len, 1, &back, NULL), MLC_E_PROTOCOL);
    mlc_buf_free(&out);
    char *huge = calloc(1, MLC_MESSAGE_TEXT_MAX + 2);
    memset(huge, 'k', MLC_MESSAGE_TEXT_MAX + 1);
    message.key = text(huge);
    assert_int_equal(mlc_message_write(&out, &message, MLC_FRAME_MAX, NULL), MLC_E_LIMIT);
    assert_int_equal(out.len, 0);
    free(huge);
    mlc_buf_free(&out);
}

static void test_marks_differ(void **state)
{
    (void)state;
    uint8_t a[MLC_MARK_LEN], b[MLC_MARK_LEN];
    assert_int_equal(mlc_message_mark(1, 2, "k", 1, a, NULL), MLC_OK);
    assert_int_equal(mlc_message_mark(1, 3, "k", 1, b, NULL), MLC_OK);
    assert_memory_not_equal(a, b, MLC_MARK_LEN);
    assert_int_equal(mlc_message_mark(2, 2, "k", 1, b, NULL), MLC_OK);
    assert_memory_not_equal(a, b, MLC_MARK_LEN);
    assert_int_equal(mlc_message_mark(1, 2, "l", 1, b, NULL), MLC_OK);
    assert_memory_not_equal(a, b, MLC_MARK_LEN);
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(mlc_frame_name(MLC_FRAME_CLOSE), "CLOSE");
    assert_string_equal(mlc_frame_name(200), "?");
    assert_string_equal(mlc_close_name(MLC_CLOSE_INTERNAL), "internal");
    assert_string_equal(mlc_close_name(1000), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_document_shows_data_frame),
                                       cmocka_unit_test(test_document_shows_other_frames),
                                       cmocka_unit_test(test_document_shows_mark),
                                       cmocka_unit_test(test_frame_round_trip),
                                       cmocka_unit_test(test_cut_frames_are_refused),
                                       cmocka_unit_test(test_small_bodies_are_checked),
                                       cmocka_unit_test(test_notice_text_is_cut),
                                       cmocka_unit_test(test_message_in_chunks),
                                       cmocka_unit_test(test_bad_messages_are_refused),
                                       cmocka_unit_test(test_marks_differ),
                                       cmocka_unit_test(test_names)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
