/* mappings.h - the mappings of a tenant for the master records: the files of its configuration, else the built-in ones. */
#ifndef MLC_RELAY_MAPPINGS_H
#define MLC_RELAY_MAPPINGS_H

#include "base/config.h"
#include "map/map.h"

enum { MLC_MAPPINGS_MAX = 5 };

typedef struct mlc_mappings {
    mlc_map *maps[MLC_MAPPINGS_MAX]; /* one for each kind */
    size_t count;
} mlc_mappings;

/* Load those of tenants[index]. On faults MLC_E_INVALID; `report` (may be NULL) gets one line "file:line: ..." for each.
 * Free also after a failure. */
mlc_code mlc_mappings_load(const mlc_cfg *cfg, size_t index, mlc_mappings *out, mlc_buf *report,
                           mlc_error *err);
void mlc_mappings_free(mlc_mappings *mappings);
/* Load and free those of all tenants. */
mlc_code mlc_mappings_check(const mlc_cfg *cfg, mlc_buf *report, mlc_error *err);

#endif
