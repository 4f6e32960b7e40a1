/* decimal.c - exact decimal numbers: an int64 and a scale.
 *
 * Intermediate results are held in 128 bits, where no operation of two values can overflow; `settle`
 * then brings the result back into an int64, giving up trailing zeros of the scale and nothing else. */
#include "base/decimal.h"

#include <string.h>

__extension__ typedef __int128 wide;

enum { EXPONENT_MAX = 10000, TEXT_SHOWN = 40 };

static int64_t power_of_ten(unsigned n)
{
    int64_t power = 1;
    while (n-- > 0)
        power *= 10;
    return power;
}

static mlc_code settle(wide value, unsigned scale, mlc_decimal *out, mlc_error *err)
{
    while (scale > 0 && (scale > MLC_DECIMAL_SCALE_MAX || value > INT64_MAX || value < INT64_MIN)) {
        if (value % 10 != 0)
            break;
        value /= 10;
        scale--;
    }
    if (scale > MLC_DECIMAL_SCALE_MAX || value > INT64_MAX || value < INT64_MIN)
        return mlc_fail(err, MLC_E_LIMIT, "decimal result needs more than 18 digits");
    *out = (mlc_decimal){.unscaled = (int64_t)value, .scale = (uint8_t)scale};
    return MLC_OK;
}

/* What the text says before it is fitted: digits without trailing zeros, and where the point stands. */
typedef struct scanned {
    bool negative;
    int64_t digits;   /* signed; the zeros counted in `zeros` are left off */
    int64_t zeros;    /* zeros that end the written digits */
    int64_t decimals; /* digits after the point, of those written */
    bool overflow;
} scanned;

static void scan_digit(scanned *s, int digit)
{
    if (digit == 0) {
        s->zeros++;
        return;
    }
    /* Zeros held back count once a digit follows them; before the first digit they mean nothing. */
    const int64_t shift = s->digits == 0 ? 1 : s->zeros + 1;
    for (int64_t i = 0; i < shift && !s->overflow; i++)
        s->overflow = __builtin_mul_overflow(s->digits, 10, &s->digits);
    s->zeros = 0;
    if (!s->overflow)
        s->overflow = __builtin_add_overflow(s->digits, s->negative ? -digit : digit, &s->digits);
}

/* Digits from text on; returns the first other character, or NULL when there was no digit. */
static const char *scan_digits(scanned *s, const char *text, bool after_point)
{
    const char *p = text;
    for (; *p >= '0' && *p <= '9'; p++) {
        scan_digit(s, *p - '0');
        if (after_point)
            s->decimals++;
    }
    return p == text ? NULL : p;
}

/* "12" of "e12"; anything beyond EXPONENT_MAX stays beyond it. NULL when malformed. */
static const char *scan_exponent(const char *p, int64_t *out)
{
    const bool negative = *p == '-';
    if (*p == '-' || *p == '+')
        p++;
    const char *const first = p;
    int64_t value = 0;
    for (; *p >= '0' && *p <= '9'; p++)
        value = value > EXPONENT_MAX ? value : value * 10 + (*p - '0');
    *out = negative ? -value : value;
    return p == first ? NULL : p;
}

/* Choose the written scale where it fits; otherwise the nearest that keeps the value. */
static mlc_code fit_scanned(const scanned *s, int64_t scale, mlc_decimal *out)
{
    const int64_t written = scale < 0 ? 0 : scale > MLC_DECIMAL_SCALE_MAX ? MLC_DECIMAL_SCALE_MAX : scale;
    if (s->digits == 0 && !s->overflow) {
        *out = (mlc_decimal){.unscaled = 0, .scale = (uint8_t)written};
        return MLC_OK;
    }
    const int64_t least = scale - s->zeros; /* scale of the digits without their trailing zeros */
    if (s->overflow || least > MLC_DECIMAL_SCALE_MAX || least < -MLC_DECIMAL_SCALE_MAX)
        return MLC_E_LIMIT;
    int64_t value = s->digits;
    for (int64_t i = least; i < 0; i++)
        if (__builtin_mul_overflow(value, 10, &value))
            return MLC_E_LIMIT;
    int64_t have = least < 0 ? 0 : least;
    for (int64_t more; have < written && !__builtin_mul_overflow(value, 10, &more); have++)
        value = more;
    *out = (mlc_decimal){.unscaled = value, .scale = (uint8_t)have};
    return MLC_OK;
}

