/* tunnel_client.c - the life of the connection, reconnecting, and what libwebsockets calls.
 *
 * A connection that is given up is orphaned (`wsi` no longer
 * points to it) and dies by itself, so a dead peer cannot hold up the next attempt.
 */
#include "agent/tunnel_tls.h"

#include "base/clock.h"
#include "crypto/crypto.h"
#include "net/backoff.h"
#include "net/certs.h"

#include <stdlib.h>
#include <string.h>

enum {
    RECONNECT_BASE_MS = 500,
    RECONNECT_CAP_MS = 60000,
    RETRY_MAX_MS = 3600 * 1000, /* no relay sends its agents away for longer */
    STABLE_MS = 5000, /* a connection that lived so long was good: the next attempts start quickly again */
    CLOSE_IT = -1     /* what a callback returns to have libwebsockets close the connection */
};

/* ---- the next attempt ---- */

void mlc_tunnel_client_unref(mlc_tunnel_client *c)
{
    if (--c->refs > 0)
        return;
    mlc_target_free(&c->target);
    mlc_wipe(c->key, sizeof(c->key));
    mlc_wipe(&c->own, sizeof(c->own));
    mlc_tunnel_tls_free(c);
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

void mlc_tunnel_attempt_failed(mlc_tunnel_client *c, const char *why, int64_t retry_ms)
{
    if (c->closing)
        return;
    mlc_log_info(c->log, "tunnel", "no connection", MLC_S("peer", c->target.host), MLC_S("reason", why));
    mlc_link_down(c->link, why);
    retry_later(c, 0, retry_ms);
}

static void fail_attempt(mlc_tunnel_client *c, const char *why)
{
    mlc_tunnel_attempt_failed(c, why, 0);
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
                                                    .own = c->has_own ? &c->own : NULL,
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

/* More than libwebsockets says, where somebody between is likely the cause. */
static void words_of_failure(const mlc_tunnel_client *c, struct lws *wsi, const char *text, size_t len,
                             char why[MLC_TUNNEL_WHY_MAX])
{
    static const char no_websocket[] = "HS: ws upgrade response not 101";
    if (mlc_certs_refused(wsi, c->target.host, "relay.url", "relay.ca_file", why, MLC_TUNNEL_WHY_MAX))
        return;
    if (len >= sizeof no_websocket - 1 && memcmp(text, no_websocket, sizeof no_websocket - 1) == 0)
        snprintf(
            why, MLC_TUNNEL_WHY_MAX,
            "the answer is status %u and no websocket: see that relay.url leads to a relay, and that what is "
            "between (a proxy, a load balancer) passes websockets",
            lws_http_client_http_response(wsi));
    else
        snprintf(why, MLC_TUNNEL_WHY_MAX, "%.*s", (int)len, text);
}

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
        char why[MLC_TUNNEL_WHY_MAX];
        words_of_failure(c, wsi, in != NULL ? in : "", in != NULL ? len : 0, why);
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
static void on_destroyed(mlc_tunnel_client *c, struct lws *wsi)
{
    const bool current = c->wsi == wsi;
    mlc_tunnel_leave_bridge(wsi);
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
    if (reason == LWS_CALLBACK_OPENSSL_LOAD_EXTRA_CLIENT_VERIFY_CERTS) {
        mlc_tunnel_tls_install(lws_vhost_user(lws_get_vhost(wsi)), user);
        return 0;
    }
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
    mlc_tunnel_client_unref(c);
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
        mlc_tunnel_begin_attempt(c);
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
    if (!c->has_key && o->own == NULL && o->client_cert_file == NULL)
        return mlc_fail(err, MLC_E_INVALID,
                        "the agent has neither a key (enrol it) nor a client certificate");
    const mlc_http_client_options http = {
        .loop = c->loop, .log = c->log, .proxy = o->proxy, .user_agent = o->software};
    mlc_code code = o->own != NULL ? mlc_tunnel_tls_set(c, o->own, err) : MLC_OK;
    if (code == MLC_OK)
        code = mlc_target_parse(&c->target, o->url, err);
    if (code == MLC_OK && o->proxy.url != NULL && o->proxy.url[0] != '\0')
        code = mlc_http_client_open(&c->http, &http, err);
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
        code = mlc_tunnel_tls_open(c, options, err);
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
    mlc_http_client_close(c->http);
    c->http = NULL;
    if (c->timer != NULL)
        mlc_timer_start(c->timer, 0, 0);
    else
        mlc_tunnel_client_unref(c);
}

mlc_code mlc_tunnel_client_renew(mlc_tunnel_client *c, const mlc_tunnel_own *own, mlc_error *err)
{
    const mlc_code code = mlc_tunnel_tls_set(c, own, err);
    if (code == MLC_OK && c->engine != NULL)
        mlc_engine_shutdown(c->engine, MLC_CLOSE_GOODBYE, 0, "the agent's certificate was renewed");
    return code;
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
