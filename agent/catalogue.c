/* catalogue.c - see catalogue.h. */
#include "agent/catalogue.h"

#include "agent/catalogue_data.h"
#include "record/fields.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    NAME_MAX_LEN = 40,
    VALUES_MAX = 512, /* of the fixed values of an item, as written */
    WORDS_MAX = 64,
    LINE_MAX_LEN = 1024,
    TEXT_LEN_MAX = 32000,
    DIGITS_MAX = 31,
    DEPTH_MAX = 4
};

typedef enum item_type { ITEM_TEXT, ITEM_NUMBER, ITEM_DATE } item_type;

typedef struct item {
    char name[NAME_MAX_LEN + 1];
    item_type type;
    unsigned length, decimals;
    char values[VALUES_MAX]; /* blank-separated; "": any */
} item;

typedef struct input {
    char name[NAME_MAX_LEN + 1];
    size_t item;
} input;

struct mlc_catalogue {
    item *items;
    input *inputs;
    size_t item_count, input_count;
};

/* ---- reading ---- */

/* One text that is read: where we are, and what was found to be wrong. */
typedef struct reading {
    mlc_catalogue *catalogue;
    const char *file;
    unsigned line;
    char *words[WORDS_MAX];
    size_t word_count;
    mlc_buf *report;
    mlc_error *err;
    mlc_code code; /* of the first fault */
} reading;

static void fault(reading *r, const char *reason, const char *word)
{
    char shown[MLC_SHOWN_MAX];
    (void)mlc_shown(shown, word);
    if (r->report != NULL)
        (void)mlc_buf_printf(r->report, NULL, "%s:%u: \"%s\": %s\n", r->file, r->line, shown, reason);
    if (r->code == MLC_OK)
        r->code = mlc_fail(r->err, MLC_E_INVALID, "%.200s:%u: \"%s\": %s", r->file, r->line, shown, reason);
}

static void no_memory(reading *r)
{
    r->code = mlc_fail(r->err, MLC_E_NOMEM, "no memory for the field catalogue");
}

static size_t find_item(const mlc_catalogue *c, const char *name)
{
    size_t at = 0;
    while (at < c->item_count && strcmp(c->items[at].name, name) != 0)
        at++;
    return at;
}

static size_t find_input(const mlc_catalogue *c, const char *name)
{
    size_t at = 0;
    while (at < c->input_count && strcmp(c->inputs[at].name, name) != 0)
        at++;
    return at;
}

static bool read_name(reading *r, const char *word)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
    const size_t len = strlen(word);
    if (len <= NAME_MAX_LEN && strspn(word, allowed) == len)
        return true;
    fault(r, "is no name; use up to 40 letters, digits and underscores", word);
    return false;
}

static bool read_number(reading *r, size_t at, unsigned max, unsigned *out)
{
    const char *const word = at < r->word_count ? r->words[at] : "";
    const size_t len = strlen(word);
    *out = 0;
    if (len > 0 && len <= 5 && strspn(word, "0123456789") == len)
        *out = (unsigned)strtoul(word, NULL, 10);
    else
        fault(r, "a length or number of decimals must stand here", word);
    if (*out > max)
        fault(r, "is too large", word);
    return r->code == MLC_OK;
}

static bool read_type(reading *r, item *out, size_t *next)
{
    const char *const type = r->words[2];
    *next = 3;
    if (strcmp(type, "date") == 0) {
        out->type = ITEM_DATE;
        return true;
    }
    if (strcmp(type, "text") != 0 && strcmp(type, "number") != 0) {
        fault(r, "is no type; write text, number or date", type);
        return false;
    }
    out->type = strcmp(type, "text") == 0 ? ITEM_TEXT : ITEM_NUMBER;
    *next = 4;
    if (!read_number(r, 3, out->type == ITEM_TEXT ? TEXT_LEN_MAX : DIGITS_MAX, &out->length))
        return false;
    if (out->type == ITEM_TEXT)
        return true;
    *next = 5;
    return read_number(r, 4, out->length, &out->decimals);
}

static void read_item(reading *r)
{
    mlc_catalogue *const c = r->catalogue;
    item row = {0};
    size_t next = 0;
    size_t used = 0;
    if (r->word_count < 3) {
        fault(r, "an item needs a name and a type", r->words[0]);
        return;
    }
    if (!read_name(r, r->words[1]) || !read_type(r, &row, &next))
        return;
    (void)snprintf(row.name, sizeof row.name, "%s", r->words[1]);
    for (; next < r->word_count; next++) {
        const size_t len = strlen(r->words[next]);
        if (used + len + 2 > sizeof row.values) {
            fault(r, "there are too many values", r->words[next]);
            return;
        }
        memcpy(row.values + used, r->words[next], len);
        used += len;
        row.values[used++] = ' ';
    }
    const size_t at = find_item(c, row.name);
    if (at == c->item_count) {
        item *const grown = at < MLC_CATALOGUE_ROWS_MAX ? realloc(c->items, (at + 1) * sizeof *grown) : NULL;
        if (grown == NULL) {
            no_memory(r);
            return;
        }
        c->items = grown;
        c->item_count++;
    }
    c->items[at] = row;
}

