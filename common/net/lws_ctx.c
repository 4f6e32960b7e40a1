/* lws_ctx.c - opening, closing and logging of the libwebsockets context.
 *
 * Closing with a foreign libuv loop takes three steps in libwebsockets 4.1: lws_context_destroy closes
 * the sockets; when libuv has let go of the last, libwebsockets closes its own timer and idle handle;
 * when those are gone too, a second lws_context_destroy frees the memory. Nothing tells when that point
 * is reached, and freeing earlier frees handles libuv still holds. So the handles are remembered at open
 * and looked for in the loop.
 */
#include "net/lws_reap.h"

#include "base/buf.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
    HEADER_BYTES = 16 * 1024, /* per request being read */
    READ_BYTES = 32 * 1024,   /* taken from a socket at once */
    HANDSHAKE_SECONDS = 20,   /* TLS and websocket handshakes */
    OWN_HANDLES_MAX = 4,      /* timer and idle, with room */
    CLOSE_POLL_MS = 1
};

typedef struct kept_memory {
    struct kept_memory *next;
    void *memory;
} kept_memory;

struct mlc_lws {
    uv_loop_t *loop;
    kept_memory *kept;
    struct lws_context *context;
    uv_timer_t timer;
    mlc_lws_owner *owners;
    bool closing, destroyed;
    const uv_handle_t *own[OWN_HANDLES_MAX]; /* of libwebsockets, without its sockets */
    size_t own_count;
};

/* ---- log ----
 * libwebsockets has one log function per process and gives it no argument, so the logger must be found
 * through a variable: the one exception to "no hidden state". It is the logger of the context opened last. */
static _Atomic(mlc_log *) process_log;

static void on_lws_log(int level, const char *line)
{
    char text[256];
    mlc_strlcpy(text, line, sizeof(text));
    text[strcspn(text, "\r\n")] = '\0';
    /* Peers can cause its errors at will (a bad handshake): they are warnings at most. */
    mlc_log *log = atomic_load(&process_log);
    if (level == LLL_ERR)
        mlc_log_warn(log, "lws", text);
    else
        mlc_log_debug(log, "lws", text);
}

/* ---- work from the loop ---- */

static void run_reaps(mlc_lws *ctx)
{
    /* A run may remove its owner, so the walk starts again after each. */
    mlc_lws_owner *owner = ctx->owners;
    while (owner != NULL) {
        if (!owner->queued) {
            owner = owner->next;
            continue;
        }
        owner->queued = false;
        owner->reap(owner);
        owner = ctx->owners;
    }
}

typedef struct handle_search {
    const mlc_lws *ctx;
    size_t found;
} handle_search;

static void look_for_own(uv_handle_t *handle, void *arg)
{
    handle_search *search = arg;
    for (size_t i = 0; i < search->ctx->own_count; i++)
        if (search->ctx->own[i] == handle)
            search->found++;
}

static bool own_handles_gone(mlc_lws *ctx)
{
    handle_search search = {.ctx = ctx};
    uv_walk(ctx->loop, look_for_own, &search);
    return search.found == 0;
}

static void on_timer_closed(uv_handle_t *handle)
{
    mlc_lws *ctx = handle->data;
    while (ctx->kept != NULL) {
        kept_memory *first = ctx->kept;
        ctx->kept = first->next;
        free(first->memory);
        free(first);
    }
    free(ctx);
}

bool mlc_lws_keep(mlc_lws *ctx, void *memory)
{
    kept_memory *kept = calloc(1, sizeof(*kept));
    if (kept == NULL)
        return false;
    kept->memory = memory;
    kept->next = ctx->kept;
    ctx->kept = kept;
    return true;
}

static void on_timer(uv_timer_t *timer)
{
    mlc_lws *ctx = timer->data;
    if (!ctx->closing) {
        run_reaps(ctx);
        return;
    }
    if (!ctx->destroyed) {
        ctx->destroyed = true;
        lws_context_destroy(ctx->context);
        return;
    }
    if (!own_handles_gone(ctx))
        return;
    lws_context_destroy(ctx->context);
    lws_set_log_level(0, NULL);
    atomic_store(&process_log, NULL);
    uv_timer_stop(timer);
    uv_close((uv_handle_t *)timer, on_timer_closed);
}

void mlc_lws_owner_add(mlc_lws *ctx, mlc_lws_owner *owner)
{
    owner->next = ctx->owners;
    ctx->owners = owner;
}

void mlc_lws_owner_remove(mlc_lws *ctx, mlc_lws_owner *owner)
{
    mlc_lws_owner **at = &ctx->owners;
    while (*at != NULL && *at != owner)
        at = &(*at)->next;
    if (*at != NULL)
        *at = owner->next;
}

bool mlc_lws_port_taken(const mlc_lws *ctx, int port)
{
    for (const mlc_lws_owner *owner = ctx->owners; owner != NULL; owner = owner->next)
        if (owner->port == port)
            return true;
    return false;
}

