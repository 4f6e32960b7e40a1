/* tunnel_client.c - connecting, reconnecting, and what libwebsockets calls.
 *
 * A host vhost of its own carries the TLS settings. A name is looked up by libuv first, because
 * libwebsockets would block the loop for it. A connection that is given up is orphaned (`wsi` no longer
 * points to it) and dies by itself, so a dead peer cannot hold up the next attempt.
 */
#include "agent/tunnel_client_private.h"

#include "base/clock.h"
#include "crypto/crypto.h"
#include "net/backoff.h"
#include "net/trust.h"

#include <stdlib.h>
#include <string.h>

enum {
    RECONNECT_BASE_MS = 500,
    RECONNECT_CAP_MS = 60000,
    RETRY_MAX_MS = 3600 * 1000, /* no relay sends its agents away for longer */
    CONNECT_MS = 20000,         /* an attempt that took longer is given up */
    STABLE_MS = 5000, /* a connection that lived so long was good: the next attempts start quickly again */
    CLOSE_IT = -1     /* what a callback returns to have libwebsockets close the connection */
};

/* ---- the next attempt ---- */

static void client_unref(mlc_tunnel_client *c)
{
    if (--c->refs > 0)
        return;
    mlc_target_free(&c->target);
    mlc_wipe(c->key, sizeof(c->key));
    free(c->scratch);
    free(c->agent_id);
    free(c->software);
    free(c);
}

static void retry_later(mlc_tunnel_client *c, unsigned why, int64_t retry_ms)
{
    const mlc_backoff policy = {.base_ms = c->base_ms, .cap_ms = c->cap_ms};
    if (c->closing || c->state == CLIENT_WAITING)
        return;
    c->state = CLIENT_WAITING;
    if (c->attempts < UINT32_MAX)
        c->attempts++;
    if (retry_ms > RETRY_MAX_MS)
        retry_ms = RETRY_MAX_MS;
    int64_t delay = mlc_backoff_delay(&policy, c->attempts, retry_ms, mlc_random_below(UINT64_MAX));
    /* These do not pass by themselves: another instance runs, or an operator must act. */
    if (why == MLC_CLOSE_REPLACED || why == MLC_CLOSE_AUTH || why == MLC_CLOSE_VERSION ||
        why == MLC_CLOSE_KICKED)
        delay = c->cap_ms / 2 + (int64_t)mlc_random_below((uint64_t)c->cap_ms / 2 + 1);
    mlc_log_info(c->log, "tunnel", "trying again later", MLC_I("inMs", delay), MLC_I("attempt", c->attempts));
    mlc_timer_start(c->timer, delay, 0);
}

static void fail_attempt(mlc_tunnel_client *c, const char *why)
{
    if (c->closing)
        return;
    mlc_log_info(c->log, "tunnel", "no connection", MLC_S("peer", c->target.host), MLC_S("reason", why));
    mlc_link_down(c->link, why);
    retry_later(c, 0, 0);
}

static void connect_socket(mlc_tunnel_client *c)
{
    struct lws_client_connect_info info = {0};
    info.context = mlc_lws_context(c->lws);
    info.vhost = c->vhost;
    info.address = c->target.proxy_host != NULL ? c->target.host : c->address;
    info.port = c->target.port;
    info.path = c->target.path;
    info.host = c->target.host; /* also the name that the certificate must have */
    info.origin = c->target.host;
    info.ssl_connection = c->target.tls ? LCCSCF_USE_SSL : 0;
    info.protocol = MLC_TUNNEL_SUBPROTOCOL;
    info.local_protocol_name = MLC_TUNNEL_SUBPROTOCOL;
    info.ietf_version_or_minus_one = -1;
    info.alpn = "http/1.1";
    info.userdata = c;
    info.pwsi = &c->wsi;
    c->state = CLIENT_CONNECTING;
    mlc_timer_start(c->timer, CONNECT_MS, 0);
    if (c->target.proxy_host != NULL && !mlc_target_use_proxy(&c->target, c->vhost, c->address)) {
        fail_attempt(c, "the proxy setting cannot be used");
        return;
    }
    c->sockets++;
    if (lws_client_connect_via_info(&info) == NULL) {
        c->wsi = NULL;
        if (c->state == CLIENT_CONNECTING) /* else the error callback came */
            fail_attempt(c, "the connection could not be begun");
    }
    mlc_lws_poke(c->lws);
}

