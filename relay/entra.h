/* entra.h - access tokens of Microsoft Entra ID by client credentials (contracts/dataverse.md, section Token).
 *
 * A token is kept and given out until five minutes (or a fifth of its life, if that is shorter) before it ends,
 * measured on the monotonic clock; one request is in flight however many ask. Failures are given to all who wait;
 * after a failure the next request is made not before a backoff, for which those who ask meanwhile wait (when it
 * is longer than a request may take, they get the failure again). Codes: AUTH (refused), THROTTLED, TLS, TIMEOUT,
 * UNREACHABLE (every other failure: nothing was asked of the resource, so nothing is uncertain), CLOSED.
 * The client proves itself by a secret, or by a certificate and its key (entra_assertion.h), read once at open.
 * The client secret is registered with the logger; tokens and assertions are never given to it. All are wiped when
 * they end.
 * Thread rule: loop's thread only.
 */
#ifndef MLC_RELAY_ENTRA_H
#define MLC_RELAY_ENTRA_H

#include "net/backoff.h"
#include "net/http_client.h"
#include "relay/entra_assertion.h"

typedef struct mlc_entra mlc_entra;

typedef struct mlc_entra_options {
    uv_loop_t *loop;
    mlc_http_client *http;
    mlc_log *log;
    const char *authority; /* "https://login.microsoftonline.com" */
    const char *tenant;    /* directory id */
    const char *client_id;
    const char *client_secret;    /* or NULL or "", with the two files */
    const char *client_cert_file; /* PEM; NULL or "": none */
    const char *client_key_file;
    mlc_entra_alg alg;   /* of the signature by that key */
    const char *scope;   /* "https://org.crm.dynamics.com/.default" */
    int64_t timeout_ms;  /* 0: 30 s */
    mlc_backoff backoff; /* zeros: 1 s, 30 s */
} mlc_entra_options;

mlc_code mlc_entra_open(mlc_entra **out, const mlc_entra_options *options, mlc_error *err);
/* Waiters get MLC_E_CLOSED during the call. Not to be called from a waiter's callback. NULL is allowed. */
void mlc_entra_close(mlc_entra *entra);

/* `token` is valid during the call, NULL on failure. Called from the loop, never inside mlc_entra_token. */
typedef void (*mlc_entra_fn)(void *user, mlc_code code, const mlc_error *err, const char *token);
mlc_code mlc_entra_token(mlc_entra *entra, mlc_entra_fn fn, void *user, mlc_error *err);
/* The resource refused this token (401): forget it, unless a newer one is kept already. */
void mlc_entra_refused(mlc_entra *entra, const char *token);

typedef struct mlc_entra_status {
    bool has_token;
    int64_t expires_in_ms;
    uint64_t requests, failures;
    char last_error[256];
} mlc_entra_status;
void mlc_entra_status_get(const mlc_entra *entra, mlc_entra_status *out);

#endif
