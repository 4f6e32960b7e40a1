/* admin.h - the operator's HTTP routes over the stores of a program: what `mlctl` talks to.
 *
 * On the local admin socket (unix socket, mode 0660) or a loopback port. JSON in and out:
 *   GET  /v1/status                       program's own status object plus streams of every store
 *   GET  /v1/parked?store=S&stream=N&from=SEQ&max=100
 *   GET  /v1/entry?store=S&stream=N&seq=SEQ         one entry with payload, history, last error
 *   POST /v1/retry   {"store","stream","seq","refresh","operator"}
 *                    {"store","stream","all":true,"kind","code","olderSeconds","refresh","operator"}
 *                    kind, code and age (each may be left out) choose among the parked entries. With "refresh":true the
 *                    record is taken again from its source, as it is there now, and takes the place of the entry.
 *   POST /v1/dismiss {"store","stream","seq","reason","operator"}
 *   GET  /v1/audit?store=S&from=INDEX&to=INDEX&fromTime=T&toTime=T&key=K|correlation=C&max=1000
 *                                         entries as JSON lines (application/x-ndjson, store/audit_file.h)
 *   GET  /v1/audit/head?store=S           index and hash of the last entry; also in the status of each store
 *   GET  /v1/audit/verify?store=S&head=INDEX:HASH   `head`: one that was noted elsewhere
 *   POST /v1/audit/redact {"store","key","reason","operator"}
 *   GET  /v1/xref?id=SYSTEM/TABLE/ID&store=S        counterparts of a record (store/crossref.h), of all stores without S
 *   POST /v1/xref/rebuild {"store","operator"}      read them anew from Dynamics
 *   GET  /v1/backup                       stores that are part of a backup, each with its folder below the state folder
 *   POST /v1/backup {"store","operator"}  copy one store as it is now; {"id","store","bytes"}. One copy at a time: the
 *                                         next one waits (409) until it is ended, or was not asked for in a minute
 *   GET  /v1/backup/data?id=ID&from=OFFSET          up to 4 MiB of that copy; nothing from its end on
 *   POST /v1/backup/end {"id"}            it is not needed any more
 *   GET  /healthz   GET /metrics (Prometheus text)
 * Retry and dismiss write an audit event with actor "operator:NAME" in the same job.
 * Thread rule: loop's thread only.
 */
#ifndef MLC_ADMIN_ADMIN_H
#define MLC_ADMIN_ADMIN_H

#include "base/json.h"
#include "net/http_server.h"
#include "store/outbox.h"

typedef struct mlc_admin mlc_admin;

enum { MLC_ADMIN_STREAMS_MAX = 8 };

/* One store and its streams, as the operator names them. Pointers must outlive the admin object. */
typedef struct mlc_admin_store {
    const char *name; /* "agent", or the tenant's id */
    /* Of the program's own affairs: taken only when it is named, and under "aside" in the status instead of "stores". */
    bool aside;
    mlc_store *store;
    const char
        *folder; /* of the store below the program's state folder, "" for that itself; NULL: not backed up */
    mlc_outbox *streams[MLC_ADMIN_STREAMS_MAX];
    size_t stream_count;
    /* Entries were released: the stream has work. Loop's thread. */
    void (*on_released)(void *user, mlc_outbox *stream);
    /* Take the record of a parked entry again from its source, after a correction there. Runs in the job that ends the
     * entry, on the store's thread (store.h: perhaps more than once; transaction functions only). Set *stays when the entry
     * is to stay parked until what comes supersedes it (resend.h); then the job does not end it. MLC_E_UNSUPPORTED when
     * records of this kind cannot be taken again: say why. NULL: none can. */
    mlc_code (*refresh)(mlc_txn *txn, mlc_outbox *stream, const mlc_entry *entry, bool *stays, void *user,
                        mlc_error *err);
    /* Such jobs were committed. Loop's thread. May be NULL. */
    void (*on_refreshed)(void *user, mlc_outbox *stream);
    /* Begin to read the cross-reference anew. MLC_E_CONFLICT: it is being read. NULL: this program cannot. */
    mlc_code (*rebuild_xref)(void *user, const char *actor, mlc_error *err);
    void *user;
} mlc_admin_store;

typedef struct mlc_admin_options {
    mlc_log *log;
    const char *program; /* "ml-agent/0.1.0" */
    /* Add members to the status object (link state, token, poller ...). May be NULL. */
    void (*status)(void *user, cJSON *status);
    /* Append the program's own metrics in Prometheus text. May be NULL. */
    void (*metrics)(void *user, mlc_buf *out);
    /* Not healthy: fill `why` and return false. NULL: always healthy. */
    bool (*healthy)(void *user, char *why, size_t size);
    void *user;
    /* Long reads (audit trail, history of an entry, backup) run on the loop's thread pool. NULL: on the caller's
     * thread, which they block. */
    uv_loop_t *loop;
    int64_t copy_idle_ms; /* a copy that nobody asks for so long is given up; 0: a minute */
} mlc_admin_options;

mlc_code mlc_admin_open(mlc_admin **out, const mlc_admin_options *options, mlc_error *err);
/* The struct is copied, with its name and folder. May be called at any time (tenants come and go). */
mlc_code mlc_admin_add_store(mlc_admin *admin, const mlc_admin_store *store, mlc_error *err);
/* Forget a store before it is closed; requests that wait for it are answered. Unknown names are ignored. */
void mlc_admin_remove_store(mlc_admin *admin, const char *name);
/* Rows for mlc_http_server_options.routes; valid until close. The caller may append rows of its own. */
const mlc_http_route *mlc_admin_routes(mlc_admin *admin, size_t *count);
/* Before the stores are closed. Requests that wait are answered; completions of their jobs may still come. NULL is
 * allowed. */
void mlc_admin_close(mlc_admin *admin);

#endif
