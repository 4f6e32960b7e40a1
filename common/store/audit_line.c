/* audit_line.c - one line of an exported audit trail: writing and reading (audit_file.h). */
#include "store/audit_file.h"

#include "crypto/crypto.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { HASH_HEX = 2 * MLC_AUDIT_HASH_LEN };

static const char *const columns[] = {"at",       "actor",    "action",        "tenant",      "stream",
                                      "seq",      "kind",     "key",           "idem",        "correlation",
                                      "sourceId", "targetId", "payloadBefore", "payloadHash", "attempt",
                                      "outcome",  "detail"};
enum { COLUMNS = sizeof columns / sizeof columns[0], CELLS = COLUMNS + 5 };

const char *mlc_audit_csv_heading(void)
{
    return "index,hash,previous,at,actor,action,tenant,stream,seq,kind,key,idem,correlation,sourceId,"
           "targetId,"
           "payloadBefore,payloadHash,attempt,outcome,detail,event,personal\n";
}

/* ---- writing ---- */

mlc_code mlc_audit_line_json(const mlc_audit_item *item, mlc_buf *out, mlc_error *err)
{
    char hash[HASH_HEX + 1];
    char previous[HASH_HEX + 1];
    const size_t before = out->len;
    mlc_hex(item->hash, MLC_AUDIT_HASH_LEN, hash);
    mlc_hex(item->previous, MLC_AUDIT_HASH_LEN, previous);
    mlc_code code = mlc_buf_printf(
        out, err, "{\"index\":%" PRIu64 ",\"hash\":\"%s\",\"previous\":\"%s\",\"event\":", item->index, hash,
        previous);
    if (code == MLC_OK)
        code = mlc_buf_puts(out, item->event, err);
    if (code == MLC_OK && item->personal != NULL)
        code = mlc_buf_puts(out, ",\"personal\":", err);
    if (code == MLC_OK && item->personal != NULL)
        code = mlc_buf_puts(out, item->personal, err);
    if (code == MLC_OK)
        code = mlc_buf_puts(out, "}\n", err);
    if (code != MLC_OK)
        out->len = before;
    return code;
}

static mlc_code put_quoted(mlc_buf *out, const char *text, mlc_error *err)
{
    mlc_code code = mlc_buf_puts(out, ",\"", err);
    while (code == MLC_OK && *text != '\0') {
        const size_t plain = strcspn(text, "\"");
        code = mlc_buf_append(out, text, plain, err);
        text += plain;
        if (code == MLC_OK && *text == '"') {
            code = mlc_buf_puts(out, "\"\"", err);
            text++;
        }
    }
    return code == MLC_OK ? mlc_buf_puts(out, "\"", err) : code;
}

