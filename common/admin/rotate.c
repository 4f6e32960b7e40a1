/* rotate.c - see rotate.h. */
#include "admin/rotate.h"

#include "base/fresh.h"
#include "base/json.h"
#include "base/os.h"
#include "base/write.h"
#include "crypto/rotate.h"
#include "crypto/sealed.h"
#include "net/http_client.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_SIZE = 1024, CONFIG_MAX = 1 << 20, EXIT_USAGE = 2 };

static const char marker[] = "sealed:";

/* ---- the configuration file ---- */

/* Old and new values, each with its NUL, one after another. */
typedef struct value_list {
    const mlc_rotate_options *opt;
    const mlc_keyring *ring;
    mlc_buf pairs;
    size_t stale;
} value_list;

static mlc_code add_value(void *user, const char *setting, const char *base64, mlc_error *err)
{
    value_list *const list = user;
    mlc_buf fresh = {0};
    bool stale = false;
    mlc_code code = mlc_sealed_again(list->ring, list->opt->program, setting, base64, &fresh, &stale, err);
    if (code == MLC_OK)
        code = mlc_buf_append(&list->pairs, base64, strlen(base64) + 1, err);
    const char *const now = stale ? mlc_buf_text(&fresh) : base64;
    if (code == MLC_OK)
        code = mlc_buf_append(&list->pairs, now, strlen(now) + 1, err);
    list->stale += stale ? 1 : 0;
    mlc_buf_free(&fresh);
    return code;
}

/* The new value for an old one; NULL: not known. */
static const char *value_for(const value_list *list, const char *old, size_t len)
{
    for (size_t at = 0; at < list->pairs.len;) {
        const char *const left = (const char *)list->pairs.data + at;
        const char *const right = left + strlen(left) + 1;
        if (strlen(left) == len && memcmp(left, old, len) == 0)
            return right;
        at += strlen(left) + strlen(right) + 2;
    }
    return NULL;
}

static size_t line_of(const char *text, const char *at)
{
    size_t line = 1;
    for (const char *p = text; p < at; p++)
        line += *p == '\n' ? 1 : 0;
    return line;
}

/* A value in the file that is not in use would be lost with the former key: that must not happen unseen. */
static mlc_code replace_values(const value_list *list, const char *file, const char *text, mlc_buf *out,
                               mlc_error *err)
{
    static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
    mlc_code code = MLC_OK;
    const char *at = text;
    while (code == MLC_OK) {
        const char *const found = strstr(at, marker);
        if (found == NULL)
            return mlc_buf_puts(out, at, err);
        const char *const value = found + strlen(marker);
        const size_t len = strspn(value, base64);
        const char *const fresh = value_for(list, value, len);
        if (fresh == NULL && len > 0)
            return mlc_fail(
                err, MLC_E_CONFLICT,
                "%s:%zu: a sealed value that is not in use (overridden by the environment, or in a comment); "
                "remove it, or the rotation would make it useless",
                file, line_of(text, found));
        code = mlc_buf_append(out, at, (size_t)(value - at), err);
        if (code == MLC_OK && fresh != NULL)
            code = mlc_buf_puts(out, fresh, err);
        at = value + len;
    }
    return code;
}

static mlc_code read_text(const char *file, mlc_buf *out, struct stat *st, mlc_error *err)
{
    uint8_t block[4096];
    ssize_t n = 0;
    mlc_code code = MLC_OK;
    const int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, st) != 0)
        code = mlc_fail(err, MLC_E_IO, "cannot read %s: %s", file, strerror(errno));
    out->max = CONFIG_MAX;
    while (code == MLC_OK && (n = read(fd, block, sizeof block)) > 0)
        code = mlc_buf_append(out, block, (size_t)n, err);
    if (code == MLC_OK && n < 0)
        code = mlc_fail(err, MLC_E_IO, "cannot read %s: %s", file, strerror(errno));
    if (fd >= 0)
        (void)close(fd);
    return code;
}

/* With owner and mode as before, in one rename. */
static mlc_code write_text(const char *file, const mlc_buf *text, const struct stat *st, mlc_error *err)
{
    char fresh[MLC_FRESH_PATH_MAX];
    mlc_error why;
    int fd = -1;
    if (mlc_fresh_open(file, fresh, &fd, &why) != MLC_OK)
        return mlc_fail(err, MLC_E_IO, "cannot write beside %s: %s; run this as its owner", file,
                        why.message);
    const bool ok = mlc_os_own_like(fd, st) == 0 && fchmod(fd, st->st_mode & 07777) == 0 &&
                    mlc_write_all(fd, text->data, text->len) && fsync(fd) == 0 && rename(fresh, file) == 0;
    const mlc_code code =
        ok ? MLC_OK : mlc_fail(err, MLC_E_IO, "cannot replace %s: %s", file, strerror(errno));
    if (!ok)
        (void)unlink(fresh);
    (void)close(fd); /* it was synced */
    if (ok)
        (void)mlc_os_sync_folder(fresh);
    return code;
}