void mlc_lws_reap_soon(mlc_lws *ctx, mlc_lws_owner *owner)
{
    /* While the context closes, libwebsockets takes down everything itself. */
    if (ctx->closing)
        return;
    owner->queued = true;
    uv_timer_start(&ctx->timer, on_timer, 0, 0);
}

uv_loop_t *mlc_lws_loop(mlc_lws *ctx)
{
    return ctx->loop;
}

mlc_lws *mlc_lws_of(struct lws *wsi)
{
    return lws_context_user(lws_get_context(wsi));
}

/* ---- open and close ---- */

typedef struct handle_list {
    const uv_handle_t **items;
    size_t count, cap;
} handle_list;

static void count_handle(uv_handle_t *handle, void *arg)
{
    (void)handle;
    handle_list *list = arg;
    list->cap++;
}

static void list_handle(uv_handle_t *handle, void *arg)
{
    handle_list *list = arg;
    if (list->count < list->cap)
        list->items[list->count++] = handle;
}

typedef struct own_search {
    mlc_lws *ctx;
    const handle_list *before;
} own_search;

static void keep_new_handle(uv_handle_t *handle, void *arg)
{
    own_search *search = arg;
    mlc_lws *ctx = search->ctx;
    /* Sockets close first and are not waited for: the timer and the idle handle go last. */
    if (handle->type != UV_TIMER && handle->type != UV_IDLE)
        return;
    for (size_t i = 0; i < search->before->count; i++)
        if (search->before->items[i] == handle)
            return;
    if (ctx->own_count < OWN_HANDLES_MAX)
        ctx->own[ctx->own_count++] = handle;
}

static struct lws_context *create_context(mlc_lws *ctx)
{
    void *loops[1] = {ctx->loop};
    struct lws_context_creation_info info = {0};
    info.port = CONTEXT_PORT_NO_LISTEN;
    info.foreign_loops = loops;
    info.user = ctx;
    info.options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
                   LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT | LWS_SERVER_OPTION_UV_NO_SIGSEGV_SIGFPE_SPIN;
    info.alpn = "http/1.1"; /* websockets over HTTP/2 are not wanted */
    info.max_http_header_data2 = HEADER_BYTES;
    info.pt_serv_buf_size = READ_BYTES;
    info.timeout_secs = HANDSHAKE_SECONDS;
    /* Not 0, or unix sockets get no mode: -1 leaves owner and group as they are and sets 0660. */
    info.gid = -1;
    info.uid = -1;
    return lws_create_context(&info);
}

static mlc_code create_and_note_handles(mlc_lws *ctx, mlc_error *err)
{
    handle_list before = {0};
    uv_walk(ctx->loop, count_handle, &before);
    before.items = calloc(before.cap + 1, sizeof(const uv_handle_t *));
    if (before.items == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for libwebsockets");
    uv_walk(ctx->loop, list_handle, &before);
    ctx->context = create_context(ctx);
    if (ctx->context != NULL)
        uv_walk(ctx->loop, keep_new_handle, &(own_search){.ctx = ctx, .before = &before});
    free(before.items);
    if (ctx->context == NULL)
        return mlc_fail(err, MLC_E_UNSUPPORTED,
                        "libwebsockets cannot be started; its libuv plugin (Debian package "
                        "libwebsockets-evlib-uv) may be missing");
    return MLC_OK;
}

mlc_code mlc_lws_open(mlc_lws **out, uv_loop_t *loop, mlc_log *log, mlc_error *err)
{
    *out = NULL;
    mlc_lws *ctx = calloc(1, sizeof(*ctx));
    if (ctx == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for libwebsockets");
    ctx->loop = loop;
    int rc = uv_timer_init(loop, &ctx->timer);
    if (rc != 0) {
        free(ctx);
        return mlc_fail(err, MLC_E_IO, "timer: %s", uv_strerror(rc));
    }
    ctx->timer.data = ctx;
    atomic_store(&process_log, log);
    lws_set_log_level(LLL_ERR | LLL_WARN, on_lws_log);
    mlc_code code = create_and_note_handles(ctx, err);
    if (code != MLC_OK) {
        uv_close((uv_handle_t *)&ctx->timer, on_timer_closed);
        return code;
    }
    *out = ctx;
    return MLC_OK;
}

void mlc_lws_close(mlc_lws *ctx)
{
    if (ctx == NULL || ctx->closing)
        return;
    ctx->closing = true;
    uv_timer_start(&ctx->timer, on_timer, 0, CLOSE_POLL_MS);
}

struct lws_context *mlc_lws_context(mlc_lws *ctx)
{
    return ctx->context;
}

void mlc_lws_poke(mlc_lws *ctx)
{
    if (!ctx->closing)
        lws_cancel_service(ctx->context);
}
