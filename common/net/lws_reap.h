/* lws_reap.h - owners of vhosts, and work that must not be done inside a libwebsockets callback.
 *
 * Closing a connection, a listener or a vhost from within a callback pulls the ground from under the
 * caller. An owner asks for a reap, which comes from the loop with no libwebsockets frame on the stack.
 * Private to common/net.
 */
#ifndef MLC_NET_LWS_REAP_H
#define MLC_NET_LWS_REAP_H

#include "net/lws_ctx.h"

typedef struct mlc_lws_owner {
    struct mlc_lws_owner *next;
    bool queued;
    int port; /* its TCP port; 0: none */
    void (*reap)(struct mlc_lws_owner *owner);
} mlc_lws_owner;

/* The owner stays in place until removed. */
void mlc_lws_owner_add(mlc_lws *ctx, mlc_lws_owner *owner);
void mlc_lws_owner_remove(mlc_lws *ctx, mlc_lws_owner *owner);
/* Call owner->reap soon, once. Never while the context is closing. */
void mlc_lws_reap_soon(mlc_lws *ctx, mlc_lws_owner *owner);
bool mlc_lws_port_taken(const mlc_lws *ctx, int port);

#endif
