/* json_parse.c - the strict JSON reader of json.h (RFC 8259).
 *
 * A recursive-descent parser that builds cJSON nodes. Recursion is bounded by the nesting limit. The
 * bytes are checked to be UTF-8 as a whole first, so the parser itself only watches syntax. Messages
 * name the place, never the content: it may be a secret.
 */
#include "base/json.h"

#include <string.h>

typedef struct parser {
    const char *text;
    size_t len;
    size_t at;
    unsigned depth;
    unsigned max_depth;
    mlc_error *err;
} parser;

static mlc_code parse_value(parser *p, cJSON **out);

static mlc_code fail_at(const parser *p, mlc_code code, size_t at, const char *reason)
{
    size_t line = 1, column = 1;
    for (size_t i = 0; i < at; i++) {
        if (p->text[i] == '\n') {
            line++;
            column = 1;
        } else if (((uint8_t)p->text[i] & 0xC0U) != 0x80U) {
            column++;
        }
    }
    return mlc_fail(p->err, code, "JSON line %zu, column %zu: %s", line, column, reason);
}

static mlc_code fail(const parser *p, const char *reason)
{
    return fail_at(p, MLC_E_INVALID, p->at, p->at < p->len ? reason : "unexpected end");
}

static mlc_code no_memory(const parser *p)
{
    return mlc_fail(p->err, MLC_E_NOMEM, "out of memory for a JSON tree");
}

/* The byte at the current place; 0 at the end, which no valid text contains. */
static char peek(const parser *p)
{
    if (p->at >= p->len)
        return '\0';
    return p->text[p->at];
}

static bool take(parser *p, char c)
{
    if (peek(p) != c)
        return false;
    p->at++;
    return true;
}

static void skip_space(parser *p)
{
    while (peek(p) == ' ' || peek(p) == '\t' || peek(p) == '\r' || peek(p) == '\n')
        p->at++;
}

/* A node that owns `text`, which is freed on failure. */
static cJSON *node_with_text(int type, char *text)
{
    cJSON *node = text == NULL ? NULL : cJSON_CreateNull();
    if (node == NULL) {
        cJSON_free(text);
        return NULL;
    }
    node->type = type;
    node->valuestring = text;
    return node;
}

static mlc_code parse_hex4(parser *p, unsigned *out)
{
    unsigned value = 0;
    for (int i = 0; i < 4; i++) {
        char c = peek(p);
        unsigned digit = 0;
        if (c >= '0' && c <= '9')
            digit = (unsigned)(c - '0');
        else if (c >= 'a' && c <= 'f')
            digit = (unsigned)(c - 'a') + 10;
        else if (c >= 'A' && c <= 'F')
            digit = (unsigned)(c - 'A') + 10;
        else
            return fail(p, "expected four hexadecimal digits after \\u");
        value = value << 4 | digit;
        p->at++;
    }
    *out = value;
    return MLC_OK;
}

static char *put_utf8(char *to, unsigned point)
{
    if (point < 0x80) {
        *to++ = (char)point;
        return to;
    }
    if (point < 0x800) {
        *to++ = (char)(0xC0U | point >> 6);
    } else {
        if (point < 0x10000) {
            *to++ = (char)(0xE0U | point >> 12);
        } else {
            *to++ = (char)(0xF0U | point >> 18);
            *to++ = (char)(0x80U | (point >> 12 & 0x3FU));
        }
        *to++ = (char)(0x80U | (point >> 6 & 0x3FU));
    }
    *to++ = (char)(0x80U | (point & 0x3FU));
    return to;
}

