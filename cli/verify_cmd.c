/* verify_cmd.c - mlctl audit verify: of a running program, of an exported file, of a store's folder. */
#include "cli/http.h"
#include "cli/mlctl.h"
#include "cli/table.h"
#include "crypto/crypto.h"
#include "store/audit_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static mlc_code known_head(const mlctl_args *args, mlc_audit_head *out, const mlc_audit_head **known,
                           mlc_error *err)
{
    *known = NULL;
    if (args->head == NULL)
        return MLC_OK;
    *known = out;
    return mlc_audit_head_parse(args->head, out, err);
}

static void print_head(FILE *out, const char *what, uint64_t index, const char *hash)
{
    mlctl_print_safe(out, what, false);
    (void)fprintf(out, ": head %" PRIu64 ":", index);
    mlctl_print_safe(out, hash, false);
    (void)fputc('\n', out);
}

/* ---- a running program ---- */

static mlc_code print_verdict(const mlctl *ctl, const cJSON *tree, bool ok, mlc_error *err)
{
    const cJSON *const head = mlc_json_get(tree, "head");
    if (ctl->args->json)
        return mlctl_print_raw(ctl->out, tree, err);
    mlctl_print_safe(ctl->out, mlc_json_str(tree, "store"), false);
    (void)fprintf(ctl->out, ": %" PRId64 " entries, %s", mlctl_number(tree, "entries"),
                  ok ? "the chain is whole\n" : "THE CHAIN IS BROKEN: ");
    if (!ok) {
        mlctl_print_safe(ctl->out, mlc_json_str(tree, "error"), false);
        (void)fputc('\n', ctl->out);
    }
    print_head(ctl->out, mlc_json_str(tree, "store"), (uint64_t)mlctl_number(head, "index"),
               mlc_json_str(head, "hash"));
    return MLC_OK;
}

static mlc_code verify_online(const mlctl *ctl, const char *store, bool *good, mlc_error *err)
{
    mlc_buf path = {0};
    cJSON *tree = NULL;
    mlc_code code = mlc_buf_puts(&path, "/v1/audit/verify", err);
    if (code == MLC_OK)
        code = mlctl_query(&path, "store", store, err);
    if (code == MLC_OK)
        code = mlctl_query(&path, "head", ctl->args->head, err);
    if (code == MLC_OK)
        code = mlctl_http_json(ctl->args, mlc_buf_text(&path), NULL, &tree, err);
    if (code == MLC_OK) {
        const bool ok = mlc_json_bool(tree, "ok", false);
        *good = *good && ok;
        code = print_verdict(ctl, tree, ok, err);
    }
    cJSON_Delete(tree);
    mlc_buf_free(&path);
    return code;
}

static mlc_code verify_all(const mlctl *ctl, bool *good, mlc_error *err)
{
    cJSON *status = NULL;
    const cJSON *store = NULL;
    mlc_code code = mlctl_http_json(ctl->args, "/v1/status", NULL, &status, err);
    const cJSON *const stores = mlc_json_get(status, "stores");
    if (code == MLC_OK && ctl->args->head != NULL && cJSON_GetArraySize(stores) > 1)
        code = mlc_fail(err, MLC_E_INVALID, "--head is of one store; name it with --store");
    cJSON_ArrayForEach(store, stores)
    {
        if (code == MLC_OK)
            code = verify_online(ctl, mlc_json_str(store, "name"), good, err);
    }
    const cJSON *const aside = ctl->args->head == NULL ? mlc_json_get(status, "aside") : NULL;
    cJSON_ArrayForEach(store, aside)
    {
        if (code == MLC_OK)
            code = verify_online(ctl, mlc_json_str(store, "name"), good, err);
    }
    cJSON_Delete(status);
    return code;
}

/* ---- an exported file ---- */

static void print_file(const mlctl *ctl, const mlc_audit_file *file)
{
    char hash[2 * MLC_AUDIT_HASH_LEN + 1];
    const mlc_audit_check *const c = &file->check;
    mlc_hex(c->hash, MLC_AUDIT_HASH_LEN, hash);
    mlctl_print_safe(ctl->out, ctl->args->file, false);
    (void)fprintf(ctl->out, ": %" PRIu64 " entries, %" PRIu64 " to %" PRIu64 ", ", c->count, c->first,
                  c->last);
    if (file->filtered)
        (void)fputs(
            "each fits its own hash; a filtered export cannot prove that none between them is missing\n",
            ctl->out);
    else if (c->count > 0 && !c->whole)
        (void)fprintf(ctl->out,
                      "the chain is whole from entry %" PRIu64 " on; what came before was not exported\n",
                      c->first);
    else
        (void)fputs("the chain is whole\n", ctl->out);
    print_head(ctl->out, ctl->args->file, c->last, hash);
}

