/* tunnel_server.c - connections of agents: who they are, which one counts, what libwebsockets calls.
 *
 * A peer is an agent that was seen since the start: its link and its present connection. It stays for the
 * status. Rows of lws_protocols may be called until their vhost is gone, so handing them out takes a
 * reference that is given back with the vhost.
 */
#include "relay/tunnel_server.h"

#include "base/clock.h"
#include "link/engine.h"
#include "link/ws_pipe.h"
#include "relay/tunnel_auth.h"

#include <stdlib.h>
#include <string.h>

enum {
    FRAMES_PER_S = 5000,
    LATER_MS = 5000, /* come back when our own store could not be asked */
    GOING_DOWN_MS = 1000,
    CLOSE_IT = -1 /* what a callback returns to have libwebsockets close the connection */
};

typedef struct tunnel_peer tunnel_peer;

typedef struct tunnel_conn {
    struct tunnel_conn *next, *prev;
    mlc_tunnel_server *server;
    tunnel_peer *peer; /* NULL until it is who it says */
    tunnel_peer *candidate;
    struct lws *wsi;
    mlc_engine *engine; /* NULL: close the socket */
    bool issued;        /* it shows this certificate, which we issued */
    uint8_t fingerprint[MLC_SHA256_LEN];
    mlc_buf adopted; /* that certificate, while it is to be adopted */
} tunnel_conn;

struct tunnel_peer {
    tunnel_peer *next;
    char agent[MLC_AGENT_ID_MAX];
    const mlc_link_binding *binding;
    mlc_link *link;
    tunnel_conn *conn; /* NULL: not connected */
    unsigned max_connections;
};

struct mlc_tunnel_server {
    unsigned refs; /* owner, protocol rows in use */
    bool closed;
    mlc_tunnel_server_options opt;
    char *software;
    struct lws_protocols row;
    mlc_ws_scratch *scratch;
    tunnel_conn *conns;
    tunnel_peer *peers;
};

/* ---- peers ---- */

static tunnel_peer *find_peer(const mlc_tunnel_server *server, const char *agent)
{
    tunnel_peer *peer = server->peers;
    while (peer != NULL && strcmp(peer->agent, agent) != 0)
        peer = peer->next;
    return peer;
}

static void leave_peer(tunnel_conn *conn, const char *why)
{
    tunnel_peer *peer = conn->peer;
    conn->peer = NULL;
    if (peer == NULL || peer->conn != conn)
        return;
    peer->conn = NULL;
    mlc_link_down(peer->link, why);
}

/* End a connection whose link is about to go. */
static void drop_engine(tunnel_conn *conn, mlc_close_code code, int64_t retry_ms, const char *why)
{
    mlc_engine *engine = conn->engine;
    if (engine == NULL)
        return;
    mlc_engine_shutdown(engine, code, retry_ms, why);
    mlc_ws_flush(engine, conn->wsi, conn->server->scratch);
    leave_peer(conn, why);
    conn->engine = NULL;
    conn->candidate = NULL;
    mlc_engine_free(engine);
}

/* End all connections that use a peer's link, also those that have not shown yet that they are this agent. */
static void drop_peer(mlc_tunnel_server *server, const tunnel_peer *peer, mlc_close_code code,
                      int64_t retry_ms, const char *why)
{
    for (tunnel_conn *conn = server->conns; conn != NULL; conn = conn->next) {
        if (conn->candidate != peer && conn->peer != peer)
            continue;
        drop_engine(conn, code, retry_ms, why);
        mlc_ws_close_soon(mlc_lws_of(conn->wsi), conn->wsi);
    }
}

/* The peer of this agent with this binding: a changed one (another tenant) begins anew. */
static mlc_code take_peer(mlc_tunnel_server *server, const char *agent, const mlc_link_binding *binding,
                          tunnel_peer **out, mlc_error *err)
{
    tunnel_peer *peer = find_peer(server, agent);
    if (peer != NULL && peer->binding == binding) {
        *out = peer;
        return MLC_OK;
    }
    mlc_link *link = NULL;
    const mlc_code code = mlc_link_open(&link, binding, "relay", agent, server->opt.log, err);
    if (code != MLC_OK)
        return code;
    if (peer != NULL) {
        drop_peer(server, peer, MLC_CLOSE_REPLACED, 0, "this agent was bound anew");
        mlc_link_close(peer->link);
    } else {
        peer = calloc(1, sizeof(*peer));
        if (peer == NULL) {
            mlc_link_close(link);
            return mlc_fail(err, MLC_E_NOMEM, "no memory for an agent");
        }
        mlc_strlcpy(peer->agent, agent, sizeof(peer->agent));
        peer->next = server->peers;
        server->peers = peer;
    }
    peer->binding = binding;
    peer->link = link;
    *out = peer;
    return MLC_OK;
}

