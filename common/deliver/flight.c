/* flight.c - one entry under way: its copy and its place in the deliverer's list. */
#include "deliver/deliverer_private.h"

#include <stdlib.h>
#include <string.h>

/* Append a string to the block; returns where it stands. */
static const char *place(char **at, const char *text)
{
    const size_t size = strlen(text) + 1;
    char *const here = *at;
    memcpy(here, text, size);
    *at += size;
    return here;
}

mlc_flight *mlc_flight_new(mlc_deliverer *d, const mlc_entry *entry)
{
    const size_t size = strlen(entry->tenant) + strlen(entry->key) + strlen(entry->idem) +
                        strlen(entry->kind) + strlen(entry->correlation) + entry->payload_len + 6;
    mlc_flight *const flight = calloc(1, sizeof *flight);
    char *at = malloc(size);
    if (flight == NULL || at == NULL) {
        free(flight);
        free(at);
        return NULL;
    }
    flight->d = d;
    flight->texts = at;
    flight->item = (mlc_delivery){.seq = entry->seq,
                                  .attempt = entry->attempts + 1,
                                  .uncertain = entry->uncertain,
                                  .created_ms = entry->created_ms,
                                  .tenant = place(&at, entry->tenant),
                                  .payload_len = entry->payload_len};
    flight->item.key = place(&at, entry->key);
    flight->item.idem = place(&at, entry->idem);
    flight->item.kind = place(&at, entry->kind);
    flight->item.correlation = place(&at, entry->correlation);
    flight->item.payload = at;
    if (entry->payload_len > 0)
        memcpy(at, entry->payload, entry->payload_len);
    at[entry->payload_len] = '\0';
    return flight;
}

void mlc_flight_release_effect(mlc_flight *flight)
{
    mlc_flight_result *const r = &flight->result;
    if (r->effect_free != NULL)
        r->effect_free(r->effect_arg);
    r->effect_free = NULL;
    r->effect_arg = NULL;
    r->effect = NULL;
}

void mlc_flight_free(mlc_flight *flight)
{
    if (flight == NULL)
        return;
    mlc_flight_release_effect(flight);
    free(flight->result.outcome);
    free(flight->result.source_id);
    free(flight->result.target_id);
    free(flight->texts);
    free(flight);
}

void mlc_flight_link(mlc_flight *flight)
{
    mlc_deliverer *const d = flight->d;
    flight->prev = NULL;
    flight->next = d->flights;
    if (d->flights != NULL)
        d->flights->prev = flight;
    d->flights = flight;
    d->flight_count++;
}

void mlc_flight_unlink(mlc_flight *flight)
{
    mlc_deliverer *const d = flight->d;
    if (flight->prev != NULL)
        flight->prev->next = flight->next;
    else
        d->flights = flight->next;
    if (flight->next != NULL)
        flight->next->prev = flight->prev;
    flight->prev = NULL;
    flight->next = NULL;
    d->flight_count--;
}
