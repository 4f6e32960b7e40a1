/* source_version.c - see source_version.h. */
#include "relay/source_version.h"

#include <stddef.h>
#include <string.h>

bool mlc_source_version_valid(const char *version)
{
    return version != NULL && strpbrk(version, "0123456789") != NULL &&
           version[strspn(version, "0123456789.")] == '\0';
}

/* One number of a version without leading zeros; steps over it and what parts it from the next. */
static size_t take_number(const char **at, const char **digits)
{
    *at += strspn(*at, "0");
    *digits = *at;
    const size_t len = strspn(*at, "0123456789");
    *at += len;
    if (**at != '\0')
        (*at)++;
    return len;
}

int mlc_source_version_cmp(const char *a, const char *b)
{
    while (*a != '\0' || *b != '\0') {
        const char *a_digits = NULL;
        const char *b_digits = NULL;
        const size_t a_len = take_number(&a, &a_digits);
        const size_t b_len = take_number(&b, &b_digits);
        if (a_len != b_len)
            return a_len < b_len ? -1 : 1;
        const int diff = memcmp(a_digits, b_digits, a_len);
        if (diff != 0)
            return diff < 0 ? -1 : 1;
    }
    return 0;
}
