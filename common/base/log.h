/* log.h - JSON-lines logger.
 *
 * One line per event: {"ts":"2026-11-23T21:00:00.123Z","level":"info","part":"poller","msg":"...",
 * key:value...}. A logger is a context passed in; there is no global. Values of fields whose name
 * says secret (password, secret, token, authorization, key material, cookie) are replaced by "***"
 * whatever the caller gave, and every string registered with mlc_log_add_secret is replaced wherever
 * it occurs in a line.
 *
 * Thread rule: mlc_log_* may be called from any thread; open, close and add_secret synchronise
 * with them by an internal lock. A NULL logger swallows everything.
 */
#ifndef MLC_BASE_LOG_H
#define MLC_BASE_LOG_H

#include "base/error.h"

#include <stdint.h>

typedef enum mlc_log_level { MLC_LOG_DEBUG, MLC_LOG_INFO, MLC_LOG_WARN, MLC_LOG_ERROR } mlc_log_level;
/* By level; NULL ends them. */
extern const char *const mlc_log_level_names[];

typedef struct mlc_log mlc_log;

/* One key/value of a line. Make with the macros below. */
typedef struct mlc_log_field {
    const char *key;
    enum { MLC_LOG_F_END, MLC_LOG_F_STR, MLC_LOG_F_INT, MLC_LOG_F_BOOL } type;
    const char *str;
    int64_t num;
} mlc_log_field;

#define MLC_S(k, v) ((mlc_log_field){.key = (k), .type = MLC_LOG_F_STR, .str = (v)})
#define MLC_I(k, v) ((mlc_log_field){.key = (k), .type = MLC_LOG_F_INT, .num = (int64_t)(v)})
#define MLC_B(k, v) ((mlc_log_field){.key = (k), .type = MLC_LOG_F_BOOL, .num = (v) ? 1 : 0})

/* Open a logger writing to `path` (append, mode 0640) or to stderr when path is NULL or "-".
 * The caller closes it with mlc_log_close. Errors: MLC_E_IO, MLC_E_NOMEM. */
mlc_code mlc_log_open(mlc_log **out, const char *path, mlc_log_level level, mlc_error *err);
void mlc_log_close(mlc_log *log);

/* Parse "debug" | "info" | "warn" | "error". MLC_E_INVALID otherwise. */
mlc_code mlc_log_level_parse(const char *text, mlc_log_level *out, mlc_error *err);
void mlc_log_set_level(mlc_log *log, mlc_log_level level);

/* Remember a secret (copied; shorter than 6 characters are ignored) that must never appear in a line. */
mlc_code mlc_log_add_secret(mlc_log *log, const char *secret, mlc_error *err);

/* Write one line. `part` names the module. `fields` ends with an element of type MLC_LOG_F_END. */
void mlc_log_write(mlc_log *log, mlc_log_level level, const char *part, const char *msg,
                   const mlc_log_field *fields);

/* mlc_log_info(log, "poller", "page read", MLC_S("table", t), MLC_I("rows", n)); fields are optional. */
#define mlc_log_at(log, level, part, ...) mlc_log_at_(log, level, part, __VA_ARGS__, MLC_LOG_END)
#define MLC_LOG_END                       ((mlc_log_field){.type = MLC_LOG_F_END})
#define mlc_log_at_(log, level, part, msg, ...)                                                              \
    mlc_log_write((log), (level), (part), (msg), (const mlc_log_field[]){__VA_ARGS__})
#define mlc_log_debug(log, part, ...) mlc_log_at(log, MLC_LOG_DEBUG, part, __VA_ARGS__)
#define mlc_log_info(log, part, ...)  mlc_log_at(log, MLC_LOG_INFO, part, __VA_ARGS__)
#define mlc_log_warn(log, part, ...)  mlc_log_at(log, MLC_LOG_WARN, part, __VA_ARGS__)
#define mlc_log_error(log, part, ...) mlc_log_at(log, MLC_LOG_ERROR, part, __VA_ARGS__)

#endif
