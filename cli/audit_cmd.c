/* audit_cmd.c - mlctl audit export, redact. */
#include "base/clock.h"
#include "cli/http.h"
#include "cli/mlctl.h"
#include "store/audit_file.h"

#include "crypto/crypto.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- export ---- */

typedef struct export_run {
    FILE *out;
    bool csv;
    uint64_t count, last;
    uint8_t hash[MLC_AUDIT_HASH_LEN];
} export_run;

static mlc_code put(FILE *out, const char *text, size_t len, mlc_error *err)
{
    if (fwrite(text, 1, len, out) == len)
        return MLC_OK;
    return mlc_fail(err, MLC_E_IO, "the export cannot be written: %s", strerror(errno));
}

static mlc_code put_frame(const export_run *run, const char *name, cJSON *inner, mlc_error *err)
{
    cJSON *const tree = cJSON_CreateObject();
    char *text = NULL;
    mlc_buf row = {0};
    mlc_code code = tree != NULL ? MLC_OK : mlc_fail(err, MLC_E_NOMEM, "out of memory");
    if (code == MLC_OK)
        code = mlc_json_add(tree, name, inner, err);
    else
        cJSON_Delete(inner);
    if (code == MLC_OK && (text = mlc_json_print(tree)) == NULL)
        code = mlc_fail(err, MLC_E_NOMEM, "out of memory");
    if (code == MLC_OK)
        code =
            run->csv ? mlc_audit_csv_frame(name, text, &row, err) : mlc_buf_printf(&row, err, "%s\n", text);
    if (code == MLC_OK)
        code = put(run->out, mlc_buf_text(&row), row.len, err);
    mlc_buf_free(&row);
    free(text);
    cJSON_Delete(tree);
    return code;
}

static mlc_code put_head(const export_run *run, const mlctl_args *args, uint64_t from, bool to_head,
                         mlc_error *err)
{
    char at[MLC_ISO_TEXT_MAX];
    const bool filtered =
        args->key != NULL || args->correlation != NULL || args->from_time != NULL || args->to_time != NULL;
    cJSON *const head = cJSON_CreateObject();
    mlc_code code =
        head != NULL ? mlc_json_add_int(head, "format", 1, err) : mlc_fail(err, MLC_E_NOMEM, "out of memory");
    if (code == MLC_OK)
        code = mlc_json_add_str(head, "store", args->store, err);
    if (code == MLC_OK)
        code = mlc_json_add_int(head, "from", (int64_t)from, err);
    if (code == MLC_OK)
        code = mlc_json_add_bool(head, "filtered", filtered, err);
    if (code == MLC_OK)
        code = mlc_json_add_bool(head, "toHead", to_head, err);
    if (code == MLC_OK)
        code = mlc_json_add_str(head, "at", mlc_iso_text(mlc_wall_ms(), at), err);
    if (code == MLC_OK && run->csv)
        code = put(run->out, mlc_audit_csv_heading(), strlen(mlc_audit_csv_heading()), err);
    if (code != MLC_OK) {
        cJSON_Delete(head);
        return code;
    }
    return put_frame(run, "export", head, err);
}

static mlc_code put_end(const export_run *run, mlc_error *err)
{
    char hash[2 * MLC_AUDIT_HASH_LEN + 1];
    cJSON *const end = cJSON_CreateObject();
    mlc_hex(run->hash, MLC_AUDIT_HASH_LEN, hash);
    mlc_code code = end != NULL ? mlc_json_add_int(end, "entries", (int64_t)run->count, err)
                                : mlc_fail(err, MLC_E_NOMEM, "out of memory");
    if (code == MLC_OK)
        code = mlc_json_add_int(end, "index", (int64_t)run->last, err);
    if (code == MLC_OK)
        code = mlc_json_add_str(end, "hash", hash, err);
    if (code != MLC_OK) {
        cJSON_Delete(end);
        return code;
    }
    return put_frame(run, "end", end, err);
}

static mlc_code export_line(void *arg, const char *text, size_t len, mlc_error *err)
{
    export_run *const run = arg;
    mlc_buf row = {0};
    mlc_audit_line line;
    mlc_code code = mlc_audit_line_parse(text, len, false, &line, err);
    if (code == MLC_OK)
        code =
            run->csv ? mlc_audit_line_csv(&line.item, &row, err) : mlc_audit_line_json(&line.item, &row, err);
    if (code == MLC_OK)
        code = put(run->out, mlc_buf_text(&row), row.len, err);
    if (code == MLC_OK) {
        run->count++;
        run->last = line.item.index;
        memcpy(run->hash, line.hash, sizeof run->hash);
    }
    mlc_audit_line_free(&line);
    mlc_buf_free(&row);
    return code;
}

