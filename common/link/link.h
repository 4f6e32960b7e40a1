/* link.h - what agent and relay give to, and get from, the tunnel.
 *
 * A link joins one pair of durable streams across the tunnel: entries of a SEQUENCE outbox on this side
 * arrive, in order and once in effect, at the accept function of the other side, through kill -9 of
 * either process and any number of reconnects. docs/protocol.md describes the wire.
 *
 * Receiving: for each message the link runs ONE store job that (a) ignores a sequence already received
 * from the sender's present epoch, (b) looks the idempotency key up in the inbox, (c) if new, calls
 * `accept`, which stores the effect, (d) remembers the key and the received position. It acknowledges
 * after the commit.
 */
#ifndef MLC_LINK_LINK_H
#define MLC_LINK_LINK_H

#include "store/outbox.h"

/* Runs inside the receiving job, on the store's writer thread, perhaps more than once (store.h): only
 * transaction functions are allowed. Strings and payload are valid during the call.
 *  MLC_OK        stored.
 *  MLC_E_REJECTED or MLC_E_INVALID  refused for good: the sender parks the entry with err's text.
 *  MLC_E_FULL or anything else      not now: nothing is acknowledged, the sender tries again later. */
typedef mlc_code (*mlc_link_accept_fn)(mlc_txn *txn, const mlc_entry_new *message, void *user,
                                       mlc_error *err);

/* One end of a link, on one store. */
typedef struct mlc_link_binding {
    mlc_store *store;
    mlc_outbox *out;     /* SEQUENCE stream whose entries are sent */
    const char *in_name; /* name under which received positions and inbox keys are kept ("up", "down") */
    mlc_link_accept_fn accept;
    void *user;
    /* Loop's thread, after received messages were committed: time to look for new work. May be NULL. */
    void (*on_received)(void *user);
    /* Loop's thread, when the link goes up or down; `why` is words for a person. May be NULL. */
    void (*on_state)(void *user, bool up, const char *why);
} mlc_link_binding;

typedef struct mlc_link_status {
    bool up;
    int64_t since_ms;               /* wall time of the last change */
    char peer[128];                 /* agent id or relay host */
    char last_error[512];           /* why it went down last, "" when never */
    uint64_t sent, acked, received; /* messages since the process started */
    uint64_t reconnects;
} mlc_link_status;

#endif
