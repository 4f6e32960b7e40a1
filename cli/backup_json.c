/* backup_json.c - backup.json and its folders' names (backup.h). */
#include "cli/backup_private.h"

#include <stdlib.h>
#include <string.h>

enum { FORMAT = 1, DEPTH_MAX = 4, STORES_MAX = 100000 };

bool backup_folder_good(const char *folder)
{
    size_t part = 0; /* characters of the present part */
    const size_t len = strlen(folder);
    for (size_t i = 0; i < len; i++) {
        const char c = folder[i];
        if (c == '/' ? part == 0 || i + 1 == len : c == '.' && part == 0)
            return false;
        if (c != '/' &&
            strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.", c) == NULL)
            return false;
        part = c == '/' ? 0 : part + 1;
    }
    return len < MLCTL_BACKUP_FOLDER_MAX;
}

mlctl_backup_store *backup_new_store(mlctl_backup *backup)
{
    mlctl_backup_store *const grown = realloc(backup->stores, (backup->count + 1) * sizeof *backup->stores);
    if (grown == NULL)
        return NULL;
    backup->stores = grown;
    grown[backup->count] = (mlctl_backup_store){0};
    return &grown[backup->count++];
}

void mlctl_backup_free(mlctl_backup *backup)
{
    free(backup->stores);
    backup->stores = NULL;
    backup->count = 0;
}

/* ---- out ---- */

static cJSON *store_json(const mlctl_backup_store *store)
{
    cJSON *const obj = cJSON_CreateObject();
    if (obj != NULL && mlc_json_add_str(obj, "name", store->name, NULL) == MLC_OK &&
        mlc_json_add_str(obj, "folder", store->folder, NULL) == MLC_OK &&
        mlc_json_add_int(obj, "bytes", (int64_t)store->bytes, NULL) == MLC_OK &&
        mlc_json_add_str(obj, "sha256", store->sha256, NULL) == MLC_OK &&
        mlc_json_add_str(obj, "auditHead", store->head, NULL) == MLC_OK)
        return obj;
    cJSON_Delete(obj);
    return NULL;
}

char *mlctl_backup_text(const mlctl_backup *backup)
{
    cJSON *const tree = cJSON_CreateObject();
    bool ok = tree != NULL && mlc_json_add_int(tree, "format", FORMAT, NULL) == MLC_OK &&
              mlc_json_add_str(tree, "program", backup->program, NULL) == MLC_OK &&
              mlc_json_add_str(tree, "made", backup->made, NULL) == MLC_OK;
    cJSON *const stores = ok ? cJSON_AddArrayToObject(tree, "stores") : NULL;
    ok = stores != NULL;
    for (size_t i = 0; ok && i < backup->count; i++) {
        cJSON *const obj = store_json(&backup->stores[i]);
        ok = obj != NULL && cJSON_AddItemToArray(stores, obj);
        if (!ok)
            cJSON_Delete(obj);
    }
    char *const text = ok ? mlc_json_print(tree) : NULL;
    cJSON_Delete(tree);
    return text;
}

/* ---- in ---- */

static bool take_text(const cJSON *obj, const char *name, char *out, size_t size)
{
    const char *const text = mlc_json_str(obj, name);
    if (text == NULL || strlen(text) >= size)
        return false;
    mlc_strlcpy(out, text, size);
    return true;
}

static mlc_code take_store(mlctl_backup *backup, const cJSON *obj, mlc_error *err)
{
    int64_t bytes = 0;
    mlctl_backup_store *const store = backup_new_store(backup);
    if (store == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "out of memory");
    const bool good = take_text(obj, "name", store->name, sizeof store->name) &&
                      take_text(obj, "folder", store->folder, sizeof store->folder) &&
                      take_text(obj, "sha256", store->sha256, sizeof store->sha256) &&
                      take_text(obj, "auditHead", store->head, sizeof store->head) &&
                      backup_folder_good(store->folder) &&
                      mlc_json_int64(obj, "bytes", &bytes, NULL) == MLC_OK && bytes >= 0;
    store->bytes = (uint64_t)bytes;
    return good ? MLC_OK
                : mlc_fail(err, MLC_E_CORRUPT, MLCTL_BACKUP_FILE ": store %zu is not described as a backup's",
                           backup->count);
}

static mlc_code take_tree(mlctl_backup *backup, const cJSON *tree, mlc_error *err)
{
    const cJSON *obj = NULL;
    int64_t format = 0;
    const cJSON *const stores = mlc_json_get(tree, "stores");
    if (mlc_json_int64(tree, "format", &format, NULL) != MLC_OK || format < 1)
        return mlc_fail(err, MLC_E_CORRUPT, MLCTL_BACKUP_FILE " is not that of a backup: no \"format\"");
    if (format > FORMAT)
        return mlc_fail(err, MLC_E_CORRUPT,
                        MLCTL_BACKUP_FILE " has format %lld, this mlctl knows %d; use the newer one",
                        (long long)format, (int)FORMAT);
    if (!take_text(tree, "program", backup->program, sizeof backup->program) ||
        !take_text(tree, "made", backup->made, sizeof backup->made) || !cJSON_IsArray(stores) ||
        cJSON_GetArraySize(stores) > STORES_MAX)
        return mlc_fail(err, MLC_E_CORRUPT,
                        MLCTL_BACKUP_FILE
                        ": \"program\", \"made\" or \"stores\" are not as they were written");
    cJSON_ArrayForEach(obj, stores)
    {
        const mlc_code code = take_store(backup, obj, err);
        if (code != MLC_OK)
            return code;
    }
    return MLC_OK;
}

mlc_code mlctl_backup_parse(mlctl_backup *out, const char *text, size_t len, mlc_error *err)
{
    cJSON *tree = NULL;
    if (mlc_json_parse(text, len, MLCTL_BACKUP_JSON_MAX, DEPTH_MAX, &tree, err) != MLC_OK)
        return mlc_wrap(err, MLC_E_CORRUPT, MLCTL_BACKUP_FILE " is not readable");
    const mlc_code code = take_tree(out, tree, err);
    cJSON_Delete(tree);
    if (code != MLC_OK)
        mlctl_backup_free(out);
    return code;
}