mlc_code mlc_decimal_parse(const char *text, mlc_decimal *out, mlc_error *err)
{
    if (text == NULL)
        return mlc_fail(err, MLC_E_INVALID, "no decimal number given");
    scanned s = {.negative = text[0] == '-'};
    int64_t exponent = 0;
    const char *p = scan_digits(&s, text + (s.negative ? 1 : 0), false);
    if (p != NULL && *p == '.')
        p = scan_digits(&s, p + 1, true);
    if (p != NULL && (*p == 'e' || *p == 'E'))
        p = scan_exponent(p + 1, &exponent);
    if (p == NULL || *p != '\0')
        return mlc_fail(err, MLC_E_INVALID, "\"%.*s\" is not a decimal number such as -12.34", TEXT_SHOWN,
                        text);
    if (exponent > EXPONENT_MAX || exponent < -EXPONENT_MAX)
        s.overflow = s.overflow || s.digits != 0;
    if (fit_scanned(&s, s.decimals - exponent, out) != MLC_OK)
        return mlc_fail(err, MLC_E_LIMIT, "\"%.*s\" has more than 18 digits before or after the point",
                        TEXT_SHOWN, text);
    return MLC_OK;
}

mlc_code mlc_decimal_from_implied(int64_t stored, unsigned decimals, mlc_decimal *out, mlc_error *err)
{
    if (decimals > MLC_DECIMAL_SCALE_MAX)
        return mlc_fail(err, MLC_E_LIMIT, "%u implied decimals; at most %d", decimals, MLC_DECIMAL_SCALE_MAX);
    *out = (mlc_decimal){.unscaled = stored, .scale = (uint8_t)decimals};
    return MLC_OK;
}

mlc_code mlc_decimal_to_implied(mlc_decimal value, unsigned decimals, int64_t *out, mlc_error *err)
{
    mlc_decimal scaled = {0};
    const mlc_code code = mlc_decimal_rescale(value, decimals, MLC_ROUND_EXACT_ONLY, &scaled, err);
    if (code == MLC_OK)
        *out = scaled.unscaled;
    return code;
}

const char *mlc_decimal_text(mlc_decimal value, char *out)
{
    /* Written from the right; the magnitude is unsigned because -INT64_MIN does not exist. */
    char reversed[MLC_DECIMAL_TEXT_MAX];
    uint64_t rest = value.unscaled < 0 ? 0 - (uint64_t)value.unscaled : (uint64_t)value.unscaled;
    size_t n = 0;
    for (unsigned digits = 0; rest > 0 || digits <= value.scale; digits++) {
        if (digits == value.scale && digits > 0)
            reversed[n++] = '.';
        reversed[n++] = (char)('0' + rest % 10);
        rest /= 10;
    }
    if (value.unscaled < 0)
        reversed[n++] = '-';
    for (size_t i = 0; i < n; i++)
        out[i] = reversed[n - 1 - i];
    out[n] = '\0';
    return out;
}

/* One unit away from zero, or none, for the part that rounding drops (same sign as the value). */
static int64_t round_step(int64_t kept, int64_t dropped, int64_t divisor, mlc_rounding how)
{
    const int64_t sign = dropped < 0 ? -1 : 1;
    const int64_t magnitude = dropped * sign; /* below 10^18: the negation exists */
    const int64_t rest = divisor - magnitude; /* compared instead of 2 * magnitude, which might overflow */
    if (magnitude < rest)
        return 0;
    if (magnitude == rest && how == MLC_ROUND_HALF_EVEN && kept % 2 == 0)
        return 0;
    return sign;
}

