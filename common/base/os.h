/* os.h - what operating systems do differently: os.c for POSIX systems, os_windows.c for Windows.
 * Thread rule: any thread.
 */
#ifndef MLC_BASE_OS_H
#define MLC_BASE_OS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

enum { MLC_OS_PATH_MAX = 1024 };

/* First of all in main: no dump of the process's memory, which holds secrets; writing to a closed connection is an error
 * of that call and no end of the process. */
void mlc_os_begin(void);

/* Does the path start from the root ("/etc/x"; on Windows also "C:\x" and "\\server\x")? */
bool mlc_os_absolute(const char *path);
/* The last separator of folders, NULL when there is none. */
const char *mlc_os_last_slash(const char *path);

/* May nobody read the open file but its owner, this process's user, and those who may read everything anyway? When others
 * may, `remedy` gets how that is put right: "(mode 644); run: chmod 600 PATH". */
bool mlc_os_private(int fd, const char *path, char *remedy, size_t size);

/* Make a folder; `own`: for this user only. 0, or -1 with errno. */
int mlc_os_make_folder(const char *path, bool own);
/* Make the names in the folder of `path` last through a power cut. 0, or -1 with errno. */
int mlc_os_sync_folder(const char *path);

/* A new file for reading and writing that nobody else opens and that is gone with its descriptor or with the process; `path` ends
 * in XXXXXX, which is replaced. -1 with errno. */
int mlc_os_nameless(char *path);
/* Have a file that root makes belong to the owner of another, `like`. Who is not root makes files of his own, and Windows has
 * the folder's access list decide. 0, or -1 with errno. */
int mlc_os_own_like(int fd, const struct stat *like);
/* For whoever works on `file` alone: an exclusive lock, taken at once or not. A descriptor, whose close or whose process's
 * end lets go of it; -1 with errno, EWOULDBLOCK when another has it. On Windows it is a file beside it ("FILE.lock"), since
 * a file that is open there cannot be replaced. */
int mlc_os_lock(const char *file);

/* Where the TZif file of an IANA zone lies. The name must be known to be harmless. */
void mlc_os_zone_file(const char *name, char out[MLC_OS_PATH_MAX]);

/* A number for the user who runs this, for messages; "user 1000" or his name. */
void mlc_os_user(char *out, size_t size);

#endif
