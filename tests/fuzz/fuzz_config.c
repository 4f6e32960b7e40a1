/* parts: base */
/* Configuration text against a schema with every type: it loads or it is refused with a report. */
#include "base/config_private.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* libconfig 1.5 loses its string buffer at some syntax errors. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libconfig.so\n";
}

static const char *const modes[] = {"poll", "push", NULL};
static const mlc_cfg_field schema[] = {
    {.path = "name", .type = MLC_CFG_STRING, .min = 1, .max = 40},
    {.path = "relay.url", .type = MLC_CFG_URL},
    {.path = "relay.token", .type = MLC_CFG_SECRET},
    {.path = "relay.timeout", .type = MLC_CFG_DURATION, .fallback = "30s", .min = 1, .max = 600000},
    {.path = "size", .type = MLC_CFG_SIZE},
    {.path = "dir", .type = MLC_CFG_PATH, .fallback = "data"},
    {.path = "retries", .type = MLC_CFG_INT},
    {.path = "verbose", .type = MLC_CFG_BOOL},
    {.path = "mode", .type = MLC_CFG_ENUM, .choices = modes},
    {.path = "hosts", .type = MLC_CFG_STRINGS},
    {.path = "tenants[].id", .type = MLC_CFG_STRING, .required = true},
    {.path = "tenants[].agents[].key", .type = MLC_CFG_STRING},
};

static mlc_code unseal(void *user, const mlc_cfg *cfg, const char *path, const char *base64, mlc_buf *out,
                       mlc_error *err)
{
    (void)cfg;
    (void)path;
    (void)user;
    return mlc_buf_puts(out, base64, err);
}

static void require(bool truth)
{
    if (!truth)
        abort();
}

static void read_all(const mlc_cfg *cfg)
{
    char path[MLC_CFG_PATH_MAX];
    char where[MLC_CFG_PATH_MAX];
    (void)mlc_cfg_str(cfg, "relay.url");
    (void)mlc_cfg_secret(cfg, "relay.token");
    const int64_t timeout = mlc_cfg_int(cfg, "relay.timeout");
    require(timeout >= 1 && timeout <= 600000);
    require(mlc_cfg_int(cfg, "size") >= 0);
    for (size_t i = 0; i < mlc_cfg_count(cfg, "hosts"); i++)
        require(mlc_cfg_list_str(cfg, "hosts", i) != NULL);
    for (size_t i = 0; i < mlc_cfg_count(cfg, "tenants"); i++) {
        require(mlc_cfg_str(cfg, mlc_cfg_at(path, sizeof path, "tenants[%zu].id", i)) != NULL);
        (void)mlc_cfg_where(cfg, path, where, sizeof where);
        (void)mlc_cfg_count(cfg, mlc_cfg_at(path, sizeof path, "tenants[%zu].agents", i));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mlc_cfg *cfg = NULL;
    mlc_buf report = {0};
    mlc_error err;
    mlc_error_clear(&err);
    if (mlc_cfg_load_text(&cfg, "fuzz.conf", (const char *)data, size, schema, sizeof schema / sizeof *schema,
                          unseal, NULL, &report, &err) == MLC_OK)
        read_all(cfg);
    else
        require(report.len > 0 && err.message[0] != '\0' && cfg == NULL);
    mlc_cfg_free(cfg);
    mlc_buf_free(&report);
    return 0;
}
