/* upkeep.h - keeps a store small: prunes what is done and what is remembered long enough.
 *
 * It also closes and removes segments of the audit trail (store/audit.h), and logs the trail's head: at the start, at each
 * closed segment, and every hour in which it moved, so that a copy of it exists outside of the store.
 *
 * Every interval one short job prunes a bounded number of done entries of each stream and of inbox keys; while there
 * is more to prune it runs again soon, so that no job holds the writer for long. Thread rule: loop's thread only.
 */
#ifndef MLC_DELIVER_UPKEEP_H
#define MLC_DELIVER_UPKEEP_H

#include "base/log.h"
#include "store/audit.h"
#include "store/outbox.h"

#include <uv.h>

enum { MLC_UPKEEP_STREAMS_MAX = 8 };

typedef struct mlc_upkeep mlc_upkeep;

typedef struct mlc_upkeep_options {
    uv_loop_t *loop;
    mlc_store *store;
    mlc_log *log;
    mlc_outbox *streams[MLC_UPKEEP_STREAMS_MAX];
    size_t stream_count;
    int64_t interval_ms;   /* 0: 60 s */
    int64_t keep_inbox_ms; /* 0: 30 days */
    mlc_audit_policy audit;
    const char *name; /* of the store, for the log; NULL: "" */
} mlc_upkeep_options;

mlc_code mlc_upkeep_open(mlc_upkeep **out, const mlc_upkeep_options *options, mlc_error *err);
/* After the store's jobs were finished. NULL is allowed. */
void mlc_upkeep_close(mlc_upkeep *upkeep);

#endif
