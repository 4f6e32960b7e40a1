/* odata.c - the client: which exchange may go when, and each one's way through token, request and second try.
 *
 * A call is queued, waiting for a token or under way; the last two hold one of max_parallel slots. All starts are made
 * by one timer, so nothing ends inside the function that began it.
 */
#include "relay/odata_private.h"

#include "base/clock.h"
#include "net/backoff.h"
#include "net/timer.h"

#include <stdlib.h>
#include <string.h>

enum { DEFAULT_PARALLEL = 8, DEFAULT_TIMEOUT_MS = 60 * 1000 };

/* What the wait for a token knows of its call, which may end before the wait does. */
typedef struct token_wait {
    mlc_odata_call *call;
} token_wait;

struct mlc_odata_call {
    mlc_odata *odata;
    mlc_odata_call *prev, *next;
    mlc_odata_exchange x;
    bool started;     /* holds a slot */
    bool second_try;  /* after a 401 */
    token_wait *wait; /* under way to a token */
    mlc_http_call *http;
    char *authorization; /* as long as it may have to be refused */
};

struct mlc_odata {
    mlc_http_client *http;
    mlc_entra *entra;
    mlc_log *log;
    mlc_timer *timer;
    char *url;
    unsigned max_parallel, active;
    int64_t timeout_ms;
    int64_t hold_until_ms; /* monotonic */
    bool closing, dry;
    mlc_odata_call *first, *last; /* all calls in the order they came */
};

static const char bearer[] = "Bearer ";

static void request_token(mlc_odata_call *call);

/* ---- calls ---- */

void mlc_odata_exchange_free(mlc_odata_exchange *x)
{
    free(x->method);
    free(x->url);
    if (x->body != NULL)
        mlc_wipe(x->body, x->body_len);
    free(x->body);
    free(x->content_type);
    free(x->accept);
    free(x->if_match);
    free(x->if_none_match);
    free(x->prefer);
    *x = (mlc_odata_exchange){0};
}

static void drop_authorization(mlc_odata_call *call)
{
    if (call->authorization != NULL)
        mlc_wipe(call->authorization, strlen(call->authorization));
    free(call->authorization);
    call->authorization = NULL;
}

static void link_call(mlc_odata *o, mlc_odata_call *call)
{
    call->prev = o->last;
    if (o->last != NULL)
        o->last->next = call;
    else
        o->first = call;
    o->last = call;
}

static void unlink_call(mlc_odata *o, mlc_odata_call *call)
{
    if (call->prev != NULL)
        call->prev->next = call->next;
    else
        o->first = call->next;
    if (call->next != NULL)
        call->next->prev = call->prev;
    else
        o->last = call->prev;
}

static void schedule(mlc_odata *o)
{
    if (o->closing)
        return;
    const int64_t wait = o->hold_until_ms - mlc_mono_ms();
    mlc_timer_start(o->timer, wait > 0 ? wait : 0, 0);
}

/* The one way out. */
static void end_call(mlc_odata_call *call, mlc_code code, const mlc_error *err,
                     const mlc_http_response *response)
{
    static const mlc_http_response none = {.body = ""};
    mlc_odata *const o = call->odata;
    unlink_call(o, call);
    if (call->started)
        o->active--;
    if (call->wait != NULL)
        call->wait->call = NULL;
    drop_authorization(call);
    call->x.end(call->x.user, code, err, response != NULL ? response : &none);
    mlc_odata_exchange_free(&call->x);
    free(call);
    schedule(o);
}

/* ---- the exchange ---- */

static void on_http(void *user, mlc_code code, const mlc_error *err, const mlc_http_response *response)
{
    mlc_odata_call *const call = user;
    mlc_odata *const o = call->odata;
    call->http = NULL;
    if (code == MLC_OK && response->status == 401 && !call->second_try && !o->closing) {
        call->second_try = true;
        mlc_entra_refused(o->entra, call->authorization + sizeof bearer - 1);
        drop_authorization(call);
        request_token(call);
        return;
    }
    if (code == MLC_OK && response->status == 401)
        mlc_entra_refused(o->entra, call->authorization + sizeof bearer - 1);
    end_call(call, code, err, response);
}

static size_t put_header(mlc_http_header *headers, size_t count, const char *name, const char *value)
{
    if (value == NULL)
        return count;
    headers[count] = (mlc_http_header){name, value};
    return count + 1;
}

static mlc_code send_http(mlc_odata_call *call, mlc_error *err)
{
    mlc_http_header headers[MLC_ODATA_HEADERS_MAX];
    const mlc_odata_exchange *const x = &call->x;
    size_t count = put_header(headers, 0, "OData-Version", "4.0");
    count = put_header(headers, count, "OData-MaxVersion", "4.0");
    count = put_header(headers, count, "Accept", x->accept != NULL ? x->accept : "application/json");
    count = put_header(headers, count, "Authorization", call->authorization);
    count = put_header(headers, count, "Content-Type", x->content_type);
    count = put_header(headers, count, "If-Match", x->if_match);
    count = put_header(headers, count, "If-None-Match", x->if_none_match);
    count = put_header(headers, count, "Prefer", x->prefer);
    const mlc_http_request request = {.method = x->method,
                                      .url = x->url,
                                      .headers = headers,
                                      .header_count = count,
                                      .body = x->body,
                                      .body_len = x->body_len,
                                      .timeout_ms = call->odata->timeout_ms,
                                      .max_body = MLC_ODATA_ANSWER_MAX};
    return mlc_http_send(call->odata->http, &request, on_http, call, &call->http, err);
}