/* Behind "\u": one code unit, or a surrogate pair written as two escapes. */
static mlc_code parse_unicode_escape(parser *p, char **to)
{
    size_t start = p->at;
    unsigned point = 0, low = 0;
    mlc_code code = parse_hex4(p, &point);
    if (code != MLC_OK)
        return code;
    if (point == 0)
        return fail_at(p, MLC_E_INVALID, start, "the character U+0000 is not supported");
    if (point >= 0xD800 && point <= 0xDFFF) {
        if (point >= 0xDC00 || !take(p, '\\') || !take(p, 'u'))
            return fail_at(p, MLC_E_INVALID, start, "half a surrogate pair");
        code = parse_hex4(p, &low);
        if (code != MLC_OK)
            return code;
        if (low < 0xDC00 || low > 0xDFFF)
            return fail_at(p, MLC_E_INVALID, start, "half a surrogate pair");
        point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
    }
    *to = put_utf8(*to, point);
    return MLC_OK;
}

static mlc_code parse_escape(parser *p, char **to)
{
    static const char FROM[] = "\"\\/bfnrt", INTO[] = "\"\\/\b\f\n\r\t";
    char c = peek(p);
    if (c == 'u') {
        p->at++;
        return parse_unicode_escape(p, to);
    }
    const char *found = c == '\0' ? NULL : strchr(FROM, c);
    if (found == NULL)
        return fail(p, "unknown escape");
    *(*to)++ = INTO[found - FROM];
    p->at++;
    return MLC_OK;
}

/* Bytes up to the closing quote, escapes as written: never shorter than the decoded text. */
static size_t written_len(const parser *p)
{
    size_t end = p->at;
    while (end < p->len && p->text[end] != '"')
        end += p->text[end] == '\\' ? 2 : 1;
    return (end < p->len ? end : p->len) - p->at;
}

/* At the opening quote. *out is owned by the caller (cJSON_free). */
static mlc_code parse_text(parser *p, char **out)
{
    if (!take(p, '"'))
        return fail(p, "expected a string");
    char *text = cJSON_malloc(written_len(p) + 1);
    if (text == NULL)
        return no_memory(p);

    char *to = text;
    mlc_code code = MLC_OK;
    while (code == MLC_OK && !take(p, '"')) {
        if (take(p, '\\')) {
            code = parse_escape(p, &to);
        } else if ((uint8_t)peek(p) < 0x20) {
            code = fail(p, "control character in a string");
        } else {
            *to++ = p->text[p->at++];
        }
    }
    if (code != MLC_OK) {
        cJSON_free(text);
        return code;
    }
    *to = '\0';
    *out = text;
    return MLC_OK;
}

static mlc_code parse_string(parser *p, cJSON **out)
{
    char *text = NULL;
    mlc_code code = parse_text(p, &text);
    if (code != MLC_OK)
        return code;
    *out = node_with_text(cJSON_String, text);
    return *out == NULL ? no_memory(p) : MLC_OK;
}

static bool take_digits(parser *p)
{
    size_t start = p->at;
    while (peek(p) >= '0' && peek(p) <= '9')
        p->at++;
    return p->at > start;
}

static mlc_code parse_number(parser *p, cJSON **out)
{
    size_t start = p->at;
    (void)take(p, '-');
    if (!take(p, '0') && !take_digits(p))
        return fail(p, "expected a value");
    if (take(p, '.') && !take_digits(p))
        return fail(p, "expected a digit after the decimal point");
    if (take(p, 'e') || take(p, 'E')) {
        if (!take(p, '+'))
            (void)take(p, '-');
        if (!take_digits(p))
            return fail(p, "expected a digit in the exponent");
    }
    size_t len = p->at - start;
    char *text = cJSON_malloc(len + 1);
    if (text != NULL) {
        memcpy(text, p->text + start, len);
        text[len] = '\0';
    }
    *out = node_with_text(cJSON_Raw, text);
    return *out == NULL ? no_memory(p) : MLC_OK;
}

static mlc_code parse_word(parser *p, const char *word, cJSON *(*create)(void), cJSON **out)
{
    size_t len = strlen(word);
    if (p->len - p->at < len || memcmp(p->text + p->at, word, len) != 0)
        return fail(p, "expected a value");
    p->at += len;
    *out = create();
    return *out == NULL ? no_memory(p) : MLC_OK;
}

