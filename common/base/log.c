/* log.c - the JSON-lines logger of log.h.
 *
 * A line is built as a whole and written by one write(2) to a descriptor opened with O_APPEND, so
 * lines of several threads and processes do not mix. Each text is redacted before it is escaped and
 * cut: a secret with a quote in it is found as it is, and a cut never leaves the half of a secret.
 * Whatever bytes come in, the line is valid JSON.
 */
#include "base/log.h"

#include "base/buf.h"
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SECRET_LEN_MIN = 6, TEXT_MAX = 8192 };

static const char REDACTED[] = "***";

typedef struct secret {
    char *text;
    size_t len;
} secret;

struct mlc_log {
    pthread_mutex_t lock; /* guards secrets, torn and the order of lines */
    atomic_int level;
    int fd;
    bool torn; /* the last write ended inside a line */
    secret *secrets;
    size_t secret_count;
};

mlc_code mlc_log_open(mlc_log **out, const char *path, mlc_log_level level, mlc_error *err)
{
    *out = NULL;
    mlc_log *log = calloc(1, sizeof *log);
    if (log == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "out of memory for a logger");
    log->fd = STDERR_FILENO;
    if (path != NULL && strcmp(path, "-") != 0)
        log->fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
    if (log->fd < 0) {
        int reason = errno;
        free(log);
        return mlc_fail(err, MLC_E_IO, "log file %s cannot be opened: %s", path, strerrordesc_np(reason));
    }
    int reason = pthread_mutex_init(&log->lock, NULL);
    if (reason != 0) {
        if (log->fd != STDERR_FILENO)
            (void)close(log->fd);
        free(log);
        return mlc_fail(err, MLC_E_NOMEM, "logger lock cannot be made: %s", strerrordesc_np(reason));
    }
    atomic_init(&log->level, (int)level);
    *out = log;
    return MLC_OK;
}

void mlc_log_close(mlc_log *log)
{
    if (log == NULL)
        return;
    (void)pthread_mutex_lock(&log->lock);
    for (size_t i = 0; i < log->secret_count; i++) {
        mlc_wipe(log->secrets[i].text, log->secrets[i].len);
        free(log->secrets[i].text);
    }
    free(log->secrets);
    if (log->fd != STDERR_FILENO)
        (void)close(log->fd);
    (void)pthread_mutex_unlock(&log->lock);
    (void)pthread_mutex_destroy(&log->lock);
    free(log);
}

const char *const mlc_log_level_names[] = {[MLC_LOG_DEBUG] = "debug",
                                           [MLC_LOG_INFO] = "info",
                                           [MLC_LOG_WARN] = "warn",
                                           [MLC_LOG_ERROR] = "error",
                                           NULL};

enum { LEVEL_COUNT = sizeof mlc_log_level_names / sizeof mlc_log_level_names[0] - 1 };

static const char *level_name(mlc_log_level level)
{
    size_t index = (size_t)level;
    return index < LEVEL_COUNT ? mlc_log_level_names[index] : "error";
}

mlc_code mlc_log_level_parse(const char *text, mlc_log_level *out, mlc_error *err)
{
    for (size_t i = 0; text != NULL && i < LEVEL_COUNT; i++) {
        if (strcmp(text, mlc_log_level_names[i]) == 0) {
            *out = (mlc_log_level)i;
            return MLC_OK;
        }
    }
    return mlc_fail(err, MLC_E_INVALID, "log level is not one of debug, info, warn, error");
}

void mlc_log_set_level(mlc_log *log, mlc_log_level level)
{
    if (log != NULL)
        atomic_store(&log->level, (int)level);
}

