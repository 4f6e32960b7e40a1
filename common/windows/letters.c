/* letters.c - upper and lower case of Unicode by Windows' own tables, in no language's rules. */
#include <winsock2.h>
/* before the rest of Windows */
#include <windows.h>

locale_t newlocale(int mask, const char *name, locale_t base)
{
    (void)mask;
    (void)name;
    (void)base;
    return 1;
}

void freelocale(locale_t locale)
{
    (void)locale;
}

static unsigned map_letter(unsigned c, DWORD how)
{
    WCHAR in[2] = {(WCHAR)c, 0};
    WCHAR out[2] = {0, 0};
    const int len = c > 0xFFFF ? 2 : 1;
    if (len == 2) {
        in[0] = (WCHAR)(0xD800 + ((c - 0x10000) >> 10));
        in[1] = (WCHAR)(0xDC00 + ((c - 0x10000) & 0x3FF));
    }
    if (LCMapStringEx(LOCALE_NAME_INVARIANT, how, in, len, out, len, NULL, NULL, 0) != len)
        return c;
    if (len == 1)
        return out[0];
    return 0x10000 + (((unsigned)out[0] - 0xD800) << 10) + ((unsigned)out[1] - 0xDC00);
}

unsigned towupper_l(unsigned c, locale_t locale)
{
    (void)locale;
    return map_letter(c, LCMAP_UPPERCASE);
}

unsigned towlower_l(unsigned c, locale_t locale)
{
    (void)locale;
    return map_letter(c, LCMAP_LOWERCASE);
}
