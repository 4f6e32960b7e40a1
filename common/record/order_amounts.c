/* order_amounts.c - see order_amounts.h. */
#include "record/order_amounts.h"

#include "record/fields.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { SHARE_SCALE = 2, RATIO_SCALE = 9 };

/* An absent or empty amount is none. */
static mlc_code amount_of(const char *text, mlc_decimal *out, mlc_error *err)
{
    const mlc_code code = mlc_decimal_parse(text != NULL && text[0] != '\0' ? text : "0", out, err);
    *out = code == MLC_OK ? mlc_decimal_normalize(*out) : (mlc_decimal){0};
    return code;
}

static mlc_code add_to(mlc_decimal *sum, mlc_decimal value, mlc_error *err)
{
    return mlc_decimal_add(*sum, value, sum, err);
}

static mlc_code take_from(mlc_decimal *sum, mlc_decimal value, mlc_error *err)
{
    return mlc_decimal_sub(*sum, value, sum, err);
}

static bool is_set(const char *text)
{
    return text != NULL && text[0] != '\0';
}

/* ---- check ---- */

/* |a - b| < one hundredth */
static bool near(mlc_decimal a, mlc_decimal b)
{
    mlc_decimal difference;
    if (mlc_decimal_sub(a, b, &difference, NULL) != MLC_OK)
        return false;
    const mlc_decimal cent = {1, 2};
    const mlc_decimal minus_cent = {-1, 2};
    return mlc_decimal_cmp(difference, cent) < 0 && mlc_decimal_cmp(difference, minus_cent) > 0;
}

static mlc_code line_worth(const mlc_order_line *line, mlc_decimal *out, mlc_error *err)
{
    mlc_decimal quantity;
    mlc_decimal price;
    mlc_decimal discount;
    mlc_decimal tax;
    mlc_code code = amount_of(line->quantity, &quantity, err);
    if (code == MLC_OK)
        code = amount_of(line->price, &price, err);
    if (code == MLC_OK)
        code = amount_of(line->discount, &discount, err);
    if (code == MLC_OK)
        code = amount_of(line->tax, &tax, err);
    if (code == MLC_OK)
        code = mlc_decimal_mul(quantity, price, out, err);
    if (code == MLC_OK)
        code = take_from(out, discount, err);
    if (code == MLC_OK)
        code = add_to(out, tax, err);
    return code;
}

static void check_line(const mlc_order_line *line, mlc_faults *faults)
{
    char name[80];
    char worth_text[MLC_DECIMAL_TEXT_MAX];
    mlc_decimal worth;
    mlc_decimal amount;
    /* A product of too many digits cannot be judged; the sum of the lines still is. */
    if (!is_set(line->amount) || !is_set(line->price) || line_worth(line, &worth, NULL) != MLC_OK ||
        amount_of(line->amount, &amount, NULL) != MLC_OK || near(worth, amount))
        return;
    (void)snprintf(name, sizeof name, "line %lld (%.25s) amount", (long long)line->line,
                   line->item != NULL ? line->item : "");
    mlc_fault(
        faults, name,
        "%s is not quantity x price less discount plus tax, which is %s; save the line again in Dynamics",
        line->amount, mlc_decimal_text(mlc_decimal_normalize(worth), worth_text));
}

static mlc_code sum_of(const mlc_order *order, mlc_decimal *sum, mlc_error *err)
{
    mlc_decimal part;
    mlc_code code = MLC_OK;
    *sum = (mlc_decimal){0};
    for (size_t i = 0; code == MLC_OK && i < order->line_count; i++) {
        code = amount_of(order->lines[i].amount, &part, err);
        if (code == MLC_OK)
            code = add_to(sum, part, err);
    }
    if (code == MLC_OK)
        code = amount_of(order->header_discount, &part, err);
    if (code == MLC_OK)
        code = take_from(sum, part, err);
    if (code == MLC_OK)
        code = amount_of(order->freight, &part, err);
    return code == MLC_OK ? add_to(sum, part, err) : code;
}