static void on_resolved(uv_getaddrinfo_t *req, int status, struct addrinfo *list)
{
    mlc_tunnel_client *c = req->data;
    size_t count = 0, wanted = 0;
    free(req);
    for (const struct addrinfo *at = list; at != NULL; at = at->ai_next)
        count++;
    if (!c->closing && (status != 0 || count == 0)) {
        char why[256];
        snprintf(why, sizeof(why), "the name %s cannot be resolved: %s",
                 c->target.proxy_host != NULL ? c->target.proxy_host : c->target.host,
                 status != 0 ? uv_strerror(status) : "no address");
        fail_attempt(c, why);
    } else if (!c->closing) {
        /* One address an attempt, the next one next time. */
        const struct addrinfo *at = list;
        for (wanted = c->attempts % count; wanted > 0; wanted--)
            at = at->ai_next;
        c->address[0] = '\0';
        if (uv_ip_name(at->ai_addr, c->address, sizeof(c->address)) == 0)
            connect_socket(c);
        else
            fail_attempt(c, "the name has an address of an unknown kind");
    }
    uv_freeaddrinfo(list);
    client_unref(c);
}

static void begin_attempt(mlc_tunnel_client *c)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    const char *name = c->target.proxy_host != NULL ? c->target.proxy_host : c->target.host;
    uv_getaddrinfo_t *req = malloc(sizeof(*req));
    c->state = CLIENT_RESOLVING;
    if (req == NULL) {
        fail_attempt(c, "out of memory");
        return;
    }
    req->data = c;
    const int rc = uv_getaddrinfo(c->loop, req, on_resolved, name, NULL, &hints);
    if (rc != 0) {
        free(req);
        fail_attempt(c, uv_strerror(rc));
        return;
    }
    c->refs++;
}

/* ---- the session ---- */

/* The connection is over for us; what is left of the socket ends by itself. */
static void leave_connection(mlc_tunnel_client *c, unsigned why, int64_t retry_ms, const char *words)
{
    mlc_engine *engine = c->engine;
    c->engine = NULL;
    c->wsi = NULL;
    if (c->up_at != 0 && mlc_mono_ms() - c->up_at >= STABLE_MS)
        c->attempts = 0;
    c->up_at = 0;
    mlc_engine_free(engine);
    if (c->closing)
        return;
    mlc_link_down(c->link, words);
    retry_later(c, why, retry_ms);
}

static void on_open(void *user)
{
    mlc_tunnel_client *c = user;
    c->up_at = mlc_mono_ms();
    mlc_link_up(c->link, c->target.host);
}

static void on_output(void *user)
{
    const mlc_tunnel_client *c = user;
    if (c->wsi == NULL)
        return;
    lws_callback_on_writable(c->wsi);
}

static void on_read(void *user, bool wanted)
{
    const mlc_tunnel_client *c = user;
    if (c->wsi == NULL)
        return;
    lws_rx_flow_control(c->wsi, wanted ? 1 : 0);
    mlc_lws_poke(c->lws);
}

static void on_session_closed(void *user, const mlc_notice *notice, bool by_peer)
{
    mlc_tunnel_client *c = user;
    char words[256];
    struct lws *wsi = c->wsi;
    snprintf(words, sizeof(words), "%s: %s%s%.200s", by_peer ? "closed by the relay" : "closed by this side",
             mlc_close_name(notice->code), notice->text[0] != '\0' ? ": " : "", notice->text);
    mlc_log_info(c->log, "tunnel", "the session ended", MLC_S("reason", words));
    if (wsi != NULL) {
        mlc_ws_flush(c->engine, wsi, c->scratch);
        mlc_ws_set_reason(wsi, by_peer ? MLC_CLOSE_GOODBYE : notice->code);
        mlc_ws_close_soon(c->lws, wsi);
    }
    if (c->closing) /* it cuts the socket itself */
        return;
    leave_connection(c, notice->code, notice->retry_ms, words);
}

