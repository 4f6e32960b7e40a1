/* rotate.h - another root key in place of the present one, by steps of which each leaves files that open everything.
 *
 *   begin    FILE.next is made: from now on everything is sealed with it (keyring.h)
 *            ... everything is sealed anew ...
 *   commit   FILE becomes FILE.old, FILE.next becomes FILE, in one rename
 *            ... it is seen that nothing needs the former one ...
 *   end      FILE.old is removed
 * Begun again after a kill at any point, it goes on where it was, and removes what was half written (base/fresh.h). Thread rule: any thread; one process, by the lock.
 */
#ifndef MLC_CRYPTO_ROTATE_H
#define MLC_CRYPTO_ROTATE_H

#include "crypto/token.h"

typedef enum mlc_rotation_state {
    MLC_ROTATION_NEW,       /* FILE.next was made now */
    MLC_ROTATION_RESUMED,   /* FILE.next was there */
    MLC_ROTATION_COMMITTED, /* FILE is the new key; only the end is left */
} mlc_rotation_state;

/* Lock FILE against other rotations, until *fd is closed. MLC_E_LOCKED: one runs. MLC_E_NOTFOUND: there is no root key. */
mlc_code mlc_rotation_lock(const char *file, int *fd, mlc_error *err);
/* The new key belongs to the owner of FILE; it is wrapped by the token, when there is one (may be NULL). */
mlc_code mlc_rotation_begin(const char *file, const mlc_token *token, mlc_rotation_state *state,
                            mlc_error *err);
mlc_code mlc_rotation_commit(const char *file, mlc_error *err);
mlc_code mlc_rotation_end(const char *file, mlc_error *err);

#endif
