/* order_rows.c - see order_rows.h. */
#include "agent/order_rows.h"

#include "crypto/crypto.h"
#include "record/order_status.h"

#include <stdlib.h>
#include <string.h>

enum { REFERENCE_LEN = 25 };

/* One line of the order, of all rows that JDE made of it. */
typedef struct line_sum {
    mlc_decimal ordered, shipped, backordered, cancelled;
    char texts[4][MLC_DECIMAL_TEXT_MAX];
} line_sum;

typedef struct shaping {
    mlc_order_status status;
    line_sum *sums; /* one for each of status.lines */
    char id[MLC_UUID_TEXT_MAX];
    char reference[MLC_BASE36_128_MAX];
} shaping;

static const char *text_of(const cJSON *row, const char *column)
{
    const char *const text = mlc_json_member_text(row, column);
    return text != NULL ? text : "";
}

/* An absent or blank quantity is none. */
static mlc_code add_quantity(const cJSON *row, const char *column, mlc_decimal *sum, mlc_error *err)
{
    mlc_decimal value;
    const char *const text = text_of(row, column);
    if (text[0] == '\0')
        return MLC_OK;
    mlc_code code = mlc_decimal_parse(text, &value, err);
    if (code == MLC_OK)
        code = mlc_decimal_add(*sum, value, sum, err);
    return code == MLC_OK ? code : mlc_wrap(err, MLC_E_INVALID, "%s \"%.40s\" is no quantity", column, text);
}

/* 1.001 is a part that JDE split off line 1. */
static mlc_code line_number(const cJSON *row, int64_t *out, mlc_error *err)
{
    mlc_decimal value;
    const char *const text = text_of(row, "LNID");
    mlc_code code = mlc_decimal_parse(text, &value, err);
    if (code != MLC_OK)
        return mlc_wrap(err, MLC_E_INVALID, "LNID \"%.40s\" is no line number", text);
    value = mlc_decimal_normalize(value);
    for (; value.scale > 0; value.scale--)
        value.unscaled /= 10;
    *out = value.unscaled;
    return *out > 0 ? MLC_OK : mlc_fail(err, MLC_E_INVALID, "LNID \"%.40s\" is not above zero", text);
}

/* The line is as far as the part that is behind the others. */
static const char *lesser(const char *a, const char *b)
{
    return a == NULL || strcmp(b, a) < 0 ? b : a;
}

static size_t place_of(shaping *s, int64_t number)
{
    size_t at = 0;
    while (at < s->status.line_count && s->status.lines[at].line != number)
        at++;
    if (at == s->status.line_count) {
        s->status.lines[at].line = number;
        s->status.line_count++;
    }
    return at;
}

static mlc_code take_row(shaping *s, const cJSON *row, mlc_error *err)
{
    int64_t number = 0;
    mlc_code code = line_number(row, &number, err);
    if (code != MLC_OK)
        return code;
    const size_t at = place_of(s, number);
    mlc_order_status_line *const line = &s->status.lines[at];
    line_sum *const sum = &s->sums[at];
    const char *const ship_date = text_of(row, "ADDJ");
    line->item = text_of(row, "LITM");
    line->last = lesser(line->last, text_of(row, "LTTR"));
    line->next = lesser(line->next, text_of(row, "NXTR"));
    line->requested = text_of(row, "DRQJ");
    if (line->ship_date == NULL || strcmp(ship_date, line->ship_date) > 0)
        line->ship_date = ship_date;
    code = add_quantity(row, "UORG", &sum->ordered, err);
    if (code == MLC_OK && s->status.purchase)
        code = add_quantity(row, "UREC", &sum->shipped, err);
    else if (code == MLC_OK && ship_date[0] != '\0')
        code = add_quantity(row, "SOQS", &sum->shipped, err);
    if (code == MLC_OK)
        code = add_quantity(row, "SOBK", &sum->backordered, err);
    return code == MLC_OK ? add_quantity(row, "SOCN", &sum->cancelled, err) : code;
}

static void write_texts(shaping *s)
{
    for (size_t i = 0; i < s->status.line_count; i++) {
        mlc_order_status_line *const line = &s->status.lines[i];
        line_sum *const sum = &s->sums[i];
        line->ordered = mlc_decimal_text(mlc_decimal_normalize(sum->ordered), sum->texts[0]);
        line->shipped = mlc_decimal_text(mlc_decimal_normalize(sum->shipped), sum->texts[1]);
        line->backordered = mlc_decimal_text(mlc_decimal_normalize(sum->backordered), sum->texts[2]);
        line->cancelled = mlc_decimal_text(mlc_decimal_normalize(sum->cancelled), sum->texts[3]);
    }
}

/* Of 25 characters, and the very ones that the id they stand for makes. */
static bool is_ours(shaping *s, const char *reference)
{
    char again[MLC_BASE36_128_MAX];
    return strlen(reference) == REFERENCE_LEN && mlc_base36_to_uuid(reference, s->id, NULL) == MLC_OK &&
           mlc_uuid_to_base36(s->id, again, NULL) == MLC_OK && strcmp(again, reference) == 0;
}

static mlc_code shape(shaping *s, const cJSON *header, const cJSON *rows, const char *version, mlc_buf *out,
                      mlc_error *err)
{
    mlc_order_status *const status = &s->status;
    const cJSON *row = NULL;
    const size_t count = (size_t)cJSON_GetArraySize(rows);
    if (count > MLC_ORDER_STATUS_LINES_MAX)
        return mlc_fail(err, MLC_E_INVALID, "the order has more than %d lines", MLC_ORDER_STATUS_LINES_MAX);
    status->id = s->id;
    status->reference = text_of(header, "VR01");
    status->version = version;
    status->doco = text_of(header, "DOCO");
    status->dcto = text_of(header, "DCTO");
    status->kcoo = text_of(header, "KCOO");
    status->hold = text_of(header, "HOLD");
    status->lines = calloc(count + 1, sizeof *status->lines);
    s->sums = calloc(count + 1, sizeof *s->sums);
    mlc_code code = status->lines != NULL && s->sums != NULL
                        ? MLC_OK
                        : mlc_fail(err, MLC_E_NOMEM, "no memory for an order's status");
    for (row = code == MLC_OK && rows != NULL ? rows->child : NULL; code == MLC_OK && row != NULL;
         row = row->next)
        code = take_row(s, row, err);
    if (code != MLC_OK)
        return code;
    write_texts(s);
    status->status = mlc_order_status_word(status);
    return mlc_order_status_print(status, out, err);
}

mlc_code mlc_order_rows_shape(const char *id, const cJSON *rows, bool gone, const char *version, mlc_buf *out,
                              bool *silent, mlc_error *err)
{
    shaping s = {0};
    const cJSON *header = mlc_json_get(rows, "F4201");
    const cJSON *lines = mlc_json_get(rows, "F4211");
    (void)id;
    if (header == NULL) {
        header = mlc_json_get(rows, "F4301");
        lines = mlc_json_get(rows, "F4311");
        s.status.purchase = true;
    }
    *silent = gone || header == NULL || !is_ours(&s, text_of(header, "VR01"));
    if (*silent)
        return MLC_OK;
    const mlc_code code = shape(&s, header, lines, version, out, err);
    free(s.sums);
    free(s.status.lines);
    return code;
}
