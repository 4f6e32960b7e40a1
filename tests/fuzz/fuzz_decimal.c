/* parts: base */
/* Decimal text: what is accepted must come back as the same value, and arithmetic must stay exact. */
#include "base/buf.h"
#include "base/decimal.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth)
{
    if (!truth)
        abort();
}

static bool parse_part(const uint8_t *data, size_t size, mlc_decimal *out)
{
    char *text = mlc_strndup((const char *)data, size);
    require(text != NULL);
    const bool ok = mlc_decimal_parse(text, out, NULL) == MLC_OK;
    free(text);
    return ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mlc_decimal a;
    mlc_decimal b;
    mlc_decimal out;
    mlc_decimal back;
    char text[MLC_DECIMAL_TEXT_MAX];
    if (!parse_part(data, size / 2, &a) || !parse_part(data + size / 2, size - size / 2, &b))
        return 0;
    require(mlc_decimal_parse(mlc_decimal_text(a, text), &out, NULL) == MLC_OK);
    require(out.unscaled == a.unscaled && out.scale == a.scale);
    require(mlc_decimal_cmp(a, mlc_decimal_normalize(a)) == 0);
    require(mlc_decimal_cmp(a, b) == -mlc_decimal_cmp(b, a));
    if (mlc_decimal_add(a, b, &out, NULL) == MLC_OK && mlc_decimal_sub(out, b, &back, NULL) == MLC_OK)
        require(mlc_decimal_cmp(back, a) == 0);
    (void)mlc_decimal_mul(a, b, &out, NULL);
    for (unsigned scale = 0; scale <= MLC_DECIMAL_SCALE_MAX; scale++) {
        if (mlc_decimal_rescale(a, scale, MLC_ROUND_EXACT_ONLY, &out, NULL) == MLC_OK)
            require(mlc_decimal_cmp(out, a) == 0);
        (void)mlc_decimal_rescale(a, scale, MLC_ROUND_HALF_UP, &out, NULL);
        (void)mlc_decimal_rescale(a, scale, MLC_ROUND_HALF_EVEN, &out, NULL);
    }
    return 0;
}
