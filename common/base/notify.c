/* notify.c - see notify.h. */
#include "base/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* "/path", or "@name" for the abstract name space. */
static mlc_code set_address(struct sockaddr_un *out, socklen_t *out_len, const char *name, mlc_error *err)
{
    const size_t len = strlen(name);
    if ((name[0] != '/' && name[0] != '@') || len < 2 || len >= sizeof out->sun_path)
        return mlc_fail(err, MLC_E_INVALID, "NOTIFY_SOCKET is neither an absolute path nor an abstract name");
    memset(out, 0, sizeof *out);
    out->sun_family = AF_UNIX;
    memcpy(out->sun_path, name, len);
    if (name[0] == '@')
        out->sun_path[0] = '\0';
    *out_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    return MLC_OK;
}

mlc_code mlc_notify(const char *lines, mlc_error *err)
{
    struct sockaddr_un address;
    socklen_t address_len = 0;
    const char *const name = getenv("NOTIFY_SOCKET");
    if (name == NULL || name[0] == '\0')
        return MLC_OK;
    const mlc_code code = set_address(&address, &address_len, name, err);
    if (code != MLC_OK)
        return code;
    const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return mlc_fail(err, MLC_E_IO, "cannot make a socket to the service manager: %s", strerror(errno));
    const size_t len = strlen(lines);
    const ssize_t sent =
        sendto(fd, lines, len, MSG_NOSIGNAL | MSG_DONTWAIT, (const struct sockaddr *)&address, address_len);
    const int why = errno;
    (void)close(fd);
    if (sent != (ssize_t)len)
        return mlc_fail(err, MLC_E_IO, "the service manager was not reached: %s", strerror(why));
    return MLC_OK;
}

static bool to_number(const char *text, long long *out)
{
    char *end = NULL;
    if (text == NULL || text[0] < '0' || text[0] > '9')
        return false;
    errno = 0;
    *out = strtoll(text, &end, 10);
    return errno == 0 && *end == '\0';
}

int64_t mlc_notify_watchdog_ms(void)
{
    const char *const process = getenv("WATCHDOG_PID");
    long long usec = 0;
    long long pid = 0;
    if (!to_number(getenv("WATCHDOG_USEC"), &usec) || usec == 0)
        return 0;
    if (process != NULL && (!to_number(process, &pid) || pid != getpid()))
        return 0;
    return usec < 2000 ? 1 : usec / 2000;
}
