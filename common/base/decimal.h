/* decimal.h - exact decimal numbers for money, prices and quantities.
 *
 * value = unscaled * 10^-scale, held in an int64 and a scale of 0..18; no binary floating point
 * anywhere. Operations that cannot be exact within that range fail with MLC_E_LIMIT, they never
 * round in silence. Thread rule: values, free to copy.
 */
#ifndef MLC_BASE_DECIMAL_H
#define MLC_BASE_DECIMAL_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

enum { MLC_DECIMAL_SCALE_MAX = 18, MLC_DECIMAL_TEXT_MAX = 24 };

typedef struct mlc_decimal {
    int64_t unscaled;
    uint8_t scale;
} mlc_decimal;

typedef enum mlc_rounding { MLC_ROUND_EXACT_ONLY, MLC_ROUND_HALF_UP, MLC_ROUND_HALF_EVEN } mlc_rounding;

/* Parse "-12.3400", "1e3", "1.5E-2"; with no other characters (no blanks, no thousands signs).
 * Keeps the written scale. MLC_E_INVALID or MLC_E_LIMIT. */
mlc_code mlc_decimal_parse(const char *text, mlc_decimal *out, mlc_error *err);
/* Whole number with implied decimals, as JDE stores money: (1234, 2) -> 12.34. */
mlc_code mlc_decimal_from_implied(int64_t stored, unsigned decimals, mlc_decimal *out, mlc_error *err);
/* The stored number for so many implied decimals; MLC_E_LIMIT when digits would be lost. */
mlc_code mlc_decimal_to_implied(mlc_decimal value, unsigned decimals, int64_t *out, mlc_error *err);
/* "-12.3400" with exactly `scale` decimals. `out` has MLC_DECIMAL_TEXT_MAX bytes. Returns out. */
const char *mlc_decimal_text(mlc_decimal value, char *out);
mlc_code mlc_decimal_rescale(mlc_decimal value, unsigned scale, mlc_rounding how, mlc_decimal *out,
                             mlc_error *err);
mlc_code mlc_decimal_add(mlc_decimal a, mlc_decimal b, mlc_decimal *out, mlc_error *err);
mlc_code mlc_decimal_sub(mlc_decimal a, mlc_decimal b, mlc_decimal *out, mlc_error *err);
mlc_code mlc_decimal_mul(mlc_decimal a, mlc_decimal b, mlc_decimal *out, mlc_error *err);
/* a / b with `scale` decimals, rounded half up (away from zero). MLC_E_INVALID when b is zero; MLC_E_LIMIT. */
mlc_code mlc_decimal_div(mlc_decimal a, mlc_decimal b, unsigned scale, mlc_decimal *out, mlc_error *err);
/* -1, 0, 1 by value: 1.0 equals 1.00. */
int mlc_decimal_cmp(mlc_decimal a, mlc_decimal b);
/* Same value without trailing zeros after the point: a canonical form for hashing. */
mlc_decimal mlc_decimal_normalize(mlc_decimal value);

#endif
