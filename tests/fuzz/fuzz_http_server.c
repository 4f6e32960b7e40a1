/* parts: net */
/* fuzz_http_server.c - any bytes on a connection of the HTTP server, over a real unix socket: what reaches a handler is a whole
 * request within its limits, and every answer begins as one. */
#include "net/http_server_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { BODY_MAX = 1000, HEAD_MAX = 64 * 1024, TURNS_MAX = 24, OPEN_MAX = 100 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct site {
    uv_loop_t loop;
    mlc_lws *lws;
    mlc_http_server *server;
    char dir[64], path[96];
} site;

static site *the_site; /* libFuzzer has no argument for it */

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void serve(mlc_http_req *req, void *user)
{
    size_t len = 0;
    (void)user;
    const char *const body = mlc_http_req_body(req, &len);
    const char *const custom = mlc_http_req_header(req, "x-custom");
    const char *const arg = mlc_http_req_query(req, "q");
    must(len <= BODY_MAX && body[len] == '\0');
    must(strncmp(mlc_http_req_path(req), "/in", 3) == 0);
    must(mlc_http_req_method(req)[0] != '\0');
    const size_t sum = (custom != NULL ? strlen(custom) : 0) + (arg != NULL ? strlen(arg) : 0);
    must(sum < HEAD_MAX);
    if (arg != NULL && *arg == 'e')
        mlc_http_reply_error(req, 503, 1, "busy", arg);
    else
        mlc_http_reply(req, 200, "text/plain", body, len);
}

static void close_site(void)
{
    mlc_http_server_close(the_site->server);
    mlc_lws_close(the_site->lws);
    uv_run(&the_site->loop, UV_RUN_DEFAULT);
    must(uv_loop_close(&the_site->loop) == 0);
    (void)unlink(the_site->path);
    (void)rmdir(the_site->dir);
    free(the_site);
}

static void open_site(void)
{
    const mlc_http_route route = {NULL, "/in", BODY_MAX, serve, NULL};
    site *const s = calloc(1, sizeof *s);
    must(s != NULL && uv_loop_init(&s->loop) == 0);
    (void)snprintf(s->dir, sizeof s->dir, "/tmp/mlc-fuzz-XXXXXX");
    must(mkdtemp(s->dir) != NULL);
    (void)snprintf(s->path, sizeof s->path, "%s/socket", s->dir);
    const mlc_http_server_options options = {
        .name = "fuzz", .unix_path = s->path, .routes = &route, .route_count = 1, .request_timeout_ms = 500};
    must(mlc_lws_open(&s->lws, &s->loop, NULL, NULL) == MLC_OK);
    must(mlc_http_server_open(&s->server, s->lws, &options, NULL) == MLC_OK);
    the_site = s;
    must(atexit(close_site) == 0);
}

static int dial(const site *s)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    must(fd >= 0);
    memcpy(name.sun_path, s->path, strlen(s->path) + 1);
    must(connect(fd, (struct sockaddr *)&name, sizeof name) == 0);
    must(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
    return fd;
}

/* Read what has come; true at the end of the connection. */
static bool take_answer(int fd, char *first, size_t *got)
{
    char piece[4096];
    for (;;) {
        const ssize_t n = recv(fd, piece, sizeof piece, 0);
        if (n < 0)
            return errno != EAGAIN;
        if (n == 0)
            return true;
        for (ssize_t i = 0; i < n && *got < 9; i++)
            first[(*got)++] = piece[i];
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char first[9] = "";
    size_t got = 0;
    size_t sent = 0;
    bool over = false;
    if (the_site == NULL)
        open_site();
    const int fd = dial(the_site);
    for (int turn = 0; turn < TURNS_MAX && !over; turn++) {
        const ssize_t n = sent < size ? send(fd, data + sent, size - sent, MSG_NOSIGNAL) : 0;
        sent += n > 0 ? (size_t)n : 0;
        if (sent == size)
            (void)shutdown(fd, SHUT_WR);
        (void)uv_run(&the_site->loop, UV_RUN_NOWAIT);
        over = take_answer(fd, first, &got);
    }
    /* libwebsockets answers strange upgrades itself, as HTTP/1.0. */
    must(got < sizeof first || memcmp(first, "HTTP/1.", 7) == 0);
    must(close(fd) == 0);
    /* Connections that linger end by time. */
    while (the_site->server->conn_count > OPEN_MAX)
        (void)uv_run(&the_site->loop, UV_RUN_ONCE);
    return 0;
}
