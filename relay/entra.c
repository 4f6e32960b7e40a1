/* entra.c - see entra.h. */
#include "relay/entra.h"

#include "base/clock.h"
#include "crypto/crypto.h"
#include "net/backoff.h"
#include "net/timer.h"
#include "relay/entra_answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_TIMEOUT_MS = 30 * 1000, BACKOFF_BASE_MS = 1000, BACKOFF_CAP_MS = 30 * 1000 };

typedef struct waiter {
    struct waiter *next;
    mlc_entra_fn fn;
    void *user;
} waiter;

struct mlc_entra {
    mlc_http_client *http;
    mlc_log *log;
    mlc_timer *timer; /* answers waiters from the loop; also the end of a backoff */
    char *url;
    char *client_id;
    mlc_entra_key *key; /* NULL: a client secret */
    char *secret;       /* what an answer must not repeat: the client secret, or the assertion under way */
    mlc_buf form;       /* holds the secret; without an assertion, which is made anew for each request */
    int64_t timeout_ms;
    mlc_backoff backoff;

    char *token;
    int64_t use_until_ms, ends_ms; /* monotonic */
    waiter *waiters;
    waiter **waiters_end;
    mlc_http_call *call;
    bool asking, closing;
    uint32_t failures_in_row;
    int64_t not_before_ms; /* monotonic */
    mlc_error last;        /* the newest failure; MLC_OK: none since the last token */
    uint64_t requests, failures;
};

/* ---- token ---- */

static void forget(mlc_entra *e)
{
    if (e->token != NULL)
        mlc_wipe(e->token, strlen(e->token));
    free(e->token);
    e->token = NULL;
}

static bool usable(const mlc_entra *e)
{
    return e->token != NULL && mlc_mono_ms() < e->use_until_ms;
}

/* ---- waiters ---- */

static waiter *take_waiters(mlc_entra *e)
{
    waiter *const list = e->waiters;
    e->waiters = NULL;
    e->waiters_end = &e->waiters;
    return list;
}

static void give_failure(mlc_entra *e, const mlc_error *err)
{
    const mlc_error copy = *err;
    for (waiter *w = take_waiters(e), *next = NULL; w != NULL; w = next) {
        next = w->next;
        w->fn(w->user, copy.code, &copy, NULL);
        free(w);
    }
}

/* One of them may refuse the token meanwhile: then the others wait for the next. */
static void give_token(mlc_entra *e)
{
    mlc_error none;
    mlc_error_clear(&none);
    waiter *list = take_waiters(e);
    while (list != NULL && usable(e)) {
        waiter *const w = list;
        list = w->next;
        w->fn(w->user, MLC_OK, &none, e->token);
        free(w);
    }
    while (list != NULL) {
        waiter *const w = list;
        list = w->next;
        w->next = NULL;
        *e->waiters_end = w;
        e->waiters_end = &w->next;
    }
}

/* ---- request ---- */

static void note_failure(mlc_entra *e, const mlc_error *err, int64_t retry_after_ms)
{
    const int64_t least = retry_after_ms > e->backoff.base_ms ? retry_after_ms : e->backoff.base_ms;
    e->failures++;
    e->failures_in_row++;
    e->last = *err;
    e->not_before_ms = mlc_mono_ms() + mlc_backoff_delay(&e->backoff, e->failures_in_row, least,
                                                         mlc_random_below(UINT64_MAX));
    mlc_log_warn(e->log, "entra", "no token", MLC_S("code", mlc_code_name(err->code)),
                 MLC_S("error", err->message), MLC_I("failures", e->failures_in_row));
}

/* Whether the token endpoint executed a request does not matter: nothing was asked of the resource. */
static mlc_code network_failure(mlc_code code, mlc_error *err)
{
    switch (code) {
    case MLC_E_UNREACHABLE:
    case MLC_E_TIMEOUT:
    case MLC_E_TLS:
    case MLC_E_NOMEM:
    case MLC_E_CLOSED:
        return code;
    default:
        return mlc_wrap(err, MLC_E_UNREACHABLE, "no answer of Entra ID that can be used");
    }
}

static void keep(mlc_entra *e, char *token, int64_t life_ms)
{
    const int64_t now = mlc_mono_ms();
    forget(e);
    e->token = token;
    e->ends_ms = now + life_ms;
    e->use_until_ms = e->ends_ms - mlc_entra_margin_ms(life_ms);
    e->failures_in_row = 0;
    e->not_before_ms = 0;
    mlc_error_clear(&e->last);
    mlc_log_info(e->log, "entra", "signed in", MLC_I("lifeS", life_ms / 1000));
}

static void drop_secret(mlc_entra *e)
{
    if (e->secret != NULL)
        mlc_wipe(e->secret, strlen(e->secret));
    free(e->secret);
    e->secret = NULL;
}

