#include "net/http_listen.h"

#include "base/buf.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

typedef struct listen_search {
    int port;
    const char *unix_path;
    int found;
} listen_search;

static bool is_wanted(int fd, const listen_search *search)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_un un;
        struct sockaddr_storage room;
    } name;
    int listening = 0;
    socklen_t len = sizeof(listening);
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) != 0 || listening == 0)
        return false;
    memset(&name, 0, sizeof(name));
    len = sizeof(name);
    if (getsockname(fd, &name.any, &len) != 0)
        return false;
    if (name.any.sa_family == AF_UNIX)
        return search->unix_path != NULL && strcmp(name.un.sun_path, search->unix_path) == 0;
    if (search->unix_path != NULL)
        return false;
    return ntohs(name.any.sa_family == AF_INET6 ? name.v6.sin6_port : name.v4.sin_port) == search->port;
}

static void look_at(uv_handle_t *handle, void *arg)
{
    listen_search *search = arg;
    uv_os_fd_t fd = -1;
    if (handle->type != UV_POLL || uv_is_closing(handle) || uv_fileno(handle, &fd) != 0)
        return;
    if (is_wanted(fd, search))
        search->found = fd;
}

int mlc_listen_find(uv_loop_t *loop, int port, const char *unix_path)
{
    listen_search search = {.port = port, .unix_path = unix_path, .found = -1};
    uv_walk(loop, look_at, &search);
    return search.found;
}

static bool somebody_answers(const char *path)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    mlc_strlcpy(name.sun_path, path, sizeof(name.sun_path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return false;
    /* EAGAIN: its queue is full, so there is somebody. */
    bool answers = connect(fd, (const struct sockaddr *)&name, sizeof(name)) == 0 || errno == EAGAIN;
    close(fd);
    return answers;
}

mlc_code mlc_listen_path_free(const char *unix_path, mlc_error *err)
{
    struct stat st;
    struct sockaddr_un name;
    /* An '@' would make libwebsockets use the abstract namespace, which has no file mode. */
    if (unix_path[0] != '/' || strlen(unix_path) >= sizeof(name.sun_path))
        return mlc_fail(err, MLC_E_INVALID, "unix socket %s: must be an absolute path of at most %zu bytes",
                        unix_path, sizeof(name.sun_path) - 1);
    if (lstat(unix_path, &st) != 0)
        return errno == ENOENT
                   ? MLC_OK
                   : mlc_fail(err, MLC_E_IO, "unix socket %s: %s", unix_path, strerrordesc_np(errno));
    if (!S_ISSOCK(st.st_mode))
        return mlc_fail(err, MLC_E_EXISTS, "unix socket %s: there is a file that is no socket", unix_path);
    if (somebody_answers(unix_path))
        return mlc_fail(err, MLC_E_EXISTS, "unix socket %s: another process listens there", unix_path);
    return MLC_OK;
}

bool mlc_listen_have_ipv6(void)
{
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    close(fd);
    return true;
}
