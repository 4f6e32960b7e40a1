/* config_describe.c - the schema as a Markdown table, for --help-config and the manual. */
#include "base/config_private.h"

#include <string.h>

static const char *type_text(mlc_cfg_type type)
{
    static const char *const names[] = {"string", "integer", "boolean", "duration", "size",
                                        "URL",    "path",    "secret",  "choice",   "list of strings"};
    return names[type];
}

static mlc_code put_choices(mlc_buf *out, const mlc_cfg_field *field, mlc_error *err)
{
    mlc_code code = mlc_buf_puts(out, ": ", err);
    for (size_t i = 0; code == MLC_OK && field->choices != NULL && field->choices[i] != NULL; i++)
        code = mlc_buf_printf(out, err, "%s`%s`", i > 0 ? ", " : "", field->choices[i]);
    return code;
}

static mlc_code put_bounds(mlc_buf *out, const mlc_cfg_field *field, mlc_error *err)
{
    char low[32];
    char high[32];
    const bool is_number =
        field->type == MLC_CFG_INT || field->type == MLC_CFG_DURATION || field->type == MLC_CFG_SIZE;
    const mlc_cfg_type type = is_number ? field->type : MLC_CFG_INT;
    const char *what = is_number ? "" : " bytes of text";
    if (field->min == 0 && field->max == 0)
        return MLC_OK;
    (void)mlc_cfg_number_text(type, field->min, low);
    if (field->min > 0 && field->max == 0)
        return mlc_buf_printf(out, err, ", at least %s%s", low, what);
    return mlc_buf_printf(out, err, ", %s to %s%s", low, mlc_cfg_number_text(type, field->max, high), what);
}

static mlc_code put_default(mlc_buf *out, const mlc_cfg_field *field, mlc_error *err)
{
    if (field->required)
        return mlc_buf_puts(out, "**required**", err);
    if (field->fallback == NULL || field->fallback[0] == '\0')
        return mlc_buf_puts(out, "none", err);
    return mlc_buf_printf(out, err, "`%s`", field->fallback);
}

/* A bar would end the cell. */
static mlc_code put_help(mlc_buf *out, const char *help, mlc_error *err)
{
    mlc_code code = MLC_OK;
    for (const char *p = help != NULL ? help : ""; *p != '\0' && code == MLC_OK; p++)
        code = *p == '|' ? mlc_buf_puts(out, "\\|", err) : mlc_buf_append(out, p, 1, err);
    return code;
}

static mlc_code put_env(mlc_buf *out, const mlc_cfg_field *field, mlc_error *err)
{
    char env[MLC_CFG_PATH_MAX + 8];
    if (!mlc_cfg_env_name(field->path, env, sizeof env))
        return mlc_buf_puts(out, " | - | ", err);
    return mlc_buf_printf(out, err, " | `%s` | ", env);
}

static mlc_code put_row(mlc_buf *out, const mlc_cfg_field *field, mlc_error *err)
{
    mlc_code code = mlc_buf_printf(out, err, "| `%s` | %s", field->path, type_text(field->type));
    if (code == MLC_OK && field->type == MLC_CFG_ENUM)
        code = put_choices(out, field, err);
    if (code == MLC_OK)
        code = put_bounds(out, field, err);
    if (code == MLC_OK)
        code = mlc_buf_puts(out, " | ", err);
    if (code == MLC_OK)
        code = put_default(out, field, err);
    if (code == MLC_OK)
        code = put_env(out, field, err);
    if (code == MLC_OK)
        code = put_help(out, field->help, err);
    return code == MLC_OK ? mlc_buf_puts(out, " |\n", err) : code;
}

mlc_code mlc_cfg_describe(const mlc_cfg_field *schema, size_t fields, mlc_buf *out, mlc_error *err)
{
    mlc_code code = mlc_buf_puts(out,
                                 "| Setting | Type | Default | Environment | Meaning |\n"
                                 "|---|---|---|---|---|\n",
                                 err);
    for (size_t i = 0; i < fields && code == MLC_OK; i++)
        code = put_row(out, &schema[i], err);
    return code;
}