static mlc_code reseal_config(const mlc_rotate_options *opt, const char *config_file, const mlc_keyring *ring,
                              size_t *count, mlc_error *err)
{
    value_list list = {.opt = opt, .ring = ring};
    mlc_buf text = {0}, fresh = {0};
    struct stat st;
    char *const file = realpath(config_file, NULL); /* a link stays one */
    if (file == NULL)
        return mlc_fail(err, MLC_E_IO, "cannot find %s: %s", config_file, strerror(errno));
    (void)mlc_fresh_clear(file); /* of rotations that were killed */
    mlc_code code = read_text(file, &text, &st, err);
    if (code == MLC_OK)
        code = opt->visit_sealed(config_file, add_value, &list, NULL, err);
    if (code == MLC_OK)
        code = replace_values(&list, config_file, mlc_buf_text(&text), &fresh, err);
    if (code == MLC_OK && list.stale > 0)
        code = write_text(file, &fresh, &st, err);
    *count = list.stale;
    mlc_buf_free(&list.pairs);
    mlc_buf_free(&text);
    mlc_buf_free(&fresh);
    free(file);
    return code;
}

/* ---- the state ---- */

typedef struct reseal_answer {
    mlc_code code;
    mlc_error err;
    size_t count;
    bool done;
} reseal_answer;

static void on_answer(void *user, mlc_code code, const mlc_error *err, const mlc_http_response *response)
{
    reseal_answer *const a = user;
    cJSON *body = NULL;
    int64_t count = 0;
    a->done = true;
    a->code = code;
    if (code != MLC_OK) {
        a->err = *err;
        return;
    }
    const mlc_code parsed = mlc_json_parse(response->body, response->body_len, 16384, 4, &body, NULL);
    const char *const words = mlc_json_text(mlc_json_path(body, "error.message"));
    if (response->status != 200 || parsed != MLC_OK ||
        mlc_json_int64(body, "resealed", &count, NULL) != MLC_OK)
        a->code = mlc_fail(&a->err, MLC_E_UNAVAILABLE, "the running program answers with %d: %.200s",
                           response->status, words != NULL ? words : "no reason given");
    a->count = (size_t)count;
    cJSON_Delete(body);
}

/* MLC_E_UNREACHABLE: it does not run. */
static mlc_code ask_program(const char *socket, size_t *count, mlc_error *err)
{
    uv_loop_t loop;
    mlc_http_client *http = NULL;
    reseal_answer answer = {0};
    const mlc_http_client_options options = {.loop = &loop, .unix_path = socket};
    const mlc_http_request request = {
        .method = "POST", .url = "http://localhost" MLC_RESEAL_PATH, .body = "{}", .body_len = 2};
    if (uv_loop_init(&loop) != 0)
        return mlc_fail(err, MLC_E_IO, "cannot make an event loop");
    mlc_code code = mlc_http_client_open(&http, &options, err);
    if (code == MLC_OK)
        code = mlc_http_send(http, &request, on_answer, &answer, NULL, err);
    while (code == MLC_OK && !answer.done)
        (void)uv_run(&loop, UV_RUN_ONCE);
    if (code == MLC_OK && answer.code != MLC_OK) {
        code = answer.code;
        *err = answer.err;
    }
    *count = answer.count;
    if (http != NULL)
        mlc_http_client_close(http);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&loop);
    return code;
}

static mlc_code reseal_state(const mlc_rotate_options *opt, const mlc_cfg *cfg, const mlc_keyring *ring,
                             size_t *count, mlc_error *err)
{
    const char *const socket = mlc_cfg_str(cfg, opt->admin_socket);
    mlc_code code = ask_program(socket, count, err);
    if (code != MLC_E_UNREACHABLE)
        return code;
    code = opt->reseal_state(cfg, ring, count, err);
    if (code == MLC_E_LOCKED)
        code = mlc_fail(
            err, MLC_E_LOCKED,
            "%s runs, but does not answer on %s; nothing is lost: when it does, run this command again",
            opt->program, socket);
    return code;
}

/* ---- the steps ---- */

/* One rotation. */
typedef struct rotation {
    const mlc_rotate_options *opt;
    const mlc_cfg *cfg;
    const char *config_file;
    mlc_key_place place;
    bool to_file;
    size_t count; /* values sealed anew */
    bool wrapped; /* by the token, the key that is in force now */
} rotation;

