/* backup.c - copies of the stores, fetched in pieces.
 *
 * A copy is made on this machine at the speed of its disk, as a file without a name, and then fetched at the asker's: were it
 * sent straight out of the store, an asker that is slow or stopped would keep all pages of that moment from being written
 * again, and the store would grow. There is one at a time, so that at most one store is on the disk twice. It is given up when
 * it is ended, when nobody has asked for some time, and with the admin object.
 */
#include "admin/admin_private.h"

#include "base/buf.h"
#include "crypto/crypto.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PIECE_MAX = 4 * 1024 * 1024, IDLE_MS = 60 * 1000 };

typedef struct mlc_admin_copy {
    mlc_admin *admin; /* NULL: closed, or given up; the task that ends last frees it */
    char id[MLC_ID_TEXT_MAX];
    char store[MLC_ADMIN_NAME_MAX];
    char actor[MLC_ADMIN_ACTOR_MAX];
    int fd; /* -1: being made */
    uint64_t bytes;
    unsigned busy; /* tasks that use it */
    bool timed;    /* the timer is open */
    uv_timer_t timer;
} mlc_admin_copy;

/* ---- life ---- */

static void on_timer_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void copy_free(mlc_admin_copy *copy)
{
    if (copy->fd >= 0)
        (void)close(copy->fd);
    if (copy->timed)
        uv_close((uv_handle_t *)&copy->timer, on_timer_closed);
    else
        free(copy);
}

static void copy_give_up(mlc_admin_copy *copy)
{
    if (copy->admin != NULL)
        copy->admin->copy = NULL;
    copy->admin = NULL;
    if (copy->busy == 0)
        copy_free(copy);
}

static void on_idle(uv_timer_t *timer)
{
    mlc_admin_copy *const copy = timer->data;
    if (copy->busy > 0 || copy->admin == NULL)
        return; /* it is set again when that is over */
    mlc_log_warn(copy->admin->opt.log, "admin", "a backup was not fetched to its end",
                 MLC_S("store", copy->store));
    copy_give_up(copy);
}

static void wait_for_asker(mlc_admin_copy *copy)
{
    const int64_t idle = copy->admin->opt.copy_idle_ms;
    if (copy->timed)
        (void)uv_timer_start(&copy->timer, on_idle, idle > 0 ? (uint64_t)idle : IDLE_MS, 0);
}

static mlc_admin_copy *copy_new(mlc_admin *admin, const mlc_admin_room *room)
{
    mlc_admin_copy *const copy = calloc(1, sizeof *copy);
    if (copy == NULL || mlc_random_id(copy->id, NULL) != MLC_OK) {
        free(copy);
        return NULL;
    }
    copy->admin = admin;
    copy->fd = -1;
    copy->timer.data = copy;
    copy->timed = admin->opt.loop != NULL && uv_timer_init(admin->opt.loop, &copy->timer) == 0;
    mlc_strlcpy(copy->store, room->name, sizeof copy->store);
    admin->copy = copy;
    return copy;
}

void mlc_admin_backup_close(mlc_admin *admin)
{
    if (admin->copy != NULL)
        copy_give_up(admin->copy);
}

/* ---- tasks: making it, reading a piece ---- */

typedef struct copy_task {
    mlc_admin_task task; /* first */
    mlc_admin_copy *copy;
    mlc_store *store;
    uint64_t from;
    mlc_code code;
    mlc_error err;
    int fd; /* making it: the result, -1: none */
    uint64_t bytes;
    uint8_t *piece;
    size_t len;
} copy_task;

static void run_make(mlc_admin_task *task)
{
    copy_task *const t = (copy_task *)(void *)task; /* its first member */
    t->code = mlc_store_snapshot(t->store, &t->fd, &t->bytes, &t->err);
}

static void run_read(mlc_admin_task *task)
{
    copy_task *const t = (copy_task *)(void *)task;
    const uint64_t left = t->copy->bytes - t->from;
    const size_t wanted = left < PIECE_MAX ? (size_t)left : PIECE_MAX;
    t->piece = malloc(wanted > 0 ? wanted : 1);
    if (t->piece == NULL) {
        t->code = mlc_fail(&t->err, MLC_E_NOMEM, "no memory for a piece of the backup");
        return;
    }
    while (t->len < wanted) {
        const ssize_t got = pread(t->copy->fd, t->piece + t->len, wanted - t->len, (off_t)(t->from + t->len));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            t->code = mlc_fail(&t->err, MLC_E_IO, "the copy of store %s cannot be read: %s", t->copy->store,
                               got < 0 ? strerror(errno) : "it is cut short");
            return;
        }
        t->len += (size_t)got;
    }
}

static void task_free(copy_task *t)
{
    mlc_admin_task_destroy(&t->task);
    free(t->piece);
    free(t);
}

static void reply_made(mlc_http_req *req, const mlc_admin_copy *copy)
{
    cJSON *const tree = cJSON_CreateObject();
    const bool ok = tree != NULL && mlc_json_add_str(tree, "id", copy->id, NULL) == MLC_OK &&
                    mlc_json_add_str(tree, "store", copy->store, NULL) == MLC_OK &&
                    mlc_json_add_int(tree, "bytes", (int64_t)copy->bytes, NULL) == MLC_OK;
    if (!ok)
        cJSON_Delete(tree);
    mlc_http_reply_json(req, 200, ok ? tree : NULL);
}

