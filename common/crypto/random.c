/* random.c - random bytes from the operating system (getrandom), and what is made of them. */
#include "crypto/crypto.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

enum {
    CHUNK = 256, /* up to here getrandom is never cut short by a signal */
    ID_BYTES = 16
};

mlc_code mlc_random(void *out, size_t len, mlc_error *err)
{
    uint8_t *p = out;
    while (len > 0) {
        const ssize_t got = getrandom(p, len < CHUNK ? len : CHUNK, 0);
        if (got < 0) {
            if (errno == EINTR)
                continue;
            return mlc_fail(err, MLC_E_IO, "no random bytes from the operating system: %s", strerror(errno));
        }
        p += got;
        len -= (size_t)got;
    }
    return MLC_OK;
}

mlc_code mlc_random_id(char out[MLC_ID_TEXT_MAX], mlc_error *err)
{
    uint8_t bytes[ID_BYTES];
    out[0] = '\0';
    const mlc_code code = mlc_random(bytes, sizeof bytes, err);
    if (code != MLC_OK)
        return code;
    mlc_hex(bytes, sizeof bytes, out);
    return MLC_OK;
}

/* Jitter must not stop working when the random source does: the clock's low bits spread calls as well. */
static uint64_t any_number(void)
{
    uint64_t value = 0;
    if (mlc_random(&value, sizeof value, NULL) == MLC_OK)
        return value;
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_nsec;
}

uint64_t mlc_random_below(uint64_t bound)
{
    if (bound < 2)
        return 0;
    /* Numbers under 2^64 mod bound would make small results more likely: draw again. Two draws are all
     * but certain to do, and the count is bounded so that the clock above cannot loop for ever. */
    const uint64_t skip = (0 - bound) % bound;
    uint64_t value = any_number();
    for (int tries = 0; value < skip && tries < 64; tries++)
        value = any_number();
    return value % bound;
}
