/* identity.h - what the agent shows itself by, sealed in its store: its own key pair with the certificate the relay issued for
 * it, or, of former versions, a key shared with the relay.
 *
 * A new private key is stored before it is used in a request, so an enrolment or a renewal that was cut off can be repeated
 * with the same key. The certificate and its key take the place of the former ones in one commit.
 * Thread rule: loop's thread, or any while the store is not shared.
 */
#ifndef MLC_AGENT_IDENTITY_H
#define MLC_AGENT_IDENTITY_H

#include "base/config.h"
#include "base/json.h"
#include "crypto/key_place.h"
#include "crypto/x509.h"
#include "store/store.h"
#include "tunnel/hello.h"

typedef enum mlc_identity_kind { MLC_IDENTITY_NONE, MLC_IDENTITY_KEY, MLC_IDENTITY_CERT } mlc_identity_kind;

typedef struct mlc_agent_identity {
    mlc_identity_kind kind;
    uint8_t key[MLC_KEY_LEN]; /* KEY */
    mlc_own_identity own;     /* CERT, as the rest */
    mlc_cert_info info;
    const char *warning; /* of its root key (mlc_key_place_warning), after loading */
} mlc_agent_identity;

/* Where the agent's settings of the root key stand. */
const mlc_key_owner *mlc_identity_key_owner(void);
/* Open what is stored. MLC_E_NOTFOUND when the agent was never enrolled: the text says how to. Wipe `out` afterwards. */
mlc_code mlc_identity_load(mlc_store *store, const mlc_cfg *cfg, mlc_agent_identity *out, mlc_error *err);
/* The private key for the next certificate, which is made and stored when there is none. Blocks. */
mlc_code mlc_identity_next_key(mlc_store *store, const mlc_cfg *cfg, uint8_t key[MLC_EC_PRIVATE_LEN],
                               mlc_error *err);
/* Take over a certificate (DER) with the authority's that issued it and the key it is for, in one commit. Blocks.
 * MLC_E_PROTOCOL: they do not fit together; nothing is changed. `out` is what is stored now. */
mlc_code mlc_identity_keep(mlc_store *store, const mlc_cfg *cfg, const mlc_buf *cert,
                           const mlc_buf *authority, const uint8_t key[MLC_EC_PRIVATE_LEN],
                           mlc_agent_identity *out, mlc_error *err);
void mlc_identity_wipe(mlc_agent_identity *identity);
/* Seal everything with the ring's first key, in one commit. Blocks. *count: how many values were sealed anew. */
mlc_code mlc_identity_reseal(mlc_store *store, const mlc_cfg *cfg, const mlc_keyring *ring, size_t *count,
                             mlc_error *err);
/* The same by the root key that is in force by its files; with `rotating_only` only when there is more than one. */
mlc_code mlc_identity_reseal_now(mlc_store *store, const mlc_cfg *cfg, bool rotating_only, size_t *count,
                                 mlc_error *err);
/* The same for the store of an agent that does not run. MLC_E_LOCKED: it does. */
mlc_code mlc_identity_reseal_stopped(const mlc_cfg *cfg, const mlc_keyring *ring, size_t *count,
                                     mlc_error *err);

#endif
