/* inflight.c - see inflight.h. */
#include "tunnel/inflight.h"

#include <stdlib.h>
#include <string.h>

enum { CAP_FIRST = 64 };

static mlc_code grow(mlc_inflight *ring, mlc_error *err)
{
    const size_t cap = ring->cap == 0 ? CAP_FIRST : 2 * ring->cap;
    mlc_inflight_item *items = malloc(cap * sizeof(*items));
    if (items == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for %zu messages under way", cap);
    for (size_t i = 0; i < ring->count; i++)
        items[i] = ring->items[(ring->head + i) % ring->cap];
    free(ring->items);
    ring->items = items;
    ring->cap = cap;
    ring->head = 0;
    return MLC_OK;
}

mlc_code mlc_inflight_push(mlc_inflight *ring, uint64_t seq, size_t cost, mlc_error *err)
{
    if (ring->count == ring->cap) {
        mlc_code code = grow(ring, err);
        if (code != MLC_OK)
            return code;
    }
    ring->items[(ring->head + ring->count) % ring->cap] = (mlc_inflight_item){seq, cost};
    ring->count++;
    ring->total += cost;
    return MLC_OK;
}

void mlc_inflight_drop(mlc_inflight *ring, uint64_t seq)
{
    while (ring->count > 0 && ring->items[ring->head].seq <= seq) {
        ring->total -= ring->items[ring->head].cost;
        ring->head = (ring->head + 1) % ring->cap;
        ring->count--;
    }
}

void mlc_inflight_clear(mlc_inflight *ring)
{
    ring->head = 0;
    ring->count = 0;
    ring->total = 0;
}

void mlc_inflight_free(mlc_inflight *ring)
{
    free(ring->items);
    memset(ring, 0, sizeof(*ring));
}
