/* net_test.h - what the tests of common/net share: a loop with a watchdog, a temporary folder with
 * certificates, a peer of raw sockets in a thread of its own. Include after cmocka.h. */
#ifndef MLC_TESTS_NET_TEST_H
#define MLC_TESTS_NET_TEST_H

#include "net/http_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { NET_TEST_PATIENCE_MS = 20000, NET_TEST_TICK_MS = 5 };

/* ---- loop ---- */

static inline void net_out_of_patience(uv_timer_t *timer)
{
    *(bool *)timer->data = true;
}

static inline void net_tick(uv_timer_t *timer)
{
    ++*(int *)timer->data;
}

/* Run the loop until *flag; false when it does not come. */
static inline bool net_run_until(uv_loop_t *loop, const bool *flag)
{
    /* One turn of the loop waits for the next event even when a timer has set the flag: so there is one. */
    int ticks = 0;
    uv_timer_t timer;
    uv_timer_init(loop, &timer);
    timer.data = &ticks;
    uv_timer_start(&timer, net_tick, NET_TEST_TICK_MS, NET_TEST_TICK_MS);
    while (!*flag && ticks < NET_TEST_PATIENCE_MS / NET_TEST_TICK_MS)
        uv_run(loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(loop, UV_RUN_NOWAIT);
    return *flag;
}

static inline bool net_run_for(uv_loop_t *loop, uint64_t ms)
{
    bool over = false;
    uv_timer_t timer;
    uv_timer_init(loop, &timer);
    timer.data = &over;
    /* It goes on: a timer that is due at once sets the flag before the turn waits (see net_run_until). */
    uv_timer_start(&timer, net_out_of_patience, ms, NET_TEST_TICK_MS);
    while (!over)
        uv_run(loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(loop, UV_RUN_NOWAIT);
    return true;
}

/* Everything was closed: the loop must run out and have no handle left. */
static inline void net_loop_end(uv_loop_t *loop)
{
    uv_run(loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(loop), 0);
}

/* ---- folder with certificates ---- */

static inline void net_make_dir(char *dir, size_t size)
{
    const char *base = getenv("TMPDIR");
    snprintf(dir, size, "%s/mlc-net-XXXXXX", base != NULL ? base : "/tmp");
    assert_non_null(mkdtemp(dir));
}

static inline void net_remove_dir(const char *dir)
{
    char command[512];
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    assert_int_equal(system(command), 0);
}

/* Making certificates takes longer than most tests: made once in a program and copied. */
static char net_certs_dir[128];

static inline void net_remove_certs(void)
{
    char command[512];
    snprintf(command, sizeof(command), "rm -rf %s", net_certs_dir);
    (void)!system(command);
}

static inline void net_make_certs(const char *dir)
{
    char command[512];
    if (net_certs_dir[0] == '\0') {
        net_make_dir(net_certs_dir, sizeof(net_certs_dir));
        (void)atexit(net_remove_certs);
        snprintf(command, sizeof(command), MLC_SOURCE_DIR "/tests/support/make_certs.sh %s >%s/log 2>&1",
                 net_certs_dir, net_certs_dir);
        assert_int_equal(system(command), 0);
    }
    snprintf(command, sizeof(command), "cp -p %s/*.pem %s/*.key %s", net_certs_dir, net_certs_dir, dir);
    assert_int_equal(system(command), 0);
}

/* ---- one request and what came of it ---- */

typedef struct net_result {
    bool done;
    int calls;
    mlc_code code;
    int status;
    size_t body_len;
    char body[4096];
    char type[64];
    char retry_after[32];
    char connection[32];
    char message[MLC_ERROR_MESSAGE_MAX];
} net_result;

static inline void net_keep(char *to, size_t size, const mlc_http_response *response, const char *name)
{
    const char *value = mlc_http_header_get(response, name);
    snprintf(to, size, "%s", value != NULL ? value : "");
}

static inline void net_on_done(void *user, mlc_code code, const mlc_error *err,
                               const mlc_http_response *response)
{
    net_result *r = user;
    r->done = true;
    r->calls++;
    r->code = code;
    r->status = response->status;
    r->body_len = response->body_len;
    snprintf(r->body, sizeof(r->body), "%s", response->body);
    net_keep(r->type, sizeof(r->type), response, "content-type");
    net_keep(r->retry_after, sizeof(r->retry_after), response, "Retry-After");
    net_keep(r->connection, sizeof(r->connection), response, "Connection");
    snprintf(r->message, sizeof(r->message), "%s", err->message);
}

/* ---- a peer in a thread ---- */

typedef struct net_peer {
    int fd, port;
    pthread_t thread;
    atomic_int connections, requests;
    atomic_bool stop;
    void (*serve)(struct net_peer *peer, int fd, int nth);
} net_peer;

/* Wait for input; false when the test ends or the other side closed without any. */
static inline bool net_peer_wait(net_peer *peer, int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    while (!atomic_load(&peer->stop))
        if (poll(&p, 1, 20) > 0)
            return true;
    return false;
}

/* Read one request with its body; false on hang-up. */
static inline bool net_peer_read(net_peer *peer, int fd, char *text, size_t size)
{
    size_t len = 0;
    while (net_peer_wait(peer, fd) && len + 1 < size) {
        ssize_t n = recv(fd, text + len, size - 1 - len, 0);
        if (n <= 0)
            return false;
        len += (size_t)n;
        text[len] = '\0';
        const char *end = strstr(text, "\r\n\r\n");
        if (end == NULL)
            continue;
        const char *length = strstr(text, "Content-Length: ");
        size_t body = length != NULL ? strtoul(length + 16, NULL, 10) : 0;
        if (len >= (size_t)(end + 4 - text) + body) {
            atomic_fetch_add(&peer->requests, 1);
            return true;
        }
    }
    return false;
}

static inline bool net_send_text(int fd, const char *text)
{
    size_t len = strlen(text);
    return send(fd, text, len, MSG_NOSIGNAL) == (ssize_t)len;
}

static inline void *net_peer_main(void *arg)
{
    net_peer *peer = arg;
    while (net_peer_wait(peer, peer->fd)) {
        int fd = accept(peer->fd, NULL, NULL);
        if (fd < 0)
            continue;
        peer->serve(peer, fd, atomic_fetch_add(&peer->connections, 1));
        close(fd);
    }
    return NULL;
}

static inline void net_peer_start(net_peer *peer, void (*serve)(net_peer *, int, int))
{
    memset(peer, 0, sizeof(*peer));
    peer->serve = serve;
    peer->fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(name);
    assert_int_equal(bind(peer->fd, (struct sockaddr *)&name, len), 0);
    assert_int_equal(listen(peer->fd, 16), 0);
    assert_int_equal(getsockname(peer->fd, (struct sockaddr *)&name, &len), 0);
    peer->port = ntohs(name.sin_port);
    assert_int_equal(pthread_create(&peer->thread, NULL, net_peer_main, peer), 0);
}

static inline void net_peer_stop(net_peer *peer)
{
    atomic_store(&peer->stop, true);
    pthread_join(peer->thread, NULL);
    close(peer->fd);
}

/* ---- a raw client in a thread: sends, then reads until the other side closes or it has enough ---- */

typedef struct net_raw {
    int port;
    const char *unix_path;
    const char *send;
    const char *send_later; /* 150 ms after the first part */
    const char *until;      /* stop reading at this text */
    bool hang_up;           /* close after sending */
    bool drip;              /* one byte every 20 ms */
    char *got;
    size_t got_len, got_max;
    bool closed; /* the server closed the connection */
    bool done;
    uv_async_t async;
    pthread_t thread;
} net_raw;

static inline int net_raw_connect(const net_raw *raw)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    struct sockaddr_in in = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                             .sin_port = htons((uint16_t)raw->port)};
    int fd = socket(raw->unix_path != NULL ? AF_UNIX : AF_INET, SOCK_STREAM, 0);
    int rc = 0;
    if (raw->unix_path != NULL) {
        snprintf(un.sun_path, sizeof(un.sun_path), "%s", raw->unix_path);
        rc = connect(fd, (struct sockaddr *)&un, sizeof(un));
    } else {
        rc = connect(fd, (struct sockaddr *)&in, sizeof(in));
    }
    if (rc != 0) {
        close(fd);
        return -1;
    }
    struct timeval patience = {.tv_sec = 8};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    return fd;
}

