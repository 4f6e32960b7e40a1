/* identity.h - the agent's key: made here, told to the relay once with an enrolment token, sealed in the store.
 *
 * The key is made and stored before it is sent, so an enrolment that was cut off can be repeated with the same token.
 */
#ifndef MLC_AGENT_IDENTITY_H
#define MLC_AGENT_IDENTITY_H

#include "base/config.h"
#include "crypto/crypto.h"
#include "store/store.h"

/* The root key file's path by configuration; out has size bytes. */
const char *mlc_identity_root_key_file(const mlc_cfg *cfg, char *out, size_t size);
/* Open the sealed key. MLC_E_NOTFOUND when the agent was never enrolled: the text says how to. */
mlc_code mlc_identity_load(mlc_store *store, const mlc_cfg *cfg, uint8_t key[MLC_KEY_LEN], mlc_error *err);
/* The same, making and storing a key when there is none. */
mlc_code mlc_identity_make(mlc_store *store, const mlc_cfg *cfg, uint8_t key[MLC_KEY_LEN], mlc_error *err);

#endif