/* For a person and a spreadsheet: on one line, and no formula. The exact text stands in the last columns. */
static mlc_code put_cell(mlc_buf *out, const char *text, mlc_error *err)
{
    if (text == NULL || text[0] == '\0')
        return mlc_buf_puts(out, ",", err);
    char *const copy = mlc_asprintf("%s%s", strchr("=+-@\t\r", text[0]) != NULL ? "'" : "", text);
    if (copy == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a line of CSV");
    for (char *p = copy; *p != '\0'; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            *p = ' ';
    const mlc_code code = put_quoted(out, copy, err);
    free(copy);
    return code;
}

mlc_code mlc_audit_line_csv(const mlc_audit_item *item, mlc_buf *out, mlc_error *err)
{
    char hash[HASH_HEX + 1];
    char previous[HASH_HEX + 1];
    cJSON *tree = NULL;
    mlc_code code = mlc_audit_tree(item, &tree, err);
    if (code != MLC_OK)
        return code;
    mlc_hex(item->hash, MLC_AUDIT_HASH_LEN, hash);
    mlc_hex(item->previous, MLC_AUDIT_HASH_LEN, previous);
    code = mlc_buf_printf(out, err, "%" PRIu64 ",%s,%s", item->index, hash, previous);
    for (size_t i = 0; code == MLC_OK && i < COLUMNS; i++)
        code = put_cell(out, mlc_json_member_text(tree, columns[i]), err);
    if (code == MLC_OK)
        code = put_quoted(out, item->event, err);
    if (code == MLC_OK)
        code = item->personal != NULL ? put_quoted(out, item->personal, err) : mlc_buf_puts(out, ",", err);
    if (code == MLC_OK)
        code = mlc_buf_puts(out, "\n", err);
    cJSON_Delete(tree);
    return code;
}

mlc_code mlc_audit_csv_frame(const char *name, const char *json, mlc_buf *out, mlc_error *err)
{
    mlc_code code = mlc_buf_puts(out, name, err);
    for (size_t i = 1; code == MLC_OK && i < CELLS - 2; i++)
        code = mlc_buf_puts(out, ",", err);
    if (code == MLC_OK)
        code = put_quoted(out, json, err);
    return code == MLC_OK ? mlc_buf_puts(out, ",\n", err) : code;
}

/* ---- reading ---- */

typedef struct scan {
    const char *at, *end;
} scan;

static bool take_text(scan *s, const char *literal)
{
    const size_t len = strlen(literal);
    if ((size_t)(s->end - s->at) < len || memcmp(s->at, literal, len) != 0)
        return false;
    s->at += len;
    return true;
}

static bool take_index(scan *s, uint64_t *out)
{
    const char *const from = s->at;
    *out = 0;
    while (s->at < s->end && *s->at >= '0' && *s->at <= '9' && *out < UINT64_MAX / 20)
        *out = *out * 10 + (uint64_t)(*s->at++ - '0');
    return s->at > from && *from != '0';
}

static bool take_hash(scan *s, uint8_t out[MLC_AUDIT_HASH_LEN])
{
    char hex[HASH_HEX + 1];
    if (s->end - s->at < HASH_HEX)
        return false;
    memcpy(hex, s->at, HASH_HEX);
    hex[HASH_HEX] = '\0';
    if (strspn(hex, "0123456789abcdef") != HASH_HEX) /* there is one way of writing it */
        return false;
    s->at += HASH_HEX;
    return mlc_hex_parse(hex, out, MLC_AUDIT_HASH_LEN, NULL) == MLC_OK;
}

/* A whole object, as it stands. */
static char *take_object(scan *s)
{
    const char *const from = s->at;
    size_t depth = 0;
    bool quoted = false;
    for (; s->at < s->end; s->at++) {
        const char c = *s->at;
        if (quoted && c == '\\' && s->at + 1 < s->end)
            s->at++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && c == '{')
            depth++;
        else if (!quoted && c == '}' && depth > 0 && --depth == 0)
            break;
        if (depth == 0)
            return NULL;
    }
    if (s->at == s->end)
        return NULL;
    s->at++;
    return mlc_strndup(from, (size_t)(s->at - from));
}

static mlc_code no_line(mlc_error *err)
{
    return mlc_fail(err, MLC_E_INVALID, "it is no line of an exported audit trail");
}

static mlc_code parse_json(scan *s, mlc_audit_line *out, mlc_error *err)
{
    if (!take_text(s, "{\"index\":")) {
        out->event = take_object(s);
        return out->event != NULL && s->at == s->end ? MLC_OK : no_line(err);
    }
    if (!take_index(s, &out->item.index) || !take_text(s, ",\"hash\":\"") || !take_hash(s, out->hash) ||
        !take_text(s, "\",\"previous\":\"") || !take_hash(s, out->previous) || !take_text(s, "\",\"event\":"))
        return no_line(err);
    out->event = take_object(s);
    if (out->event != NULL && take_text(s, ",\"personal\":")) {
        out->personal = take_object(s);
        if (out->personal == NULL)
            return no_line(err);
    }
    return out->event != NULL && take_text(s, "}") && s->at == s->end ? MLC_OK : no_line(err);
}

/* A cell up to the comma or the end; *at moves behind the comma. The caller frees; NULL: it is malformed, or no memory. */
static char *take_cell(scan *s, bool *last)
{
    mlc_buf cell = {0};
    mlc_code code = MLC_OK;
    const bool quoted = s->at < s->end && *s->at == '"';
    s->at += quoted ? 1 : 0;
    while (code == MLC_OK && s->at < s->end && (quoted || *s->at != ',')) {
        if (quoted && *s->at == '"') {
            s->at++;
            if (s->at == s->end || *s->at != '"')
                break;
        }
        code = mlc_buf_append(&cell, s->at++, 1, NULL);
    }
    *last = s->at == s->end;
    if (code != MLC_OK || (!*last && *s->at != ',') || (quoted && s->at[-1] != '"')) {
        mlc_buf_free(&cell);
        return NULL;
    }
    s->at += *last ? 0 : 1;
    return mlc_buf_take(&cell);
}

static mlc_code take_csv_start(const char *const *cells, mlc_audit_line *out, mlc_error *err)
{
    scan number = {cells[0], cells[0] + strlen(cells[0])};
    if (!take_index(&number, &out->item.index))
        return MLC_OK;
    if (number.at != number.end || strlen(cells[1]) != HASH_HEX || strlen(cells[2]) != HASH_HEX ||
        mlc_hex_parse(cells[1], out->hash, sizeof out->hash, NULL) != MLC_OK ||
        mlc_hex_parse(cells[2], out->previous, sizeof out->previous, NULL) != MLC_OK)
        return no_line(err);
    return MLC_OK;
}

static mlc_code parse_csv(scan *s, mlc_audit_line *out, mlc_error *err)
{
    char *cells[CELLS] = {NULL};
    size_t count = 0;
    bool last = false;
    while (!last && count < CELLS) {
        cells[count] = take_cell(s, &last);
        if (cells[count] == NULL)
            break;
        count++;
    }
    mlc_code code =
        count == CELLS && last ? take_csv_start((const char *const *)cells, out, err) : no_line(err);
    if (code == MLC_OK) {
        out->event = cells[CELLS - 2];
        cells[CELLS - 2] = NULL;
    }
    if (code == MLC_OK && cells[CELLS - 1][0] != '\0') {
        out->personal = cells[CELLS - 1];
        cells[CELLS - 1] = NULL;
    }
    for (size_t i = 0; i < count; i++)
        free(cells[i]);
    return code;
}

/* The columns for a person must say what the event says. */
static mlc_code check_csv(const mlc_audit_line *line, const char *text, size_t len, mlc_error *err)
{
    mlc_buf again = {0};
    mlc_code code = mlc_audit_line_csv(&line->item, &again, err);
    if (code == MLC_OK && (again.len != len + 1 || memcmp(again.data, text, len) != 0))
        code =
            mlc_fail(err, MLC_E_CORRUPT, "audit: entry %" PRIu64 " has columns that its event does not have",
                     line->item.index);
    mlc_buf_free(&again);
    return code;
}

mlc_code mlc_audit_line_parse(const char *text, size_t len, bool csv, mlc_audit_line *out, mlc_error *err)
{
    scan s = {text, text + len};
    *out = (mlc_audit_line){0};
    if (len > MLC_AUDIT_LINE_MAX)
        return mlc_fail(err, MLC_E_LIMIT, "it is longer than %d bytes", MLC_AUDIT_LINE_MAX);
    if (memchr(text, 0, len) != NULL)
        return no_line(err);
    mlc_code code = csv ? parse_csv(&s, out, err) : parse_json(&s, out, err);
    out->item.hash = out->hash;
    out->item.previous = out->previous;
    out->item.event = out->event;
    out->item.personal = out->personal;
    if (code == MLC_OK && csv && out->item.index > 0)
        code = check_csv(out, text, len, err);
    if (code != MLC_OK)
        mlc_audit_line_free(out);
    return code;
}

void mlc_audit_line_free(mlc_audit_line *line)
{
    free(line->event);
    free(line->personal);
    *line = (mlc_audit_line){0};
}
