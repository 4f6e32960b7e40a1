/* odata_batch_parse.c - see odata_batch_parse.h. */
#include "relay/odata_batch_parse.h"

#include <string.h>
#include <strings.h>

enum { BOUNDARY_MAX = 70 };

static const char multipart[] = "multipart/mixed";
static const char part_type[] = "application/http";

/* Bytes from `at` up to `end`. */
typedef struct span {
    const char *at, *end;
} span;

static size_t span_len(span s)
{
    return (size_t)(s.end - s.at);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static span trim(span s)
{
    while (s.at < s.end && is_blank(*s.at))
        s.at++;
    while (s.end > s.at && is_blank(s.end[-1]))
        s.end--;
    return s;
}

static bool starts_with(span s, const char *text)
{
    const size_t len = strlen(text);
    return span_len(s) >= len && strncasecmp(s.at, text, len) == 0;
}

/* Takes the next line off `from`, without its end. */
static span take_line(span *from)
{
    span line = *from;
    const char *const feed = memchr(from->at, '\n', span_len(*from));
    line.end = feed != NULL ? feed : from->end;
    from->at = feed != NULL ? feed + 1 : from->end;
    if (line.end > line.at && line.end[-1] == '\r')
        line.end--;
    return line;
}

/* ---- boundary ---- */

/* "a type, whatever its parameters" */
static bool has_type(span value, const char *type)
{
    const size_t len = strlen(type);
    return starts_with(value, type) &&
           (span_len(value) == len || value.at[len] == ';' || is_blank(value.at[len]));
}

bool mlc_batch_is_multipart(const char *content_type)
{
    if (content_type == NULL)
        return false;
    const span value = {content_type, content_type + strlen(content_type)};
    return has_type(trim(value), multipart);
}

static bool take_boundary(const char *content_type, char out[BOUNDARY_MAX + 1])
{
    const char *const found = strcasestr(content_type, "boundary=");
    if (found == NULL)
        return false;
    const char *from = found + strlen("boundary=");
    const bool quoted = *from == '"';
    if (quoted)
        from++;
    const size_t len = strcspn(from, quoted ? "\"" : "; \t\r\n");
    if (len == 0 || len > BOUNDARY_MAX || (quoted && from[len] != '"'))
        return false;
    memcpy(out, from, len);
    out[len] = '\0';
    return true;
}

typedef enum line_kind { LINE_TEXT, LINE_DELIMITER, LINE_END } line_kind;

static line_kind kind_of(span line, const char *boundary, size_t len)
{
    if (span_len(line) < len + 2 || memcmp(line.at, "--", 2) != 0 || memcmp(line.at + 2, boundary, len) != 0)
        return LINE_TEXT;
    line.at += len + 2;
    const span rest = trim(line);
    if (span_len(rest) == 0)
        return LINE_DELIMITER;
    return span_len(rest) == 2 && memcmp(rest.at, "--", 2) == 0 ? LINE_END : LINE_TEXT;
}

/* ---- one part ---- */

/* The value of "name: value" lines of one name. */
static bool header_is(span line, const char *name, span *value)
{
    const size_t len = strlen(name);
    if (!starts_with(line, name) || span_len(line) <= len || line.at[len] != ':')
        return false;
    *value = trim((span){line.at + len + 1, line.end});
    return true;
}

static void keep(span value, char *out, size_t size)
{
    const size_t len = span_len(value);
    out[0] = '\0';
    if (len >= size || memchr(value.at, '\0', len) != NULL)
        return;
    memcpy(out, value.at, len);
    out[len] = '\0';
}

/* "HTTP/1.1 204 No Content" */
static bool take_status(span line, int *status)
{
    if (!starts_with(line, "HTTP/1.") || span_len(line) < 12 || line.at[8] != ' ')
        return false;
    const char *const digits = line.at + 9;
    int value = 0;
    for (int i = 0; i < 3; i++) {
        if (digits[i] < '0' || digits[i] > '9')
            return false;
        value = value * 10 + (digits[i] - '0');
    }
    if (value < 100 || value > 599 || (span_len(line) > 12 && line.at[12] != ' '))
        return false;
    *status = value;
    return true;
}

static bool take_part(span text, mlc_batch_part *part)
{
    bool typed = false;
    span line;
    span value;
    *part = (mlc_batch_part){0};
    while (text.at < text.end && span_len(line = take_line(&text)) > 0)
        if (header_is(line, "Content-Type", &value))
            typed = has_type(value, part_type);
    if (!typed || !take_status(take_line(&text), &part->status))
        return false;
    while (text.at < text.end && span_len(line = take_line(&text)) > 0) {
        if (header_is(line, "OData-EntityId", &value))
            keep(value, part->entity_id, sizeof part->entity_id);
        else if (header_is(line, "Retry-After", &value))
            keep(value, part->retry_after, sizeof part->retry_after);
    }
    part->body = text.at;
    part->body_len = span_len(text);
    return true;
}

/* ---- all ---- */

/* The line end before a delimiter belongs to the delimiter. */
static span without_end_of_line(span text)
{
    if (text.end > text.at && text.end[-1] == '\n')
        text.end--;
    if (text.end > text.at && text.end[-1] == '\r')
        text.end--;
    return text;
}

static mlc_code refuse(size_t *count, const char *why, mlc_error *err)
{
    *count = 0;
    return mlc_fail(err, MLC_E_PROTOCOL, "batch answer: %s", why);
}

mlc_code mlc_batch_parse(const char *content_type, const char *data, size_t len, mlc_batch_part *parts,
                         size_t max, size_t *count, mlc_error *err)
{
    char boundary[BOUNDARY_MAX + 1];
    *count = 0;
    if (!mlc_batch_is_multipart(content_type) || !take_boundary(content_type, boundary))
        return refuse(count, "its type is not multipart/mixed with a boundary", err);
    const size_t boundary_len = strlen(boundary);
    span left = {data, data + len};
    const char *part_at = NULL; /* NULL: in the preamble */
    while (left.at < left.end) {
        const char *const line_at = left.at;
        const span line = take_line(&left);
        const line_kind kind = kind_of(line, boundary, boundary_len);
        if (kind == LINE_TEXT)
            continue;
        if (part_at != NULL) {
            if (*count == max)
                return refuse(count, "more parts than operations", err);
            if (!take_part(without_end_of_line((span){part_at, line_at}), &parts[*count]))
                return refuse(count, "a part is not a HTTP answer", err);
            (*count)++;
        }
        if (kind == LINE_END)
            return MLC_OK;
        part_at = left.at;
    }
    return refuse(count, "it ends in the middle", err);
}
