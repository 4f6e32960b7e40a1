/* admin.c - see admin.h: life, the registered stores, and what all routes have in common. */
#include "admin/admin_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RETRY_BODY_MAX = 16 * 1024 };

/* ---- answers ---- */

bool mlc_admin_exact(mlc_http_req *req, const char *path)
{
    if (strcmp(mlc_http_req_path(req), path) == 0)
        return true;
    mlc_http_reply_error(
        req, 404, 0, "not_found",
        "no such address; there are /v1/status, /v1/parked, /v1/entry, /v1/retry, /v1/dismiss, "
        "/v1/audit, /v1/audit/head, /v1/audit/verify, /v1/audit/redact, /v1/xref, /v1/xref/rebuild, "
        "/v1/backup, /v1/backup/data, /v1/backup/end, /healthz and /metrics");
    return false;
}

static int status_of(mlc_code code)
{
    switch (code) {
    case MLC_E_INVALID:
        return 400;
    case MLC_E_NOTFOUND:
        return 404;
    case MLC_E_CONFLICT:
        return 409;
    case MLC_E_FULL:
    case MLC_E_NOMEM:
    case MLC_E_CLOSED:
        return 503;
    default:
        return 500;
    }
}

void mlc_admin_reply_failure(mlc_http_req *req, mlc_code code, const mlc_error *err)
{
    const int status = status_of(code);
    mlc_http_reply_error(req, status, status == 503 ? 5 : 0, mlc_code_name(code), err->message);
}

bool mlc_admin_query_number(mlc_http_req *req, const char *name, uint64_t fallback, uint64_t *out)
{
    const char *const text = mlc_http_req_query(req, name);
    char message[128];
    char *end = NULL;
    *out = fallback;
    if (text == NULL)
        return true;
    errno = 0;
    const unsigned long long value = strtoull(text, &end, 10);
    if (text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0) {
        *out = value;
        return true;
    }
    (void)snprintf(message, sizeof message, "%.20s: must be a whole number", name);
    mlc_http_reply_error(req, 400, 0, "invalid", message);
    return false;
}

/* ---- stores and streams by name ---- */

static void say_names(mlc_http_req *req, int status, const char *what, const char *wrong,
                      const mlc_buf *names)
{
    mlc_buf text = {0};
    char cut[64];
    mlc_strlcpy(cut, wrong != NULL ? wrong : "", sizeof cut);
    const mlc_code code =
        wrong == NULL ? mlc_buf_printf(&text, NULL, "%s: missing; give one of: %s", what, mlc_buf_text(names))
                      : mlc_buf_printf(&text, NULL, "%s \"%s\" is not known; known are: %s", what, cut,
                                       names->len > 0 ? mlc_buf_text(names) : "none");
    mlc_http_reply_error(req, status, 0, wrong == NULL ? "invalid" : "not_found",
                         code == MLC_OK ? mlc_buf_text(&text) : "no such name");
    mlc_buf_free(&text);
}

/* The one that is meant when none is named; NULL: none, or several. */
static const mlc_admin_room *only_room(const mlc_admin *admin)
{
    const mlc_admin_room *found = NULL;
    for (size_t i = 0; i < admin->room_count; i++) {
        if (admin->rooms[i]->row.aside)
            continue;
        if (found != NULL)
            return NULL;
        found = admin->rooms[i];
    }
    return found;
}

const mlc_admin_room *mlc_admin_room_of(mlc_admin *admin, mlc_http_req *req, const char *name)
{
    mlc_buf names = {.max = 2000};
    const mlc_admin_room *const only = name == NULL ? only_room(admin) : NULL;
    if (only != NULL)
        return only;
    for (size_t i = 0; i < admin->room_count; i++) {
        if (name != NULL && strcmp(name, admin->rooms[i]->name) == 0) {
            mlc_buf_free(&names);
            return admin->rooms[i];
        }
        /* Too many names to tell are cut by the ceiling. */
        (void)mlc_buf_printf(&names, NULL, "%s%s", i > 0 ? ", " : "", admin->rooms[i]->name);
    }
    say_names(req, name == NULL ? 400 : 404, "store", name, &names);
    mlc_buf_free(&names);
    return NULL;
}

