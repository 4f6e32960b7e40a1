/* flow_read.h - reads the present rows of all parts for a page of keys, side by side.
 * Thread rule: loop's thread only. */
#ifndef MLC_AGENT_FLOW_READ_H
#define MLC_AGENT_FLOW_READ_H

#include "agent/flow/flow_data.h"

/* The open balance from F0911. */
typedef struct mlc_flow_ledger {
    bool enabled, posted_only;
    const char *object_from, *object_to; /* object accounts, both inclusive */
} mlc_flow_ledger;

/* What of the configuration takes part in reading. Lists are NULL-terminated; NULL: empty. */
typedef struct mlc_flow_settings {
    const char *const *lists[MLC_FLOW_LIST_COUNT];
    mlc_flow_ledger ledger;
} mlc_flow_settings;

typedef struct mlc_flow_read {
    mlc_ais *ais;
    const mlc_flow_spec *spec;
    const mlc_flow_settings *settings;
    mlc_flow_data *data; /* with its keys; parts and ledger are filled */
    /* Called once, from the loop, when the last answer is in; the first failure is told. */
    void (*done)(void *user, mlc_code code, const mlc_error *err);
    void *user;
} mlc_flow_read;

/* `read` is copied, what it points to is borrowed until done. */
mlc_code mlc_flow_read_start(const mlc_flow_read *read, mlc_error *err);

#endif