/* ---- what the engine asks for ---- */

static void on_identify(void *user, const mlc_hello *hello)
{
    tunnel_conn *conn = user;
    mlc_tunnel_server *server = conn->server;
    mlc_tunnel_agent agent;
    mlc_identity who;
    tunnel_peer *peer = NULL;
    mlc_error err = {0};
    memset(&agent, 0, sizeof(agent));
    mlc_code code = server->opt.find_agent(server->opt.user, hello->agent, &agent, &err);
    if (code == MLC_OK)
        code = mlc_tunnel_auth(&server->opt, conn->wsi, hello, &agent, &who, &err);
    if (code == MLC_OK)
        code = take_peer(server, hello->agent, agent.binding, &peer, &err);
    if (code == MLC_OK && agent.is_adopted)
        code = mlc_buf_append(&conn->adopted, hello->issued, hello->issued_len, &err);
    if (code == MLC_OK) {
        conn->candidate = peer;
        peer->max_connections = agent.max_connections;
        if (agent.max_frames_per_s > 0)
            mlc_engine_limit_frames(conn->engine, agent.max_frames_per_s);
        conn->issued = hello->auth == MLC_AUTH_CERT;
        memcpy(conn->fingerprint, hello->fingerprint, sizeof(conn->fingerprint));
        mlc_engine_identify(conn->engine, peer->link, &who);
    } else if (code == MLC_E_NOTFOUND || code == MLC_E_AUTH) {
        mlc_log_warn(server->opt.log, "tunnel", "an agent was refused", MLC_S("agent", hello->agent),
                     MLC_S("reason", err.message));
        mlc_engine_shutdown(conn->engine, MLC_CLOSE_AUTH, 0,
                            "the agent is unknown or its credentials are wrong");
    } else {
        mlc_log_error(server->opt.log, "tunnel", "an agent cannot be served now",
                      MLC_S("agent", hello->agent), MLC_S("error", err.message));
        mlc_engine_shutdown(conn->engine, MLC_CLOSE_LATER, LATER_MS, "the relay cannot serve this agent now");
    }
    mlc_wipe(&agent, sizeof(agent));
}

/* May another agent with this binding connect? Only those that have shown who they are count: strangers cannot use up
 * what a tenant has. */
static bool has_room(const mlc_tunnel_server *server, const tunnel_peer *peer)
{
    unsigned count = 0;
    for (const tunnel_peer *other = server->peers; other != NULL; other = other->next)
        count += other != peer && other->binding == peer->binding && other->conn != NULL ? 1 : 0;
    return peer->max_connections == 0 || count < peer->max_connections;
}

static void on_open(void *user)
{
    tunnel_conn *conn = user;
    tunnel_peer *peer = conn->candidate;
    tunnel_conn *older = peer->conn;
    char text[64] = "";
    if (!has_room(conn->server, peer)) {
        mlc_engine_shutdown(conn->engine, MLC_CLOSE_LATER, LATER_MS,
                            "this tenant has as many agents connected as agreed");
        return;
    }
    conn->peer = peer;
    peer->conn = conn;
    if (older != NULL) {
        mlc_engine_shutdown(older->engine, MLC_CLOSE_REPLACED, 0,
                            "a newer connection of this agent took over");
        mlc_link_down(peer->link, "a newer connection took over");
    }
    lws_get_peer_simple(conn->wsi, text, sizeof(text));
    mlc_link_up(peer->link, text);
    if (conn->issued && conn->server->opt.on_certificate != NULL)
        conn->server->opt.on_certificate(conn->server->opt.user, peer->agent, conn->fingerprint,
                                         conn->adopted.data, conn->adopted.len);
    mlc_buf_free(&conn->adopted);
}

static void on_output(void *user)
{
    const tunnel_conn *conn = user;
    lws_callback_on_writable(conn->wsi);
}

