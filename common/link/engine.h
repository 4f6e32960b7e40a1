/* engine.h - one connection of a link: a tunnel session joined to the stores. Agent and relay use the same.
 *
 * A mlc_link is a binding (link.h) with its status; it outlives connections. A mlc_engine is one connection: the
 * transport feeds it what arrives and takes from it what is to be sent; the engine reads the outbox page by
 * page, stores received messages in bunches (one job each, one at a time) and writes acknowledgements in
 * batches. Store jobs hold their own memory, so an engine may be freed at any time; what a lost job did not
 * do is done again after the next resume. Thread rule: loop only.
 *
 * Callbacks must not free the engine's transport, but may free the engine or close the link.
 */
#ifndef MLC_LINK_ENGINE_H
#define MLC_LINK_ENGINE_H

#include "link/link.h"
#include "tunnel/session.h"

#include <uv.h>

typedef struct mlc_link mlc_link;
typedef struct mlc_engine mlc_engine;

/* `binding` is copied; what it points to must stay valid until mlc_link_close. `actor` ("agent", "relay")
 * is who speaks in audit events; `peer` names the other side in the status. */
mlc_code mlc_link_open(mlc_link **out, const mlc_link_binding *binding, const char *actor, const char *peer,
                       mlc_log *log, mlc_error *err);
/* No callback of the binding runs after this. Waits for the link's jobs, which may take one commit. Free its
 * engines first. NULL is allowed. */
void mlc_link_close(mlc_link *link);
void mlc_link_status_get(const mlc_link *link, mlc_link_status *out);
/* The connection is usable, or no longer (or still not): keeps the status and tells the binding of changes. */
void mlc_link_up(mlc_link *link, const char *why);
void mlc_link_down(mlc_link *link, const char *why);

typedef struct mlc_engine_callbacks {
    /* RELAY: an agent introduces itself. Answer at once with mlc_engine_identify or mlc_engine_shutdown. */
    void (*on_identify)(void *user, const mlc_hello *hello);
    /* The peer is who it says and the streams begin. */
    void (*on_open)(void *user);
    /* mlc_engine_output has something: ask the socket when it can take it. */
    void (*on_output)(void *user);
    /* Stop or resume reading from the socket. */
    void (*on_read)(void *user, bool wanted);
    /* The session ended. What mlc_engine_output still gives is the goodbye; then close the socket. */
    void (*on_closed)(void *user, const mlc_notice *notice, bool by_peer);
} mlc_engine_callbacks;

typedef struct mlc_engine_options {
    uv_loop_t *loop;
    mlc_log *log;
    mlc_session_config session;            /* nonce and, for an agent, `received` are filled in here */
    mlc_link *link;                        /* AGENT; the relay gives it with mlc_engine_identify */
    const mlc_engine_callbacks *callbacks; /* kept */
    void *user;
} mlc_engine_options;

/* The transport is connected. */
mlc_code mlc_engine_open(mlc_engine **out, const mlc_engine_options *options, mlc_error *err);
/* The transport is gone. NULL is allowed. */
void mlc_engine_free(mlc_engine *engine);

/* A piece of a websocket message; `end` with its last piece. */
void mlc_engine_receive(mlc_engine *engine, const void *data, size_t len, bool end);
/* One websocket message into buf; size is at least the session's max_frame. 0: nothing to send. */
size_t mlc_engine_output(mlc_engine *engine, void *buf, size_t size);
bool mlc_engine_has_output(const mlc_engine *engine);
/* Output was taken: fill up from the outbox. May lead to callbacks, so it comes last. */
void mlc_engine_refill(mlc_engine *engine);

/* RELAY: who the peer may be, in answer to on_identify; `received` is filled in here. */
void mlc_engine_identify(mlc_engine *engine, mlc_link *link, const mlc_identity *who);
/* RELAY: how many websocket messages of this peer a second are read without a pause. Before mlc_engine_identify. */
void mlc_engine_limit_frames(mlc_engine *engine, unsigned max_frames_per_s);
/* New entries were committed to the outgoing stream. */
void mlc_engine_poke(mlc_engine *engine);
/* End the session and tell the peer why. */
void mlc_engine_shutdown(mlc_engine *engine, mlc_close_code code, int64_t retry_ms, const char *why);
bool mlc_engine_is_closed(const mlc_engine *engine);

#endif