/* The text with JSON escapes, as between quotes; bytes that are not UTF-8 become U+FFFD. Cut at TEXT_MAX. */
static mlc_code put_escaped(mlc_buf *out, const char *text, size_t len)
{
    static const char SHORT[] = "\"\\\b\f\n\r\t", LETTER[] = "\"\\bfnrt";
    size_t end = out->len + TEXT_MAX;
    mlc_code code = MLC_OK;
    for (size_t at = 0; at < len && code == MLC_OK;) {
        if (out->len >= end)
            return mlc_buf_puts(out, "\xE2\x80\xA6", NULL);
        uint8_t c = (uint8_t)text[at];
        const char *found = c == 0 ? NULL : strchr(SHORT, c);
        size_t run = 1;
        if (found != NULL) {
            code = mlc_buf_printf(out, NULL, "\\%c", LETTER[found - SHORT]);
        } else if (c < 0x20 || c == 0x7F) {
            code = mlc_buf_printf(out, NULL, "\\u%04x", c);
        } else {
            run = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : c >= 0x80 ? 2 : 1;
            if (run <= len - at && mlc_utf8_valid(text + at, run)) {
                code = mlc_buf_append(out, text + at, run, NULL);
            } else {
                run = 1;
                code = mlc_buf_puts(out, "\xEF\xBF\xBD", NULL);
            }
        }
        at += run;
    }
    return code;
}

static mlc_code remember(mlc_log *log, const char *text, size_t len, mlc_error *err)
{
    for (size_t i = 0; i < log->secret_count; i++)
        if (log->secrets[i].len == len && memcmp(log->secrets[i].text, text, len) == 0)
            return MLC_OK;
    secret *grown = realloc(log->secrets, (log->secret_count + 1) * sizeof *grown);
    if (grown == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "out of memory for log redaction");
    log->secrets = grown;
    char *copy = mlc_strndup(text, len);
    if (copy == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "out of memory for log redaction");
    log->secrets[log->secret_count++] = (secret){.text = copy, .len = len};
    return MLC_OK;
}

/* Besides the secret itself, its forms inside a quoted JSON body and inside a URL or form are kept. */
mlc_code mlc_log_add_secret(mlc_log *log, const char *secret_text, mlc_error *err)
{
    size_t len = log == NULL || secret_text == NULL ? 0 : strlen(secret_text);
    if (len < SECRET_LEN_MIN)
        return MLC_OK;
    mlc_buf escaped = {0}, encoded = {0};
    mlc_code code = put_escaped(&escaped, secret_text, len);
    if (code == MLC_OK)
        code = mlc_url_encode(&encoded, secret_text, NULL);
    if (code != MLC_OK) {
        code = mlc_fail(err, code, "out of memory for log redaction");
        goto done;
    }
    (void)pthread_mutex_lock(&log->lock);
    code = remember(log, secret_text, len, err);
    if (code == MLC_OK)
        code = remember(log, mlc_buf_text(&escaped), escaped.len, err);
    if (code == MLC_OK)
        code = remember(log, mlc_buf_text(&encoded), encoded.len, err);
    (void)pthread_mutex_unlock(&log->lock);
done:
    mlc_buf_wipe(&escaped);
    mlc_buf_wipe(&encoded);
    return code;
}

/* Length of the longest secret that starts at text, 0 for none. */
static size_t secret_at(const mlc_log *log, const char *text, size_t left)
{
    size_t longest = 0;
    for (size_t i = 0; i < log->secret_count; i++) {
        const secret *s = &log->secrets[i];
        if (s->len > longest && s->len <= left && s->text[0] == text[0] && memcmp(s->text, text, s->len) == 0)
            longest = s->len;
    }
    return longest;
}

/* Copy the text with "***" for each secret; secrets that overlap are covered as one. */
static mlc_code redact(const mlc_log *log, const char *text, mlc_buf *out)
{
    size_t len = strlen(text), covered = 0;
    mlc_code code = MLC_OK;
    for (size_t at = 0; at < len && code == MLC_OK; at++) {
        size_t match = secret_at(log, text + at, len - at);
        if (match > 0) {
            if (at >= covered)
                code = mlc_buf_puts(out, REDACTED, NULL);
            if (at + match > covered)
                covered = at + match;
        } else if (at >= covered) {
            code = mlc_buf_append(out, text + at, 1, NULL);
        }
    }
    return code;
}

static mlc_code put_string(const mlc_log *log, mlc_buf *line, const char *text)
{
    mlc_buf clean = {0};
    const char *shown = text;
    mlc_code code = MLC_OK;
    if (log->secret_count > 0) {
        code = redact(log, text, &clean);
        shown = mlc_buf_text(&clean);
    }
    if (code == MLC_OK)
        code = mlc_buf_puts(line, "\"", NULL);
    if (code == MLC_OK)
        code = put_escaped(line, shown, strlen(shown));
    if (code == MLC_OK)
        code = mlc_buf_puts(line, "\"", NULL);
    mlc_buf_free(&clean);
    return code;
}