mlc_outbox *mlc_admin_stream_of(const mlc_admin_room *room, mlc_http_req *req, const char *name)
{
    mlc_buf names = {.max = 2000};
    for (size_t i = 0; i < room->row.stream_count; i++) {
        const char *const known = mlc_outbox_name(room->row.streams[i]);
        if (name != NULL && strcmp(name, known) == 0) {
            mlc_buf_free(&names);
            return room->row.streams[i];
        }
        (void)mlc_buf_printf(&names, NULL, "%s%s", i > 0 ? ", " : "", known);
    }
    say_names(req, name == NULL ? 400 : 404, "stream", name, &names);
    mlc_buf_free(&names);
    return NULL;
}

/* ---- calls under way ---- */

void mlc_admin_call_begin(mlc_admin *admin, const mlc_store *store, mlc_http_req *req, mlc_admin_call *call)
{
    call->admin = admin;
    call->store = store;
    call->req = req;
    call->prev = NULL;
    call->next = admin->calls;
    if (admin->calls != NULL)
        admin->calls->prev = call;
    admin->calls = call;
}

mlc_http_req *mlc_admin_call_end(mlc_admin_call *call)
{
    mlc_http_req *const req = call->req;
    if (call->admin == NULL)
        return NULL;
    if (call->prev != NULL)
        call->prev->next = call->next;
    else
        call->admin->calls = call->next;
    if (call->next != NULL)
        call->next->prev = call->prev;
    call->admin = NULL;
    call->req = NULL;
    return req;
}

/* Answer what waits for this store (NULL: for any) and let go of it. */
static void abandon_calls(mlc_admin *admin, const mlc_store *store)
{
    mlc_admin_call *next = NULL;
    for (mlc_admin_call *call = admin->calls; call != NULL; call = next) {
        next = call->next;
        if (store != NULL && call->store != store)
            continue;
        void (*const abandon)(mlc_admin_call *) = call->abandon;
        mlc_http_req *const req = mlc_admin_call_end(call);
        mlc_http_reply_error(req, 503, 5, "closed",
                             "the program is shutting down; look whether it was done when it runs again");
        if (abandon != NULL)
            abandon(call);
    }
}

/* ---- life ---- */