static mlc_code reseal_all(rotation *r, mlc_error *err)
{
    mlc_keyring ring = {0};
    size_t in_config = 0, in_state = 0;
    mlc_code code = mlc_keyring_load_by(&r->place.token, r->place.file, false, &ring, err);
    if (code == MLC_OK)
        code = reseal_config(r->opt, r->config_file, &ring, &in_config, err);
    if (code == MLC_OK)
        code = reseal_state(r->opt, r->cfg, &ring, &in_state, err);
    r->count += in_config + in_state;
    r->wrapped = ring.wrapped;
    mlc_keyring_wipe(&ring);
    return code;
}

static mlc_code rotate_file(rotation *r, mlc_error *err)
{
    int lock = -1;
    const char *const file = r->place.file;
    mlc_rotation_state state = MLC_ROTATION_NEW;
    mlc_code code = mlc_rotation_lock(file, &lock, err);
    if (code == MLC_OK)
        code = mlc_rotation_begin(file, r->to_file ? NULL : &r->place.token, &state, err);
    if (code == MLC_OK && state != MLC_ROTATION_COMMITTED)
        code = reseal_all(r, err);
    if (code == MLC_OK && state != MLC_ROTATION_COMMITTED)
        code = mlc_rotation_commit(file, err);
    /* Once more, by the files as they are now: nothing may need the former key, also what was sealed meanwhile. */
    if (code == MLC_OK)
        code = reseal_all(r, err);
    if (code == MLC_OK)
        code = mlc_rotation_end(file, err);
    if (lock >= 0)
        (void)close(lock);
    return code;
}

static mlc_code tell(const rotation *r, bool credential, mlc_buf *done, mlc_error *err)
{
    if (credential)
        return mlc_buf_printf(done, err, "%zu values are sealed with the credential's key now", r->count);
    return mlc_buf_printf(
        done, err,
        "the root key was replaced%s; %zu values are sealed with the new one. Back it up: %s%s. Backups from "
        "before need the former key",
        r->wrapped ? ", and is wrapped by the token" : "", r->count, r->place.file,
        r->wrapped ? ", and the token's key, without which it does not open" : "");
}

mlc_code mlc_rotate(const mlc_rotate_options *opt, const char *config_file, bool to_file, mlc_buf *done,
                    mlc_error *err)
{
    mlc_cfg *cfg = NULL;
    rotation r = {.opt = opt, .config_file = config_file, .to_file = to_file};
    mlc_code code = opt->load_config(&cfg, config_file, NULL, err);
    if (code != MLC_OK)
        return code;
    r.cfg = cfg;
    mlc_key_place_of(opt->key, cfg, &r.place);
    const bool credential = strncmp(r.place.file, "credential:", 11) == 0;
    code = credential ? reseal_all(&r, err) : rotate_file(&r, err);
    mlc_cfg_free(cfg);
    return code == MLC_OK && done != NULL ? tell(&r, credential, done, err) : code;
}

/* ---- the command ---- */

bool mlc_rotate_wanted(int argc, char **argv)
{
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--rotate") == 0)
            return true;
    }
    return false;
}

int mlc_rotate_main(const mlc_rotate_options *options, int argc, char **argv)
{
    const char *config = NULL;
    bool to_file = false;
    mlc_buf done = {0};
    mlc_error err;
    char text[MLC_ERROR_MESSAGE_MAX + MLC_ERROR_CAUSE_MAX + 8];
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--config") == 0 && i + 1 < argc)
            config = argv[++i];
        else if (strcmp(argv[i], "--to-file") == 0)
            to_file = true;
        else if (strcmp(argv[i], "--rotate") != 0)
            config = "";
    }
    if (config == NULL || config[0] == '\0') {
        (void)fprintf(stderr, "usage: %s seal --rotate [--to-file] --config FILE\n", options->program);
        return EXIT_USAGE;
    }
    const mlc_code code = mlc_rotate(options, config, to_file, &done, &err);
    if (code == MLC_OK)
        (void)puts(mlc_buf_text(&done));
    else
        (void)fprintf(stderr, "%s: %s\n", options->program, mlc_error_text(&err, text, sizeof text));
    mlc_buf_free(&done);
    return code == MLC_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ---- in the running program ---- */

void mlc_reseal_reply(mlc_http_req *req, mlc_code code, size_t count, const mlc_error *err)
{
    char text[64];
    if (code != MLC_OK) {
        mlc_http_reply_error(req, 503, 0, mlc_code_name(code), err->message);
        return;
    }
    const int len = snprintf(text, sizeof text, "{\"resealed\":%zu}", count);
    mlc_http_reply(req, 200, NULL, text, (size_t)len);
}