mlc_code mlc_decimal_rescale(mlc_decimal value, unsigned scale, mlc_rounding how, mlc_decimal *out,
                             mlc_error *err)
{
    char text[MLC_DECIMAL_TEXT_MAX];
    if (scale > MLC_DECIMAL_SCALE_MAX)
        return mlc_fail(err, MLC_E_LIMIT, "%u decimals; at most %d", scale, MLC_DECIMAL_SCALE_MAX);
    if (scale >= value.scale) {
        int64_t raised;
        if (__builtin_mul_overflow(value.unscaled, power_of_ten(scale - value.scale), &raised))
            return mlc_fail(err, MLC_E_LIMIT, "%s does not fit with %u decimals",
                            mlc_decimal_text(value, text), scale);
        *out = (mlc_decimal){.unscaled = raised, .scale = (uint8_t)scale};
        return MLC_OK;
    }
    const int64_t divisor = power_of_ten(value.scale - scale);
    const int64_t kept = value.unscaled / divisor;
    const int64_t dropped = value.unscaled % divisor;
    if (dropped != 0 && how == MLC_ROUND_EXACT_ONLY)
        return mlc_fail(err, MLC_E_LIMIT, "%s has more than %u decimals", mlc_decimal_text(value, text),
                        scale);
    const int64_t step = dropped == 0 ? 0 : round_step(kept, dropped, divisor, how);
    *out = (mlc_decimal){.unscaled = kept + step, .scale = (uint8_t)scale};
    return MLC_OK;
}

static wide widened(mlc_decimal value, unsigned scale)
{
    return (wide)value.unscaled * power_of_ten(scale - value.scale);
}

mlc_code mlc_decimal_add(mlc_decimal a, mlc_decimal b, mlc_decimal *out, mlc_error *err)
{
    const unsigned scale = a.scale > b.scale ? a.scale : b.scale;
    return settle(widened(a, scale) + widened(b, scale), scale, out, err);
}

mlc_code mlc_decimal_sub(mlc_decimal a, mlc_decimal b, mlc_decimal *out, mlc_error *err)
{
    const unsigned scale = a.scale > b.scale ? a.scale : b.scale;
    return settle(widened(a, scale) - widened(b, scale), scale, out, err);
}

mlc_code mlc_decimal_mul(mlc_decimal a, mlc_decimal b, mlc_decimal *out, mlc_error *err)
{
    return settle((wide)a.unscaled * b.unscaled, (unsigned)a.scale + b.scale, out, err);
}

mlc_code mlc_decimal_div(mlc_decimal a, mlc_decimal b, unsigned scale, mlc_decimal *out, mlc_error *err)
{
    const mlc_decimal n = mlc_decimal_normalize(a);
    const mlc_decimal d = mlc_decimal_normalize(b);
    if (d.unscaled == 0)
        return mlc_fail(err, MLC_E_INVALID, "division by zero");
    /* n / d with the result's decimals: the numerator is raised, or the denominator when it has to be lowered. */
    const int raise = (int)scale + d.scale - n.scale;
    if (scale > MLC_DECIMAL_SCALE_MAX || raise > MLC_DECIMAL_SCALE_MAX || raise < -MLC_DECIMAL_SCALE_MAX)
        return mlc_fail(err, MLC_E_LIMIT, "decimal result needs more than 18 digits");
    const wide top = (wide)n.unscaled * (raise > 0 ? power_of_ten((unsigned)raise) : 1);
    const wide bottom = (wide)d.unscaled * (raise < 0 ? power_of_ten((unsigned)-raise) : 1);
    wide quotient = top / bottom;
    const wide rest = top % bottom;
    const wide size = bottom < 0 ? -bottom : bottom;
    if ((rest < 0 ? -rest : rest) >= size - (rest < 0 ? -rest : rest) && rest != 0)
        quotient += (top < 0) == (bottom < 0) ? 1 : -1;
    return settle(quotient, scale, out, err);
}

int mlc_decimal_cmp(mlc_decimal a, mlc_decimal b)
{
    const unsigned scale = a.scale > b.scale ? a.scale : b.scale;
    const wide x = widened(a, scale);
    const wide y = widened(b, scale);
    return (x > y) - (x < y);
}

mlc_decimal mlc_decimal_normalize(mlc_decimal value)
{
    while (value.scale > 0 && value.unscaled % 10 == 0) {
        value.unscaled /= 10;
        value.scale--;
    }
    return value;
}