static const mlc_engine_callbacks engine_callbacks = {
    .on_open = on_open, .on_output = on_output, .on_read = on_read, .on_closed = on_session_closed};

static int on_established(mlc_tunnel_client *c, struct lws *wsi)
{
    mlc_error err = {0};
    const mlc_engine_options options = {.loop = c->loop,
                                        .log = c->log,
                                        .session = {.role = MLC_SESSION_AGENT,
                                                    .agent_id = c->agent_id,
                                                    .key = c->has_key ? c->key : NULL,
                                                    .software = c->software,
                                                    .ping_interval_ms = c->ping_ms},
                                        .link = c->link,
                                        .callbacks = &engine_callbacks,
                                        .user = c};
    c->state = CLIENT_CONNECTED;
    c->wsi = wsi;
    mlc_timer_stop(c->timer);
    mlc_ws_begin(wsi);
    const mlc_code code = mlc_engine_open(&c->engine, &options, &err);
    if (code == MLC_OK)
        return 0;
    c->wsi = NULL;
    fail_attempt(c, err.message);
    return CLOSE_IT;
}

static void on_lost(mlc_tunnel_client *c)
{
    char words[256];
    mlc_strlcpy(words, c->peer_words[0] != '\0' ? c->peer_words : "the connection was lost", sizeof(words));
    leave_connection(c, c->peer_code, 0, words);
}

/* The websocket's own close frame, when the peer had no time for a CLOSE of the tunnel. */
static void note_peer_close(mlc_tunnel_client *c, const uint8_t *data, size_t len)
{
    if (len < 2)
        return;
    c->peer_code = mlc_get_u16(data);
    snprintf(c->peer_words, sizeof(c->peer_words), "closed by the relay: %u %s", c->peer_code,
             mlc_close_name(c->peer_code));
}

/* ---- what libwebsockets calls ---- */

static int on_current(mlc_tunnel_client *c, struct lws *wsi, enum lws_callback_reasons reason, void *in,
                      size_t len)
{
    switch (reason) {
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        c->peer_words[0] = '\0';
        c->peer_code = 0;
        return on_established(c, wsi);
    case LWS_CALLBACK_CLIENT_RECEIVE:
        if (c->engine != NULL)
            mlc_ws_receive(c->engine, wsi, in, len);
        return 0;
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        if (c->engine == NULL)
            return CLOSE_IT;
        return mlc_ws_writable(c->engine, wsi, c->scratch) ? 0 : CLOSE_IT;
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        note_peer_close(c, in, len);
        return 0;
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR: {
        char why[256];
        snprintf(why, sizeof(why), "%.*s", (int)(in != NULL ? len : 0), in != NULL ? (const char *)in : "");
        c->wsi = NULL;
        fail_attempt(c, why[0] != '\0' ? why : "the connection could not be made");
        return 0;
    }
    case LWS_CALLBACK_CLIENT_CLOSED:
        on_lost(c);
        return 0;
    default:
        return 0;
    }
}

/* libwebsockets lets go of a connection; c may be closing. When the peer goes away in the middle of the handshake, this is
 * now and then all that it tells. */
static void on_destroyed(mlc_tunnel_client *c, const struct lws *wsi)
{
    const bool current = c->wsi == wsi;
    c->sockets--;
    if (current)
        c->wsi = NULL;
    if (c->closing && c->timer != NULL)
        mlc_timer_start(c->timer, 0, 0);
    else if (current && c->state == CLIENT_CONNECTING)
        fail_attempt(c, "the connection ended before it was made");
}

