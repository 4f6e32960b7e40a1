/* rotate.h - the command "PROGRAM seal --rotate --config FILE": another root key (crypto/rotate.h), while the program runs.
 *
 * Everything that is sealed with it is sealed anew: the values in the configuration file, which is replaced in one rename, and
 * the state: by the running program (POST /v1/secrets/reseal on its admin socket), or here when it does not run. Killed at
 * any point, everything still opens, and the command run again goes on. A root key that is a systemd credential is not
 * replaced here: what is sealed with NAME.old is sealed with NAME. With a token set, the new key is wrapped by it; with --to-file
 * it is not, which leads away from a token.
 */
#ifndef MLC_ADMIN_ROTATE_H
#define MLC_ADMIN_ROTATE_H

#include "base/config.h"
#include "crypto/key_place.h"
#include "net/http_server.h"

#define MLC_RESEAL_PATH "/v1/secrets/reseal"

/* A sealed value of the configuration file (what follows "sealed:"), and the setting it is sealed for. */
typedef mlc_code (*mlc_rotate_visit)(void *user, const char *setting, const char *base64, mlc_error *err);

typedef struct mlc_rotate_options {
    const char *program;      /* "ml-relay" */
    const char *admin_socket; /* setting: "relay.admin_socket" */
    mlc_code (*load_config)(mlc_cfg **out, const char *file, mlc_buf *report, mlc_error *err);
    mlc_code (*visit_sealed)(const char *file, mlc_rotate_visit visit, void *user, mlc_buf *report,
                             mlc_error *err);
    const mlc_key_owner *key;
    /* Seal the state of the program, which does not run, anew. MLC_E_LOCKED: it does run. */
    mlc_code (*reseal_state)(const mlc_cfg *cfg, const mlc_keyring *ring, size_t *count, mlc_error *err);
} mlc_rotate_options;

/* Does this "seal" command ask for a rotation? */
bool mlc_rotate_wanted(int argc, char **argv);
/* Exit status. */
int mlc_rotate_main(const mlc_rotate_options *options, int argc, char **argv);
/* The steps. `to_file`: no token wraps the new key, though one is set. `done` (may be NULL) gets a line for a person. */
mlc_code mlc_rotate(const mlc_rotate_options *options, const char *config_file, bool to_file, mlc_buf *done,
                    mlc_error *err);

/* Answer a request to MLC_RESEAL_PATH. */
void mlc_reseal_reply(mlc_http_req *req, mlc_code code, size_t count, const mlc_error *err);

#endif