void mlc_order_check_amounts(const mlc_order *order, mlc_faults *faults)
{
    char text[MLC_DECIMAL_TEXT_MAX];
    mlc_decimal sum;
    mlc_decimal total;
    bool whole = is_set(order->total);
    for (size_t i = 0; i < order->line_count; i++) {
        check_line(&order->lines[i], faults);
        whole = whole && is_set(order->lines[i].amount);
    }
    if (!whole)
        return;
    if (sum_of(order, &sum, NULL) != MLC_OK || amount_of(order->total, &total, NULL) != MLC_OK) {
        mlc_fault(faults, "total", "the amounts have too many digits to be added exactly; round them");
        return;
    }
    if (mlc_decimal_cmp(sum, total) != 0)
        mlc_fault(
            faults, "total",
            "%s is not the sum of the lines less discount plus freight, which is %s; recalculate the order",
            order->total, mlc_decimal_text(mlc_decimal_normalize(sum), text));
}

/* ---- spread ---- */

static mlc_code line_share(const mlc_order_line *line, mlc_order_share *out, mlc_error *err)
{
    mlc_decimal quantity;
    mlc_decimal price;
    mlc_code code = amount_of(line->quantity, &quantity, err);
    if (code == MLC_OK)
        code = amount_of(line->price, &price, err);
    if (code == MLC_OK)
        code = amount_of(line->discount, &out->discount, err);
    if (code == MLC_OK)
        code = mlc_decimal_mul(quantity, price, &out->gross, err);
    return code == MLC_OK ? mlc_decimal_sub(out->gross, out->discount, &out->net, err) : code;
}

/* part x whole / all, to two decimals, by way of the ratio: the product of two amounts may not fit. */
static mlc_code portion(mlc_decimal part, mlc_decimal whole, mlc_decimal all, mlc_decimal *out,
                        mlc_error *err)
{
    mlc_decimal ratio;
    mlc_decimal share;
    mlc_code code = mlc_decimal_div(part, all, RATIO_SCALE, &ratio, err);
    if (code == MLC_OK)
        code = mlc_decimal_mul(mlc_decimal_normalize(ratio), whole, &share, err);
    return code == MLC_OK ? mlc_decimal_rescale(share, SHARE_SCALE, MLC_ROUND_HALF_UP, out, err) : code;
}

static mlc_code give(mlc_order_share *share, mlc_decimal part, mlc_decimal *left, mlc_error *err)
{
    mlc_code code = add_to(&share->discount, part, err);
    if (code == MLC_OK)
        code = take_from(&share->net, part, err);
    return code == MLC_OK ? take_from(left, part, err) : code;
}

mlc_code mlc_order_spread(const mlc_order *order, mlc_order_share *shares, mlc_error *err)
{
    const mlc_decimal zero = {0};
    mlc_decimal whole;
    mlc_decimal all = {0};
    size_t last = SIZE_MAX;
    mlc_code code = amount_of(order->header_discount, &whole, err);
    for (size_t i = 0; code == MLC_OK && i < order->line_count; i++) {
        code = line_share(&order->lines[i], &shares[i], err);
        if (code == MLC_OK && mlc_decimal_cmp(shares[i].net, zero) > 0) {
            last = i;
            code = add_to(&all, shares[i].net, err);
        }
    }
    if (code != MLC_OK || mlc_decimal_cmp(whole, zero) == 0)
        return code;
    if (mlc_decimal_cmp(whole, zero) < 0)
        return mlc_fail(err, MLC_E_INVALID, "headerDiscount: it is below zero; enter a surcharge as a line");
    if (last == SIZE_MAX)
        return mlc_fail(err, MLC_E_INVALID, "headerDiscount: no line is worth anything to take it from");
    mlc_decimal left = whole;
    for (size_t i = 0; code == MLC_OK && i < last; i++) {
        mlc_decimal part;
        if (mlc_decimal_cmp(shares[i].net, zero) <= 0)
            continue;
        code = portion(shares[i].net, whole, all, &part, err);
        if (code == MLC_OK && mlc_decimal_cmp(part, left) > 0)
            part = left;
        if (code == MLC_OK)
            code = give(&shares[i], part, &left, err);
    }
    return code == MLC_OK ? give(&shares[last], left, &left, err) : code;
}
