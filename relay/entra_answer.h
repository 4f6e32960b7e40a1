/* entra_answer.h - what the token endpoint of Entra ID answered. Pure.
 *
 * The client secret is given so that a message which repeats it is left out: messages are stored and shown.
 * A failure to get a token says nothing of the record that needed it, so the codes are those after which a
 * deliverer tries again: AUTH for a refusal, THROTTLED for 429, UNREACHABLE for everything else.
 */
#ifndef MLC_RELAY_ENTRA_ANSWER_H
#define MLC_RELAY_ENTRA_ANSWER_H

#include "base/buf.h"
#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

enum { MLC_ENTRA_ANSWER_MAX = 64 * 1024, MLC_ENTRA_TOKEN_MAX = 16 * 1024 };

/* The token of an answer. *token is the caller's, to be wiped and freed. */
mlc_code mlc_entra_answer_read(int status, const char *body, size_t len, const char *secret, char **token,
                               int64_t *life_ms, mlc_error *err);
/* How long before its end a token of that life is no longer given out: five minutes or a fifth. */
int64_t mlc_entra_margin_ms(int64_t life_ms);

#endif