/* "api_key", "API-Key" and "ApiKey" are the same name. */
static bool is_secret_name(const char *key)
{
    static const char *const WORDS[] = {"password", "passwd", "secret",     "token",   "authorization",
                                        "cookie",   "apikey", "privatekey", "agentkey"};
    char plain[128];
    size_t len = 0;
    for (const char *p = key; *p != '\0'; p++) {
        if (*p == '_' || *p == '-')
            continue;
        /* Nothing can be said of a name this long. */
        if (len == sizeof plain - 1)
            return true;
        plain[len++] = (char)(*p >= 'A' && *p <= 'Z' ? *p - 'A' + 'a' : *p);
    }
    plain[len] = '\0';
    for (size_t i = 0; i < sizeof WORDS / sizeof WORDS[0]; i++)
        if (strstr(plain, WORDS[i]) != NULL)
            return true;
    return false;
}

static mlc_code put_int(const mlc_log *log, mlc_buf *line, int64_t value)
{
    char digits[24];
    (void)snprintf(digits, sizeof digits, "%" PRId64, value);
    for (size_t at = 0; digits[at] != '\0'; at++)
        if (secret_at(log, digits + at, strlen(digits + at)) > 0)
            return mlc_buf_printf(line, NULL, "\"%s\"", REDACTED);
    return mlc_buf_puts(line, digits, NULL);
}

static mlc_code put_value(const mlc_log *log, mlc_buf *line, const mlc_log_field *field)
{
    if (is_secret_name(field->key))
        return mlc_buf_printf(line, NULL, "\"%s\"", REDACTED);
    if (field->type == MLC_LOG_F_INT)
        return put_int(log, line, field->num);
    if (field->type == MLC_LOG_F_BOOL)
        return mlc_buf_puts(line, field->num != 0 ? "true" : "false", NULL);
    if (field->str == NULL)
        return mlc_buf_puts(line, "null", NULL);
    return put_string(log, line, field->str);
}

static mlc_code put_line(const mlc_log *log, mlc_buf *line, mlc_log_level level, const char *part,
                         const char *msg, const mlc_log_field *fields)
{
    char now[MLC_ISO_TEXT_MAX];
    mlc_code code =
        mlc_buf_printf(line, NULL, "%s{\"ts\":\"%s\",\"level\":\"%s\",\"part\":", log->torn ? "\n" : "",
                       mlc_iso_text(mlc_wall_ms(), now), level_name(level));
    if (code == MLC_OK)
        code = put_string(log, line, part == NULL ? "" : part);
    if (code == MLC_OK)
        code = mlc_buf_puts(line, ",\"msg\":", NULL);
    if (code == MLC_OK)
        code = put_string(log, line, msg == NULL ? "" : msg);
    for (const mlc_log_field *f = fields; f != NULL && f->type != MLC_LOG_F_END && code == MLC_OK; f++) {
        if (f->key == NULL)
            continue;
        code = mlc_buf_puts(line, ",", NULL);
        if (code == MLC_OK)
            code = put_string(log, line, f->key);
        if (code == MLC_OK)
            code = mlc_buf_puts(line, ":", NULL);
        if (code == MLC_OK)
            code = put_value(log, line, f);
    }
    return code == MLC_OK ? mlc_buf_puts(line, "}\n", NULL) : code;
}

/* A line that cannot be written is lost: a logger has nobody to tell. */
static void write_line(mlc_log *log, const mlc_buf *line)
{
    ssize_t written = 0;
    do {
        written = write(log->fd, line->data, (unsigned)line->len);
    } while (written < 0 && errno == EINTR);
    if (written > 0)
        log->torn = (size_t)written < line->len;
}

void mlc_log_write(mlc_log *log, mlc_log_level level, const char *part, const char *msg,
                   const mlc_log_field *fields)
{
    if (log == NULL || (int)level < atomic_load(&log->level))
        return;
    mlc_buf line = {0};
    (void)pthread_mutex_lock(&log->lock);
    if (put_line(log, &line, level, part, msg, fields) == MLC_OK)
        write_line(log, &line);
    (void)pthread_mutex_unlock(&log->lock);
    mlc_buf_free(&line);
}
