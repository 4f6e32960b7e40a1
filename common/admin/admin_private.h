/* admin_private.h - what the files of the operator's routes share. */
#ifndef MLC_ADMIN_ADMIN_PRIVATE_H
#define MLC_ADMIN_ADMIN_PRIVATE_H

#include "admin/admin.h"
#include "store/audit.h"

#include <stdatomic.h>
#include <uv.h>

enum {
    MLC_ADMIN_NAME_MAX = 128,
    MLC_ADMIN_FOLDER_MAX = 160,
    MLC_ADMIN_OPERATOR_MAX = 64,
    MLC_ADMIN_ACTOR_MAX = 80,
    MLC_ADMIN_REASON_MAX = 500
};

/* A registered store: a copy of the row with its name. */
typedef struct mlc_admin_room {
    mlc_admin_store row;
    char name[MLC_ADMIN_NAME_MAX];
    char folder[MLC_ADMIN_FOLDER_MAX];
} mlc_admin_room;

/* A request whose answer comes later: embedded first in the job or the read that works on it. While it is in the
 * list the admin object is there; when that is closed first, the request is answered and both are forgotten. */
typedef struct mlc_admin_call {
    mlc_admin *admin; /* NULL: closed meanwhile */
    mlc_http_req *req;
    struct mlc_admin_call *prev, *next;
    /* Called once when admin or store goes away before the call is over; waits until no other thread uses the
     * store for it. May be NULL. */
    void (*abandon)(struct mlc_admin_call *call);
    const mlc_store *store;
} mlc_admin_call;

/* Work for a request on the loop's thread pool: embedded first in what it works on (task.c). */
typedef struct mlc_admin_task {
    mlc_admin_call call; /* first: the list's element */
    /* On another thread; may use the store of the call. Ends soon once `stop` is set, when it can. */
    void (*run)(struct mlc_admin_task *task);
    /* On the loop's thread, once: answer `req` unless it is NULL, which means that it was answered because the store or the
     * admin object went away; destroy and free. */
    void (*done)(struct mlc_admin_task *task, mlc_http_req *req);
    atomic_bool stop;
    uv_work_t work;
    uv_mutex_t mutex;
    uv_cond_t over_cond;
    bool over;
} mlc_admin_task;

struct mlc_admin_copy;

struct mlc_admin {
    mlc_admin_options opt;
    struct mlc_admin_copy *copy; /* being made or fetched (backup.c); NULL: none */
    mlc_admin_room **rooms;
    size_t room_count;
    mlc_admin_call *calls;
    mlc_http_route *routes;
    size_t route_count;
};

/* admin.c */
/* True when the path is exactly this; otherwise 404 was answered. */
bool mlc_admin_exact(mlc_http_req *req, const char *path);
/* The room called so. NULL: answered, with the names there are. `name` NULL means the only one. */
const mlc_admin_room *mlc_admin_room_of(mlc_admin *admin, mlc_http_req *req, const char *name);
/* The stream called so, the same way. */
mlc_outbox *mlc_admin_stream_of(const mlc_admin_room *room, mlc_http_req *req, const char *name);
/* Query argument as a number; `fallback` when absent. False: 400 was answered. */
bool mlc_admin_query_number(mlc_http_req *req, const char *name, uint64_t fallback, uint64_t *out);
/* Answer with the HTTP status that fits the code. */
void mlc_admin_reply_failure(mlc_http_req *req, mlc_code code, const mlc_error *err);
void mlc_admin_call_begin(mlc_admin *admin, const mlc_store *store, mlc_http_req *req, mlc_admin_call *call);
/* Takes it off the list. Returns the request to be answered, NULL when that was done already. */
mlc_http_req *mlc_admin_call_end(mlc_admin_call *call);

/* task.c */
/* False: no memory. Set run and done before the start. */
bool mlc_admin_task_init(mlc_admin_task *task);
void mlc_admin_task_destroy(mlc_admin_task *task);
/* Without a loop it runs at once, on the caller's thread. */
void mlc_admin_task_start(mlc_admin *admin, const mlc_store *store, mlc_http_req *req, mlc_admin_task *task);

/* backup.c */
void mlc_admin_get_backup(mlc_http_req *req, void *user);
void mlc_admin_post_backup(mlc_http_req *req, void *user);
void mlc_admin_get_backup_data(mlc_http_req *req, void *user);
void mlc_admin_post_backup_end(mlc_http_req *req, void *user);
/* Give up what is under way, when calls were abandoned. */
void mlc_admin_backup_close(mlc_admin *admin);

/* view.c: status, parked, entry as JSON */
void mlc_admin_get_status(mlc_http_req *req, void *user);
void mlc_admin_get_parked(mlc_http_req *req, void *user);
/* All there is to tell of an entry; the payload only when asked for. NULL: out of memory. */
cJSON *mlc_admin_entry_json(const mlc_admin_room *room, mlc_outbox *stream, const mlc_entry *entry,
                            bool with_payload);

/* body.c: the bodies of decisions */
/* The body as a tree, the caller's. NULL: it was answered; also requests from pages of another site are refused. */
cJSON *mlc_admin_body(mlc_http_req *req);
/* A text of the body that must be there, of one line. False: 400 was answered. */
bool mlc_admin_body_text(mlc_http_req *req, const cJSON *body, const char *name, size_t max,
                         const char *remedy, char *out, size_t size);
/* The person who decides, as "operator:NAME". False: 400 was answered. */
bool mlc_admin_body_actor(mlc_http_req *req, const cJSON *body, char out[MLC_ADMIN_ACTOR_MAX]);

/* act.c: retry, dismiss */
void mlc_admin_post_retry(mlc_http_req *req, void *user);
void mlc_admin_post_dismiss(mlc_http_req *req, void *user);

/* trail.c: reads of the audit trail, off the loop's thread */
void mlc_admin_get_entry(mlc_http_req *req, void *user);
void mlc_admin_get_audit(mlc_http_req *req, void *user);
void mlc_admin_get_head(mlc_http_req *req, void *user);
/* NULL: out of memory. */
cJSON *mlc_admin_head_json(const mlc_audit_head *head);
void mlc_admin_get_verify(mlc_http_req *req, void *user);

/* xref.c */
void mlc_admin_get_xref(mlc_http_req *req, void *user);
void mlc_admin_post_xref_rebuild(mlc_http_req *req, void *user);

/* redact.c */
void mlc_admin_post_redact(mlc_http_req *req, void *user);

/* metrics.c */
void mlc_admin_get_metrics(mlc_http_req *req, void *user);
void mlc_admin_get_health(mlc_http_req *req, void *user);

#endif
