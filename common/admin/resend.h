/* resend.h - asks for the record of a parked entry once more, as JDE has it now: both sides' part of a retry with "refresh"
 * (admin.h) for master records of JDE.
 *
 * The question is the "resend.request" of the comparison (record/compare.h), which the agent's stream "ask" takes and the relay's
 * stream "down" brings there. The parked entry stays until the fresh snapshot supersedes it, in the stream where it is parked: a
 * record that is as faulty as before stays parked, and nothing is lost when the answer never comes.
 */
#ifndef MLC_ADMIN_RESEND_H
#define MLC_ADMIN_RESEND_H

#include "store/outbox.h"

enum { MLC_RESEND_KIND_MAX = 32 };

/* The kind of master record that the entry tells of ("customer", also of "customer.invalid"). False: of none. */
bool mlc_resend_kind(const mlc_entry *entry, char out[MLC_RESEND_KIND_MAX]);
/* In a job: put the question into `to`. `entry` may be borrowed from the transaction; it is not valid afterwards.
 * MLC_E_UNSUPPORTED: it tells of no master record. */
mlc_code mlc_resend_ask(mlc_txn *txn, mlc_outbox *to, const char *tenant, const mlc_entry *entry,
                        mlc_error *err);

#endif
