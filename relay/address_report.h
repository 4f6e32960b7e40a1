/* address_report.h - what JDE made of a changed address ("address.result").
 *
 * Applied and unchanged: nothing is to be done, JDE's next snapshot shows it. When JDE's address won, the record in Dynamics
 * is set to it, unless it was changed again: it is read, and written under the condition that it is still as read
 * (If-Match), only while it shows the address that lost. An uncertain write is found so, too.
 * Thread rule: loop's thread only.
 */
#ifndef MLC_RELAY_ADDRESS_REPORT_H
#define MLC_RELAY_ADDRESS_REPORT_H

#include "deliver/deliverer.h"
#include "relay/odata.h"

/* Job: such a report came. When Dynamics is to be set, what was written there is not known from now on (address_shown.h). */
mlc_code mlc_address_report_accept(mlc_txn *txn, const char *payload, size_t len, mlc_error *err);
/* Deliver one item; ends in mlc_deliverer_finish. `prefix` is borrowed until then. */
void mlc_address_report_deliver(mlc_odata *odata, const char *prefix, mlc_deliverer *deliverer,
                                mlc_delivery *item);

#endif
