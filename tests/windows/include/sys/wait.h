/* store_test.h has a helper for tests that fork; those are not built for Windows, and nobody calls it there. */
#ifndef MLC_TESTS_WINDOWS_SYS_WAIT_H
#define MLC_TESTS_WINDOWS_SYS_WAIT_H
#include <sys/types.h>
#define WIFEXITED(status)   ((status) == 0)
#define WEXITSTATUS(status) (status)
#define WTERMSIG(status)    (status)
static inline int waitpid(pid_t pid, int *status, int options)
{
    (void)pid;
    (void)options;
    *status = -1;
    return -1;
}
#endif
