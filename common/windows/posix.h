/* posix.h - POSIX names that mingw-w64 lacks, for what means the same on Windows. Included in every file there
 * (cmake/options.cmake), so that the code itself need not ask for the system. What does differ is in base/os.h.
 *
 * Errors and ownership are those of POSIX. Paths are UTF-8 (the programs' manifest asks for it), with either slash.
 */
#ifndef MLC_WINDOWS_POSIX_H
#define MLC_WINDOWS_POSIX_H

/* io.h has a function of this name, which is not POSIX's. */
#define tell mlc_posix_io_tell
#include <fcntl.h>
#include <io.h>
#undef tell
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#define O_CLOEXEC  O_NOINHERIT
#define O_NONBLOCK 0
#define O_NOCTTY   0

#ifndef EDQUOT
#define EDQUOT 10069
#endif

const char *strerrordesc_np(int error);
void explicit_bzero(void *data, size_t len);
void *memrchr(const void *data, int byte, size_t len);
char *strndup(const char *text, size_t len);
ssize_t getline(char **line, size_t *size, FILE *in);
int mkostemp(char *name, int flags);
char *mkdtemp(char *name);
ssize_t pread(int fd, void *data, size_t len, off_t at);
time_t timegm(struct tm *utc);
/* There are no links that are told from what they lead to, and no sockets among files. */
#define lstat(path, st) stat(path, st)
#define S_ISSOCK(mode)  ((void)(mode), 0)
/* As mkostemp, with attributes and flags of CreateFile. Others may have `share` (0: nobody opens it meanwhile); it can be renamed
 * and removed while it is open. */
int mlc_posix_new_file(char *name, unsigned long flags, unsigned long share);
int fsync(int fd);
/* A second name for a file; NTFS only. */
int link(const char *old_name, const char *new_name);

/* Takes the place of a file that is there, as POSIX's does. */
int mlc_posix_rename(const char *old_name, const char *new_name);
/* With mode 0700 the folder is for its maker, administrators and the system, unless it inherits as much from its own. */
int mlc_posix_mkdir(const char *path, unsigned mode);
/* All files are binary, and "e" is the rule: children inherit nothing. */
FILE *mlc_posix_fopen(const char *path, const char *mode);

/* Who may do what with a file is its folder's access list; modes change nothing. */
int fchmod(int fd, unsigned mode);
char *realpath(const char *path, char *out);

/* Signals do not come from outside on Windows: there is nothing to keep from a thread. */
#undef pthread_sigmask
typedef unsigned long long sigset_t;
#ifndef SIG_SETMASK
#define SIG_SETMASK 0
#endif
int sigfillset(sigset_t *set);
int mlc_posix_sigmask(int how, const sigset_t *set, sigset_t *old);
#define pthread_sigmask mlc_posix_sigmask

/* Letters of Unicode in the one locale there is; a character is a code point, not a unit of UTF-16. */
typedef int locale_t;
#define LC_CTYPE_MASK 1
locale_t newlocale(int mask, const char *name, locale_t base);
void freelocale(locale_t locale);
unsigned towupper_l(unsigned c, locale_t locale);
unsigned towlower_l(unsigned c, locale_t locale);

#define rename(old, new)  mlc_posix_rename(old, new)
#define mkdir(path, mode) mlc_posix_mkdir(path, mode)
#define fopen(path, mode) mlc_posix_fopen(path, mode)

#endif
