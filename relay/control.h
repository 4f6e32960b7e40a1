/* control.h - the relay's control store: who may connect, the authority that certifies agents, and the trail of both.
 *
 * Everything secret in it is sealed with the relay's root key. Thread rule: loop's thread only.
 */
#ifndef MLC_RELAY_CONTROL_H
#define MLC_RELAY_CONTROL_H

#include "base/config.h"
#include "deliver/upkeep.h"
#include "net/waker.h"
#include "relay/agents.h"

/* Its name for operators: no tenant can have it, since tenants' names have no underscore. */
#define MLC_RELAY_CONTROL "relay_control"

typedef struct mlc_control {
    mlc_store *store;
    mlc_issuer issuer;
    mlc_agents *agents;
    mlc_upkeep *upkeep;
    char authorities[1024]; /* file with the authorities of client certificates */
} mlc_control;

/* `out` is zero and the caller's; close it also after an error. The waker's function dispatches the store. */
mlc_code mlc_control_open(mlc_control *out, const mlc_cfg *cfg, uv_loop_t *loop, mlc_waker *waker,
                          mlc_log *log, mlc_error *err);
/* Finishes the jobs under way. */
void mlc_control_close(mlc_control *control);
/* Are issued certificates of agents to be shown in TLS here? */
bool mlc_control_shows_certificates(const mlc_cfg *cfg);
/* File with the authorities whose client certificates TLS asks for; NULL: none. Borrowed. */
const char *mlc_control_client_ca(const mlc_control *control, const mlc_cfg *cfg);
/* Seal everything anew with the root key that is in force by its files, and use that from now on. Blocks for a commit. */
mlc_code mlc_control_reseal(mlc_control *control, const mlc_cfg *cfg, size_t *count, mlc_error *err);
/* The same for the store of a relay that does not run. MLC_E_LOCKED: it does. */
mlc_code mlc_control_reseal_stopped(const mlc_cfg *cfg, const mlc_keyring *ring, size_t *count,
                                    mlc_error *err);

#endif
