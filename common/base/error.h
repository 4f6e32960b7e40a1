/* error.h - the one error type of the project.
 *
 * A function that can fail returns an mlc_code and takes an mlc_error* as its last parameter.
 * MLC_OK is 0. On failure the code is returned AND stored, with a message for a person and, where
 * a lower layer failed first, that layer's message as the cause. `err` may be NULL everywhere:
 * then only the code is reported. An mlc_error is a plain value: no allocation, nothing to free,
 * copy it by assignment. Messages never contain secrets (see log.h for redaction of values).
 *
 * Thread rule: an mlc_error belongs to one thread at a time.
 */
#ifndef MLC_BASE_ERROR_H
#define MLC_BASE_ERROR_H

#include <stdarg.h>
#include <stdbool.h>

#if defined(__GNUC__)
#ifdef __MINGW_PRINTF_FORMAT
/* C99's own, not that of Microsoft's library. */
#define MLC_PRINTF(fmt_index, args_index)                                                                    \
    __attribute__((format(__MINGW_PRINTF_FORMAT, fmt_index, args_index)))
#else
#define MLC_PRINTF(fmt_index, args_index) __attribute__((format(printf, fmt_index, args_index)))
#endif
#define MLC_NODISCARD __attribute__((warn_unused_result))
#else
#define MLC_PRINTF(fmt_index, args_index)
#define MLC_NODISCARD
#endif

/* The numbers are stored in outboxes: new codes go to the end. */
typedef enum mlc_code {
    MLC_OK = 0,
    MLC_E_NOMEM,       /* memory could not be had */
    MLC_E_INVALID,     /* input or argument is malformed: name field, reason, remedy in the text */
    MLC_E_LIMIT,       /* a configured or protocol limit was passed (size, depth, rate) */
    MLC_E_IO,          /* the operating system refused an operation on a file or socket */
    MLC_E_FULL,        /* an outbox or the disk is full: slow the source, nothing was stored */
    MLC_E_LOCKED,      /* another process owns the store */
    MLC_E_CORRUPT,     /* stored data contradicts itself */
    MLC_E_NOTFOUND,    /* the thing asked for does not exist */
    MLC_E_EXISTS,      /* the thing to be made exists already */
    MLC_E_CONFLICT,    /* a precondition failed (wrong state, HTTP 412) */
    MLC_E_TIMEOUT,     /* a deadline passed and it is certain that nothing was sent */
    MLC_E_UNREACHABLE, /* DNS, connect, TLS handshake or proxy failed: certainly not sent */
    MLC_E_UNCERTAIN,   /* sent, but the outcome is unknown (timeout or hang-up after sending) */
    MLC_E_TLS,         /* a certificate was not accepted: certainly not sent */
    MLC_E_AUTH,        /* credentials or session token not accepted */
    MLC_E_DENIED,      /* authenticated, but not allowed */
    MLC_E_PROTOCOL,    /* the peer broke the protocol */
    MLC_E_REJECTED,    /* the receiver understood and refuses for good: park, do not retry */
    MLC_E_THROTTLED,   /* HTTP 429 or like: try again after the given time */
    MLC_E_UNAVAILABLE, /* HTTP 5xx or like: the peer failed, try again later */
    MLC_E_CLOSED,      /* shut down while waiting */
    MLC_E_UNSUPPORTED, /* not offered on this platform or by this peer */
    MLC_E_INTERNAL     /* a broken invariant of our own: a bug */
} mlc_code;

enum { MLC_ERROR_MESSAGE_MAX = 512, MLC_ERROR_CAUSE_MAX = 384 };

typedef struct mlc_error {
    mlc_code code;
    char message[MLC_ERROR_MESSAGE_MAX];
    char cause[MLC_ERROR_CAUSE_MAX]; /* "" when there is none */
} mlc_error;

/* Short stable name of a code, such as "unreachable". Never NULL. */
const char *mlc_code_name(mlc_code code);

/* The code of that name; false when there is none. */
bool mlc_code_named(const char *name, mlc_code *out);

/* Reset to MLC_OK with empty texts. */
void mlc_error_clear(mlc_error *err);

/* Store code and message (cause emptied); returns `code`, so that `return mlc_fail(err, ...)` reads well. */
mlc_code mlc_fail(mlc_error *err, mlc_code code, const char *fmt, ...) MLC_PRINTF(3, 4);

/* Like mlc_fail, but what err held before (message and cause) becomes the cause. */
mlc_code mlc_wrap(mlc_error *err, mlc_code code, const char *fmt, ...) MLC_PRINTF(3, 4);

#ifdef __clang_analyzer__
/* The static analyser sees one file at a time: tell it that the code given is the code returned. */
#define mlc_fail(err, code, ...) (mlc_fail((err), (code), __VA_ARGS__), (code))
#define mlc_wrap(err, code, ...) (mlc_wrap((err), (code), __VA_ARGS__), (code))
#endif

/* "message (cause)" into `out`, always terminated. Returns `out`. */
const char *mlc_error_text(const mlc_error *err, char *out, unsigned long size);

/* True for codes after which the same request may succeed later without a change to the record. */
bool mlc_code_is_transient(mlc_code code);

/* True when the request may have had its effect although no success was seen. */
bool mlc_code_is_uncertain(mlc_code code);

#endif
