/* backup_cmd.c - mlctl backup: fetches each store of a running program, proves the copies, says what is and is not in them. */
#include "cli/backup.h"
#include "cli/http.h"
#include "cli/mlctl.h"
#include "cli/table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- fetching ---- */

static mlc_code post(const mlctl_args *args, const char *path, const char *const members[][2], size_t count,
                     cJSON **tree, mlc_error *err)
{
    cJSON *const body = cJSON_CreateObject();
    mlc_code code = body != NULL ? MLC_OK : mlc_fail(err, MLC_E_NOMEM, "out of memory");
    for (size_t i = 0; code == MLC_OK && i < count; i++)
        code = mlc_json_add_str(body, members[i][0], members[i][1], err);
    return mlctl_http_post(args, path, body, code, tree, err);
}

/* One piece; *at moves on. */
static mlc_code fetch_piece(const mlctl_args *args, const char *id, int fd, uint64_t bytes, uint64_t *at,
                            mlc_error *err)
{
    mlc_buf path = {0};
    mlctl_answer answer = {0};
    mlc_code code = mlc_buf_printf(&path, err, "/v1/backup/data?from=%" PRIu64, *at);
    if (code == MLC_OK)
        code = mlctl_query(&path, "id", id, err);
    if (code == MLC_OK)
        code = mlctl_http(args, mlc_buf_text(&path), NULL, &answer, err);
    if (code == MLC_OK && (answer.body.len == 0 || answer.body.len > bytes - *at))
        code = mlc_fail(err, MLC_E_PROTOCOL, "the program's copy does not have the length that it told");
    if (code == MLC_OK)
        code = mlctl_backup_write(fd, mlc_buf_text(&answer.body), answer.body.len, err);
    *at += answer.body.len;
    mlctl_answer_free(&answer);
    mlc_buf_free(&path);
    return code;
}

static mlc_code fetch_copy(const mlctl_args *args, const cJSON *made, int fd, mlc_error *err)
{
    mlc_error ignored;
    cJSON *ended = NULL;
    uint64_t at = 0;
    const char *const id = mlc_json_str(made, "id");
    const int64_t bytes = mlctl_number(made, "bytes");
    if (id == NULL || bytes <= 0)
        return mlc_fail(err, MLC_E_PROTOCOL, "the program's answer is not readable");
    mlc_code code = MLC_OK;
    while (code == MLC_OK && at < (uint64_t)bytes)
        code = fetch_piece(args, id, fd, (uint64_t)bytes, &at, err);
    /* It would be forgotten by itself, later. */
    const char *const members[][2] = {{"id", id}};
    (void)post(args, "/v1/backup/end", members, 1, &ended, &ignored);
    cJSON_Delete(ended);
    return code;
}

static mlc_code fetch_store(const mlctl_args *args, mlctl_backup *backup, const cJSON *row, mlc_error *err)
{
    mlctl_backup_store *store = NULL;
    cJSON *made = NULL;
    int fd = -1;
    mlc_code code =
        mlctl_backup_add(backup, mlc_json_str(row, "name"), mlc_json_str(row, "folder"), &store, err);
    if (code != MLC_OK)
        return code;
    const char *const members[][2] = {{"store", store->name}, {"operator", args->person}};
    code = mlctl_backup_file(backup, store, &fd, err);
    if (code == MLC_OK)
        code = post(args, "/v1/backup", members, 2, &made, err);
    if (code == MLC_OK)
        code = fetch_copy(args, made, fd, err);
    if (code == MLC_OK)
        code = mlctl_backup_seal(store, fd, err);
    cJSON_Delete(made);
    if (fd >= 0)
        (void)close(fd);
    return code == MLC_OK ? mlctl_backup_prove(backup, store, err) : code;
}

static mlc_code fetch_all(const mlctl_args *args, const cJSON *list, mlctl_backup *backup, mlc_error *err)
{
    const cJSON *row = NULL;
    mlc_code code = MLC_OK;
    const char *const program = mlc_json_str(list, "program");
    mlc_strlcpy(backup->program, program != NULL ? program : "", sizeof backup->program);
    cJSON_ArrayForEach(row, mlc_json_get(list, "stores"))
    {
        if (code == MLC_OK)
            code = fetch_store(args, backup, row, err);
    }
    if (code == MLC_OK && backup->count == 0)
        code = mlc_fail(err, MLC_E_NOTFOUND, "the program has no store open");
    return code;
}

/* ---- telling ---- */

static mlc_code print_json(const mlctl *ctl, const mlctl_backup *backup, mlc_error *err)
{
    char *const text = mlctl_backup_text(backup);
    cJSON *tree = NULL;
    mlc_code code = text != NULL ? MLC_OK : mlc_fail(err, MLC_E_NOMEM, "out of memory");
    if (code == MLC_OK)
        code = mlc_json_parse(text, strlen(text), 0, 0, &tree, err);
    if (code == MLC_OK)
        code = mlc_json_add_str(tree, "path", backup->dir, err);
    if (code == MLC_OK)
        code = mlctl_print_raw(ctl->out, tree, err);
    cJSON_Delete(tree);
    free(text);
    return code;
}