mlc_code mlc_admin_open(mlc_admin **out, const mlc_admin_options *options, mlc_error *err)
{
    *out = NULL;
    mlc_admin *const admin = calloc(1, sizeof *admin);
    if (admin == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for the admin routes");
    admin->opt = *options;
    const mlc_http_route routes[] = {
        {.method = "GET", .prefix = "/v1/status", .handler = mlc_admin_get_status, .user = admin},
        {.method = "GET", .prefix = "/v1/parked", .handler = mlc_admin_get_parked, .user = admin},
        {.method = "GET", .prefix = "/v1/entry", .handler = mlc_admin_get_entry, .user = admin},
        {.method = "POST",
         .prefix = "/v1/retry",
         .max_body = RETRY_BODY_MAX,
         .handler = mlc_admin_post_retry,
         .user = admin},
        {.method = "POST",
         .prefix = "/v1/dismiss",
         .max_body = RETRY_BODY_MAX,
         .handler = mlc_admin_post_dismiss,
         .user = admin},
        {.method = "GET", .prefix = "/v1/audit", .handler = mlc_admin_get_audit, .user = admin},
        {.method = "GET", .prefix = "/v1/audit/head", .handler = mlc_admin_get_head, .user = admin},
        {.method = "GET", .prefix = "/v1/audit/verify", .handler = mlc_admin_get_verify, .user = admin},
        {.method = "POST",
         .prefix = "/v1/audit/redact",
         .max_body = RETRY_BODY_MAX,
         .handler = mlc_admin_post_redact,
         .user = admin},
        {.method = "GET", .prefix = "/v1/xref", .handler = mlc_admin_get_xref, .user = admin},
        {.method = "POST",
         .prefix = "/v1/xref/rebuild",
         .max_body = RETRY_BODY_MAX,
         .handler = mlc_admin_post_xref_rebuild,
         .user = admin},
        {.method = "GET", .prefix = "/v1/backup", .handler = mlc_admin_get_backup, .user = admin},
        {.method = "POST",
         .prefix = "/v1/backup",
         .max_body = RETRY_BODY_MAX,
         .handler = mlc_admin_post_backup,
         .user = admin},
        {.method = "GET", .prefix = "/v1/backup/data", .handler = mlc_admin_get_backup_data, .user = admin},
        {.method = "POST",
         .prefix = "/v1/backup/end",
         .max_body = RETRY_BODY_MAX,
         .handler = mlc_admin_post_backup_end,
         .user = admin},
        {.method = "GET", .prefix = "/healthz", .handler = mlc_admin_get_health, .user = admin},
        {.method = "GET", .prefix = "/metrics", .handler = mlc_admin_get_metrics, .user = admin},
    };
    admin->route_count = sizeof routes / sizeof routes[0];
    admin->routes = malloc(sizeof routes);
    if (admin->routes == NULL) {
        free(admin);
        return mlc_fail(err, MLC_E_NOMEM, "no memory for the admin routes");
    }
    memcpy(admin->routes, routes, sizeof routes);
    *out = admin;
    return MLC_OK;
}

mlc_code mlc_admin_add_store(mlc_admin *admin, const mlc_admin_store *store, mlc_error *err)
{
    if (store->stream_count > MLC_ADMIN_STREAMS_MAX || strlen(store->name) >= MLC_ADMIN_NAME_MAX ||
        (store->folder != NULL && strlen(store->folder) >= MLC_ADMIN_FOLDER_MAX))
        return mlc_fail(err, MLC_E_INVALID, "store \"%.40s\": too many streams or too long a name",
                        store->name);
    for (size_t i = 0; i < admin->room_count; i++)
        if (strcmp(admin->rooms[i]->name, store->name) == 0)
            return mlc_fail(err, MLC_E_EXISTS, "store \"%.40s\" is registered already", store->name);
    mlc_admin_room **const rooms =
        realloc((void *)admin->rooms, (admin->room_count + 1) * sizeof(mlc_admin_room *));
    if (rooms == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a store's routes");
    admin->rooms = rooms;
    mlc_admin_room *const room = calloc(1, sizeof *room);
    if (room == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a store's routes");
    room->row = *store;
    mlc_strlcpy(room->name, store->name, sizeof room->name);
    room->row.name = room->name;
    if (store->folder != NULL) {
        mlc_strlcpy(room->folder, store->folder, sizeof room->folder);
        room->row.folder = room->folder;
    }
    admin->rooms[admin->room_count++] = room;
    return MLC_OK;
}

void mlc_admin_remove_store(mlc_admin *admin, const char *name)
{
    for (size_t i = 0; i < admin->room_count; i++) {
        mlc_admin_room *const room = admin->rooms[i];
        if (strcmp(room->name, name) != 0)
            continue;
        abandon_calls(admin, room->row.store);
        admin->rooms[i] = admin->rooms[--admin->room_count];
        free(room);
        return;
    }
}

const mlc_http_route *mlc_admin_routes(mlc_admin *admin, size_t *count)
{
    *count = admin->route_count;
    return admin->routes;
}

void mlc_admin_close(mlc_admin *admin)
{
    if (admin == NULL)
        return;
    abandon_calls(admin, NULL);
    mlc_admin_backup_close(admin);
    for (size_t i = 0; i < admin->room_count; i++)
        free(admin->rooms[i]);
    free((void *)admin->rooms);
    free(admin->routes);
    free(admin);
}
