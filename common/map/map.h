/* map.h - the declarative mapping of one record kind: from a record's JSON to the columns of a target.
 *
 * A mapping is a file in libconfig's format (docs/mapping.md), one for each flow; for a plain JDE and a plain Dynamics one is
 * built in for each kind. Loading checks everything and reports ALL faults as "file:line: setting: reason; remedy". It is
 * compiled once and run for each record; a run is pure apart from the callbacks of mlc_map_env, and gives the same output for
 * the same record, callbacks and mapping.
 *
 * Where a path of the mapping begins: "settings.x" at env->settings; else at the record's `rows`, when it has such an object
 * (record/master.h), and where the first name is not found there, at the record itself ("id", "lines[0].item").
 *
 * Kinds built in: customer supplier contact item price (JDE -> Dynamics, the record is a master record), order (canonical
 * order, record/order.h -> inputs of ML_CreateSalesOrder), purchase-order (-> ML_CreatePurchaseOrder), address (Dynamics
 * address change -> inputs of ML_UpdateAddress).
 *
 * Thread rule: a mapping (and its trace) belongs to one thread at a time, as it holds a Lua state: load one for each thread.
 */
#ifndef MLC_MAP_MAP_H
#define MLC_MAP_MAP_H

#include "base/buf.h"
#include "base/faults.h"
#include "base/json.h"

enum { MLC_MAP_FILE_MAX = 1 << 20, MLC_MAP_ID_MAX = 64, MLC_MAP_DIGEST_MAX = 65 };

typedef struct mlc_map mlc_map;
typedef struct mlc_map_trace mlc_map_trace;

typedef enum mlc_map_found {
    MLC_MAP_FOUND,
    MLC_MAP_NOT_FOUND, /* there is no such row: a fault of the record, unless the field says otherwise */
    MLC_MAP_NOT_YET    /* not known yet: ask the target, then run again (mlc_map_result.waiting) */
} mlc_map_found;

/* What a run may ask. Each pointer may be NULL. Borrowed during the run. */
typedef struct mlc_map_env {
    void *user;
    const char *prefix;    /* stands for {prefix} in names of columns and sets; NULL: "ml_" */
    const cJSON *settings; /* object of texts for paths "settings.NAME": order type, company, branch */
    /* The id (a GUID) of the row of `set` whose column `key` has this value. NULL: the field is bound by the alternate key
     * itself, "/set(key='value')". */
    mlc_map_found (*lookup)(void *user, const char *set, const char *key, const char *value,
                            char id[MLC_MAP_ID_MAX]);
    /* The number of an option by its label, of a column of the target set; false: there is no such label. NULL: labels
     * cannot be resolved and are a fault. */
    bool (*option)(void *user, const char *set, const char *column, const char *label, int64_t *value);
} mlc_map_env;

/* A lookup that was answered "not yet". Texts are owned by the result. */
typedef struct mlc_map_wanted {
    char *set, *key, *value;
} mlc_map_wanted;

typedef struct mlc_map_result {
    cJSON *
        output; /* set with MLC_OK: object of column -> text, number (exact lexeme), true/false, null or list of objects;
                      a lookup is "column@odata.bind": "/set(id)". May be empty */
    mlc_faults faults; /* all that is wrong with the record, each under the name of the column */
    mlc_map_wanted *waiting;
    size_t waiting_count;
} mlc_map_result;

/* ---- loading ---- */

/* From a file, from bytes (`name` stands for the file in faults), or the built-in one of a kind (MLC_E_NOTFOUND: none).
 * On faults MLC_E_INVALID; `report` (may be NULL) gets one line for each, err holds the first. *out: mlc_map_free. */
mlc_code mlc_map_load_file(const char *file, mlc_map **out, mlc_buf *report, mlc_error *err);
mlc_code mlc_map_load_text(const char *name, const char *text, size_t len, mlc_map **out, mlc_buf *report,
                           mlc_error *err);
mlc_code mlc_map_load_default(const char *kind, mlc_map **out, mlc_error *err);
void mlc_map_free(mlc_map *map);

/* Text of the built-in mapping of a kind, or NULL. Static. */
const char *mlc_map_default_text(const char *kind, size_t *len);
/* Kind of the built-in mapping number `index`; NULL after the last. Static. */
const char *mlc_map_default_kind(size_t index);

/* ---- what it says ---- */

/* Borrowed from the mapping. */
const char *mlc_map_flow(const mlc_map *map);   /* record kind */
const char *mlc_map_target(const mlc_map *map); /* entity set or orchestration; may hold {prefix} */
const char *
mlc_map_key(const mlc_map *map); /* column of the alternate key, may hold {prefix}; "" when there is none */
int64_t mlc_map_version(const mlc_map *map);
/* SHA-256 of the file's text in hex: tells in the audit trail which mapping a write came from. */
const char *mlc_map_digest(const mlc_map *map);

/* The columns that it writes, for a check against the target's metadata before the first record. */
typedef struct mlc_map_column {
    const char *name;      /* as in the file, may hold {prefix} */
    const char *type;      /* "text", "int", ... (docs/mapping.md) */
    const char *set, *key; /* of a lookup, may hold {prefix}; else NULL */
    const char *list;      /* name of the output list that it belongs to; NULL: of the record itself */
    bool inactive;         /* of the list `inactive` */
    unsigned line;         /* where it stands in the file */
} mlc_map_column;
size_t mlc_map_column_count(const mlc_map *map);
mlc_map_column mlc_map_column_at(const mlc_map *map, size_t index);
/* `name` with {prefix} replaced (prefix NULL: "ml_"), cut to size. Returns out. */
const char *mlc_map_expand(char *out, size_t size, const char *name, const char *prefix);

/* ---- running ---- */

/* Map one record. `gone`: only the fields of `inactive`. `record` names it in the error ("customer 6001"). `trace` may be NULL.
 * MLC_OK; MLC_E_INVALID: result->faults, and all of them in err; MLC_E_UNAVAILABLE: no faults, but lookups to be answered
 * first, in result->waiting; MLC_E_NOMEM. Free the result in any case. */
mlc_code mlc_map_run(mlc_map *map, const cJSON *input, bool gone, const char *record, const mlc_map_env *env,
                     mlc_map_trace *trace, mlc_map_result *result, mlc_error *err);
void mlc_map_result_free(mlc_map_result *result);

/* ---- trace: each step of each field, with the value before and after ---- */

mlc_map_trace *mlc_map_trace_new(void); /* NULL when out of memory */
void mlc_map_trace_free(mlc_map_trace *trace);
/* One line for each step, "name  from F0101.ALPH: (none) -> "Acme  "". */
mlc_code mlc_map_trace_print(const mlc_map_trace *trace, mlc_buf *out, mlc_error *err);

#endif
