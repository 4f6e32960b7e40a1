/* config_load.c - from a file to a checked configuration: the file, the order of checks, the items. */
#include "base/config_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
/* ---- items ---- */

mlc_cfg_item *mlc_cfg_item_add(mlc_cfg *cfg, const char *path, const mlc_cfg_field *field)
{
    if (cfg->count == cfg->cap) {
        const size_t cap = cfg->cap == 0 ? 64 : 2 * cfg->cap;
        mlc_cfg_item *items = realloc(cfg->items, cap * sizeof *items);
        if (items == NULL)
            return NULL;
        cfg->items = items;
        cfg->cap = cap;
    }
    mlc_cfg_item *item = &cfg->items[cfg->count];
    *item = (mlc_cfg_item){.path = mlc_strdup(path), .field = field};
    if (item->path == NULL)
        return NULL;
    cfg->count++;
    return item;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const mlc_cfg_item *)a)->path, ((const mlc_cfg_item *)b)->path);
}

void mlc_cfg_items_sort(mlc_cfg *cfg)
{
    if (cfg->count > 1)
        qsort(cfg->items, cfg->count, sizeof *cfg->items, by_path);
}

static int path_to_item(const void *path, const void *item)
{
    return strcmp(path, ((const mlc_cfg_item *)item)->path);
}

mlc_cfg_item *mlc_cfg_item_find(const mlc_cfg *cfg, size_t count, const char *path)
{
    return count == 0 ? NULL : bsearch(path, cfg->items, count, sizeof *cfg->items, path_to_item);
}

void mlc_cfg_free(mlc_cfg *cfg)
{
    if (cfg == NULL)
        return;
    for (size_t i = 0; i < cfg->count; i++) {
        mlc_cfg_item_clear(&cfg->items[i]);
        free(cfg->items[i].path);
    }
    mlc_cfg_elements_free(cfg);
    free(cfg->items);
    free(cfg->file);
    free(cfg);
}

static mlc_cfg *cfg_new(const char *file, const mlc_cfg_field *schema, size_t fields)
{
    mlc_cfg *cfg = calloc(1, sizeof *cfg);
    if (cfg == NULL)
        return NULL;
    cfg->file = mlc_strdup(file);
    cfg->schema = schema;
    cfg->fields = fields;
    if (cfg->file == NULL) {
        mlc_cfg_free(cfg);
        return NULL;
    }
    return cfg;
}

/* ---- checking ---- */

