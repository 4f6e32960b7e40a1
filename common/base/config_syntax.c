/* config_syntax.c - libconfig's parser behind the checks that it does not make itself.
 *
 * Refused before it runs: reading other files (a configuration must be whole in itself, as that is what
 * backups and reviews look at), text in other encodings, nesting so deep that recursion over it
 * could end the program, and whole numbers that the parser would cut down to other numbers. */
#include "base/config_private.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { LINES_MAX = 65535, NESTING_MAX = 32 }; /* the parser counts lines in 16 bits */

static void check_lines(mlc_cfg_faults *faults, const char *text, size_t len)
{
    static const char include[] = "@include";
    const size_t include_len = sizeof include - 1;
    unsigned line = 1;
    for (size_t at = 0; at < len; line++) {
        const char *const end = memchr(text + at, '\n', len - at);
        const size_t stop = end == NULL ? len : (size_t)(end - text);
        if (!mlc_utf8_valid(text + at, stop - at))
            mlc_cfg_fault_add(faults, NULL, line, "", "the line is not UTF-8 text; save the file as UTF-8");
        /* Also within comments: to be mistaken there harms nobody, to miss one elsewhere would. */
        size_t first = at;
        while (first < stop && (text[first] == ' ' || text[first] == '\t' || text[first] == '\r'))
            first++;
        if (first + include_len <= stop && memcmp(text + first, include, include_len) == 0)
            mlc_cfg_fault_add(faults, NULL, line, "",
                              "@include is not allowed; write the settings into this one file");
        at = stop + 1;
    }
    if (line > LINES_MAX)
        mlc_cfg_fault_add(faults, NULL, 1, "", "the file has more than %d lines; shorten it", LINES_MAX);
}

/* Position of the last character of the string or comment that starts at `at`, or `at` itself. */
static size_t skip_quoted(const char *text, size_t len, size_t at)
{
    size_t i = at;
    if (text[at] == '"') {
        for (i = at + 1; i < len && text[i] != '"'; i++)
            if (text[i] == '\\')
                i++;
    } else if (text[at] == '#' || (text[at] == '/' && at + 1 < len && text[at + 1] == '/')) {
        while (i < len && text[i] != '\n')
            i++;
    } else if (text[at] == '/' && at + 1 < len && text[at + 1] == '*') {
        i = at + 3;
        while (i < len && !(text[i] == '/' && text[i - 1] == '*'))
            i++;
    }
    return i;
}

/* Where the check of a text stands; `line` is counted only up to a fault. */
typedef struct checker {
    mlc_cfg_faults *faults;
    const char *text;
    size_t len, depth;
    size_t counted; /* characters whose lines are in `line` */
    unsigned line;
} checker;

static unsigned line_at(checker *c, size_t at)
{
    for (; c->counted < at; c->counted++)
        c->line += c->text[c->counted] == '\n' ? 1 : 0;
    return c->line;
}

/* The parser reads a number without L into 32 bits and one with L into 64, whatever it is. */
static void check_integer(checker *c, size_t at, size_t len)
{
    char number[32];
    char *end = NULL;
    if (len >= sizeof number) {
        mlc_cfg_fault_add(c->faults, NULL, line_at(c, at), "", "a number is too long; shorten it");
        return;
    }
    memcpy(number, c->text + at, len);
    number[len] = '\0';
    const bool hex = len > 2 && number[0] == '0' && (number[1] == 'x' || number[1] == 'X');
    errno = 0;
    const long long value = strtoll(number, &end, hex ? 16 : 10);
    const bool is_long = strcmp(end, "L") == 0 || strcmp(end, "LL") == 0;
    if (*end != '\0' && !is_long)
        return; /* no whole number: the parser or the schema will tell */
    if (errno == ERANGE)
        mlc_cfg_fault_add(c->faults, NULL, line_at(c, at), "",
                          "the number %s is too large; choose a smaller one", number);
    else if (!is_long && (value > INT32_MAX || value < INT32_MIN))
        mlc_cfg_fault_add(c->faults, NULL, line_at(c, at), "",
                          "the number %s needs an L behind it; write %sL", number, number);
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || strchr("_*.+-", c) != NULL;
}

/* A name, a number, true or false from `at` on; returns its last position. */
static size_t check_word(checker *c, size_t at)
{
    size_t end = at;
    while (end < c->len && c->text[end] != '\0' && is_word(c->text[end]))
        end++;
    if (strchr("+-0123456789", c->text[at]) != NULL)
        check_integer(c, at, end - at);
    return end - 1;
}

static bool check_depth(checker *c, size_t at)
{
    const char bracket = c->text[at];
    if (bracket == '{' || bracket == '[' || bracket == '(')
        c->depth++;
    else if (c->depth > 0)
        c->depth--;
    if (c->depth <= NESTING_MAX)
        return true;
    mlc_cfg_fault_add(c->faults, NULL, line_at(c, at), "",
                      "groups and lists are nested too deeply; at most %d levels", NESTING_MAX);
    return false;
}

static void check_tokens(mlc_cfg_faults *faults, const char *text, size_t len)
{
    checker c = {.faults = faults, .text = text, .len = len, .line = 1};
    for (size_t at = 0; at < len; at++) {
        at = skip_quoted(text, len, at);
        if (at >= len || text[at] == '\0')
            return;
        if (strchr("{[()]}", text[at]) != NULL) {
            if (!check_depth(&c, at))
                return;
        } else if (is_word(text[at])) {
            at = check_word(&c, at);
        }
    }
}

static bool run_parser(mlc_cfg_faults *faults, config_t *parsed, const char *text, size_t len)
{
    char *copy = mlc_strndup(text, len); /* the parser wants a NUL at the end */
    if (copy == NULL) {
        faults->nomem = true;
        return false;
    }
    const bool ok = config_read_string(parsed, copy) == CONFIG_TRUE;
    if (!ok) {
        const int line = config_error_line(parsed);
        const char *reason = config_error_text(parsed);
        mlc_cfg_fault_add(
            faults, NULL, line > 0 ? (unsigned)line : 1, "",
            "%s; look here and on the line before for a missing quote, bracket or semicolon, or a "
            "name given twice",
            reason != NULL ? reason : "syntax error");
    }
    free(copy);
    return ok;
}

bool mlc_cfg_parse(mlc_cfg_faults *faults, config_t *parsed, const char *text, size_t len)
{
    if (len > MLC_CFG_FILE_MAX) {
        mlc_cfg_fault_add(faults, NULL, 1, "", "the file is larger than %d bytes; shorten it",
                          MLC_CFG_FILE_MAX);
        return false;
    }
    check_lines(faults, text, len);
    check_tokens(faults, text, len);
    return faults->count == 0 && !faults->nomem && run_parser(faults, parsed, text, len);
}
