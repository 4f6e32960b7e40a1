/* rerun.h - one message of the past, tried once more on an operator's request: dry, or as a replay at a test target.
 *
 * The message is that of an entry which is still kept. It is delivered by the program's own code, with a sink instead of a
 * deliverer (deliver/deliverer.h), so no stream is touched and no effect is run. A replay leaves an audit event "replayed" with
 * the operator's name, whatever came of it.
 * Thread rule: loop's thread only.
 */
#ifndef MLC_ADMIN_RERUN_H
#define MLC_ADMIN_RERUN_H

#include "deliver/deliverer.h"
#include "net/http_server.h"

/* Which message: the last one of a key, the one of an audit entry, or the last one of a correlation. */
typedef struct mlc_rerun_wish {
    const char *key;
    uint64_t audit; /* 0: not by it */
    const char *correlation;
    const char *target; /* replay: the address that is meant, to be sure; NULL: the configured one */
    const char *person; /* who asks, for the audit trail; NULL: "unknown" */
} mlc_rerun_wish;

/* Where messages are found, and how they are delivered. Must outlive the requests. */
typedef struct mlc_rerun_desk {
    mlc_store *store;
    const char *tenant;
    mlc_outbox *stream; /* the entries that were delivered */
    mlc_outbox *held;   /* those of dry runs; NULL: none */
    const char *peer;   /* "Dynamics": what deliveries go to */
    const char *pruned; /* what else can be done when the message is gone */
    const char *at;     /* address of the test target; NULL: none is configured */
    const char *unset;  /* then: what to do about it */
    bool stopped;       /* set it before the requests under way are ended */
    /* Can messages of this kind be tried? */
    bool (*takes)(const char *kind);
    /* Deliver it; ends in mlc_deliverer_finish, which comes back through its sink. */
    void (*deliver)(void *user, bool replay, mlc_delivery *item);
    /* The differences of a dry run, in words; NULL: there are none. */
    void (*words)(const cJSON *differences, char *out, size_t size);
    void *user;
} mlc_rerun_desk;

/* Read a body {"key","audit","correlation","target","operator"}; the texts are borrowed from *body, which is the caller's in
 * any case. False: the request was answered. */
bool mlc_rerun_wish_read(mlc_http_req *req, cJSON **body, mlc_rerun_wish *out);
/* Answer `req`, now or later, with {"key","kind","stream","seq","ok","code","outcome"|"error","target","differences"}, of a
 * replay also "at". */
void mlc_rerun_dry(const mlc_rerun_desk *desk, const mlc_rerun_wish *wish, mlc_http_req *req);
/* The wish must name an audit entry or a correlation. */
void mlc_rerun_replay(const mlc_rerun_desk *desk, const mlc_rerun_wish *wish, mlc_http_req *req);

#endif
