/* buf.h - a growing byte buffer with a ceiling, and a few string helpers.
 *
 * A buffer owns its memory; zero-initialise (`mlc_buf b = {0};`) or set `max` first, free with
 * mlc_buf_free. data is always followed by a NUL that is not counted in len, so text can be used
 * as a C string. A failed append leaves the buffer as it was. Thread rule: one thread at a time.
 */
#ifndef MLC_BASE_BUF_H
#define MLC_BASE_BUF_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

typedef struct mlc_buf {
    uint8_t *data;
    size_t len;
    size_t cap;
    size_t max; /* 0: no ceiling; otherwise MLC_E_LIMIT when len would pass it */
} mlc_buf;

mlc_code mlc_buf_append(mlc_buf *buf, const void *data, size_t len, mlc_error *err);
mlc_code mlc_buf_puts(mlc_buf *buf, const char *text, mlc_error *err);
mlc_code mlc_buf_printf(mlc_buf *buf, mlc_error *err, const char *fmt, ...) MLC_PRINTF(3, 4);
/* Drop the first n bytes (n <= len). */
void mlc_buf_consume(mlc_buf *buf, size_t n);
/* len = 0, memory kept. */
void mlc_buf_clear(mlc_buf *buf);
void mlc_buf_free(mlc_buf *buf);
/* Overwrite with zeros in a way the compiler keeps, then free: for secrets. */
void mlc_buf_wipe(mlc_buf *buf);
/* Text of the buffer, never NULL ("" when empty). Valid until the next change. */
const char *mlc_buf_text(const mlc_buf *buf);
/* Hand the memory (NUL-terminated) to the caller, who frees it with free(). NULL when out of memory. */
char *mlc_buf_take(mlc_buf *buf);

/* Copy with strdup semantics; NULL in gives NULL out. Caller frees. */
char *mlc_strdup(const char *text);
char *mlc_strndup(const char *text, size_t len);
/* snprintf into new memory; NULL when out of memory. Caller frees. */
char *mlc_asprintf(const char *fmt, ...) MLC_PRINTF(1, 2);
/* Copy src into dst[size], always terminated, cut on a UTF-8 character boundary. */
void mlc_strlcpy(char *dst, const char *src, size_t size);
/* Remove blanks on the right in place (JDE strings are blank-padded). Returns text. */
char *mlc_trim_right(char *text);
/* True when the bytes are well-formed UTF-8 without NUL. */
bool mlc_utf8_valid(const char *text, size_t len);
/* Length of the longest start of the bytes that is well-formed UTF-8 without NUL. */
size_t mlc_utf8_prefix(const char *text, size_t len);
/* Take out, in place, the bytes that are no well-formed UTF-8: what a format such as "%.40s" leaves of a character that it
 * cut. Returns text. */
char *mlc_utf8_mend(char *text);
/* Number of UTF-16 code units of a UTF-8 text: Dataverse counts MaxLength so. */
size_t mlc_utf16_len(const char *text);
/* Percent-encode everything but unreserved characters (RFC 3986), appended to `out`. */
mlc_code mlc_url_encode(mlc_buf *out, const char *text, mlc_error *err);
/* Zero memory in a way the compiler keeps. */
void mlc_wipe(void *data, size_t len);

/* Big-endian numbers in byte strings. */
void mlc_put_u16(uint8_t *p, uint16_t v);
void mlc_put_u32(uint8_t *p, uint32_t v);
void mlc_put_u64(uint8_t *p, uint64_t v);
uint16_t mlc_get_u16(const uint8_t *p);
uint32_t mlc_get_u32(const uint8_t *p);
uint64_t mlc_get_u64(const uint8_t *p);

#endif