static void read_input(reading *r)
{
    mlc_catalogue *const c = r->catalogue;
    if (r->word_count != 3) {
        fault(r, "an input needs a name and a data item, and nothing else", r->words[0]);
        return;
    }
    if (!read_name(r, r->words[1]))
        return;
    const size_t of = find_item(c, r->words[2]);
    if (of == c->item_count) {
        fault(r, "is no data item that is known; define it before", r->words[2]);
        return;
    }
    const size_t at = find_input(c, r->words[1]);
    if (at == c->input_count) {
        input *const grown =
            at < MLC_CATALOGUE_ROWS_MAX ? realloc(c->inputs, (at + 1) * sizeof *grown) : NULL;
        if (grown == NULL) {
            no_memory(r);
            return;
        }
        c->inputs = grown;
        c->input_count++;
    }
    c->inputs[at].item = of;
    (void)snprintf(c->inputs[at].name, sizeof c->inputs[at].name, "%s", r->words[1]);
}

static void read_line(reading *r, const char *text, size_t len)
{
    char line[LINE_MAX_LEN];
    char *rest = NULL;
    if (len >= sizeof line || memchr(text, '\0', len) != NULL) {
        fault(r, "the line is too long, or no text", "");
        return;
    }
    memcpy(line, text, len);
    line[len] = '\0';
    if (!mlc_utf8_valid(line, len)) {
        fault(r, "the line is not UTF-8", "");
        return;
    }
    line[strcspn(line, "#")] = '\0';
    r->word_count = 0;
    for (char *word = strtok_r(line, " \t\r", &rest); word != NULL; word = strtok_r(NULL, " \t\r", &rest)) {
        if (r->word_count == WORDS_MAX) {
            fault(r, "the line has too many words", word);
            return;
        }
        r->words[r->word_count++] = word;
    }
    if (r->word_count == 0)
        return;
    if (strcmp(r->words[0], "item") == 0)
        read_item(r);
    else if (strcmp(r->words[0], "input") == 0)
        read_input(r);
    else
        fault(r, "a line begins with item or input", r->words[0]);
}

static mlc_code read_text(mlc_catalogue *c, const char *name, const char *text, size_t len, mlc_buf *report,
                          mlc_error *err)
{
    reading r = {.catalogue = c, .file = name, .report = report, .err = err};
    mlc_code first = MLC_OK;
    size_t at = 0;
    while (at < len && first != MLC_E_NOMEM) {
        const char *const end = memchr(text + at, '\n', len - at);
        const size_t line_len = end != NULL ? (size_t)(end - text) - at : len - at;
        mlc_error why;
        r.line++;
        r.code = MLC_OK;
        r.err = &why;
        read_line(&r, text + at, line_len);
        if (first == MLC_OK && r.code != MLC_OK) {
            first = r.code;
            if (err != NULL)
                *err = why;
        }
        at += line_len + 1;
    }
    return first;
}

