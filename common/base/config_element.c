/* config_element.c - elements of lists ("tenants[2]") as things of their own: their faults, and whether they changed. */
#include "base/config_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Length of "tenants[12]" at the beginning of a path; 0 when it does not begin with an element of this list. */
static size_t element_length(const char *path, const char *list)
{
    const size_t len = strlen(list);
    if (strncmp(path, list, len) != 0 || path[len] != '[')
        return 0;
    const char *const end = strchr(path + len, ']');
    return end != NULL ? (size_t)(end - path) + 1 : 0;
}

static mlc_cfg_element *find_element(const mlc_cfg *cfg, const char *path, size_t len)
{
    for (size_t i = 0; i < cfg->faulty_count; i++) {
        if (strlen(cfg->faulty[i].path) == len && strncmp(cfg->faulty[i].path, path, len) == 0)
            return &cfg->faulty[i];
    }
    return NULL;
}

static mlc_code add_line(mlc_cfg *cfg, const char *path, size_t len, const char *line, mlc_error *err)
{
    mlc_cfg_element *element = find_element(cfg, path, len);
    if (element == NULL) {
        mlc_cfg_element *const grown = realloc(cfg->faulty, (cfg->faulty_count + 1) * sizeof *grown);
        char *const copy = mlc_strndup(path, len);
        if (grown != NULL)
            cfg->faulty = grown;
        if (grown == NULL || copy == NULL) {
            free(copy);
            return mlc_fail(err, MLC_E_NOMEM, "no memory for the faults of %s", path);
        }
        element = &grown[cfg->faulty_count++];
        *element = (mlc_cfg_element){.path = copy};
    }
    const mlc_code code = element->text.len > 0 ? mlc_buf_puts(&element->text, "\n", err) : MLC_OK;
    return code == MLC_OK ? mlc_buf_puts(&element->text, line, err) : code;
}

mlc_code mlc_cfg_confine(mlc_cfg *cfg, mlc_cfg_faults *faults, const char *list, mlc_error *err)
{
    mlc_code code = MLC_OK;
    size_t kept = 0;
    for (size_t i = 0; i < faults->count; i++) {
        mlc_cfg_fault *const row = &faults->rows[i];
        const size_t len = element_length(row->path, list);
        if (len == 0) {
            faults->rows[kept++] = *row;
            continue;
        }
        if (code == MLC_OK)
            code = add_line(cfg, row->path, len, row->text, err);
        free(row->path);
        free(row->text);
    }
    faults->count = kept;
    return code;
}

void mlc_cfg_elements_free(mlc_cfg *cfg)
{
    for (size_t i = 0; i < cfg->faulty_count; i++) {
        free(cfg->faulty[i].path);
        mlc_buf_free(&cfg->faulty[i].text);
    }
    free(cfg->faulty);
}

const char *mlc_cfg_element_faults(const mlc_cfg *cfg, const char *path)
{
    const mlc_cfg_element *const element = find_element(cfg, path, strlen(path));
    return element != NULL ? mlc_buf_text(&element->text) : NULL;
}

mlc_code mlc_cfg_element_fault_add(mlc_cfg *cfg, const char *path, const char *line, mlc_error *err)
{
    return add_line(cfg, path, strlen(path), line, err);
}

/* ---- comparing ---- */

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool same_value(const mlc_cfg_item *a, const mlc_cfg_item *b)
{
    bool same = a->field == b->field && same_text(a->text, b->text) && a->number == b->number &&
                a->count == b->count && (a->list == NULL) == (b->list == NULL);
    for (size_t i = 0; same && a->list != NULL && i < a->count; i++)
        same = same_text(a->list[i], b->list[i]);
    return same;
}

/* The next item below the element, from *at on; NULL: no more. Items are sorted, so those of an element stand in the same
 * order whatever its index. */
static const mlc_cfg_item *next_below(const mlc_cfg *cfg, const char *path, size_t *at)
{
    const size_t len = strlen(path);
    while (*at < cfg->count) {
        const mlc_cfg_item *const item = &cfg->items[(*at)++];
        if (strncmp(item->path, path, len) == 0 && item->path[len] == '.')
            return item;
    }
    return NULL;
}

bool mlc_cfg_element_same(const mlc_cfg *a, const char *path_a, const mlc_cfg *b, const char *path_b)
{
    size_t at_a = 0;
    size_t at_b = 0;
    for (;;) {
        const mlc_cfg_item *const x = next_below(a, path_a, &at_a);
        const mlc_cfg_item *const y = next_below(b, path_b, &at_b);
        if (x == NULL || y == NULL)
            return x == y;
        if (strcmp(x->path + strlen(path_a), y->path + strlen(path_b)) != 0 || !same_value(x, y))
            return false;
    }
}

const char *mlc_cfg_file(const mlc_cfg *cfg)
{
    return cfg->file;
}
