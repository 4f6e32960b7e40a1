/* random.c - getrandom(2) from Windows' own generator. */
#include <sys/random.h>

#include <winsock2.h>
/* before the rest of Windows */
#include <windows.h>

#include <bcrypt.h>
#include <errno.h>

ssize_t getrandom(void *out, size_t len, unsigned flags)
{
    (void)flags;
    if (BCryptGenRandom(NULL, out, (ULONG)len, BCRYPT_USE_SYSTEM_PREFERRED_RNG) == 0)
        return (ssize_t)len;
    errno = EIO;
    return -1;
}
