/* address_intake.h - from the news that an account or contact changed to its address on the way to JDE.
 *
 * The record is read; it travels only when it carries our source record id and its address is news (address_judge.h). With
 * it goes JDE's address in the version the record shows, so that the agent sees whether JDE's changed meanwhile. The
 * idempotency key is that of the row's version in Dynamics: ten events of one change lead to one entry.
 * Thread rule: loop's thread only.
 */
#ifndef MLC_RELAY_ADDRESS_INTAKE_H
#define MLC_RELAY_ADDRESS_INTAKE_H

#include "deliver/deliverer.h"
#include "relay/odata.h"
#include "relay/webhook_event.h"

typedef struct mlc_address_intake {
    mlc_store *store;
    mlc_outbox *down;
    mlc_odata *odata;
    mlc_log *log;
    const char *prefix; /* of own columns */
} mlc_address_intake;

/* Work off one event; ends in mlc_deliverer_finish. The event is copied. */
void mlc_address_intake_take(const mlc_address_intake *intake, mlc_deliverer *deliverer, mlc_delivery *item,
                             const mlc_webhook_event *event);

#endif
