/* mappings.c - see mappings.h. */
#include "relay/mappings.h"

#include "relay/schema.h"

#include <stdio.h>
#include <string.h>

static const char *const kinds[MLC_MAPPINGS_MAX] = {"customer", "supplier", "contact", "item", "price"};

/* What the file says may be right, but not for this place. */
static mlc_code check_fit(const mlc_map *map, const char *kind, const char *file, mlc_buf *report,
                          mlc_error *err)
{
    char set[128];
    mlc_code code = MLC_OK;
    (void)mlc_map_expand(set, sizeof set, mlc_map_target(map), NULL);
    if (strcmp(mlc_map_flow(map), kind) != 0)
        code = mlc_fail(err, MLC_E_INVALID,
                        "%s: flow: is \"%s\", but the configuration names the file for \"%s\"", file,
                        mlc_map_flow(map), kind);
    else if (mlc_schema_name_of(NULL, set) == NULL)
        code = mlc_fail(
            err, MLC_E_INVALID,
            "%s: target: this relay knows no set \"%s\" of Dynamics; use one like accounts, contacts, "
            "products, productpricelevels",
            file, set);
    else if (mlc_map_key(map)[0] == '\0')
        code =
            mlc_fail(err, MLC_E_INVALID, "%s: key: is missing; name the column of the alternate key", file);
    if (code != MLC_OK && report != NULL)
        (void)mlc_buf_printf(report, NULL, "%s\n", err->message);
    return code;
}

static mlc_code load_one(const mlc_cfg *cfg, size_t index, size_t i, mlc_map **out, mlc_buf *report,
                         mlc_error *err)
{
    char path[96];
    const char *const file =
        mlc_cfg_str(cfg, mlc_cfg_at(path, sizeof path, "tenants[%zu].mappings.%s", index, kinds[i]));
    if (file == NULL)
        return mlc_map_load_default(kinds[i], out, err);
    const mlc_code code = mlc_map_load_file(file, out, report, err);
    return code == MLC_OK ? check_fit(*out, kinds[i], file, report, err) : code;
}

mlc_code mlc_mappings_load(const mlc_cfg *cfg, size_t index, mlc_mappings *out, mlc_buf *report,
                           mlc_error *err)
{
    mlc_code result = MLC_OK;
    *out = (mlc_mappings){.count = MLC_MAPPINGS_MAX};
    for (size_t i = 0; i < MLC_MAPPINGS_MAX; i++) {
        mlc_error why;
        const mlc_code code = load_one(cfg, index, i, &out->maps[i], report, &why);
        if (code == MLC_OK || result != MLC_OK)
            continue;
        result = code;
        if (err != NULL)
            *err = why;
    }
    return result;
}

void mlc_mappings_free(mlc_mappings *mappings)
{
    for (size_t i = 0; i < mappings->count; i++)
        mlc_map_free(mappings->maps[i]);
    *mappings = (mlc_mappings){0};
}

mlc_code mlc_mappings_check(const mlc_cfg *cfg, mlc_buf *report, mlc_error *err)
{
    mlc_code result = MLC_OK;
    for (size_t i = 0; i < mlc_cfg_count(cfg, "tenants"); i++) {
        mlc_mappings mappings;
        mlc_error why;
        const mlc_code code = mlc_mappings_load(cfg, i, &mappings, report, &why);
        mlc_mappings_free(&mappings);
        if (code == MLC_OK || result != MLC_OK)
            continue;
        result = code;
        if (err != NULL)
            *err = why;
    }
    return result;
}
