/* config_private.h - what the config_*.c files share. */
#ifndef MLC_BASE_CONFIG_PRIVATE_H
#define MLC_BASE_CONFIG_PRIVATE_H

#include "base/config_file.h"

typedef enum mlc_cfg_source { MLC_CFG_DEFAULT, MLC_CFG_FROM_FILE, MLC_CFG_FROM_ENV } mlc_cfg_source;

/* A setting, or a list of groups, at a concrete path. */
typedef struct mlc_cfg_item {
    char *path;
    const mlc_cfg_field *field; /* NULL: a list of groups */
    mlc_cfg_source source;
    unsigned line;  /* where it stands in the file; 0 when it does not */
    char *text;     /* STRING, URL, PATH, ENUM and SECRET (resolved once loaded); NULL when absent */
    int64_t number; /* INT, DURATION, SIZE; BOOL as 0 or 1; of SECRET: it waits for the others */
    char **list;    /* STRINGS */
    size_t count;   /* of STRINGS or of groups */
} mlc_cfg_item;

/* An element of a list that has faults of its own. */
typedef struct mlc_cfg_element {
    char *path;   /* "tenants[2]" */
    mlc_buf text; /* a line for each */
} mlc_cfg_element;

struct mlc_cfg {
    char *file;
    const mlc_cfg_field *schema; /* borrowed */
    size_t fields;
    mlc_cfg_item *items; /* sorted by path once loaded */
    size_t count, cap;
    mlc_cfg_element *faulty;
    size_t faulty_count;
    mlc_cfg_unseal_fn unseal;
    void *user;
};

/* What is loaded, and how. */
typedef struct mlc_cfg_source_text {
    const char *file; /* name for messages, base of relative paths */
    const char *text;
    size_t len;
    const char *confine; /* list whose elements may be faulty; NULL: none */
    bool some;           /* settings that are not in the schema are not looked at */
} mlc_cfg_source_text;

mlc_code mlc_cfg_load_source(mlc_cfg **out, const mlc_cfg_source_text *source, const mlc_cfg_field *schema,
                             size_t fields, mlc_cfg_unseal_fn unseal, void *user, mlc_buf *report,
                             mlc_error *err);
/* Load from memory, all or nothing. */
mlc_code mlc_cfg_load_text(mlc_cfg **out, const char *file, const char *text, size_t len,
                           const mlc_cfg_field *schema, size_t fields, mlc_cfg_unseal_fn unseal, void *user,
                           mlc_buf *report, mlc_error *err);

/* ---- config_load.c ---- */

/* A new item at a path; NULL when out of memory. Valid until the next call. */
mlc_cfg_item *mlc_cfg_item_add(mlc_cfg *cfg, const char *path, const mlc_cfg_field *field);
/* Sort by path, so that mlc_cfg_item_find works on what has been added. */
void mlc_cfg_items_sort(mlc_cfg *cfg);
mlc_cfg_item *mlc_cfg_item_find(const mlc_cfg *cfg, size_t count, const char *path);

/* ---- config_tree.c: the parsed file against the schema ---- */

/* What one load works on. */
typedef struct mlc_cfg_loading {
    mlc_cfg *cfg;
    mlc_cfg_faults *faults;
    const config_setting_t *root;
    bool some;       /* unknown settings are passed over */
    mlc_code broken; /* not a fault of the file: out of memory, or a default that is wrong */
} mlc_cfg_loading;

/* Take over every setting of the file; unknown and wrong ones become faults. */
void mlc_cfg_take_file(mlc_cfg_loading *l);
/* Then add what is not in the file: environment, defaults; report what is missing. */
void mlc_cfg_complete(mlc_cfg_loading *l);

/* ---- config_name.c: paths of settings ---- */

/* "tenants[3].id" -> "tenants[].id". False when it does not fit. */
bool mlc_cfg_abstract(const char *path, char *out, size_t size);
const mlc_cfg_field *mlc_cfg_find_field(const mlc_cfg_field *schema, size_t fields, const char *abstract);
/* Does the schema have settings below this path with this separator ("." or "[].")? */
bool mlc_cfg_has_below(const mlc_cfg_field *schema, size_t fields, const char *abstract,
                       const char *separator);
/* The environment variable that overrides a path; false for members of lists. */
bool mlc_cfg_env_name(const char *path, char *out, size_t size);

/* ---- config_value.c: text and numbers to typed, checked values ---- */

/* Each sets item's value or, on failure, writes "reason; remedy" into reason[MLC_CFG_REASON_MAX] and
 * returns MLC_E_INVALID. A list of strings in one text is separated by commas. */
mlc_code mlc_cfg_set_text(const mlc_cfg *cfg, mlc_cfg_item *item, const char *text, char *reason);
mlc_code mlc_cfg_set_number(mlc_cfg_item *item, int64_t number, char *reason);
mlc_code mlc_cfg_add_string(mlc_cfg_item *item, const char *text, size_t len, char *reason);
/* A bound as it would be written for this type, in the largest unit that holds it exactly. */
const char *mlc_cfg_number_text(mlc_cfg_type type, int64_t number, char out[32]);
/* What the file should contain for this setting, for remedies: "a string such as \"30s\"". */
const char *mlc_cfg_expected(const mlc_cfg_field *field);
void mlc_cfg_item_clear(mlc_cfg_item *item);

/* "url is bad because" into reason; true when good. */
bool mlc_cfg_url_check(const char *url, char *reason);

/* ---- config_secret.c ---- */

/* Put the clear texts in the place of all references. The items must be sorted. */
void mlc_cfg_resolve_secrets(mlc_cfg_loading *l);

/* ---- config_element.c ---- */

/* Take the faults inside elements of this list out of `faults`, and keep them with their element. */
mlc_code mlc_cfg_confine(mlc_cfg *cfg, mlc_cfg_faults *faults, const char *list, mlc_error *err);
void mlc_cfg_elements_free(mlc_cfg *cfg);

#endif
