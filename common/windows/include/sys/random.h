/* Random bytes of Windows under the name of Linux. */
#ifndef MLC_WINDOWS_SYS_RANDOM_H
#define MLC_WINDOWS_SYS_RANDOM_H
#include <sys/types.h>
ssize_t getrandom(void *out, size_t len, unsigned flags);
#endif
