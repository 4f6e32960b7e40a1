/* config_rows.h - rows of the schema that every program of the house has: how it logs, how long it keeps what is done, how
 * its audit trail is cut. A program's schema (base/config.h) takes them in by name. */
#ifndef MLC_BASE_CONFIG_ROWS_H
#define MLC_BASE_CONFIG_ROWS_H

#include "base/config.h"
#include "base/log.h"

#define MLC_CFG_SECONDS(n) ((int64_t)(n)*1000)
#define MLC_CFG_DAYS(n)    ((int64_t)(n)*24 * 3600 * 1000)

/* clang-format off */
#define MLC_CFG_LOG_ROWS \
    {"log.file", MLC_CFG_PATH, false, "-", 0, 0, NULL, "Log file; - is standard error"}, \
    {"log.level", MLC_CFG_ENUM, false, "info", 0, 0, mlc_log_level_names, "Least level that is written"}

#define MLC_CFG_KEEP_ROWS \
    {"store.keep_done", MLC_CFG_DURATION, false, "7d", MLC_CFG_SECONDS(1), MLC_CFG_DAYS(3650), NULL, \
     "How long done entries are kept"}, \
    {"store.keep_done_count", MLC_CFG_INT, false, "100000", 1, 100000000, NULL, \
     "How many of each stream at most"}, \
    {"store.upkeep_interval", MLC_CFG_DURATION, false, "1m", 50, MLC_CFG_DAYS(1), NULL, \
     "Pause between two looks for what is to be closed, removed or pruned"}

#define MLC_CFG_AUDIT_ROWS \
    {"audit.segment_entries", MLC_CFG_INT, false, "10000", 2, 1000000, NULL, \
     "The audit trail is closed in segments of so many entries"}, \
    {"audit.segment_age", MLC_CFG_DURATION, false, "30d", MLC_CFG_SECONDS(1), MLC_CFG_DAYS(3650), NULL, \
     "Or when the first entry of the segment is so old"}, \
    {"audit.keep", MLC_CFG_DURATION, false, "730d", MLC_CFG_SECONDS(1), MLC_CFG_DAYS(36500), NULL, \
     "A segment is removed when its last entry is so old; what was removed stays provable"}
/* clang-format on */

#endif
