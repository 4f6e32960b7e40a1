/* fresh.h - a file that is written beside the one whose place it takes: "FILE.mlc-new-XXXXXX", until it is renamed or linked.
 *
 * Its maker holds a lock on it as long as it is open, so what a killed one left behind can be told from what is in use.
 * Thread rule: any thread.
 */
#ifndef MLC_BASE_FRESH_H
#define MLC_BASE_FRESH_H

#include "base/error.h"

#include <stddef.h>

enum { MLC_FRESH_PATH_MAX = 1100 };

/* Make one (mode 0600) for `file`. Rename, link or remove it before you close *fd. MLC_E_IO: says why in errno's words. */
mlc_code mlc_fresh_open(const char *file, char path[MLC_FRESH_PATH_MAX], int *fd, mlc_error *err);
/* Remove those of `file` that nobody has open: of makers that were killed. Only regular files of this user (as root: of any) with
 * such a name. Gives their number. What cannot be removed stays: it does no harm. */
size_t mlc_fresh_clear(const char *file);

#endif
