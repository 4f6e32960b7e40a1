/* fresh_name.h - the names of fresh.h's files. Private to fresh.c and fresh_windows.c. */
#ifndef MLC_BASE_FRESH_NAME_H
#define MLC_BASE_FRESH_NAME_H

#include <stdbool.h>

#define MLC_FRESH_MARK ".mlc-new-" /* six random letters and digits follow */

/* Is `name` (no folder) one that was made for the file `base` (no folder)? */
bool mlc_fresh_is_name(const char *name, const char *base);

#endif
