/* intake.h - from the news of an order, or of a changed address (address_intake.h), to the thing itself, on its way to
 * the agent.
 *
 * Works off the KEYED stream "intake": finds the order that an event is about (by its id, its quote or its invoice), reads header
 * and lines from Dynamics, maps and checks them, and puts the canonical order into the stream "down" in the job that
 * ends the event. The idempotency key there is that of the order, so ten events of one order lead to one entry. An order
 * that JDE refused and that was mended in Dynamics since goes down once more, with a key of its content added.
 * Thread rule: loop's thread only.
 */
#ifndef MLC_RELAY_INTAKE_H
#define MLC_RELAY_INTAKE_H

#include "deliver/deliverer.h"
#include "relay/address_intake.h"
#include "relay/odata.h"
#include "relay/order_map.h"

typedef struct mlc_intake mlc_intake;

typedef struct mlc_intake_options {
    mlc_store *store;
    mlc_outbox *intake, *down;
    mlc_outbox
        *dynamics; /* an order that cannot leave is reported there ("order.result"); NULL: not at all */
    mlc_odata *odata;
    mlc_log *log;
    const mlc_address_intake *addresses; /* borrowed */
    mlc_order_map_options map;           /* its texts are borrowed */
    void (*on_ordered)(void *user);      /* the stream "down" may have work */
    void (*on_reported)(void *user);     /* the stream "dynamics" may have work; NULL allowed */
    void *user;
} mlc_intake_options;

/* `delivery` as in mlc_executor_open: the intake sets store, stream, actor, deliver, on_committed and user in it. */
mlc_code mlc_intake_open(mlc_intake **out, const mlc_intake_options *options,
                         const mlc_deliverer_options *delivery, mlc_error *err);
mlc_deliverer *mlc_intake_deliverer(mlc_intake *intake);
/* After the OData client was closed and the store's jobs were finished. NULL is allowed. */
void mlc_intake_close(mlc_intake *intake);

/* Idempotency key of an order in "down": "dyn/salesorder/<id>/create". */
void mlc_order_idem(const char *order_id, char *out, size_t size);

#endif
