/* map_load.c - from the text of a mapping file to a compiled mapping. */
#include "crypto/crypto.h"
#include "map/map_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TABLES_MAX = 100, ROWS_MAX = 10000 };

/* ---- code tables ---- */

static int by_code(const void *a, const void *b)
{
    const char *const *x = a; /* `from` is the first member of a row */
    const char *const *y = b;
    return strcmp(*x, *y);
}

const char *map_table_find(const map_table *table, const char *code)
{
    size_t low = 0;
    size_t high = table->count;
    while (low < high) {
        const size_t mid = low + (high - low) / 2;
        const int order = strcmp(table->rows[mid].from, code);
        if (order == 0)
            return table->rows[mid].to;
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

const map_table *map_table_by_name(const mlc_map *map, const char *name)
{
    for (size_t i = 0; i < map->table_count; i++)
        if (map->tables[i].name != NULL && strcmp(map->tables[i].name, name) == 0)
            return &map->tables[i];
    return NULL;
}

static void load_row(map_loading *l, const config_setting_t *row, const char *label, map_table *table)
{
    const bool pair =
        (config_setting_is_list(row) || config_setting_is_array(row)) && config_setting_length(row) == 2;
    char *const from = pair ? map_scalar_text(config_setting_get_elem(row, 0)) : NULL;
    char *const to = pair ? map_scalar_text(config_setting_get_elem(row, 1)) : NULL;
    if (from == NULL || to == NULL) {
        map_fault(l, row, label, "each row must be a pair such as ( \"N30\", \"1\" )");
        free(from);
        free(to);
        return;
    }
    table->rows[table->count].from = from;
    table->rows[table->count].to = to;
    table->count++;
}

static void load_table(map_loading *l, const config_setting_t *setting, map_table *table)
{
    char label[MLC_CFG_PATH_MAX];
    const int count = config_setting_is_list(setting) ? config_setting_length(setting) : -1;
    (void)mlc_cfg_at(label, sizeof label, "tables.%.80s", config_setting_name(setting));
    if (count < 0 || count > ROWS_MAX) {
        map_fault(l, setting, label,
                  "must be a list of at most %d pairs: ( (\"N30\", \"1\"), (\"N60\", \"4\") )", ROWS_MAX);
        return;
    }
    table->rows = calloc((size_t)count + 1, sizeof *table->rows);
    if (table->rows == NULL) {
        map_nomem(l);
        return;
    }
    for (int i = 0; i < count; i++)
        load_row(l, config_setting_get_elem(setting, (unsigned)i), label, table);
    if (table->count > 1)
        qsort(table->rows, table->count, sizeof *table->rows, by_code);
    const char *before = NULL;
    for (size_t i = 0; i < table->count; i++) {
        const char *const code = table->rows[i].from;
        if (before != NULL && strcmp(before, code) == 0)
            map_fault(l, setting, label, "the code \"%.40s\" stands in it twice; remove one", code);
        before = code;
    }
}

static void load_tables(map_loading *l, const config_setting_t *setting)
{
    const int count = config_setting_is_group(setting) ? config_setting_length(setting) : -1;
    if (count < 0 || count > TABLES_MAX) {
        map_fault(l, setting, "tables", "must be a group of at most %d tables", TABLES_MAX);
        return;
    }
    l->map->tables = calloc((size_t)count + 1, sizeof *l->map->tables);
    if (l->map->tables == NULL) {
        map_nomem(l);
        return;
    }
    for (int i = 0; i < count; i++) {
        const config_setting_t *const table = config_setting_get_elem(setting, (unsigned)i);
        map_table *const out = &l->map->tables[l->map->table_count++];
        out->line = map_line(table);
        out->name = mlc_strdup(config_setting_name(table));
        if (out->name == NULL)
            map_nomem(l);
        load_table(l, table, out);
    }
}

/* ---- head and lists ---- */

static void load_head(map_loading *l, const config_setting_t *root)
{
    static const char *const names[] = {"flow",   "target", "key",      "version", "tables",
                                        "fields", "lines",  "inactive", NULL};
    mlc_map *const map = l->map;
    map_check_names(l, root, "", names);
    if (!map_get_text(l, root, "", "flow", &map->flow) || map->flow[0] == '\0')
        map_fault(l, root, "flow", "missing; give the kind of record, such as \"customer\"");
    if (!map_get_text(l, root, "", "target", &map->target) || map->target[0] == '\0')
        map_fault(l, root, "target",
                  "missing; give the entity set or the orchestration, such as \"accounts\"");
    if (!map_get_text(l, root, "", "key", &map->key) && (map->key = mlc_strdup("")) == NULL)
        map_nomem(l);
    map->version = 1;
    (void)map_get_int(l, root, "", "version", 1, INT32_MAX, &map->version);
}

static void load_list(map_loading *l, const config_setting_t *setting)
{
    static const char *const names[] = {"from", "to", "required", "fields", NULL};
    map_list *const list = &l->map->list;
    char reason[MLC_CFG_REASON_MAX];
    char *from = NULL;
    if (!config_setting_is_group(setting)) {
        map_fault(l, setting, "lines",
                  "must be a group { from = \"lines\"; to = \"Lines\"; fields = ( ... ); }");
        return;
    }
    map_check_names(l, setting, "lines", names);
    list->line = map_line(setting);
    list->set = true;
    if (!map_get_text(l, setting, "lines", "from", &from))
        map_fault(l, setting, "lines.from", "missing; give the path of the record's list");
    else if (!map_path_parse(&list->from, from, reason))
        map_fault(l, setting, "lines.from", "%s", reason);
    if (!map_get_text(l, setting, "lines", "to", &list->to))
        map_fault(l, setting, "lines.to", "missing; give the name of the list to write");
    (void)map_get_bool(l, setting, "lines", "required", &list->required);
    const config_setting_t *const fields = config_setting_get_member(setting, "fields");
    if (fields != NULL)
        map_fields_load(l, fields, "lines.fields", &list->fields);
    else
        map_fault(l, setting, "lines.fields", "missing; give the fields of an element");
    free(from);
}

static void check_list_name(map_loading *l, const config_setting_t *lines)
{
    const map_fields *const fields = &l->map->fields;
    for (size_t i = 0; l->map->list.to != NULL && i < fields->count; i++)
        if (fields->rows[i].to != NULL && strcmp(fields->rows[i].to, l->map->list.to) == 0)
            map_fault(l, lines, "lines.to", "\"%.80s\" is written by line %u already; choose another name",
                      l->map->list.to, fields->rows[i].line);
}

static void load_root(map_loading *l, const config_setting_t *root)
{
    const config_setting_t *const tables = config_setting_get_member(root, "tables");
    const config_setting_t *const fields = config_setting_get_member(root, "fields");
    const config_setting_t *const lines = config_setting_get_member(root, "lines");
    const config_setting_t *const inactive = config_setting_get_member(root, "inactive");
    load_head(l, root);
    if (tables != NULL) /* before the fields, which name them */
        load_tables(l, tables);
    if (fields != NULL)
        map_fields_load(l, fields, "fields", &l->map->fields);
    else
        map_fault(l, root, "fields", "missing; give a list ( { to = ...; from = ...; } )");
    if (inactive != NULL)
        map_fields_load(l, inactive, "inactive", &l->map->inactive);
    if (lines != NULL) {
        load_list(l, lines);
        check_list_name(l, lines);
    }
}

/* ---- letters ---- */

mlc_code map_letters_open(const char *const *names, locale_t *out, mlc_error *err)
{
    *out = (locale_t)0;
    for (size_t i = 0; names[i] != NULL && *out == (locale_t)0; i++) {
        errno = 0;
        *out = newlocale(LC_CTYPE_MASK, names[i], (locale_t)0);
        if (*out == (locale_t)0 && errno == ENOMEM)
            return mlc_fail(err, MLC_E_NOMEM, "no memory for the letters of a mapping");
    }
    if (*out != (locale_t)0)
        return MLC_OK;
    return mlc_fail(err, MLC_E_UNSUPPORTED,
                    "this machine has no locale %s, by which mappings change letters; install it: with glibc "
                    "2.35 or later it is part of the C library, before that of the package libc-bin (Debian, "
                    "Ubuntu) or glibc-minimal-langpack (Red Hat); en_US.UTF-8 will do as well. \"locale -a\" "
                    "lists what is there, and LOCPATH, when set, must be its folder",
                    names[0]);
}

/* ---- the whole ---- */

static mlc_code map_new(const char *name, const char *text, size_t len, mlc_map **out, mlc_error *err)
{
    static const char *const letters[] = {"C.UTF-8", "en_US.UTF-8", NULL};
    uint8_t digest[MLC_SHA256_LEN];
    const mlc_code code = mlc_sha256(text, len, digest, err);
    mlc_map *const map = code == MLC_OK ? calloc(1, sizeof *map) : NULL;
    if (code != MLC_OK)
        return code;
    if (map != NULL) {
        mlc_hex(digest, sizeof digest, map->digest);
        map->file = mlc_strdup(name);
        map->lua = map_lua_new(map);
    }
    *out = map;
    if (map != NULL && map->file != NULL && map->lua != NULL)
        return map_letters_open(letters, &map->locale, err);
    return mlc_fail(err, MLC_E_NOMEM, "no memory to load %s", name);
}

mlc_code mlc_map_load_text(const char *name, const char *text, size_t len, mlc_map **out, mlc_buf *report,
                           mlc_error *err)
{
    mlc_map *map = NULL;
    *out = NULL;
    mlc_code code = map_new(name, text, len, &map, err);
    if (code != MLC_OK) {
        mlc_map_free(map);
        return code;
    }
    mlc_cfg_faults faults = {.file = map->file};
    map_loading loading = {.map = map, .faults = &faults};
    config_t parsed;
    config_init(&parsed);
    if (mlc_cfg_parse(&faults, &parsed, text, len))
        load_root(&loading, config_root_setting(&parsed));
    config_destroy(&parsed);
    code = mlc_cfg_faults_finish(&faults, report, err);
    if (code == MLC_OK)
        *out = map;
    else
        mlc_map_free(map);
    return code;
}

static mlc_code read_all(const char *file, mlc_buf *text, mlc_error *err)
{
    const int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    mlc_code code = MLC_OK;
    char block[8192];
    ssize_t n = 0;
    if (fd < 0)
        return mlc_fail(err, errno == ENOENT ? MLC_E_NOTFOUND : MLC_E_IO,
                        "%s: %s; create it or name another file", file, strerror(errno));
    while (code == MLC_OK && (n = read(fd, block, sizeof block)) > 0)
        code = mlc_buf_append(text, block, (size_t)n, err);
    if (code == MLC_OK && n < 0)
        code = mlc_fail(err, MLC_E_IO, "%s: cannot be read: %s", file, strerror(errno));
    else if (code != MLC_OK)
        code = mlc_wrap(err, code, "%s: a mapping file has at most %d bytes", file, MLC_MAP_FILE_MAX);
    (void)close(fd);
    return code;
}

mlc_code mlc_map_load_file(const char *file, mlc_map **out, mlc_buf *report, mlc_error *err)
{
    mlc_buf text = {.max = MLC_MAP_FILE_MAX};
    mlc_error local = {.code = MLC_OK};
    mlc_error *const why = err != NULL ? err : &local;
    *out = NULL;
    mlc_code code = read_all(file, &text, why);
    if (code == MLC_OK)
        code = mlc_map_load_text(file, mlc_buf_text(&text), text.len, out, report, why);
    else if (report != NULL && mlc_buf_puts(report, why->message, NULL) == MLC_OK)
        (void)mlc_buf_puts(report, "\n", NULL);
    mlc_buf_free(&text);
    return code;
}

static void tables_free(mlc_map *map)
{
    for (size_t t = 0; t < map->table_count; t++) {
        for (size_t i = 0; i < map->tables[t].count; i++) {
            free(map->tables[t].rows[i].from);
            free(map->tables[t].rows[i].to);
        }
        free(map->tables[t].rows);
        free(map->tables[t].name);
    }
    free(map->tables);
}

void mlc_map_free(mlc_map *map)
{
    if (map == NULL)
        return;
    map_fields_free(&map->fields);
    map_fields_free(&map->inactive);
    map_fields_free(&map->list.fields);
    map_path_free(&map->list.from);
    tables_free(map);
    map_lua_free(map->lua);
    if (map->locale != (locale_t)0)
        freelocale(map->locale);
    free(map->list.to);
    free(map->file);
    free(map->flow);
    free(map->target);
    free(map->key);
    free(map);
}
