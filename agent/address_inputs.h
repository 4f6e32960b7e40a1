/* address_inputs.h - a changed address as the inputs of the orchestration that changes it in JDE (contracts/ais.md, section
 * Writing): AddressNumber and what changes of Name, AddressLine1..4, PostalCode, City, State, Country. Pure; any thread.
 */
#ifndef MLC_AGENT_ADDRESS_INPUTS_H
#define MLC_AGENT_ADDRESS_INPUTS_H

#include "record/address.h"

/* Only fields that differ between the two. The caller frees *out (cJSON_Delete). */
mlc_code mlc_address_inputs(const char *an8, const mlc_address_fields *wanted,
                            const mlc_address_fields *present, cJSON **out, mlc_error *err);

#endif
