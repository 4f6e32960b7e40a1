/* address_decide.h - may a changed address of Dynamics go into JDE? The pure part of address_executor.h.
 *
 * A conflict: JDE's address was changed since the version that the editor in Dynamics saw, by somebody else than us. Where
 * the change names that version's address (`base`), JDE's present one is compared with it; else JDE's stamps are compared
 * with the version's. Pure; any thread.
 */
#ifndef MLC_AGENT_ADDRESS_DECIDE_H
#define MLC_AGENT_ADDRESS_DECIDE_H

#include "base/jdedate.h"
#include "record/address.h"

typedef enum mlc_address_rule {
    MLC_ADDRESS_JDE_WINS,
    MLC_ADDRESS_DYNAMICS_WINS,
    MLC_ADDRESS_NEWEST_WINS,
    MLC_ADDRESS_REVIEW
} mlc_address_rule;
/* "jde", "dynamics", "newest", "review" (agent.conf, addresses.conflict). False: none of them. */
bool mlc_address_rule_of(const char *name, mlc_address_rule *out);

typedef struct mlc_address_case {
    const mlc_address *change;
    const mlc_address_fields *present;       /* JDE's now */
    mlc_jde_stamp book_stamp, address_stamp; /* of F0101 and of F0116's row in force; zeros: no row */
    bool ours;                               /* JDE's present address is what we wrote last */
    bool reviewed; /* an operator has seen this very conflict and released the change */
    mlc_address_rule rule;
    const mlc_zone *zone; /* of the JDE server's clock; NULL: UTC */
} mlc_address_case;

typedef enum mlc_address_action {
    MLC_ADDRESS_NOTHING, /* JDE has that address already */
    MLC_ADDRESS_WRITE,
    MLC_ADDRESS_KEEP, /* JDE's stays, Dynamics is to show it */
    MLC_ADDRESS_PARK
} mlc_address_action;

typedef struct mlc_address_verdict {
    mlc_address_action action;
    bool conflict;
    char why[96]; /* of a conflict: how it was decided */
} mlc_address_verdict;

/* What JDE should hold after the change: absent fields as they are. Borrowed from both. */
mlc_address_fields mlc_address_wanted(const mlc_address *change, const mlc_address_fields *present);
mlc_address_verdict mlc_address_decide(const mlc_address_case *in);

#endif
