/* inflight.h - what messages under way take of a window. A ring of (sequence, cost), oldest first.
 * Zero-initialise; free with mlc_inflight_free. One thread at a time. */
#ifndef MLC_TUNNEL_INFLIGHT_H
#define MLC_TUNNEL_INFLIGHT_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

typedef struct mlc_inflight_item {
    uint64_t seq;
    size_t cost;
} mlc_inflight_item;

typedef struct mlc_inflight {
    mlc_inflight_item *items;
    size_t head, count, cap;
    size_t total; /* sum of the costs */
} mlc_inflight;

/* Sequences must rise. MLC_E_NOMEM. */
mlc_code mlc_inflight_push(mlc_inflight *ring, uint64_t seq, size_t cost, mlc_error *err);
/* Forget everything up to and including seq. */
void mlc_inflight_drop(mlc_inflight *ring, uint64_t seq);
void mlc_inflight_clear(mlc_inflight *ring);
void mlc_inflight_free(mlc_inflight *ring);

#endif
