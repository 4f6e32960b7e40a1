/* error.c - see error.h. Texts are formatted into a local first, so that an argument may point into
 * the very error that is being overwritten. */
#include "base/error.h"

#include "base/buf.h"

#include <stdio.h>
#include <string.h>

static const char *const CODE_NAMES[] = {
    [MLC_OK] = "ok",
    [MLC_E_NOMEM] = "nomem",
    [MLC_E_INVALID] = "invalid",
    [MLC_E_LIMIT] = "limit",
    [MLC_E_IO] = "io",
    [MLC_E_FULL] = "full",
    [MLC_E_LOCKED] = "locked",
    [MLC_E_CORRUPT] = "corrupt",
    [MLC_E_NOTFOUND] = "notfound",
    [MLC_E_EXISTS] = "exists",
    [MLC_E_CONFLICT] = "conflict",
    [MLC_E_TIMEOUT] = "timeout",
    [MLC_E_UNREACHABLE] = "unreachable",
    [MLC_E_UNCERTAIN] = "uncertain",
    [MLC_E_TLS] = "tls",
    [MLC_E_AUTH] = "auth",
    [MLC_E_DENIED] = "denied",
    [MLC_E_PROTOCOL] = "protocol",
    [MLC_E_REJECTED] = "rejected",
    [MLC_E_THROTTLED] = "throttled",
    [MLC_E_UNAVAILABLE] = "unavailable",
    [MLC_E_CLOSED] = "closed",
    [MLC_E_UNSUPPORTED] = "unsupported",
    [MLC_E_INTERNAL] = "internal",
};

const char *mlc_code_name(mlc_code code)
{
    size_t index = (size_t)code;
    if (index >= sizeof CODE_NAMES / sizeof CODE_NAMES[0])
        return "unknown";
    return CODE_NAMES[index];
}

bool mlc_code_named(const char *name, mlc_code *out)
{
    for (int code = MLC_OK; code <= MLC_E_INTERNAL; code++) {
        if (strcmp(mlc_code_name((mlc_code)code), name) != 0)
            continue;
        *out = (mlc_code)code;
        return true;
    }
    return false;
}

void mlc_error_clear(mlc_error *err)
{
    if (err == NULL)
        return;
    err->code = MLC_OK;
    err->message[0] = '\0';
    err->cause[0] = '\0';
}

/* One byte more than fits, so that mlc_strlcpy sees a cut text and ends it between characters. */
typedef char message_text[MLC_ERROR_MESSAGE_MAX + 1];

static void format_message(message_text text, const char *fmt, va_list args) MLC_PRINTF(2, 0);
static void format_message(message_text text, const char *fmt, va_list args)
{
    if (vsnprintf(text, sizeof(message_text), fmt, args) < 0)
        mlc_strlcpy(text, "message could not be formatted", sizeof(message_text));
    /* A limited "%.40s" may have cut a character. */
    (void)mlc_utf8_mend(text);
}

mlc_code(mlc_fail)(mlc_error *err, mlc_code code, const char *fmt, ...)
{
    if (err == NULL)
        return code;
    message_text text;
    va_list args;
    va_start(args, fmt);
    format_message(text, fmt, args);
    va_end(args);
    err->code = code;
    mlc_strlcpy(err->message, text, sizeof err->message);
    err->cause[0] = '\0';
    return code;
}

/* "message: cause" of what err holds, into err->cause. */
static void demote_to_cause(mlc_error *err)
{
    char cause[MLC_ERROR_MESSAGE_MAX + MLC_ERROR_CAUSE_MAX + 2];
    const char *separator = err->message[0] != '\0' && err->cause[0] != '\0' ? ": " : "";
    (void)snprintf(cause, sizeof cause, "%s%s%s", err->message, separator, err->cause);
    mlc_strlcpy(err->cause, cause, sizeof err->cause);
}

mlc_code(mlc_wrap)(mlc_error *err, mlc_code code, const char *fmt, ...)
{
    if (err == NULL)
        return code;
    message_text text;
    va_list args;
    va_start(args, fmt);
    format_message(text, fmt, args);
    va_end(args);
    demote_to_cause(err);
    err->code = code;
    mlc_strlcpy(err->message, text, sizeof err->message);
    return code;
}

const char *mlc_error_text(const mlc_error *err, char *out, unsigned long size)
{
    if (size == 0)
        return out;
    if (err == NULL) {
        out[0] = '\0';
        return out;
    }
    char text[MLC_ERROR_MESSAGE_MAX + MLC_ERROR_CAUSE_MAX + 4];
    if (err->cause[0] != '\0')
        (void)snprintf(text, sizeof text, "%s (%s)", err->message, err->cause);
    else
        mlc_strlcpy(text, err->message, sizeof text);
    mlc_strlcpy(out, text, size);
    return out;
}

bool mlc_code_is_transient(mlc_code code)
{
    switch (code) {
    case MLC_E_NOMEM:
    case MLC_E_IO:
    case MLC_E_FULL:
    case MLC_E_LOCKED:
    case MLC_E_TIMEOUT:
    case MLC_E_UNREACHABLE:
    case MLC_E_UNCERTAIN:
    case MLC_E_TLS:
    case MLC_E_AUTH:
    case MLC_E_DENIED:
    case MLC_E_THROTTLED:
    case MLC_E_UNAVAILABLE:
    case MLC_E_CLOSED:
        return true;
    default:
        return false;
    }
}

bool mlc_code_is_uncertain(mlc_code code)
{
    return code == MLC_E_UNCERTAIN;
}
