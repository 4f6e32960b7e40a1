/* write.h - write(2) until all is written. Thread rule: any thread. */
#ifndef MLC_BASE_WRITE_H
#define MLC_BASE_WRITE_H

#include <stdbool.h>
#include <stddef.h>

/* Goes on after signals and short writes. False with errno: some of it may have been written. */
bool mlc_write_all(int fd, const void *data, size_t len);

#endif