static void on_read(void *user, bool wanted)
{
    const tunnel_conn *conn = user;
    lws_rx_flow_control(conn->wsi, wanted ? 1 : 0);
    mlc_lws_poke(mlc_lws_of(conn->wsi));
}

static void on_session_closed(void *user, const mlc_notice *notice, bool by_peer)
{
    tunnel_conn *conn = user;
    char words[256];
    snprintf(words, sizeof(words), "%s: %s%s%.200s", by_peer ? "closed by the agent" : "closed by the relay",
             mlc_close_name(notice->code), notice->text[0] != '\0' ? ": " : "", notice->text);
    mlc_log_info(conn->server->opt.log, "tunnel", "the session ended",
                 MLC_S("agent", conn->candidate != NULL ? conn->candidate->agent : "unknown"),
                 MLC_S("reason", words));
    leave_peer(conn, words);
    mlc_ws_set_reason(conn->wsi, by_peer ? MLC_CLOSE_GOODBYE : notice->code);
    mlc_ws_close_soon(mlc_lws_of(conn->wsi), conn->wsi);
}

static const mlc_engine_callbacks engine_callbacks = {.on_identify = on_identify,
                                                      .on_open = on_open,
                                                      .on_output = on_output,
                                                      .on_read = on_read,
                                                      .on_closed = on_session_closed};

/* ---- connections ---- */

static void server_unref(mlc_tunnel_server *server)
{
    if (--server->refs > 0)
        return;
    free(server->software);
    free(server->scratch);
    free(server);
}

static void add_conn(mlc_tunnel_server *server, tunnel_conn *conn)
{
    conn->next = server->conns;
    if (conn->next != NULL)
        conn->next->prev = conn;
    server->conns = conn;
}

static void free_conn(tunnel_conn *conn)
{
    if (conn->prev != NULL)
        conn->prev->next = conn->next;
    else
        conn->server->conns = conn->next;
    if (conn->next != NULL)
        conn->next->prev = conn->prev;
    leave_peer(conn, "the connection was lost");
    mlc_engine_free(conn->engine);
    mlc_buf_free(&conn->adopted);
    free(conn);
}

static int on_established(mlc_tunnel_server *server, struct lws *wsi, tunnel_conn **slot)
{
    tunnel_conn *conn = calloc(1, sizeof(*conn));
    if (conn == NULL)
        return CLOSE_IT;
    const mlc_engine_options options = {.loop = mlc_lws_loop(mlc_lws_of(wsi)),
                                        .log = server->opt.log,
                                        .session = {.role = MLC_SESSION_RELAY,
                                                    .authority_key = server->opt.authority_key,
                                                    .software = server->software,
                                                    .limits.max_message = (uint32_t)server->opt.max_message,
                                                    .ping_interval_ms = server->opt.ping_interval_ms,
                                                    .max_frames_per_s = server->opt.max_frames_per_s > 0
                                                                            ? server->opt.max_frames_per_s
                                                                            : FRAMES_PER_S},
                                        .callbacks = &engine_callbacks,
                                        .user = conn};
    mlc_error err = {0};
    conn->server = server;
    conn->wsi = wsi;
    mlc_ws_begin(wsi);
    add_conn(server, conn);
    *slot = conn;
    const mlc_code code = mlc_engine_open(&conn->engine, &options, &err);
    if (code == MLC_OK)
        return 0;
    mlc_log_error(server->opt.log, "tunnel", "a connection could not begin", MLC_S("error", err.message));
    return CLOSE_IT;
}

/* ---- what libwebsockets calls ---- */

static int server_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                           size_t len)
{
    mlc_tunnel_server *server = NULL;
    tunnel_conn **slot = user;
    tunnel_conn *conn = NULL;
    switch (reason) {
    case LWS_CALLBACK_PROTOCOL_DESTROY:
        server_unref(lws_get_protocol(wsi)->user);
        return 0;
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
        server = lws_get_protocol(wsi)->user;
        return server->closed ? CLOSE_IT : 0;
    case LWS_CALLBACK_ESTABLISHED:
        server = lws_get_protocol(wsi)->user;
        return server->closed ? CLOSE_IT : on_established(server, wsi, slot);
    case LWS_CALLBACK_RECEIVE:
    case LWS_CALLBACK_SERVER_WRITEABLE:
    case LWS_CALLBACK_CLOSED:
        break;
    default:
        return 0;
    }
    conn = *slot;
    if (conn == NULL)
        return CLOSE_IT;
    if (reason == LWS_CALLBACK_CLOSED) {
        *slot = NULL;
        free_conn(conn);
        return 0;
    }
    if (conn->engine == NULL)
        return CLOSE_IT;
    if (reason == LWS_CALLBACK_SERVER_WRITEABLE)
        return mlc_ws_writable(conn->engine, wsi, conn->server->scratch) ? 0 : CLOSE_IT;
    mlc_ws_receive(conn->engine, wsi, in, len);
    return 0;
}

