/* posix_tests.h - POSIX names that only the tests use, on Windows. */
#ifndef MLC_TESTS_WINDOWS_POSIX_TESTS_H
#define MLC_TESTS_WINDOWS_POSIX_TESTS_H

#include <stdlib.h>

/* That of mingw-w64 lets nobody else open the file. */
#define mkstemp(name) mkostemp(name, 0)
int setenv(const char *name, const char *value, int overwrite);
int unsetenv(const char *name);
/* Of all commands "rm -rf FOLDER" only. */
int mlc_tests_system(const char *command);
#define system(command) mlc_tests_system(command)

#endif