mlc_code mlc_catalogue_read(mlc_catalogue **out, const char *name, const char *text, size_t len,
                            mlc_buf *report, mlc_error *err)
{
    mlc_catalogue *const c = calloc(1, sizeof *c);
    *out = NULL;
    if (c == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for the field catalogue");
    mlc_code code =
        len > MLC_CATALOGUE_FILE_MAX
            ? mlc_fail(err, MLC_E_LIMIT, "%.200s: has more than %d bytes", name, MLC_CATALOGUE_FILE_MAX)
            : read_text(c, "built-in catalogue", mlc_catalogue_built_in, strlen(mlc_catalogue_built_in), NULL,
                        err);
    if (code == MLC_OK)
        code = read_text(c, name, text, len, report, err);
    if (code != MLC_OK) {
        mlc_catalogue_free(c);
        return code;
    }
    *out = c;
    return MLC_OK;
}

mlc_code mlc_catalogue_open(mlc_catalogue **out, const char *file, mlc_buf *report, mlc_error *err)
{
    *out = NULL;
    if (file == NULL)
        return mlc_catalogue_read(out, "", "", 0, report, err);
    FILE *const stream = fopen(file, "rb");
    char *const text = stream != NULL ? malloc(MLC_CATALOGUE_FILE_MAX + 1) : NULL;
    mlc_code code = MLC_OK;
    if (stream == NULL) {
        code = mlc_fail(err, MLC_E_IO, "%.200s: cannot be opened", file);
    } else if (text == NULL) {
        code = mlc_fail(err, MLC_E_NOMEM, "no memory for the field catalogue");
    } else {
        const size_t len = fread(text, 1, MLC_CATALOGUE_FILE_MAX + 1, stream);
        code = ferror(stream) != 0 ? mlc_fail(err, MLC_E_IO, "%.200s: cannot be read", file)
                                   : mlc_catalogue_read(out, file, text, len, report, err);
    }
    free(text);
    if (stream != NULL)
        (void)fclose(stream);
    return code;
}

void mlc_catalogue_free(mlc_catalogue *catalogue)
{
    if (catalogue == NULL)
        return;
    free(catalogue->items);
    free(catalogue->inputs);
    free(catalogue);
}

/* ---- checking ---- */

static bool is_listed(const char *values, const char *text)
{
    const size_t len = strlen(text);
    for (const char *at = values; *at != '\0'; at += strcspn(at, " ") + 1)
        if (strcspn(at, " ") == len && strncmp(at, text, len) == 0)
            return true;
    return false;
}

static void check_number(const item *of, const char *name, const char *text, mlc_faults *faults)
{
    mlc_decimal value;
    if (mlc_decimal_parse(text, &value, NULL) != MLC_OK) {
        mlc_fault_text(faults, name, text, "is no number that can be held exactly; write it like 1250.00");
        return;
    }
    value = mlc_decimal_normalize(value);
    if (value.scale > of->decimals) {
        mlc_fault(faults, name, "%s has %u decimals, JDE keeps %u; round it", text, value.scale,
                  of->decimals);
        return;
    }
    unsigned digits = 0;
    for (uint64_t rest = value.unscaled < 0 ? 0 - (uint64_t)value.unscaled : (uint64_t)value.unscaled;
         rest > 0; rest /= 10)
        digits++;
    const unsigned whole = digits > value.scale ? digits - value.scale : 0;
    if (whole > of->length - of->decimals)
        mlc_fault(faults, name, "%s has %u digits before the point, JDE keeps %u", text, whole,
                  of->length - of->decimals);
}

static void check_value(const item *of, const char *name, const cJSON *node, mlc_faults *faults)
{
    const char *const text = mlc_json_text(node);
    if (text == NULL || text[0] == '\0')
        return;
    if (of->type == ITEM_TEXT)
        mlc_check_len(faults, name, text, of->length);
    else if (of->type == ITEM_DATE)
        mlc_check_date(faults, name, text);
    else
        check_number(of, name, text, faults);
    if (of->values[0] != '\0' && !is_listed(of->values, text))
        mlc_fault_text(faults, name, text, "is none of the values that JDE takes here");
}

static void check_node(const mlc_catalogue *c, const char *place, const cJSON *object, unsigned depth,
                       mlc_faults *faults);

static void check_list(const mlc_catalogue *c, const cJSON *list, unsigned depth, mlc_faults *faults)
{
    const cJSON *element = NULL;
    unsigned at = 0;
    cJSON_ArrayForEach(element, list)
    {
        char place[48];
        const char *const number = mlc_json_member_text(element, "LineNumber");
        at++;
        if (number != NULL)
            (void)snprintf(place, sizeof place, "line %.20s ", number);
        else
            (void)snprintf(place, sizeof place, "line %u ", at);
        check_node(c, place, element, depth + 1, faults);
    }
}

static void check_node(const mlc_catalogue *c, const char *place, const cJSON *object, unsigned depth,
                       mlc_faults *faults)
{
    const cJSON *node = NULL;
    if (depth > DEPTH_MAX)
        return;
    cJSON_ArrayForEach(node, object)
    {
        char name[160];
        if (cJSON_IsArray(node))
            check_list(c, node, depth, faults);
        else if (cJSON_IsObject(node))
            check_node(c, place, node, depth + 1, faults);
        if (node->string == NULL)
            continue;
        const size_t at = find_input(c, node->string);
        if (at == c->input_count)
            continue;
        const item *const of = &c->items[c->inputs[at].item];
        (void)snprintf(name, sizeof name, "%s%s (JDE %s)", place, c->inputs[at].name, of->name);
        check_value(of, name, node, faults);
    }
}

void mlc_catalogue_check(const mlc_catalogue *catalogue, const cJSON *inputs, mlc_faults *faults)
{
    check_node(catalogue, "", inputs, 0, faults);
}