static void print_stores(const mlctl *ctl, const mlctl_backup *backup)
{
    static const char *const headings[] = {"STORE", "BYTES", "AUDIT ENTRIES", "HEAD OF THE AUDIT TRAIL",
                                           NULL};
    mlctl_table table;
    mlctl_table_init(&table, headings);
    for (size_t i = 0; i < backup->count; i++) {
        mlctl_table_cell(&table, backup->stores[i].name);
        mlctl_table_number(&table, (int64_t)backup->stores[i].bytes);
        mlctl_table_number(&table, (int64_t)backup->stores[i].entries);
        mlctl_table_cell(&table, backup->stores[i].head);
    }
    mlctl_table_print(&table, ctl->out);
    mlctl_table_free(&table);
}

static void print_head(const mlctl *ctl, const mlctl_backup *backup)
{
    mlctl_print_safe(ctl->out, backup->dir, false);
    (void)fprintf(ctl->out, ": %zu store%s of ", backup->count, backup->count == 1 ? "" : "s");
    mlctl_print_safe(ctl->out, backup->program, false);
    (void)fputs(", ", ctl->out);
    mlctl_print_safe(ctl->out, backup->made, false);
}

static mlc_code print_made(const mlctl *ctl, const mlctl_backup *backup, mlc_error *err)
{
    if (ctl->args->json)
        return print_json(ctl, backup, err);
    print_stores(ctl, backup);
    print_head(ctl, backup);
    (void)fputs("; each opens, and its audit trail is whole\n"
                "Not in it: the root key, without which what the stores hold sealed cannot be opened, the "
                "configuration and its secrets. Keep those apart.\n",
                ctl->out);
    return MLC_OK;
}

/* A tenant that is not open has a store nonetheless. */
static mlc_code tell_missing(const mlctl *ctl, const mlctl_backup *backup, mlc_error *err)
{
    cJSON *status = NULL;
    const cJSON *tenant = NULL;
    mlc_code code = mlctl_http_json(ctl->args, "/v1/status", NULL, &status, err);
    cJSON_ArrayForEach(tenant, mlc_json_get(status, "tenants"))
    {
        if (code == MLC_OK && !mlc_json_bool(tenant, "open", true))
            code = mlc_fail(
                err, MLC_E_UNAVAILABLE,
                "%.200s was made, but without tenant %.60s, which is not open: mlctl status says why",
                backup->dir, tenant->string);
    }
    cJSON_Delete(status);
    return code;
}

/* ---- the command ---- */

static mlc_code verify(const mlctl *ctl, const char *dir, mlc_error *err)
{
    mlctl_backup backup;
    mlc_code code = mlctl_backup_read(&backup, dir, err);
    for (size_t i = 0; code == MLC_OK && i < backup.count; i++)
        code = mlctl_backup_prove(&backup, &backup.stores[i], err);
    if (code == MLC_OK && ctl->args->json) {
        code = print_json(ctl, &backup, err);
    } else if (code == MLC_OK) {
        print_stores(ctl, &backup);
        print_head(ctl, &backup);
        (void)fputs("; all is as it was written, each opens, and its audit trail is whole\n", ctl->out);
    }
    mlctl_backup_free(&backup);
    return code;
}

static mlc_code make(const mlctl *ctl, const char *target, mlc_error *err)
{
    mlctl_backup backup = {0};
    cJSON *list = NULL;
    mlc_code code = mlctl_http_json(ctl->args, "/v1/backup", NULL, &list, err);
    if (code == MLC_OK)
        code = mlctl_backup_begin(&backup, target, ctl->args->force, err);
    if (code == MLC_OK) {
        code = fetch_all(ctl->args, list, &backup, err);
        if (code == MLC_OK)
            code = mlctl_backup_publish(&backup, target, err);
        if (code != MLC_OK)
            mlctl_backup_discard(&backup);
    }
    if (code == MLC_OK)
        code = print_made(ctl, &backup, err);
    if (code == MLC_OK)
        code = tell_missing(ctl, &backup, err);
    mlctl_backup_free(&backup);
    cJSON_Delete(list);
    return code;
}

mlc_code mlctl_backup_run(const mlctl *ctl, mlc_error *err)
{
    char *const target = mlc_strdup(ctl->args->dir);
    if (target == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "out of memory");
    for (size_t len = strlen(target); len > 1 && target[len - 1] == '/'; len--)
        target[len - 1] = '\0';
    const mlc_code code = ctl->args->verify ? verify(ctl, target, err) : make(ctl, target, err);
    free(target);
    return code;
}
