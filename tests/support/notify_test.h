/* notify_test.h - a service manager's socket for tests of sd_notify. Include after cmocka.h. */
#ifndef MLC_TESTS_NOTIFY_TEST_H
#define MLC_TESTS_NOTIFY_TEST_H

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

typedef struct notify_manager {
    int fd;
    char path[64]; /* "" of an abstract socket */
    char heard[256];
} notify_manager;

/* A manager that listens, named in $NOTIFY_SOCKET. */
static inline void notify_manager_open(notify_manager *manager, bool abstract)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t len = sizeof address;
    memset(manager, 0, sizeof *manager);
    manager->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(manager->fd >= 0);
    char name[64];
    (void)snprintf(name, sizeof name, "%s/mlc-notify.%ld", abstract ? "@mlc" : "/tmp", (long)getpid());
    memcpy(address.sun_path, name, strlen(name));
    if (abstract) {
        address.sun_path[0] = '\0';
        len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
    } else {
        (void)snprintf(manager->path, sizeof manager->path, "%s", name);
        (void)unlink(name);
    }
    assert_int_equal(bind(manager->fd, (const struct sockaddr *)&address, len), 0);
    assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
}

/* The next note, "" when none is there. */
static inline const char *notify_manager_hear(notify_manager *manager)
{
    const ssize_t got = recv(manager->fd, manager->heard, sizeof manager->heard - 1, MSG_DONTWAIT);
    manager->heard[got > 0 ? got : 0] = '\0';
    return manager->heard;
}

static inline void notify_manager_close(const notify_manager *manager)
{
    (void)close(manager->fd);
    if (manager->path[0] != '\0')
        (void)unlink(manager->path);
    (void)unsetenv("NOTIFY_SOCKET");
}

#endif
