/* order_config.c - see order_config.h. */
#include "agent/order_config.h"

#include <string.h>

enum { WHERE_SIZE = 256 };

static bool is_set_to(const mlc_cfg *cfg, const char *path, const char *value)
{
    return strcmp(mlc_cfg_str(cfg, path), value) == 0;
}

/* A fault of a setting as a whole: where it stands, and why. */
static mlc_code fault(const mlc_cfg *cfg, const char *path, const char *why, mlc_buf *report, mlc_error *err)
{
    char where[WHERE_SIZE];
    (void)mlc_cfg_where(cfg, path, where, sizeof where);
    if (report != NULL)
        (void)mlc_buf_printf(report, NULL, "%s: %s: %s\n", where, path, why);
    return mlc_fail(err, MLC_E_INVALID, "%s: %s: %s", where, path, why);
}

static mlc_code read_map(mlc_order_config *c, const mlc_cfg *cfg, mlc_buf *report, mlc_error *err)
{
    const char *const file = mlc_cfg_str(cfg, "orders.mapping");
    const char *const kind = c->purchase ? "purchase-order" : "order";
    if (file == NULL)
        return mlc_map_load_default(kind, &c->map, err);
    const mlc_code code = mlc_map_load_file(file, &c->map, report, err);
    if (code != MLC_OK)
        return code;
    return strcmp(mlc_map_flow(c->map), kind) == 0
               ? MLC_OK
               : fault(cfg, "orders.mapping",
                       c->purchase ? "the flow of the file must be purchase-order, as orders.target says"
                                   : "the flow of the file must be order, as orders.target says",
                       report, err);
}

mlc_code mlc_order_config_read(mlc_order_config *out, const mlc_cfg *cfg, mlc_buf *report, mlc_error *err)
{
    mlc_error catalogue_err;
    memset(out, 0, sizeof *out);
    if (!mlc_cfg_bool(cfg, "orders.enabled"))
        return MLC_OK;
    out->purchase = is_set_to(cfg, "orders.target", "purchase");
    out->order_type = mlc_cfg_str(cfg, "orders.order_type");
    if (out->order_type == NULL)
        out->order_type = out->purchase ? "OP" : "SO";
    if (out->purchase && is_set_to(cfg, "orders.writer", "form"))
        return fault(cfg, "orders.writer",
                     "the form makes sales orders only; set orchestration for purchase orders", report, err);
    const mlc_code code = read_map(out, cfg, report, err);
    const mlc_code other =
        mlc_catalogue_open(&out->catalogue, mlc_cfg_str(cfg, "orders.catalogue"), report, &catalogue_err);
    if (code == MLC_OK && other != MLC_OK && err != NULL)
        *err = catalogue_err;
    return code != MLC_OK ? code : other;
}

void mlc_order_config_free(mlc_order_config *config)
{
    mlc_map_free(config->map);
    mlc_catalogue_free(config->catalogue);
    memset(config, 0, sizeof *config);
}
