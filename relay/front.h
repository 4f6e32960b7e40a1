/* front.h - the relay's public port beyond its routes: whether it is ready, how it ends, its certificate.
 *
 * Stopping goes: for relay.stop_delay everything is served while /readyz says 503, so that a load balancer turns away, and
 * each answer closes its connection, so that hardly a kept one is left to be cut (2 s for that, when there are any); then
 * no new connection is taken, and requests under way get relay.stop_timeout to be answered. A socket that the service
 * manager passed stays open: connections wait in it for the next start.
 * The certificate's files are read again at SIGHUP, and when they change (relay.cert_check); a broken one changes nothing.
 * Thread rule: loop's thread only.
 */
#ifndef MLC_RELAY_FRONT_H
#define MLC_RELAY_FRONT_H

#include "base/config.h"
#include "net/http_server.h"

typedef struct mlc_front mlc_front;

typedef struct mlc_front_options {
    uv_loop_t *loop;
    mlc_log *log;
    const mlc_cfg *cfg; /* borrowed, must stay until close */
    /* Can webhooks be taken: is any tenant open? */
    bool (*serves)(void *user);
    void (*on_stopped)(void *user); /* nothing is owed to anybody any more, or the time is over */
    void *user;
} mlc_front_options;

/* Takes the socket that a service manager passed, and the list of proxies. */
mlc_code mlc_front_open(mlc_front **out, const mlc_front_options *options, mlc_error *err);
/* Set listen_fd, proxies and the rest of the public port that the configuration says (not the routes). */
void mlc_front_set(mlc_front *front, mlc_http_server_options *options);
/* The open server, which must be closed after the front. Its files are watched from now on. */
void mlc_front_use(mlc_front *front, mlc_http_server *server);
/* GET /healthz: 200 {"status":"ok"} as long as the loop runs. */
void mlc_front_health(mlc_http_req *req, void *user);
/* GET /metrics, for the addresses of relay.metrics_from only and not through a proxy; 404 to everybody else. user: mlc_front.
 * What it serves is set by mlc_front_use_metrics: a route's handler and user, borrowed until mlc_front_close. */
void mlc_front_metrics(mlc_http_req *req, void *user);
void mlc_front_use_metrics(mlc_front *front, const mlc_http_route *routes, size_t count);
/* GET /readyz: 200 {"status":"ready"}, 503 {"status":"stopping"} or {"status":"no tenant is open"}. user: mlc_front. */
void mlc_front_ready(mlc_http_req *req, void *user);
/* Begin to stop; asked again, stop at once. */
void mlc_front_stop(mlc_front *front);
/* SIGHUP: read the certificate again, whether it changed or not. */
void mlc_front_reload(mlc_front *front);
/* First step of the end: nothing is called any more. NULL is allowed. */
void mlc_front_close(mlc_front *front);
/* The memory, after the server's. NULL is allowed. */
void mlc_front_free(mlc_front *front);

/* Are relay.trusted_proxies and relay.metrics_from well? MLC_E_INVALID names the setting and the fault. */
mlc_code mlc_front_check(const mlc_cfg *cfg, mlc_error *err);

#endif
