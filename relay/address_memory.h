/* address_memory.h - what the relay knows of JDE's addresses: for each source record, the address of its last few source
 * versions. By it a changed record of Dynamics shows whether its address is our own (an echo), and what JDE's address was in
 * the version its editor saw.
 *
 * Versions (agent/poller.h) with an equal address are kept as one span. Works inside jobs and readers of the tenant's store.
 */
#ifndef MLC_RELAY_ADDRESS_MEMORY_H
#define MLC_RELAY_ADDRESS_MEMORY_H

#include "record/address.h"
#include "store/store.h"

/* A master record came from the agent: keep its address, when it has one (rows of F0116 or F0101). Records of other kinds and
 * unreadable ones are none of its business. */
mlc_code mlc_address_memory_learn(mlc_txn *txn, const char *payload, size_t len, mlc_error *err);
/* The address that Dynamics now shows for this source in this version. */
mlc_code mlc_address_memory_put(mlc_txn *txn, const char *source, const char *version,
                                const mlc_address_fields *fields, mlc_error *err);

/* What is known. `tree` owns the texts: cJSON_Delete. */
typedef struct mlc_address_known {
    cJSON *tree;
    bool found; /* the version is known */
    mlc_address_fields fields;
} mlc_address_known;
/* Of one version; `version` NULL: the newest. Not found is no failure. */
mlc_code mlc_address_memory_get(mlc_txn *txn, const char *source, const char *version, mlc_address_known *out,
                                mlc_error *err);
/* Is this version the first that was ever heard of this source? */
mlc_code mlc_address_memory_first(mlc_txn *txn, const char *source, const char *version, bool *out,
                                  mlc_error *err);

#endif