/* One element, preceded by its name when the parent is an object, appended to the parent. */
static mlc_code parse_element(parser *p, cJSON *parent, bool named)
{
    char *name = NULL;
    cJSON *child = NULL;
    mlc_code code = MLC_OK;
    skip_space(p);
    if (named) {
        code = parse_text(p, &name);
        if (code != MLC_OK)
            return code;
        skip_space(p);
        if (!take(p, ':'))
            code = fail(p, "expected ':'");
    }
    if (code == MLC_OK)
        code = parse_value(p, &child);
    if (code != MLC_OK) {
        cJSON_free(name);
        return code;
    }
    /* The child owns its name from here; linking without cJSON_AddItemToObject saves a copy of it. */
    child->string = name;
    if (!cJSON_AddItemToArray(parent, child)) {
        cJSON_Delete(child);
        return mlc_fail(p->err, MLC_E_INTERNAL, "JSON element could not be linked");
    }
    return MLC_OK;
}

/* Behind the opening bracket, up to and with the closing one. */
static mlc_code parse_elements(parser *p, char close, cJSON *parent)
{
    skip_space(p);
    if (take(p, close))
        return MLC_OK;
    do {
        mlc_code code = parse_element(p, parent, close == '}');
        if (code != MLC_OK)
            return code;
        skip_space(p);
    } while (take(p, ','));
    if (!take(p, close))
        return fail(p, close == '}' ? "expected ',' or '}'" : "expected ',' or ']'");
    return MLC_OK;
}

/* At the opening bracket. Owns `parent`, the empty node to fill. */
static mlc_code parse_container(parser *p, char close, cJSON *parent, cJSON **out)
{
    if (parent == NULL)
        return no_memory(p);
    if (p->depth >= p->max_depth) {
        cJSON_Delete(parent);
        return fail_at(p, MLC_E_LIMIT, p->at, "nested too deep");
    }
    p->depth++;
    p->at++;
    mlc_code code = parse_elements(p, close, parent);
    p->depth--;
    if (code != MLC_OK) {
        cJSON_Delete(parent);
        return code;
    }
    *out = parent;
    return MLC_OK;
}

static mlc_code parse_value(parser *p, cJSON **out)
{
    skip_space(p);
    switch (peek(p)) {
    case '{':
        return parse_container(p, '}', cJSON_CreateObject(), out);
    case '[':
        return parse_container(p, ']', cJSON_CreateArray(), out);
    case '"':
        return parse_string(p, out);
    case 't':
        return parse_word(p, "true", cJSON_CreateTrue, out);
    case 'f':
        return parse_word(p, "false", cJSON_CreateFalse, out);
    case 'n':
        return parse_word(p, "null", cJSON_CreateNull, out);
    default:
        return parse_number(p, out);
    }
}

mlc_code mlc_json_parse(const char *text, size_t len, size_t max_len, unsigned max_depth, cJSON **out,
                        mlc_error *err)
{
    *out = NULL;
    if (max_len != 0 && len > max_len)
        return mlc_fail(err, MLC_E_LIMIT, "JSON text of %zu bytes passes the limit of %zu bytes", len,
                        max_len);
    parser p = {.text = text,
                .len = len,
                .max_depth = max_depth == 0 ? (unsigned)MLC_JSON_DEPTH_DEFAULT : max_depth,
                .err = err};
    size_t valid = mlc_utf8_prefix(text, len);
    if (valid != len)
        return fail_at(&p, MLC_E_INVALID, valid, "not well-formed UTF-8, or a NUL byte");

    cJSON *tree = NULL;
    mlc_code code = parse_value(&p, &tree);
    if (code != MLC_OK)
        return code;
    skip_space(&p);
    if (p.at < p.len) {
        cJSON_Delete(tree);
        return fail(&p, "something follows the value");
    }
    *out = tree;
    return MLC_OK;
}