/* Where the trail begins and ends now. */
static mlc_code ask_head(const mlctl *ctl, uint64_t *first, uint64_t *last, mlc_error *err)
{
    mlc_buf path = {0};
    cJSON *tree = NULL;
    mlc_code code = mlc_buf_puts(&path, "/v1/audit/head", err);
    if (code == MLC_OK)
        code = mlctl_query(&path, "store", ctl->args->store, err);
    if (code == MLC_OK)
        code = mlctl_http_json(ctl->args, mlc_buf_text(&path), NULL, &tree, err);
    *first = (uint64_t)mlctl_number(tree, "first");
    *last = (uint64_t)mlctl_number(tree, "index");
    cJSON_Delete(tree);
    mlc_buf_free(&path);
    return code;
}

static mlc_code export_to(const mlctl *ctl, export_run *run, mlc_error *err)
{
    uint64_t first = 0;
    uint64_t last = 0;
    mlc_code code = ask_head(ctl, &first, &last, err);
    const uint64_t from = ctl->args->from > first ? ctl->args->from : first;
    const uint64_t to = ctl->args->to < last ? ctl->args->to : last;
    if (code == MLC_OK)
        code = put_head(run, ctl->args, from, to == last, err);
    if (code == MLC_OK && from <= to)
        code = mlctl_audit_lines(ctl, from, to, export_line, run, err);
    if (code == MLC_OK)
        code = put_end(run, err);
    if (code == MLC_OK && fflush(run->out) != 0)
        code = mlc_fail(err, MLC_E_IO, "the export cannot be written: %s", strerror(errno));
    return code;
}

mlc_code mlctl_audit_export(const mlctl *ctl, mlc_error *err)
{
    const char *const name = ctl->args->out_file;
    export_run run = {.out = ctl->out, .csv = ctl->args->csv};
    if (name == NULL)
        return export_to(ctl, &run, err);
    /* It may hold personal data: for its owner only. */
    const int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    run.out = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (run.out == NULL) {
        const int why = errno;
        if (fd >= 0)
            (void)close(fd);
        return mlc_fail(err, MLC_E_IO, "%.300s cannot be made: %s", name, strerror(why));
    }
    mlc_code code = export_to(ctl, &run, err);
    if (fclose(run.out) != 0 && code == MLC_OK)
        code = mlc_fail(err, MLC_E_IO, "%.300s cannot be written: %s", name, strerror(errno));
    if (code != MLC_OK)
        (void)unlink(name);
    else
        (void)fprintf(ctl->out, "%" PRIu64 " entries, the last is %" PRIu64 "\n", run.count, run.last);
    return code;
}

/* ---- redact ---- */

mlc_code mlctl_audit_redact(const mlctl *ctl, mlc_error *err)
{
    const mlctl_args *const args = ctl->args;
    const char *const members[][2] = {
        {"store", args->store}, {"key", args->key}, {"reason", args->reason}, {"operator", args->person}};
    cJSON *tree = NULL;
    cJSON *const body = cJSON_CreateObject();
    mlc_code code = body != NULL ? MLC_OK : mlc_fail(err, MLC_E_NOMEM, "out of memory");
    for (size_t i = 0; code == MLC_OK && i < sizeof members / sizeof members[0]; i++)
        if (members[i][1] != NULL)
            code = mlc_json_add_str(body, members[i][0], members[i][1], err);
    code = mlctl_http_post(args, "/v1/audit/redact", body, code, &tree, err);
    if (code == MLC_OK && args->json)
        code = mlctl_print_raw(ctl->out, tree, err);
    else if (code == MLC_OK)
        (void)fprintf(ctl->out,
                      "the texts of %" PRId64 " entries were taken away, %" PRId64 " had none any more\n",
                      mlctl_number(tree, "redacted"), mlctl_number(tree, "redactedBefore"));
    if (code == MLC_OK && !args->json && mlctl_number(tree, "cannotBeRedacted") > 0)
        (void)fprintf(ctl->out,
                      "%" PRId64
                      " entries of an older version have their texts in the chain itself; they go with "
                      "the retention (audit.keep)\n",
                      mlctl_number(tree, "cannotBeRedacted"));
    cJSON_Delete(tree);
    return code;
}