mlc_code mlc_cfg_load_source(mlc_cfg **out, const mlc_cfg_source_text *source, const mlc_cfg_field *schema,
                             size_t fields, mlc_cfg_unseal_fn unseal, void *user, mlc_buf *report,
                             mlc_error *err)
{
    const char *const file = source->file;
    *out = NULL;
    mlc_cfg *cfg = cfg_new(file, schema, fields);
    if (cfg == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory to load %s", file);
    cfg->unseal = unseal;
    cfg->user = user;
    mlc_cfg_faults faults = {.file = cfg->file};
    mlc_cfg_loading loading = {.cfg = cfg, .faults = &faults, .some = source->some};
    config_t parsed;
    config_init(&parsed);
    if (mlc_cfg_parse(&faults, &parsed, source->text, source->len)) {
        loading.root = config_root_setting(&parsed);
        mlc_cfg_take_file(&loading);
        mlc_cfg_complete(&loading);
        mlc_cfg_resolve_secrets(&loading);
    }
    config_destroy(&parsed);
    mlc_code confined = MLC_OK;
    if (source->confine != NULL)
        confined = mlc_cfg_confine(cfg, &faults, source->confine, err);
    mlc_code code = mlc_cfg_faults_finish(&faults, report, err);
    if (code == MLC_OK && confined != MLC_OK)
        code = confined;
    if (loading.broken == MLC_E_INTERNAL)
        code = mlc_wrap(err, MLC_E_INTERNAL,
                        "a built-in default of the configuration is wrong; report this as a bug");
    else if (loading.broken != MLC_OK)
        code = mlc_fail(err, loading.broken, "no memory to load %s", file);
    if (code == MLC_OK) {
        cfg->unseal = NULL; /* what user points to need not live longer than this call */
        cfg->user = NULL;
        *out = cfg;
        return MLC_OK;
    }
    mlc_cfg_free(cfg);
    return code;
}

mlc_code mlc_cfg_load_text(mlc_cfg **out, const char *file, const char *text, size_t len,
                           const mlc_cfg_field *schema, size_t fields, mlc_cfg_unseal_fn unseal, void *user,
                           mlc_buf *report, mlc_error *err)
{
    const mlc_cfg_source_text source = {.file = file, .text = text, .len = len};
    return mlc_cfg_load_source(out, &source, schema, fields, unseal, user, report, err);
}

/* ---- the file ---- */

static mlc_code read_file(int fd, mlc_buf *text, mlc_error *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return mlc_fail(err, MLC_E_INVALID, "not a regular file");
    for (;;) {
        char block[8192];
        const ssize_t n = read(fd, block, sizeof block);
        if (n == 0)
            return MLC_OK;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return mlc_fail(err, MLC_E_IO, "%s", strerror(errno));
        const mlc_code code = mlc_buf_append(text, block, (size_t)n, err);
        if (code != MLC_OK)
            return code;
    }
}

/* `how` gives all but the text. */
static mlc_code load_file(mlc_cfg **out, const char *file, mlc_cfg_source_text how,
                          const mlc_cfg_field *schema, size_t fields, mlc_cfg_unseal_fn unseal, void *user,
                          mlc_buf *report, mlc_error *err)
{
    *out = NULL;
    mlc_error local = {.code = MLC_OK};
    mlc_error *const why = err != NULL ? err : &local; /* the report needs the text in any case */
    mlc_error_clear(why);
    mlc_buf text = {.max = MLC_CFG_FILE_MAX};
    mlc_code code = MLC_OK;
    const int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        code = mlc_fail(why, errno == ENOENT ? MLC_E_NOTFOUND : MLC_E_IO,
                        "%s: %s; create it or name another file", file, strerror(errno));
    } else {
        code = read_file(fd, &text, why);
        (void)close(fd);
        if (code != MLC_OK)
            code = mlc_wrap(why, code, "%s: cannot be read as a configuration file of at most %d bytes", file,
                            MLC_CFG_FILE_MAX);
    }
    if (code == MLC_OK) {
        how.file = file;
        how.text = mlc_buf_text(&text);
        how.len = text.len;
        code = mlc_cfg_load_source(out, &how, schema, fields, unseal, user, report, why);
    } else if (report != NULL) {
        char line[MLC_ERROR_MESSAGE_MAX + MLC_ERROR_CAUSE_MAX];
        (void)mlc_buf_printf(report, NULL, "%s\n", mlc_error_text(why, line, sizeof line));
    }
    mlc_buf_free(&text);
    return code;
}

mlc_code mlc_cfg_load_partly(mlc_cfg **out, const char *file, const char *list, const mlc_cfg_field *schema,
                             size_t fields, mlc_cfg_unseal_fn unseal, void *user, mlc_buf *report,
                             mlc_error *err)
{
    const mlc_cfg_source_text how = {.confine = list};
    return load_file(out, file, how, schema, fields, unseal, user, report, err);
}

mlc_code mlc_cfg_load_some(mlc_cfg **out, const char *file, const mlc_cfg_field *schema, size_t fields,
                           mlc_error *err)
{
    const mlc_cfg_source_text how = {.some = true};
    return load_file(out, file, how, schema, fields, NULL, NULL, NULL, err);
}

mlc_code mlc_cfg_load(mlc_cfg **out, const char *file, const mlc_cfg_field *schema, size_t fields,
                      mlc_cfg_unseal_fn unseal, void *user, mlc_buf *report, mlc_error *err)
{
    return mlc_cfg_load_partly(out, file, NULL, schema, fields, unseal, user, report, err);
}