static inline void net_raw_read(net_raw *raw, int fd)
{
    while (raw->got_len + 1 < raw->got_max) {
        ssize_t n = recv(fd, raw->got + raw->got_len, raw->got_max - 1 - raw->got_len, 0);
        if (n <= 0) {
            raw->closed = n == 0 || errno == ECONNRESET;
            return;
        }
        raw->got_len += (size_t)n;
        raw->got[raw->got_len] = '\0';
        if (raw->until != NULL && strstr(raw->got, raw->until) != NULL)
            return;
    }
}

static inline void *net_raw_main(void *arg)
{
    net_raw *raw = arg;
    int fd = net_raw_connect(raw);
    if (fd >= 0) {
        bool open = true;
        for (const char *p = raw->send; raw->drip && open && *p != '\0'; p++) {
            open = send(fd, p, 1, MSG_NOSIGNAL) == 1;
            usleep(20000);
        }
        if (!raw->drip)
            (void)net_send_text(fd, raw->send);
        if (raw->send_later != NULL) {
            usleep(150000);
            (void)net_send_text(fd, raw->send_later);
        }
        if (!raw->hang_up)
            net_raw_read(raw, fd);
        close(fd);
    }
    uv_async_send(&raw->async);
    return NULL;
}

static inline void net_raw_finished(uv_async_t *async)
{
    ((net_raw *)async->data)->done = true;
}

static inline void net_raw_start(net_raw *raw, uv_loop_t *loop, size_t room)
{
    raw->got_max = room;
    raw->got = calloc(1, room);
    raw->async.data = raw;
    uv_async_init(loop, &raw->async, net_raw_finished);
    raw->async.data = raw;
    assert_int_equal(pthread_create(&raw->thread, NULL, net_raw_main, raw), 0);
}

static inline void net_raw_finish(net_raw *raw, uv_loop_t *loop)
{
    assert_true(net_run_until(loop, &raw->done));
    pthread_join(raw->thread, NULL);
    uv_close((uv_handle_t *)&raw->async, NULL);
    uv_run(loop, UV_RUN_NOWAIT);
}

#endif