int mlc_tunnel_client_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                               size_t len)
{
    mlc_tunnel_client *c = user;
    if (reason == LWS_CALLBACK_WSI_DESTROY) {
        on_destroyed(lws_vhost_user(lws_get_vhost(wsi)), wsi);
        return 0;
    }
    if (c == NULL ||
        (reason != LWS_CALLBACK_CLIENT_ESTABLISHED && reason != LWS_CALLBACK_CLIENT_RECEIVE &&
         reason != LWS_CALLBACK_CLIENT_WRITEABLE && reason != LWS_CALLBACK_CLIENT_CLOSED &&
         reason != LWS_CALLBACK_CLIENT_CONNECTION_ERROR && reason != LWS_CALLBACK_WS_PEER_INITIATED_CLOSE))
        return 0;
    /* A failure may be told before libwebsockets has told us the connection. */
    if (wsi == c->wsi || (reason == LWS_CALLBACK_CLIENT_CONNECTION_ERROR && c->state == CLIENT_CONNECTING))
        return on_current(c, wsi, reason, in, len);
    return reason == LWS_CALLBACK_CLIENT_CLOSED || reason == LWS_CALLBACK_CLIENT_CONNECTION_ERROR ? 0
                                                                                                  : CLOSE_IT;
}

/* ---- open and close ---- */

static void on_vhost_gone(struct lws_vhost *vhost, void *arg)
{
    (void)vhost;
    mlc_tunnel_client *c = arg;
    c->vhost = NULL;
    client_unref(c);
}

static mlc_code open_vhost(mlc_tunnel_client *c, const mlc_tunnel_client_options *o, mlc_error *err)
{
    static const struct lws_extension deflate[] = {{"permessage-deflate", lws_extension_callback_pm_deflate,
                                                    "permessage-deflate; client_max_window_bits"},
                                                   {NULL, NULL, NULL}};
    struct lws_context_creation_info info = {0};
    c->protocols[0] =
        (struct lws_protocols){.name = MLC_TUNNEL_SUBPROTOCOL,
                               .callback = mlc_tunnel_client_callback,
                               .rx_buffer_size = o->compress ? MLC_WS_RX_BYTES_DEFLATE : MLC_WS_RX_BYTES,
                               .tx_packet_size = MLC_FRAME_MAX};
    info.port = CONTEXT_PORT_NO_LISTEN;
    info.vhost_name = "tunnel";
    info.protocols = c->protocols;
    info.extensions = o->compress ? deflate : NULL;
    info.alpn = "http/1.1";
    info.user = c;
    info.finalize = on_vhost_gone;
    info.finalize_arg = c;
    info.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
    info.ssl_client_options_set =
        SSL_OP_NO_SSLv3 | SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1 | SSL_OP_NO_RENEGOTIATION;
    if (o->ca_file != NULL) {
        info.client_ssl_ca_filepath = o->ca_file;
        info.options |= LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS;
    } else {
        size_t len = 0;
        info.client_ssl_ca_mem = mlc_trust_pem(&len);
        info.client_ssl_ca_mem_len = (unsigned)len;
    }
    info.client_ssl_cert_filepath = o->client_cert_file;
    info.client_ssl_private_key_filepath = o->client_key_file;
    c->vhost = lws_create_vhost(mlc_lws_context(c->lws), &info);
    if (c->vhost == NULL)
        return mlc_fail(
            err, MLC_E_INVALID,
            "the tunnel's TLS settings cannot be used: check relay.ca_file, relay.client_cert_file "
            "and relay.client_key_file");
    c->refs++;
    mlc_target_no_proxy(c->vhost);
    return MLC_OK;
}

/* From the loop, with no callback of libwebsockets on the stack: cut what still lives, then let the vhost go.
 * libwebsockets 4.1 cannot destroy a vhost that has connections. */
static void reap(mlc_tunnel_client *c)
{
    mlc_timer *timer = c->timer;
    if (c->wsi != NULL) {
        struct lws *wsi = c->wsi;
        c->wsi = NULL;
        lws_set_timeout(wsi, PENDING_TIMEOUT_KILLED_BY_PARENT, LWS_TO_KILL_SYNC);
    }
    if (c->vhost != NULL && c->sockets > 0)
        return;
    c->timer = NULL;
    mlc_timer_close(timer);
    if (c->vhost != NULL)
        lws_vhost_destroy(c->vhost);
    client_unref(c);
}