static void on_answer(void *user, mlc_code code, const mlc_error *http_err, const mlc_http_response *response)
{
    mlc_entra *const e = user;
    mlc_error err = *http_err;
    char *token = NULL;
    int64_t life_ms = 0;
    e->call = NULL;
    e->asking = false;
    if (code == MLC_OK)
        code = mlc_entra_answer_read(response->status, response->body, response->body_len, e->secret, &token,
                                     &life_ms, &err);
    else
        code = network_failure(code, &err);
    if (e->key != NULL)
        drop_secret(e);
    if (code != MLC_OK) {
        if (!e->closing)
            note_failure(e, &err,
                         mlc_retry_after_ms(mlc_http_header_get(response, "retry-after"), mlc_wall_ms()));
        give_failure(e, &err);
        return;
    }
    keep(e, token, life_ms);
    give_token(e);
    if (e->waiters != NULL)
        mlc_timer_start(e->timer, 0, 0);
}

static mlc_code add_field(mlc_buf *form, const char *name, const char *value, mlc_error *err)
{
    const mlc_code code = mlc_buf_printf(form, err, "&%s=", name);
    return code != MLC_OK ? code : mlc_url_encode(form, value, err);
}

/* The form with an assertion that is good for this request only. */
static mlc_code sign_form(mlc_entra *e, mlc_buf *form, mlc_error *err)
{
    static const char type[] = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    drop_secret(e);
    mlc_code code = mlc_buf_append(form, e->form.data, e->form.len, err);
    if (code == MLC_OK)
        code = mlc_entra_assertion(e->key, e->client_id, e->url, mlc_wall_ms(), &e->secret, err);
    if (code == MLC_OK)
        code = add_field(form, "client_assertion_type", type, err);
    if (code == MLC_OK)
        code = add_field(form, "client_assertion", e->secret, err);
    return code;
}

static mlc_code post(mlc_entra *e, const mlc_buf *form, mlc_error *err)
{
    const mlc_http_header headers[] = {{"Content-Type", "application/x-www-form-urlencoded"},
                                       {"Accept", "application/json"}};
    const mlc_http_request request = {.method = "POST",
                                      .url = e->url,
                                      .headers = headers,
                                      .header_count = sizeof headers / sizeof headers[0],
                                      .body = form->data,
                                      .body_len = form->len,
                                      .timeout_ms = e->timeout_ms,
                                      .max_body = MLC_ENTRA_ANSWER_MAX};
    return mlc_http_send(e->http, &request, on_answer, e, &e->call, err);
}

static void ask(mlc_entra *e)
{
    mlc_error err;
    mlc_buf signed_form = {0};
    mlc_code code = e->key != NULL ? sign_form(e, &signed_form, &err) : MLC_OK;
    e->requests++;
    e->asking = true;
    if (code == MLC_OK)
        code = post(e, e->key != NULL ? &signed_form : &e->form, &err);
    mlc_buf_wipe(&signed_form);
    if (code == MLC_OK)
        return;
    e->asking = false;
    (void)network_failure(err.code, &err);
    note_failure(e, &err, 0);
    give_failure(e, &err);
}

/* On the loop: answer those who wait, or see to it that they can be. */
static void pump(void *arg)
{
    mlc_entra *const e = arg;
    if (usable(e))
        give_token(e);
    if (e->waiters == NULL || e->asking)
        return;
    const int64_t wait = e->not_before_ms - mlc_mono_ms();
    if (wait <= 0)
        ask(e);
    else if (wait > e->timeout_ms)
        give_failure(e, &e->last); /* too long a wait for a request: they hear the reason again */
    else
        mlc_timer_start(e->timer, wait, 0);
    if (e->waiters != NULL && !e->asking && !mlc_timer_active(e->timer))
        mlc_timer_start(e->timer, 0, 0);
}