static mlc_code read_lines(FILE *in, mlc_audit_file *file, mlc_error *err)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t len = 0;
    mlc_code code = MLC_OK;
    while (code == MLC_OK && (len = getline(&line, &size, in)) >= 0) {
        size_t used = (size_t)len;
        if (used > 0 && line[used - 1] == '\n')
            used--;
        code = mlc_audit_file_next(file, line, used, err);
    }
    if (code == MLC_OK && ferror(in))
        code = mlc_fail(err, MLC_E_IO, "it cannot be read: %s", strerror(errno));
    free(line);
    return code == MLC_OK ? mlc_audit_file_end(file, err) : code;
}

static mlc_code verify_file(const mlctl *ctl, mlc_error *err)
{
    mlc_audit_head noted;
    mlc_audit_file file = {0};
    const char *const name = ctl->args->file;
    mlc_code code = known_head(ctl->args, &noted, &file.known, err);
    if (code != MLC_OK)
        return code;
    FILE *const in = fopen(name, "re");
    if (in == NULL)
        return mlc_fail(err, MLC_E_IO, "%.300s cannot be opened: %s", name, strerror(errno));
    code = read_lines(in, &file, err);
    (void)fclose(in);
    if (code == MLC_OK)
        print_file(ctl, &file);
    else
        (void)mlc_wrap(err, code, "%.200s is not proven", name);
    mlc_audit_file_free(&file);
    return code;
}

/* ---- a folder ---- */

typedef struct folder_run {
    const mlc_audit_head *known;
    mlc_audit_head head;
    uint64_t count;
} folder_run;

static mlc_code verify_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    folder_run *const run = arg;
    const mlc_code code = mlc_audit_verify(txn, run->known, &run->count, err);
    return code == MLC_OK ? mlc_audit_head_get(txn, &run->head, err) : code;
}

mlc_code mlctl_verify_trail(const char *dir, const mlc_audit_head *known, mlc_audit_head *head,
                            uint64_t *count, mlc_error *err)
{
    folder_run run = {.known = known};
    mlc_store *store = NULL;
    const mlc_store_options options = {.dir = dir, .read_only = true};
    mlc_code code = mlc_store_open(&store, &options, err);
    if (code == MLC_OK)
        code = mlc_store_read(store, verify_job, &run, err);
    mlc_store_close(store);
    if (code != MLC_OK)
        return code;
    *head = run.head;
    *count = run.count;
    return MLC_OK;
}

static mlc_code verify_folder(const mlctl *ctl, mlc_error *err)
{
    char hash[2 * MLC_AUDIT_HASH_LEN + 1];
    mlc_audit_head noted, head;
    const mlc_audit_head *known = NULL;
    uint64_t count = 0;
    mlc_code code = known_head(ctl->args, &noted, &known, err);
    if (code == MLC_OK)
        code = mlctl_verify_trail(ctl->args->dir, known, &head, &count, err);
    if (code == MLC_E_LOCKED)
        return mlc_wrap(err, code, "the program runs: leave --dir out to ask it, or verify a copy");
    if (code != MLC_OK)
        return code;
    mlctl_print_safe(ctl->out, ctl->args->dir, false);
    (void)fprintf(ctl->out, ": %" PRIu64 " entries, the chain is whole\n", count);
    mlc_hex(head.hash, MLC_AUDIT_HASH_LEN, hash);
    print_head(ctl->out, ctl->args->dir, head.index, hash);
    return MLC_OK;
}

mlc_code mlctl_audit_verify(const mlctl *ctl, mlc_error *err)
{
    bool good = true;
    if (ctl->args->file != NULL)
        return verify_file(ctl, err);
    if (ctl->args->dir != NULL)
        return verify_folder(ctl, err);
    const mlc_code code = ctl->args->store != NULL ? verify_online(ctl, ctl->args->store, &good, err)
                                                   : verify_all(ctl, &good, err);
    if (code == MLC_OK && !good)
        return mlc_fail(err, MLC_E_CORRUPT,
                        "an audit trail was changed or damaged; keep a copy of the store");
    return code;
}
