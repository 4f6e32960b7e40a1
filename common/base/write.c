/* write.c - see write.h. */
#include "base/write.h"

#include <errno.h>
#include <unistd.h>

enum { AT_ONCE = 1 << 30 }; /* Windows' takes an int */

bool mlc_write_all(int fd, const void *data, size_t len)
{
    const char *at = data;
    while (len > 0) {
        const ssize_t put = write(fd, at, len < AT_ONCE ? (unsigned)len : AT_ONCE);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        at += put;
        len -= (size_t)put;
    }
    return true;
}