static void done_make(mlc_admin_task *task, mlc_http_req *req)
{
    copy_task *const t = (copy_task *)(void *)task;
    mlc_admin_copy *const copy = t->copy;
    copy->busy--;
    if (req != NULL && t->code == MLC_OK) {
        copy->fd = t->fd;
        copy->bytes = t->bytes;
        mlc_log_info(copy->admin->opt.log, "admin", "store copied for a backup", MLC_S("store", copy->store),
                     MLC_I("bytes", copy->bytes), MLC_S("actor", copy->actor));
        wait_for_asker(copy);
        reply_made(req, copy);
    } else {
        if (t->fd >= 0)
            (void)close(t->fd);
        copy_give_up(copy);
        if (req != NULL)
            mlc_admin_reply_failure(req, t->code, &t->err);
    }
    task_free(t);
}

static void done_read(mlc_admin_task *task, mlc_http_req *req)
{
    copy_task *const t = (copy_task *)(void *)task;
    t->copy->busy--;
    if (t->copy->admin != NULL)
        wait_for_asker(t->copy);
    else
        copy_give_up(t->copy);
    if (req != NULL && t->code != MLC_OK)
        mlc_admin_reply_failure(req, t->code, &t->err);
    else if (req != NULL)
        mlc_http_reply(req, 200, "application/octet-stream", t->piece, t->len);
    task_free(t);
}

/* `store`: whose end ends the task; NULL: none's. False: 503 was answered. */
static bool start(mlc_admin *admin, mlc_http_req *req, mlc_admin_copy *copy, mlc_store *store, uint64_t from)
{
    copy_task *const t = calloc(1, sizeof *t);
    if (t == NULL || !mlc_admin_task_init(&t->task)) {
        free(t);
        mlc_http_reply_json(req, 200, NULL);
        return false;
    }
    t->task.run = store != NULL ? run_make : run_read;
    t->task.done = store != NULL ? done_make : done_read;
    t->copy = copy;
    t->fd = -1;
    t->store = store;
    t->from = from;
    copy->busy++;
    mlc_admin_task_start(admin, store, req, &t->task);
    return true;
}

/* ---- requests ---- */

static bool add_store(cJSON *stores, const mlc_admin_room *room)
{
    cJSON *const obj = cJSON_CreateObject();
    if (obj == NULL || !cJSON_AddItemToArray(stores, obj)) {
        cJSON_Delete(obj);
        return false;
    }
    return mlc_json_add_str(obj, "name", room->name, NULL) == MLC_OK &&
           mlc_json_add_str(obj, "folder", room->folder, NULL) == MLC_OK;
}

void mlc_admin_get_backup(mlc_http_req *req, void *user)
{
    const mlc_admin *const admin = user;
    if (!mlc_admin_exact(req, "/v1/backup"))
        return;
    cJSON *const tree = cJSON_CreateObject();
    cJSON *const stores = tree != NULL ? cJSON_AddArrayToObject(tree, "stores") : NULL;
    bool ok = stores != NULL && mlc_json_add_str(tree, "program", admin->opt.program, NULL) == MLC_OK;
    for (size_t i = 0; ok && i < admin->room_count; i++)
        ok = admin->rooms[i]->row.folder == NULL || add_store(stores, admin->rooms[i]);
    if (!ok)
        cJSON_Delete(tree);
    mlc_http_reply_json(req, 200, ok ? tree : NULL);
}

void mlc_admin_post_backup(mlc_http_req *req, void *user)
{
    mlc_admin *const admin = user;
    char actor[MLC_ADMIN_ACTOR_MAX];
    cJSON *const body = mlc_admin_exact(req, "/v1/backup") ? mlc_admin_body(req) : NULL;
    if (body == NULL)
        return;
    const mlc_admin_room *const room = mlc_admin_room_of(admin, req, mlc_json_str(body, "store"));
    const bool good = room != NULL && mlc_admin_body_actor(req, body, actor);
    cJSON_Delete(body);
    if (!good)
        return;
    if (admin->copy != NULL) {
        mlc_http_reply_error(
            req, 409, 0, "conflict",
            "another backup is under way; one that was broken off is forgotten after a minute");
        return;
    }
    mlc_admin_copy *const copy = copy_new(admin, room);
    if (copy == NULL) {
        mlc_http_reply_json(req, 200, NULL);
        return;
    }
    mlc_strlcpy(copy->actor, actor, sizeof copy->actor);
    if (!start(admin, req, copy, room->row.store, 0))
        copy_give_up(copy);
}

/* The copy with that id. NULL: 404 was answered. */
static mlc_admin_copy *copy_of(const mlc_admin *admin, mlc_http_req *req, const char *id)
{
    mlc_admin_copy *const copy = admin->copy;
    if (copy != NULL && copy->fd >= 0 && id != NULL && strcmp(copy->id, id) == 0)
        return copy;
    mlc_http_reply_error(req, 404, 0, "not_found",
                         "there is no such copy (any more): it was not asked for in a minute; begin anew");
    return NULL;
}

void mlc_admin_get_backup_data(mlc_http_req *req, void *user)
{
    mlc_admin *const admin = user;
    uint64_t from = 0;
    if (!mlc_admin_exact(req, "/v1/backup/data") || !mlc_admin_query_number(req, "from", 0, &from))
        return;
    mlc_admin_copy *const copy = copy_of(admin, req, mlc_http_req_query(req, "id"));
    if (copy != NULL)
        (void)start(admin, req, copy, NULL, from < copy->bytes ? from : copy->bytes);
}

void mlc_admin_post_backup_end(mlc_http_req *req, void *user)
{
    mlc_admin *const admin = user;
    cJSON *const body = mlc_admin_exact(req, "/v1/backup/end") ? mlc_admin_body(req) : NULL;
    if (body == NULL)
        return;
    mlc_admin_copy *const copy = copy_of(admin, req, mlc_json_str(body, "id"));
    cJSON_Delete(body);
    if (copy == NULL)
        return;
    copy_give_up(copy);
    mlc_http_reply_json(req, 200, cJSON_CreateObject());
}
