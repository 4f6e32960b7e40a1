/* xref.c - GET /v1/xref: the counterparts of a record, of one store or of all. Reads are short. */
#include "admin/admin_private.h"

#include "base/clock.h"
#include "crypto/crypto.h"
#include "store/crossref.h"

#include <string.h>

typedef struct xref_read {
    const char *id, *store;
    cJSON *links;
    bool ok;
} xref_read;

static mlc_code add_time(cJSON *obj, const char *name, int64_t wall_ms)
{
    char text[MLC_ISO_TEXT_MAX];
    return mlc_json_add_str(obj, name, wall_ms > 0 ? mlc_iso_text(wall_ms, text) : NULL, NULL);
}

static bool visit(const mlc_crossref *link, void *arg)
{
    xref_read *const read = arg;
    char hex[2 * MLC_CROSSREF_HASH_LEN + 1];
    cJSON *const obj = cJSON_CreateObject();
    if (link->hash != NULL)
        mlc_hex(link->hash, MLC_CROSSREF_HASH_LEN, hex);
    read->ok = obj != NULL && mlc_json_add_str(obj, "store", read->store, NULL) == MLC_OK &&
               mlc_json_add_str(obj, "id", link->id, NULL) == MLC_OK &&
               mlc_json_add_str(obj, "other", link->other, NULL) == MLC_OK &&
               add_time(obj, "written", link->written_ms) == MLC_OK &&
               add_time(obj, "seen", link->seen_ms) == MLC_OK &&
               mlc_json_add_str(obj, "hash", link->hash != NULL ? hex : NULL, NULL) == MLC_OK &&
               cJSON_AddItemToArray(read->links, obj);
    if (!read->ok)
        cJSON_Delete(obj);
    return read->ok;
}

static mlc_code read_links(mlc_txn *txn, void *arg, mlc_error *err)
{
    xref_read *const read = arg;
    const mlc_code code = mlc_crossref_find(txn, read->id, visit, read, err);
    return code == MLC_OK && !read->ok ? mlc_fail(err, MLC_E_NOMEM, "out of memory") : code;
}

void mlc_admin_get_xref(mlc_http_req *req, void *user)
{
    mlc_admin *const admin = user;
    const char *const name = mlc_http_req_query(req, "store");
    const mlc_admin_room *room = NULL;
    xref_read read = {.id = mlc_http_req_query(req, "id"), .ok = true};
    mlc_error err;
    if (!mlc_admin_exact(req, "/v1/xref"))
        return;
    mlc_code code = mlc_crossref_check(read.id != NULL ? read.id : "", &err);
    if (code != MLC_OK) {
        mlc_admin_reply_failure(req, code, &err);
        return;
    }
    if (name != NULL && (room = mlc_admin_room_of(admin, req, name)) == NULL)
        return;
    cJSON *const tree = cJSON_CreateObject();
    read.links = tree != NULL ? cJSON_AddArrayToObject(tree, "links") : NULL;
    if (read.links == NULL)
        code = mlc_fail(&err, MLC_E_NOMEM, "out of memory");
    for (size_t i = 0; code == MLC_OK && i < admin->room_count; i++) {
        if (room != NULL && room != admin->rooms[i])
            continue;
        read.store = admin->rooms[i]->name;
        code = mlc_store_read(admin->rooms[i]->row.store, read_links, &read, &err);
    }
    if (code == MLC_OK) {
        mlc_http_reply_json(req, 200, tree);
        return;
    }
    cJSON_Delete(tree);
    mlc_admin_reply_failure(req, code, &err);
}

/* ---- POST /v1/xref/rebuild ---- */

void mlc_admin_post_xref_rebuild(mlc_http_req *req, void *user)
{
    mlc_admin *const admin = user;
    char actor[MLC_ADMIN_ACTOR_MAX];
    mlc_error err;
    if (!mlc_admin_exact(req, "/v1/xref/rebuild"))
        return;
    cJSON *const body = mlc_admin_body(req);
    if (body == NULL)
        return;
    const mlc_admin_room *const room = mlc_admin_room_of(admin, req, mlc_json_str(body, "store"));
    if (room != NULL && mlc_admin_body_actor(req, body, actor)) {
        mlc_code code = MLC_E_INVALID;
        if (room->row.rebuild_xref == NULL)
            (void)mlc_fail(&err, code,
                           "the relay rebuilds the cross-reference, not this program: it reads Dynamics");
        else
            code = room->row.rebuild_xref(room->row.user, actor, &err);
        if (code == MLC_OK)
            mlc_http_reply(req, 202, NULL, "{\"started\":true}", strlen("{\"started\":true}"));
        else
            mlc_admin_reply_failure(req, code, &err);
    }
    cJSON_Delete(body);
}
