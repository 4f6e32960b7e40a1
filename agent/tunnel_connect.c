/* tunnel_connect.c - making a connection: name and proxy.
 *
 * Without a proxy, a name is looked up by libuv first, because libwebsockets
 * would block the loop for it. With one, libcurl makes the way through it, since libwebsockets knows no sign-in but
 * Basic, and a bridge gives the connection to libwebsockets. Either way TLS is libwebsockets', with the relay.
 */
#include "agent/tunnel_client_private.h"

#include "net/bridge.h"
#include "net/socket.h"

#include <stdlib.h>
#include <string.h>

enum { SIGN_INS_AT_ONCE = 2, SIGN_IN_PAUSE_MS = 15 * 60 * 1000 };

/* ---- the websocket ---- */

static void connect_socket(mlc_tunnel_client *c, const char *address, mlc_bridge *bridge)
{
    struct lws_client_connect_info info = {0};
    info.context = mlc_lws_context(c->lws);
    info.vhost = c->vhost;
    info.address = address;
    info.port = bridge != NULL && mlc_bridge_port(bridge) != 0 ? mlc_bridge_port(bridge) : c->target.port;
    info.path = c->target.path;
    info.host = c->target.host_header; /* also the name that the certificate must have */
    info.origin = c->target.host_header;
    info.ssl_connection = c->target.tls ? LCCSCF_USE_SSL : 0;
    info.protocol = MLC_TUNNEL_SUBPROTOCOL;
    info.local_protocol_name = MLC_TUNNEL_SUBPROTOCOL;
    info.ietf_version_or_minus_one = -1;
    info.alpn = "http/1.1";
    info.userdata = c;
    info.opaque_user_data = bridge;
    info.pwsi = &c->wsi;
    c->state = CLIENT_CONNECTING;
    mlc_timer_start(c->timer, MLC_TUNNEL_CONNECT_MS, 0);
    c->sockets++;
    if (lws_client_connect_via_info(&info) == NULL) {
        c->wsi = NULL;
        if (c->state == CLIENT_CONNECTING) /* else the error callback came */
            mlc_tunnel_attempt_failed(c, "the connection could not be begun", 0);
    }
    mlc_lws_poke(c->lws);
}

void mlc_tunnel_leave_bridge(struct lws *wsi)
{
    mlc_bridge *const bridge = lws_get_opaque_user_data(wsi);
    lws_set_opaque_user_data(wsi, NULL);
    mlc_bridge_close(bridge);
}

/* ---- without a proxy ---- */

static void on_resolved(uv_getaddrinfo_t *req, int status, struct addrinfo *list)
{
    mlc_tunnel_client *c = req->data;
    size_t count = 0, wanted = 0;
    free(req);
    for (const struct addrinfo *at = list; at != NULL; at = at->ai_next)
        count++;
    if (!c->closing && (status != 0 || count == 0)) {
        char why[MLC_TUNNEL_WHY_MAX];
        snprintf(why, sizeof(why), "the name %s cannot be resolved: %s", c->target.host,
                 status != 0 ? uv_strerror(status) : "no address");
        mlc_tunnel_attempt_failed(c, why, 0);
    } else if (!c->closing) {
        /* One address an attempt, the next one next time. */
        const struct addrinfo *at = list;
        for (wanted = c->attempts % count; wanted > 0; wanted--)
            at = at->ai_next;
        c->address[0] = '\0';
        if (uv_ip_name(at->ai_addr, c->address, sizeof(c->address)) == 0)
            connect_socket(c, c->address, NULL);
        else
            mlc_tunnel_attempt_failed(c, "the name has an address of an unknown kind", 0);
    }
    uv_freeaddrinfo(list);
    mlc_tunnel_client_unref(c);
}

static void look_up(mlc_tunnel_client *c)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    uv_getaddrinfo_t *req = malloc(sizeof(*req));
    if (req == NULL) {
        mlc_tunnel_attempt_failed(c, "out of memory", 0);
        return;
    }
    req->data = c;
    const int rc = uv_getaddrinfo(c->loop, req, on_resolved, c->target.host, NULL, &hints);
    if (rc != 0) {
        free(req);
        mlc_tunnel_attempt_failed(c, uv_strerror(rc), 0);
        return;
    }
    c->refs++;
}

/* ---- through the proxy ---- */

/* The reason alone: what was tried, the log says already. */
static const char *reason_in(const mlc_error *err)
{
    static const char mark[] = ": not sent: ";
    const char *const at = strstr(err->message, mark);
    return at != NULL ? at + sizeof mark - 1 : err->message;
}

static void on_way_made(void *user, mlc_code code, const mlc_error *err, int fd)
{
    mlc_tunnel_client *const c = user;
    mlc_bridge *bridge = NULL;
    mlc_error own;
    c->sign_ins = code == MLC_E_AUTH ? c->sign_ins + 1 : 0;
    if (c->closing) {
        if (fd >= 0)
            mlc_socket_close(fd);
    } else if (code != MLC_OK) {
        mlc_tunnel_attempt_failed(c, reason_in(err), c->sign_ins >= SIGN_INS_AT_ONCE ? SIGN_IN_PAUSE_MS : 0);
    } else if (mlc_bridge_open(&bridge, c->loop, fd, &own) != MLC_OK) {
        mlc_tunnel_attempt_failed(c, own.message, 0);
    } else {
        connect_socket(c, mlc_bridge_address(bridge), bridge);
    }
    mlc_tunnel_client_unref(c);
}

void mlc_tunnel_begin_attempt(mlc_tunnel_client *c)
{
    mlc_error err;
    c->state = CLIENT_RESOLVING;
    if (c->http == NULL || mlc_http_client_proxy(c->http, c->target.host) == NULL) {
        look_up(c);
        return;
    }
    c->refs++;
    if (mlc_http_connect(c->http, c->target.host, c->target.port, MLC_TUNNEL_CONNECT_MS, on_way_made, c, NULL,
                         &err) != MLC_OK) {
        mlc_tunnel_client_unref(c);
        mlc_tunnel_attempt_failed(c, err.message, 0);
    }
}
