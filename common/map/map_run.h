/* map_run.h - what map_run.c and map_steps.c share: the state of one run. */
#ifndef MLC_MAP_MAP_RUN_H
#define MLC_MAP_MAP_RUN_H

#include "map/map_private.h"

enum { MAP_COLUMN_MAX = MLC_MAP_NAME_MAX + 32 };

/* One run. `before` keeps a value for the trace and for expressions; it is used again by every field. */
typedef struct map_run {
    mlc_map *map;
    const mlc_map_env *env;
    mlc_map_trace *trace;
    mlc_map_result *result;
    map_scope scope;
    map_value value;
    mlc_buf before;
    char place[64]; /* "Lines[2]." in a list */
    char column[MAP_COLUMN_MAX];
    char shown[MAP_COLUMN_MAX + 64]; /* place and column, for faults and trace */
    mlc_code broken;                 /* not a fault of the record */
    mlc_error *err;
} map_run;

typedef enum map_outcome { MAP_WRITE, MAP_WRITE_NULL, MAP_WRITE_BLANK, MAP_SKIP } map_outcome;

/* All steps of a field up to the value in r->value. MAP_SKIP also after a fault, which was added. */
map_outcome map_evaluate(map_run *r, const map_field *field);
/* The present value, borrowed; NULL when there is none. */
const char *map_run_text(const map_run *r);
/* Add a fault of the present field: "reason (from PATH)". Always false. */
bool map_run_fail(map_run *r, const map_field *field, const char *reason);

#endif