mlc_code mlc_entra_token(mlc_entra *entra, mlc_entra_fn fn, void *user, mlc_error *err)
{
    if (entra->closing)
        return mlc_fail(err, MLC_E_CLOSED, "signing in has ended");
    waiter *const w = calloc(1, sizeof *w);
    if (w == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory to wait for a token");
    w->fn = fn;
    w->user = user;
    *entra->waiters_end = w;
    entra->waiters_end = &w->next;
    if (!entra->asking)
        mlc_timer_start(entra->timer, 0, 0);
    return MLC_OK;
}

void mlc_entra_refused(mlc_entra *entra, const char *token)
{
    if (entra->token == NULL || token == NULL || !mlc_secret_equal(entra->token, token))
        return;
    mlc_log_info(entra->log, "entra", "the token was refused; a new one will be asked for");
    forget(entra);
}

/* ---- life ---- */

/* Reserved at its full size: growing would leave copies of the secret behind. */
static mlc_code make_form(mlc_entra *e, const mlc_entra_options *o, mlc_error *err)
{
    static const char grant[] = "grant_type=client_credentials";
    const size_t secret = e->secret != NULL ? strlen(e->secret) : 0;
    const size_t most = 3 * (strlen(o->client_id) + secret + strlen(o->scope)) + 128;
    char *const room = calloc(1, most);
    mlc_code code = room != NULL ? mlc_buf_append(&e->form, room, most, err)
                                 : mlc_fail(err, MLC_E_NOMEM, "no memory for signing in");
    free(room);
    mlc_buf_clear(&e->form);
    if (code == MLC_OK)
        code = mlc_buf_puts(&e->form, grant, err);
    if (code == MLC_OK)
        code = add_field(&e->form, "client_id", o->client_id, err);
    if (code == MLC_OK && e->secret != NULL)
        code = add_field(&e->form, "client_secret", e->secret, err);
    if (code == MLC_OK)
        code = add_field(&e->form, "scope", o->scope, err);
    return code;
}

static mlc_code make_url(mlc_entra *e, const mlc_entra_options *o, mlc_error *err)
{
    mlc_buf url = {0};
    size_t len = strlen(o->authority);
    while (len > 0 && o->authority[len - 1] == '/')
        len--;
    mlc_code code = mlc_buf_append(&url, o->authority, len, err);
    if (code == MLC_OK)
        code = mlc_buf_puts(&url, "/", err);
    if (code == MLC_OK)
        code = mlc_url_encode(&url, o->tenant, err);
    if (code == MLC_OK)
        code = mlc_buf_puts(&url, "/oauth2/v2.0/token", err);
    if (code == MLC_OK && (e->url = mlc_buf_take(&url)) == NULL)
        code = mlc_fail(err, MLC_E_NOMEM, "no memory for signing in");
    mlc_buf_free(&url);
    return code;
}

static bool missing(const char *text)
{
    return text == NULL || *text == '\0';
}

/* Either a secret, or certificate and key: with both it would not be clear what the application is registered with. */
static mlc_code take_proof(mlc_entra *e, const mlc_entra_options *o, mlc_error *err)
{
    const bool files = !missing(o->client_cert_file) && !missing(o->client_key_file);
    if (missing(o->client_cert_file) != missing(o->client_key_file))
        return mlc_fail(err, MLC_E_INVALID,
                        "signing in by certificate needs client_cert_file and client_key_file");
    if (files != missing(o->client_secret))
        return mlc_fail(err, MLC_E_INVALID,
                        "signing in needs either client_secret, or client_cert_file and client_key_file");
    if (files)
        return mlc_entra_key_load(&e->key, o->client_cert_file, o->client_key_file, o->alg, err);
    e->secret = mlc_strdup(o->client_secret);
    if (e->secret == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for signing in");
    return mlc_log_add_secret(o->log, o->client_secret, err);
}

static mlc_code take_options(mlc_entra *e, const mlc_entra_options *o, mlc_error *err)
{
    if (missing(o->authority) || missing(o->tenant) || missing(o->client_id) || missing(o->scope))
        return mlc_fail(err, MLC_E_INVALID, "signing in needs authority, directory, client id and scope");
    e->http = o->http;
    e->log = o->log;
    e->timeout_ms = o->timeout_ms > 0 ? o->timeout_ms : DEFAULT_TIMEOUT_MS;
    e->backoff.base_ms = o->backoff.base_ms > 0 ? o->backoff.base_ms : BACKOFF_BASE_MS;
    e->backoff.cap_ms = o->backoff.cap_ms > 0 ? o->backoff.cap_ms : BACKOFF_CAP_MS;
    if (e->backoff.cap_ms < e->backoff.base_ms)
        e->backoff.cap_ms = e->backoff.base_ms;
    e->client_id = mlc_strdup(o->client_id);
    if (e->client_id == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for signing in");
    mlc_code code = take_proof(e, o, err);
    if (code == MLC_OK)
        code = make_url(e, o, err);
    if (code == MLC_OK)
        code = make_form(e, o, err);
    if (code == MLC_OK)
        code = mlc_timer_open(&e->timer, o->loop, pump, e, err);
    return code;
}

mlc_code mlc_entra_open(mlc_entra **out, const mlc_entra_options *options, mlc_error *err)
{
    *out = NULL;
    mlc_entra *const e = calloc(1, sizeof *e);
    if (e == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for signing in");
    e->waiters_end = &e->waiters;
    const mlc_code code = take_options(e, options, err);
    if (code != MLC_OK) {
        mlc_entra_close(e);
        return code;
    }
    *out = e;
    return MLC_OK;
}

void mlc_entra_close(mlc_entra *entra)
{
    mlc_error err;
    if (entra == NULL)
        return;
    entra->closing = true;
    if (entra->call != NULL)
        mlc_http_cancel(entra->call);
    (void)mlc_fail(&err, MLC_E_CLOSED, "ended while waiting for a token");
    give_failure(entra, &err);
    mlc_timer_close(entra->timer);
    forget(entra);
    drop_secret(entra);
    mlc_entra_key_free(entra->key);
    mlc_buf_wipe(&entra->form);
    free(entra->client_id);
    free(entra->url);
    free(entra);
}

void mlc_entra_status_get(const mlc_entra *entra, mlc_entra_status *out)
{
    *out = (mlc_entra_status){
        .has_token = usable(entra), .requests = entra->requests, .failures = entra->failures};
    if (out->has_token)
        out->expires_in_ms = entra->ends_ms - mlc_mono_ms();
    mlc_strlcpy(out->last_error, entra->last.message, sizeof out->last_error);
}
