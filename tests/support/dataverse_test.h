/* dataverse_test.h - a token endpoint and a Web API that answer by script, on the test's own loop, with the clients
 * for them. Plain sockets, so that a test can send any header, cut an answer or drop a connection. One request for each
 * connection. Include after cmocka.h. */
#ifndef MLC_TESTS_DATAVERSE_TEST_H
#define MLC_TESTS_DATAVERSE_TEST_H

#include "relay/odata.h"
#include "support/net_test.h"

#include "base/clock.h"

#define DV_GUID   "0a1b2c3d-1111-2222-3333-444455556666"
#define DV_SECRET "s3cret/+&=value"

enum { DV_SCRIPT_MAX = 32, DV_SEEN_MAX = 64, DV_PATIENCE_MS = 20000, DV_TICK_MS = 5 };

typedef enum dv_how {
    DV_ANSWER,
    DV_CUT,  /* half of the body, then the end */
    DV_DROP, /* the request was read; no answer */
    DV_HOLD  /* until dv_release */
} dv_how;

typedef struct dv_reply {
    int status;
    const char *headers; /* "Name: value\r\n..." or NULL */
    const char *body;    /* or NULL */
    dv_how how;
} dv_reply;

typedef struct dv_seen {
    char method[16], path[512], head[4096];
    char *body;
    int64_t at_ms;
} dv_seen;

typedef struct dv_conn dv_conn;

typedef struct dv_fix {
    uv_loop_t *loop;
    uv_tcp_t listener;
    int port;
    dv_conn *conns;
    dv_conn *held[DV_SCRIPT_MAX];
    size_t held_count;
    dv_reply tokens[DV_SCRIPT_MAX], api[DV_SCRIPT_MAX]; /* in turn; then a token, or 204 */
    size_t token_script, api_script;
    dv_seen token_seen[DV_SEEN_MAX], seen[DV_SEEN_MAX];
    size_t token_count, count;
    char url[128], authority[64];
    mlc_http_client *http;
    mlc_entra *entra;
    mlc_odata *odata;
} dv_fix;

struct dv_conn {
    uv_tcp_t tcp;
    dv_fix *f;
    dv_conn *prev, *next;
    mlc_buf in;
    char *out;
    uv_write_t write;
};

/* ---- connections ---- */

static inline void dv_on_closed(uv_handle_t *handle)
{
    dv_conn *const c = handle->data;
    mlc_buf_free(&c->in);
    free(c->out);
    free(c);
}

static inline void dv_close_conn(dv_conn *c)
{
    if (uv_is_closing((uv_handle_t *)&c->tcp))
        return;
    if (c->prev != NULL)
        c->prev->next = c->next;
    else
        c->f->conns = c->next;
    if (c->next != NULL)
        c->next->prev = c->prev;
    uv_close((uv_handle_t *)&c->tcp, dv_on_closed);
}

static inline void dv_on_written(uv_write_t *write, int status)
{
    (void)status;
    dv_close_conn(write->data);
}

static inline void dv_answer(dv_conn *c, const dv_reply *r)
{
    const char *const body = r->body != NULL ? r->body : "";
    size_t len = strlen(body);
    c->out = mlc_asprintf("HTTP/1.1 %d Whatever\r\n%sContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
                          r->status, r->headers != NULL ? r->headers : "", len, body);
    assert_non_null(c->out);
    len = strlen(c->out) - (r->how == DV_CUT ? len - len / 2 : 0);
    uv_buf_t buf = uv_buf_init(c->out, (unsigned)len);
    c->write.data = c;
    assert_int_equal(uv_write(&c->write, (uv_stream_t *)&c->tcp, &buf, 1, dv_on_written), 0);
}

static inline void dv_keep_seen(dv_seen *seen, const char *text, const char *end)
{
    assert_int_equal(sscanf(text, "%15s %511s", seen->method, seen->path), 2);
    (void)snprintf(seen->head, sizeof seen->head, "%.*s", (int)(end - text), text);
    seen->body = mlc_strdup(end + 4);
    seen->at_ms = mlc_mono_ms();
}

static inline dv_reply dv_next_reply(dv_fix *f, bool token, size_t nth)
{
    if (token && nth < f->token_script)
        return f->tokens[nth];
    if (!token && nth < f->api_script)
        return f->api[nth];
    return token ? (dv_reply){200, NULL, NULL, DV_ANSWER} : (dv_reply){204, NULL, NULL, DV_ANSWER};
}

static inline void dv_serve(dv_conn *c, const char *end)
{
    dv_fix *const f = c->f;
    const char *const text = mlc_buf_text(&c->in);
    char made[128];
    const bool token = strstr(text, "/oauth2/v2.0/token") != NULL && strncmp(text, "POST /dir", 9) == 0;
    const size_t nth = token ? f->token_count : f->count;
    assert_in_range(nth, 0, DV_SEEN_MAX - 1);
    dv_keep_seen(token ? &f->token_seen[f->token_count++] : &f->seen[f->count++], text, end);
    dv_reply reply = dv_next_reply(f, token, nth);
    if (token && reply.status == 200 && reply.body == NULL) {
        (void)snprintf(made, sizeof made,
                       "{\"token_type\":\"Bearer\",\"expires_in\":3599,\"access_token\":\"token-%zu\"}",
                       nth + 1);
        reply.body = made;
    }
    if (reply.how == DV_DROP)
        dv_close_conn(c);
    else if (reply.how == DV_HOLD)
        f->held[f->held_count++] = c;
    else
        dv_answer(c, &reply);
}

