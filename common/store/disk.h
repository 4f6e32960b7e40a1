/* disk.h - what the store asks of the operating system about its files: disk.c for POSIX systems, disk_windows.c for
 * Windows. Private to common/store. */
#ifndef MLC_STORE_DISK_H
#define MLC_STORE_DISK_H

#include <lmdb.h>
#include <stdbool.h>
#include <stddef.h>

typedef enum disk_end {
    DISK_DONE,
    DISK_NO_ROOM, /* on the disk, or by a limit on files */
    DISK_UNKNOWN  /* this file system does not offer it */
} disk_end;

/* Take the file for this process alone, until it is closed or the process ends. False when another has it. What is in the
 * file stays readable. */
bool disk_lock(int fd);
/* See to it that the environment's data file has room for so many bytes. */
disk_end disk_reach(MDB_env *env, size_t bytes);
/* The file in LMDB's terms; `fd` keeps it. */
mdb_filehandle_t disk_handle(int fd);

#endif