/* ---- open and close ---- */

mlc_code mlc_tunnel_server_open(mlc_tunnel_server **out, const mlc_tunnel_server_options *options,
                                mlc_error *err)
{
    *out = NULL;
    if (options->max_message > UINT32_MAX)
        return mlc_fail(err, MLC_E_INVALID, "max_message %zu: too large", options->max_message);
    mlc_tunnel_server *server = calloc(1, sizeof(*server));
    if (server == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for the tunnel");
    server->refs = 1;
    server->opt = *options;
    server->software = mlc_strdup(options->software != NULL ? options->software : "");
    server->scratch = mlc_ws_scratch_new();
    if (server->software == NULL || server->scratch == NULL) {
        server_unref(server);
        return mlc_fail(err, MLC_E_NOMEM, "no memory for the tunnel");
    }
    server->row = (struct lws_protocols){.name = MLC_TUNNEL_SUBPROTOCOL,
                                         .callback = server_callback,
                                         .per_session_data_size = sizeof(tunnel_conn *),
                                         .rx_buffer_size =
                                             options->compress ? MLC_WS_RX_BYTES_DEFLATE : MLC_WS_RX_BYTES,
                                         .tx_packet_size = MLC_FRAME_MAX,
                                         .user = server};
    *out = server;
    return MLC_OK;
}

const struct lws_protocols *mlc_tunnel_server_protocols(mlc_tunnel_server *server, size_t *count)
{
    server->refs++;
    *count = 1;
    return &server->row;
}

void mlc_tunnel_server_close(mlc_tunnel_server *server)
{
    if (server == NULL || server->closed)
        return;
    server->closed = true;
    for (tunnel_conn *conn = server->conns; conn != NULL; conn = conn->next)
        drop_engine(conn, MLC_CLOSE_LATER, GOING_DOWN_MS, "the relay stops");
    while (server->peers != NULL) {
        tunnel_peer *peer = server->peers;
        server->peers = peer->next;
        mlc_link_close(peer->link);
        free(peer);
    }
    server_unref(server);
}

/* ---- for the rest of the relay ---- */

void mlc_tunnel_server_poke(mlc_tunnel_server *server, const char *agent_id)
{
    const tunnel_peer *peer = find_peer(server, agent_id);
    if (peer != NULL && peer->conn != NULL)
        mlc_engine_poke(peer->conn->engine);
}

void mlc_tunnel_server_kick(mlc_tunnel_server *server, const char *agent_id, const char *why)
{
    const tunnel_peer *peer = find_peer(server, agent_id);
    if (peer != NULL && peer->conn != NULL)
        mlc_engine_shutdown(peer->conn->engine, MLC_CLOSE_KICKED, 0, why);
}

void mlc_tunnel_server_drop(mlc_tunnel_server *server, const mlc_link_binding *binding, const char *why)
{
    tunnel_peer **at = &server->peers;
    while (*at != NULL) {
        tunnel_peer *const peer = *at;
        if (peer->binding != binding) {
            at = &peer->next;
            continue;
        }
        drop_peer(server, peer, MLC_CLOSE_LATER, GOING_DOWN_MS, why);
        *at = peer->next;
        mlc_link_close(peer->link);
        free(peer);
    }
}

mlc_code mlc_tunnel_server_status(const mlc_tunnel_server *server, const char *agent_id, mlc_link_status *out,
                                  mlc_error *err)
{
    const tunnel_peer *peer = find_peer(server, agent_id);
    if (peer == NULL)
        return mlc_fail(err, MLC_E_NOTFOUND, "agent %s was not seen since the start", agent_id);
    mlc_link_status_get(peer->link, out);
    return MLC_OK;
}
