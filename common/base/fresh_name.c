/* fresh_name.c - see fresh_name.h. */
#include "base/fresh_name.h"

#include <string.h>

enum { RANDOM_LEN = 6 };

bool mlc_fresh_is_name(const char *name, const char *base)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    const size_t len = strlen(base);
    if (strncmp(name, base, len) != 0 || strncmp(name + len, MLC_FRESH_MARK, strlen(MLC_FRESH_MARK)) != 0)
        return false;
    const char *const end = name + len + strlen(MLC_FRESH_MARK);
    return strlen(end) == RANDOM_LEN && strspn(end, letters) == RANDOM_LEN;
}
