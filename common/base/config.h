/* config.h - the configuration file, its schema and its errors.
 *
 * Files are in libconfig's format (documented in docs/configuration.md). A program declares a schema:
 * one row per setting with type, default, bounds and a help text. Loading checks everything at once
 * and reports ALL faults, each as "file:line: setting: reason; remedy". Unknown settings are faults
 * (with the nearest known name). A setting "relay.url" can be overridden by the environment variable
 * MLC_RELAY_URL (path upper-cased, dots to underscores); members of lists cannot.
 *
 * Secrets (MLC_CFG_SECRET) are never written into the file: the value is a reference, one of
 *   "file:/path"        content of the file (must not be readable by group or others), last newline cut
 *   "env:NAME"          an environment variable
 *   "credential:NAME"   $CREDENTIALS_DIRECTORY/NAME (systemd LoadCredential)
 *   "sealed:BASE64"     sealed with the root key (crypto/crypto.h), opened through the resolver given
 * Relative paths start from the folder of the file. The schema must live as long as the mlc_cfg.
 * Thread rule: immutable after load; getters from any thread.
 */
#ifndef MLC_BASE_CONFIG_H
#define MLC_BASE_CONFIG_H

#include "base/buf.h"
#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

typedef enum mlc_cfg_type {
    MLC_CFG_STRING,
    MLC_CFG_INT,
    MLC_CFG_BOOL,
    MLC_CFG_DURATION, /* "500ms" "30s" "5m" "2h" "7d", read as milliseconds */
    MLC_CFG_SIZE,     /* bytes: "64K" "256M" "4G" (powers of 1024) or a plain number */
    MLC_CFG_URL,      /* absolute https:// or wss:// URL; http:// and ws:// only to a loopback host */
    MLC_CFG_PATH,
    MLC_CFG_SECRET, /* a reference, see above */
    MLC_CFG_ENUM,
    MLC_CFG_STRINGS /* a list of strings */
} mlc_cfg_type;

/* A row of the schema. `path` uses dots for groups and [] for lists of groups: "tenants[].dynamics.url". */
typedef struct mlc_cfg_field {
    const char *path;
    mlc_cfg_type type;
    bool required;
    const char *fallback;       /* text as it would stand in the file; NULL: no default */
    int64_t min, max;           /* INT, DURATION (ms), SIZE (bytes), length of strings; both 0: unchecked;
                                   max 0 with min above 0: no upper bound */
    const char *const *choices; /* ENUM: NULL-terminated */
    const char *help;           /* one line for --help-config and docs */
} mlc_cfg_field;

typedef struct mlc_cfg mlc_cfg;

/* Opens the "sealed:" secret of the setting `path` ("tenants[0].webhook_secret"): writes the clear text into `out`.
 * `user` is the pointer given to load; of `cfg` everything but sealed secrets may be read. */
typedef mlc_code (*mlc_cfg_unseal_fn)(void *user, const mlc_cfg *cfg, const char *path, const char *base64,
                                      mlc_buf *out, mlc_error *err);

/* Load and check. On faults returns MLC_E_INVALID and, in `report` (may be NULL), one line for each
 * fault; err holds the first. *out is freed with mlc_cfg_free, which wipes secrets. */
mlc_code mlc_cfg_load(mlc_cfg **out, const char *file, const mlc_cfg_field *schema, size_t fields,
                      mlc_cfg_unseal_fn unseal, void *user, mlc_buf *report, mlc_error *err);
/* The same, but faults inside the elements of `list` ("tenants") do not fail the load: they are kept, and the owner
 * decides what becomes of such an element, whose values may be absent. NULL: as mlc_cfg_load. */
mlc_code mlc_cfg_load_partly(mlc_cfg **out, const char *file, const char *list, const mlc_cfg_field *schema,
                             size_t fields, mlc_cfg_unseal_fn unseal, void *user, mlc_buf *report,
                             mlc_error *err);
/* Only the rows given: what else stands in the file is not looked at, and sealed values are refused. */
mlc_code mlc_cfg_load_some(mlc_cfg **out, const char *file, const mlc_cfg_field *schema, size_t fields,
                           mlc_error *err);
void mlc_cfg_free(mlc_cfg *cfg);

/* What is wrong with the element `path` ("tenants[2]"), a line for each fault; NULL: nothing. Borrowed. */
const char *mlc_cfg_element_faults(const mlc_cfg *cfg, const char *path);
/* Add a line to it: faults that only the program can see. Before the configuration is shared. */
mlc_code mlc_cfg_element_fault_add(mlc_cfg *cfg, const char *path, const char *line, mlc_error *err);
/* Have two elements ("tenants[2]") the same values, secrets included? */
bool mlc_cfg_element_same(const mlc_cfg *a, const char *path_a, const mlc_cfg *b, const char *path_b);
/* The name of the file it was loaded from. */
const char *mlc_cfg_file(const mlc_cfg *cfg);

/* Getters. `path` names a schema row with list indices filled in: "tenants[0].dynamics.url". A value
 * absent from the file gives its default; absent without default gives NULL, 0 or false. Asking for a
 * path that is not in the schema is a bug and aborts. Strings are borrowed, valid until free. */
const char *mlc_cfg_str(const mlc_cfg *cfg, const char *path);
int64_t mlc_cfg_int(const mlc_cfg *cfg, const char *path); /* INT, DURATION (ms), SIZE (bytes) */
bool mlc_cfg_bool(const mlc_cfg *cfg, const char *path);
/* The resolved secret, or NULL. */
const char *mlc_cfg_secret(const mlc_cfg *cfg, const char *path);
/* Number of elements of a list of groups ("tenants") or of strings ("x.list"). */
size_t mlc_cfg_count(const mlc_cfg *cfg, const char *path);
const char *mlc_cfg_list_str(const mlc_cfg *cfg, const char *path, size_t index);
/* "file:line" where a setting stands (or "default"/"environment"), for messages. out has size bytes. */
const char *mlc_cfg_where(const mlc_cfg *cfg, const char *path, char *out, size_t size);
/* printf-style path building on the caller's buffer: mlc_cfg_at(p, sizeof p, "tenants[%zu].id", i). */
const char *mlc_cfg_at(char *out, size_t size, const char *fmt, ...) MLC_PRINTF(3, 4);
/* A Markdown table of the schema, for docs and --help-config. */
mlc_code mlc_cfg_describe(const mlc_cfg_field *schema, size_t fields, mlc_buf *out, mlc_error *err);

#endif