static inline void dv_on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    dv_conn *const c = stream->data;
    if (n < 0) {
        free(buf->base);
        for (size_t i = 0; i < c->f->held_count; i++)
            if (c->f->held[i] == c)
                c->f->held[i] = NULL;
        dv_close_conn(c);
        return;
    }
    assert_int_equal(mlc_buf_append(&c->in, buf->base, (size_t)n, NULL), MLC_OK);
    free(buf->base);
    const char *const text = mlc_buf_text(&c->in);
    const char *const end = strstr(text, "\r\n\r\n");
    if (end == NULL)
        return;
    const char *const length = strstr(text, "Content-Length: ");
    const size_t body = length != NULL && length < end ? strtoul(length + 16, NULL, 10) : 0;
    if (c->in.len >= (size_t)(end + 4 - text) + body)
        dv_serve(c, end);
}

static inline void dv_on_room(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
    (void)handle;
    *buf = uv_buf_init(malloc(size), (unsigned)size);
}

static inline void dv_on_connection(uv_stream_t *listener, int status)
{
    dv_fix *const f = listener->data;
    dv_conn *const c = calloc(1, sizeof *c);
    assert_int_equal(status, 0);
    assert_non_null(c);
    c->f = f;
    c->tcp.data = c;
    assert_int_equal(uv_tcp_init(f->loop, &c->tcp), 0);
    assert_int_equal(uv_accept(listener, (uv_stream_t *)&c->tcp), 0);
    c->next = f->conns;
    if (c->next != NULL)
        c->next->prev = c;
    f->conns = c;
    assert_int_equal(uv_read_start((uv_stream_t *)&c->tcp, dv_on_room, dv_on_read), 0);
}

/* Answer what is held, the oldest first. */
static inline void dv_release(dv_fix *f, const dv_reply *reply)
{
    for (size_t i = 0; i < f->held_count; i++)
        if (f->held[i] != NULL)
            dv_answer(f->held[i], reply);
    f->held_count = 0;
}

/* ---- script ---- */

static inline void dv_token_next(dv_fix *f, dv_reply reply)
{
    assert_in_range(f->token_script, 0, DV_SCRIPT_MAX - 1);
    f->tokens[f->token_script++] = reply;
}

static inline void dv_next(dv_fix *f, dv_reply reply)
{
    assert_in_range(f->api_script, 0, DV_SCRIPT_MAX - 1);
    f->api[f->api_script++] = reply;
}

/* ---- loop ---- */

static inline void dv_tick(uv_timer_t *timer)
{
    ++*(int *)timer->data;
}

static inline bool dv_run_until(dv_fix *f, const size_t *counter, size_t value)
{
    int ticks = 0;
    uv_timer_t timer;
    uv_timer_init(f->loop, &timer);
    timer.data = &ticks;
    uv_timer_start(&timer, dv_tick, DV_TICK_MS, DV_TICK_MS);
    while (*counter < value && ticks < DV_PATIENCE_MS / DV_TICK_MS)
        uv_run(f->loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(f->loop, UV_RUN_NOWAIT);
    return *counter >= value;
}

/* ---- life ---- */

static inline void dv_listen(dv_fix *f)
{
    struct sockaddr_in name;
    int len = sizeof name;
    assert_int_equal(uv_ip4_addr("127.0.0.1", 0, &name), 0);
    assert_int_equal(uv_tcp_init(f->loop, &f->listener), 0);
    f->listener.data = f;
    assert_int_equal(uv_tcp_bind(&f->listener, (const struct sockaddr *)&name, 0), 0);
    assert_int_equal(uv_listen((uv_stream_t *)&f->listener, 64, dv_on_connection), 0);
    assert_int_equal(uv_tcp_getsockname(&f->listener, (struct sockaddr *)&name, &len), 0);
    f->port = ntohs(name.sin_port);
    (void)snprintf(f->authority, sizeof f->authority, "http://127.0.0.1:%d", f->port);
    (void)snprintf(f->url, sizeof f->url, "%s/api/data/v9.2/", f->authority);
}

static inline mlc_entra_options dv_entra_options(dv_fix *f)
{
    return (mlc_entra_options){.loop = f->loop,
                               .http = f->http,
                               .authority = f->authority,
                               .tenant = "dir",
                               .client_id = "client",
                               .client_secret = DV_SECRET,
                               .scope = "https://org.crm.dynamics.com/.default",
                               .backoff = {1, 2}};
}

static inline void dv_open(dv_fix *f, uv_loop_t *loop, unsigned max_parallel)
{
    mlc_error err = {0};
    f->loop = loop;
    dv_listen(f);
    const mlc_http_client_options http = {.loop = loop};
    assert_int_equal(mlc_http_client_open(&f->http, &http, &err), MLC_OK);
    const mlc_entra_options entra = dv_entra_options(f);
    assert_int_equal(mlc_entra_open(&f->entra, &entra, &err), MLC_OK);
    const mlc_odata_options odata = {.loop = loop,
                                     .http = f->http,
                                     .entra = f->entra,
                                     .url = f->url,
                                     .max_parallel = max_parallel,
                                     .timeout_ms = 15000};
    assert_int_equal(mlc_odata_open(&f->odata, &odata, &err), MLC_OK);
}

static inline void dv_close_clients(dv_fix *f)
{
    mlc_odata_close(f->odata);
    mlc_entra_close(f->entra);
    if (f->http != NULL)
        mlc_http_client_close(f->http);
    f->odata = NULL;
    f->entra = NULL;
    f->http = NULL;
}

/* The loop must run afterwards. */
static inline void dv_close(dv_fix *f)
{
    dv_close_clients(f);
    while (f->conns != NULL)
        dv_close_conn(f->conns);
    uv_close((uv_handle_t *)&f->listener, NULL);
    for (size_t i = 0; i < DV_SEEN_MAX; i++) {
        free(f->seen[i].body);
        free(f->token_seen[i].body);
    }
}

#endif
