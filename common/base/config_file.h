/* config_file.h - a file in libconfig's format, safely parsed, and the collected faults of its settings.
 *
 * What every such file of the project goes through, a program's configuration (config.h) and a mapping (map/map.h) alike.
 * Thread rule: one thread at a time.
 */
#ifndef MLC_BASE_CONFIG_FILE_H
#define MLC_BASE_CONFIG_FILE_H

#include "base/config.h"

#include <libconfig.h>

enum {
    MLC_CFG_FILE_MAX = 1 << 20,
    MLC_CFG_PATH_MAX = 256,  /* a setting's path with indices */
    MLC_CFG_REASON_MAX = 448 /* "reason; remedy" */
};

/* ---- config_fault.c: the faults of one load ---- */

typedef struct mlc_cfg_fault {
    unsigned line;
    size_t order; /* of discovery; keeps faults of one line in place */
    char *path;   /* of the setting */
    char *text;
} mlc_cfg_fault;

typedef struct mlc_cfg_faults {
    const char *file;
    mlc_cfg_fault *rows;
    size_t count, cap;
    bool nomem;
} mlc_cfg_faults;

/* `fmt` gives "reason; remedy". `where` replaces "file:line" when not NULL. */
void mlc_cfg_fault_add(mlc_cfg_faults *faults, const char *where, unsigned line, const char *path,
                       const char *fmt, ...) MLC_PRINTF(5, 6);
/* Sort by line, write to report and err, release. MLC_OK when there were none. */
mlc_code mlc_cfg_faults_finish(mlc_cfg_faults *faults, mlc_buf *report, mlc_error *err);

/* ---- config_syntax.c ---- */

/* Parse into `parsed` (initialised; the caller destroys it). False when a fault was added. */
bool mlc_cfg_parse(mlc_cfg_faults *faults, config_t *parsed, const char *text, size_t len);

/* A known path that an unknown one may have meant, written into out; false when none is near. */
bool mlc_cfg_nearest(const mlc_cfg_field *schema, size_t fields, const char *abstract, char *out,
                     size_t size);

#endif
