/* parts: net */
/* fuzz_http_answer.c - any bytes as the answer of an HTTP server, or of a proxy to CONNECT (the first byte chooses), over a real
 * socket: the call ends once, with a status and a body within its limit, or with a reason. */
#include "base/clock.h"
#include "net/backoff.h"
#include "net/http_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BODY_MAX = 2000, TIMEOUT_MS = 300 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct site {
    uv_loop_t loop;
    uv_tcp_t listener;
    mlc_http_client *direct, *by_proxy;
    char url[64];
    char answer[65536];
    size_t answer_len;
    int ended;
} site;

static site *the_site; /* libFuzzer has no argument for it */

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void on_closed(uv_handle_t *handle)
{
    free(handle);
}

static void on_shutdown(uv_shutdown_t *req, int status)
{
    (void)status;
    if (!uv_is_closing((uv_handle_t *)req->handle))
        uv_close((uv_handle_t *)req->handle, on_closed);
    free(req);
}

static void give_room(uv_handle_t *handle, size_t wanted, uv_buf_t *buf)
{
    static char room[4096];
    (void)handle;
    (void)wanted;
    *buf = uv_buf_init(room, sizeof room);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    site *const s = stream->data;
    (void)buf;
    if (n == 0 || uv_is_closing((uv_handle_t *)stream))
        return;
    if (n < 0) {
        uv_close((uv_handle_t *)stream, on_closed);
        return;
    }
    uv_read_stop(stream);
    uv_buf_t out = uv_buf_init(s->answer, (unsigned)s->answer_len);
    if (out.len > 0)
        (void)uv_try_write(stream, &out, 1);
    uv_shutdown_t *const req = malloc(sizeof *req);
    must(req != NULL);
    if (uv_shutdown(req, stream, on_shutdown) != 0) {
        free(req);
        uv_close((uv_handle_t *)stream, on_closed);
    }
}

static void on_connection(uv_stream_t *listener, int status)
{
    site *const s = listener->data;
    uv_tcp_t *const peer = malloc(sizeof *peer);
    must(peer != NULL && status == 0 && uv_tcp_init(&s->loop, peer) == 0);
    peer->data = s;
    if (uv_accept(listener, (uv_stream_t *)peer) != 0 ||
        uv_read_start((uv_stream_t *)peer, give_room, on_read) != 0)
        uv_close((uv_handle_t *)peer, on_closed);
}

static void on_done(void *user, mlc_code code, const mlc_error *err, const mlc_http_response *response)
{
    site *const s = user;
    int64_t at_ms = 0;
    s->ended++;
    if (code != MLC_OK) {
        must(err->code == code && err->message[0] != '\0');
        return;
    }
    must(response->body_len <= BODY_MAX && response->body[response->body_len] == '\0');
    const char *const wait = mlc_http_header_get(response, "Retry-After");
    const char *const date = mlc_http_header_get(response, "Date");
    must(wait == NULL || mlc_retry_after_ms(wait, 0) >= 0);
    if (date != NULL)
        (void)mlc_http_date_parse(date, &at_ms, NULL);
}

static void close_site(void)
{
    mlc_http_client_close(the_site->direct);
    mlc_http_client_close(the_site->by_proxy);
    uv_close((uv_handle_t *)&the_site->listener, NULL);
    uv_run(&the_site->loop, UV_RUN_DEFAULT);
    must(uv_loop_close(&the_site->loop) == 0);
    free(the_site);
}

static void open_site(void)
{
    struct sockaddr_in name;
    int len = sizeof name;
    char proxy[64];
    site *const s = calloc(1, sizeof *s);
    must(s != NULL && uv_loop_init(&s->loop) == 0 && uv_tcp_init(&s->loop, &s->listener) == 0);
    s->listener.data = s;
    must(uv_ip4_addr("127.0.0.1", 0, &name) == 0);
    must(uv_tcp_bind(&s->listener, (const struct sockaddr *)&name, 0) == 0);
    must(uv_listen((uv_stream_t *)&s->listener, 64, on_connection) == 0);
    must(uv_tcp_getsockname(&s->listener, (struct sockaddr *)&name, &len) == 0);
    const int port = ntohs(name.sin_port);
    (void)snprintf(s->url, sizeof s->url, "http://127.0.0.1:%d/", port);
    (void)snprintf(proxy, sizeof proxy, "http://127.0.0.1:%d", port);
    const mlc_http_client_options direct = {.loop = &s->loop};
    const mlc_http_client_options by_proxy = {.loop = &s->loop, .proxy = {.url = proxy}};
    must(mlc_http_client_open(&s->direct, &direct, NULL) == MLC_OK);
    must(mlc_http_client_open(&s->by_proxy, &by_proxy, NULL) == MLC_OK);
    the_site = s;
    must(atexit(close_site) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > sizeof the_site->answer)
        return 0;
    if (the_site == NULL)
        open_site();
    site *const s = the_site;
    const bool by_proxy = (data[0] & 1) != 0;
    const mlc_http_request request = {.method = (data[0] & 2) != 0 ? "POST" : "GET",
                                      .url = by_proxy ? "https://fuzz.invalid/" : s->url,
                                      .timeout_ms = TIMEOUT_MS,
                                      .max_body = BODY_MAX};
    s->answer_len = size - 1;
    memcpy(s->answer, data + 1, size - 1);
    s->ended = 0;
    must(mlc_http_send(by_proxy ? s->by_proxy : s->direct, &request, on_done, s, NULL, NULL) == MLC_OK);
    while (s->ended == 0)
        (void)uv_run(&s->loop, UV_RUN_ONCE);
    must(s->ended == 1);
    return 0;
}