static void on_token(void *user, mlc_code code, const mlc_error *err, const char *token)
{
    token_wait *const wait = user;
    mlc_odata_call *const call = wait->call;
    mlc_error why = *err;
    free(wait);
    if (call == NULL)
        return;
    call->wait = NULL;
    if (code == MLC_OK) {
        call->authorization = mlc_asprintf("%s%s", bearer, token);
        code = call->authorization != NULL ? send_http(call, &why)
                                           : mlc_fail(&why, MLC_E_NOMEM, "no memory for a request");
    }
    if (code != MLC_OK)
        end_call(call, code, &why, NULL);
}

static void request_token(mlc_odata_call *call)
{
    mlc_error err;
    mlc_code code = MLC_OK;
    token_wait *const wait = calloc(1, sizeof *wait);
    if (wait == NULL) {
        code = mlc_fail(&err, MLC_E_NOMEM, "no memory for a request");
    } else {
        wait->call = call;
        code = mlc_entra_token(call->odata->entra, on_token, wait, &err);
    }
    if (code == MLC_OK) {
        call->wait = wait;
        return;
    }
    free(wait);
    end_call(call, code, &err, NULL);
}

/* ---- who may go ---- */

static mlc_odata_call *next_queued(const mlc_odata *o)
{
    mlc_odata_call *call = o->first;
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): the analyser does not see that a freed call left the list */
    while (call != NULL && call->started)
        call = call->next;
    return call;
}

static void pump(void *arg)
{
    mlc_odata *const o = arg;
    while (o->active < o->max_parallel) {
        if (mlc_odata_throttled(o)) {
            schedule(o);
            return;
        }
        mlc_odata_call *const call = next_queued(o);
        if (call == NULL)
            return;
        call->started = true;
        o->active++;
        request_token(call);
    }
}

mlc_code mlc_odata_queue(mlc_odata *odata, mlc_odata_exchange *exchange, mlc_error *err)
{
    mlc_odata_call *const call = odata->closing ? NULL : calloc(1, sizeof *call);
    if (call == NULL) {
        mlc_odata_exchange_free(exchange);
        return odata->closing ? mlc_fail(err, MLC_E_CLOSED, "the Dataverse client is closing")
                              : mlc_fail(err, MLC_E_NOMEM, "no memory for a request");
    }
    call->odata = odata;
    call->x = *exchange;
    *exchange = (mlc_odata_exchange){0};
    link_call(odata, call);
    schedule(odata);
    return MLC_OK;
}

void mlc_odata_hold(mlc_odata *odata, int64_t ms)
{
    const int64_t until = mlc_mono_ms() + ms;
    if (!mlc_odata_throttled(odata))
        mlc_log_warn(odata->log, "odata", "the service asks to slow down: all requests wait",
                     MLC_I("ms", ms));
    if (until > odata->hold_until_ms)
        odata->hold_until_ms = until;
}

bool mlc_odata_throttled(const mlc_odata *odata)
{
    return mlc_mono_ms() < odata->hold_until_ms;
}

bool mlc_odata_is_dry(const mlc_odata *odata)
{
    return odata->dry;
}

const char *mlc_odata_url(const mlc_odata *odata)
{
    return odata->url;
}

/* ---- life ---- */

mlc_code mlc_odata_open(mlc_odata **out, const mlc_odata_options *options, mlc_error *err)
{
    *out = NULL;
    const size_t len = options->url != NULL ? strlen(options->url) : 0;
    if (len == 0 || options->url[len - 1] != '/')
        return mlc_fail(err, MLC_E_INVALID, "url: the address of the Web API must end with a slash");
    mlc_odata *const o = calloc(1, sizeof *o);
    if (o == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for the Dataverse client");
    o->http = options->http;
    o->entra = options->entra;
    o->log = options->log;
    o->dry = options->dry;
    o->max_parallel = options->max_parallel > 0 ? options->max_parallel : DEFAULT_PARALLEL;
    o->timeout_ms = options->timeout_ms > 0 ? options->timeout_ms : DEFAULT_TIMEOUT_MS;
    o->url = mlc_strdup(options->url);
    const mlc_code code = o->url != NULL ? mlc_timer_open(&o->timer, options->loop, pump, o, err)
                                         : mlc_fail(err, MLC_E_NOMEM, "no memory for the Dataverse client");
    if (code != MLC_OK) {
        mlc_odata_close(o);
        return code;
    }
    *out = o;
    return MLC_OK;
}

void mlc_odata_close(mlc_odata *odata)
{
    mlc_error err;
    if (odata == NULL)
        return;
    odata->closing = true;
    while (odata->first != NULL) {
        mlc_odata_call *const call = odata->first;
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): as above */
        if (call->http != NULL) {
            mlc_http_cancel(call->http); /* ends the call through on_http */
            continue;
        }
        (void)mlc_fail(&err, MLC_E_CLOSED, "ended before it was sent");
        end_call(call, err.code, &err, NULL);
    }
    mlc_timer_close(odata->timer);
    free(odata->url);
    free(odata);
}