static void give_up_attempt(mlc_tunnel_client *c)
{
    struct lws *const wsi = c->wsi;
    c->wsi = NULL; /* orphaned, see above */
    if (wsi != NULL)
        mlc_ws_close_soon(c->lws, wsi);
    fail_attempt(c, "no connection in time");
}

static void on_timer(void *arg)
{
    mlc_tunnel_client *c = arg;
    if (c->closing)
        reap(c);
    else if (c->state == CLIENT_CONNECTING)
        give_up_attempt(c);
    else
        begin_attempt(c);
}

static mlc_code copy_options(mlc_tunnel_client *c, const mlc_tunnel_client_options *o, mlc_error *err)
{
    c->lws = o->lws;
    c->loop = mlc_lws_loop(o->lws);
    c->log = o->log;
    c->ping_ms = o->ping_interval_ms;
    c->base_ms = o->reconnect_base_ms > 0 ? o->reconnect_base_ms : RECONNECT_BASE_MS;
    c->cap_ms = o->reconnect_cap_ms > 0 ? o->reconnect_cap_ms : RECONNECT_CAP_MS;
    if (c->cap_ms < c->base_ms)
        c->cap_ms = c->base_ms;
    c->agent_id = mlc_strdup(o->agent_id);
    c->software = mlc_strdup(o->software != NULL ? o->software : "");
    c->scratch = mlc_ws_scratch_new();
    c->has_key = o->agent_key != NULL;
    if (c->has_key)
        memcpy(c->key, o->agent_key, sizeof(c->key));
    if (c->agent_id == NULL || c->software == NULL || c->scratch == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for the tunnel");
    if ((o->client_cert_file == NULL) != (o->client_key_file == NULL))
        return mlc_fail(err, MLC_E_INVALID, "relay.client_cert_file and relay.client_key_file go together");
    if (!c->has_key && o->client_cert_file == NULL)
        return mlc_fail(err, MLC_E_INVALID,
                        "the agent has neither a key (enrol it) nor a client certificate");
    mlc_code code = mlc_target_parse(&c->target, o->url, o->proxy, err);
    if (code == MLC_OK)
        code = mlc_timer_open(&c->timer, c->loop, on_timer, c, err);
    return code;
}

mlc_code mlc_tunnel_client_open(mlc_tunnel_client **out, const mlc_tunnel_client_options *options,
                                mlc_error *err)
{
    *out = NULL;
    mlc_tunnel_client *c = calloc(1, sizeof(*c));
    if (c == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for the tunnel");
    c->refs = 1;
    mlc_code code = copy_options(c, options, err);
    if (code == MLC_OK)
        code = mlc_link_open(&c->link, &options->binding, "agent", c->target.host, options->log, err);
    if (code == MLC_OK)
        code = open_vhost(c, options, err);
    if (code != MLC_OK) {
        mlc_tunnel_client_close(c);
        return code;
    }
    c->state = CLIENT_RESOLVING;
    mlc_timer_start(c->timer, 0, 0);
    *out = c;
    return MLC_OK;
}

void mlc_tunnel_client_close(mlc_tunnel_client *c)
{
    if (c == NULL || c->closing)
        return;
    c->closing = true;
    if (c->engine != NULL)
        mlc_engine_shutdown(c->engine, MLC_CLOSE_GOODBYE, 0, "the agent stops");
    mlc_engine_free(c->engine);
    c->engine = NULL;
    mlc_link_close(c->link);
    c->link = NULL;
    if (c->timer != NULL)
        mlc_timer_start(c->timer, 0, 0);
    else
        client_unref(c);
}

void mlc_tunnel_client_poke(mlc_tunnel_client *c)
{
    if (c->engine != NULL)
        mlc_engine_poke(c->engine);
}

void mlc_tunnel_client_status(const mlc_tunnel_client *c, mlc_link_status *out)
{
    mlc_link_status_get(c->link, out);
}
