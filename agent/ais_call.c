/* ais_call.c - one call to AIS: waits for a session and its turn, is sent, is repeated once after a refused token. */
#include "agent/ais_private.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

/* ---- lists ---- */

static void list_push(ais_call_list *list, ais_call *call)
{
    call->next = NULL;
    if (list->tail != NULL)
        list->tail->next = call;
    else
        list->head = call;
    list->tail = call;
}

static void list_push_front(ais_call_list *list, ais_call *call)
{
    call->next = list->head;
    list->head = call;
    if (list->tail == NULL)
        list->tail = call;
}

static ais_call *list_pop(ais_call_list *list)
{
    ais_call *const call = list->head;
    if (call == NULL)
        return NULL;
    list->head = call->next;
    if (list->head == NULL)
        list->tail = NULL;
    return call;
}

static void list_remove(ais_call_list *list, const ais_call *call)
{
    ais_call_list rest = {NULL, NULL};
    ais_call *each = NULL;
    while ((each = list_pop(list)) != NULL) {
        if (each != call)
            list_push(&rest, each);
    }
    *list = rest;
}

/* ---- ends ---- */

static void call_free(ais_call *call)
{
    if (call->url != NULL)
        explicit_bzero(call->url, strlen(call->url)); /* a next link holds the token */
    free(call->url);
    free(call->body);
    free(call);
}

static void call_end(ais_call *call, mlc_code code, const mlc_error *err, int status, cJSON *body)
{
    call->fn(call->user, code, err, status, body);
    call_free(call);
}

void ais_fail_waiting(mlc_ais *ais, mlc_code code, const mlc_error *err)
{
    ais_call_list all = ais->waiting;
    ais_call *call = NULL;
    ais->waiting = (ais_call_list){NULL, NULL};
    while ((call = list_pop(&all)) != NULL)
        call_end(call, code, err, 0, NULL);
}

void ais_cancel_all(mlc_ais *ais)
{
    mlc_error err;
    (void)mlc_fail(&err, MLC_E_CLOSED, "the AIS client is closing");
    while (ais->running.head != NULL)
        mlc_http_cancel(ais->running.head->http); /* takes it off the list, through on_answer */
    ais_fail_waiting(ais, MLC_E_CLOSED, &err);
}

/* ---- answers ---- */

static bool token_refused(int status)
{
    return status == 401 || status == 403 || status == 444;
}

/* True when the call was put back, to be sent in a new session. */
static bool repeat_after_login(ais_call *call, int status)
{
    mlc_ais *const ais = call->ais;
    if (!token_refused(status) || call->again || call->kind == AIS_NEXT)
        return false;
    call->again = true;
    ais_session_refused(ais, call->session);
    list_push_front(&ais->waiting, call);
    return true;
}

static void note_clock(mlc_ais *ais, const mlc_http_response *response)
{
    int64_t server_ms = 0;
    const char *const date = mlc_http_header_get(response, "Date");
    if (date != NULL && mlc_http_date_parse(date, &server_ms, NULL) == MLC_OK)
        ais->info.server_clock_skew_ms = server_ms - mlc_wall_ms();
}

static void judge_answer(ais_call *call, const mlc_http_response *response)
{
    mlc_error err;
    cJSON *body = NULL;
    const int status = response->status;
    mlc_error_clear(&err);
    const mlc_code parsed =
        mlc_json_parse(response->body, response->body_len, call->ais->opt.answer_max, AIS_DEPTH, &body, &err);
    if (token_refused(status)) {
        ais_session_refused(call->ais, call->session);
        if (call->kind == AIS_NEXT)
            (void)mlc_fail(&err, MLC_E_CONFLICT, "the session of this result set has ended");
        else
            (void)mlc_fail(&err, status == 403 ? MLC_E_DENIED : MLC_E_AUTH,
                           "AIS refuses the call with status %d, also after a new log-in", status);
        call_end(call, err.code, &err, status, body);
    } else if (status >= 200 && status < 300 && parsed != MLC_OK) {
        (void)mlc_wrap(&err, MLC_E_PROTOCOL, "AIS answered with something that is not JSON");
        call_end(call, MLC_E_PROTOCOL, &err, status, NULL);
    } else {
        mlc_error_clear(&err);
        call_end(call, MLC_OK, &err, status, body);
    }
    cJSON_Delete(body);
}

/* No answer, or none that ends: what that says of the call. Reading twice does no harm, so an unclear outcome is none; a write may
 * have been executed. Neither is the record's fault. */
static mlc_code judge_silence(const ais_call *call, mlc_code code, mlc_error *err)
{
    const bool endless = code == MLC_E_LIMIT;
    if (!endless && code != MLC_E_UNCERTAIN)
        return code;
    if (call->kind == AIS_WRITE)
        return endless ? mlc_wrap(err, MLC_E_UNCERTAIN, "sent, but its answer cannot be read") : code;
    return endless ? mlc_wrap(err, MLC_E_UNAVAILABLE,
                              "AIS's answer does not end in time; if that is of a flow, a smaller page_size "
                              "may help")
                   : (err->code = MLC_E_UNAVAILABLE);
}

static void on_answer(void *user, mlc_code code, const mlc_error *why, const mlc_http_response *response)
{
    ais_call *const call = user;
    mlc_ais *const ais = call->ais;
    mlc_error err;
    list_remove(&ais->running, call);
    ais->running_count--;
    call->http = NULL;
    if (code != MLC_OK) {
        err = *why;
        code = judge_silence(call, code, &err);
        call_end(call, code, &err, 0, NULL);
    } else {
        note_clock(ais, response);
        if (!repeat_after_login(call, response->status))
            judge_answer(call, response);
    }
    if (!ais->closing)
        ais_pump(ais);
}

/* ---- sending ---- */

static void send_call(mlc_ais *ais, ais_call *call)
{
    mlc_error err;
    const mlc_http_header headers[] = {{"Content-Type", "application/json"},
                                       {"Accept", "application/json"},
                                       {"jde-AIS-Auth", ais->token},
                                       {"jde-AIS-Auth-Device", ais->device}};
    const mlc_http_request request = {.method = call->kind == AIS_CLOCK ? "GET" : "POST",
                                      .url = call->url,
                                      .headers = headers,
                                      .header_count = sizeof headers / sizeof headers[0],
                                      .body = call->body,
                                      .body_len = call->body != NULL ? strlen(call->body) : 0,
                                      .timeout_ms = ais->opt.timeout_ms,
                                      .max_body = ais->opt.answer_max};
    call->session = ais->session;
    const mlc_code code = mlc_http_send(ais->opt.http, &request, on_answer, call, &call->http, &err);
    if (code != MLC_OK) {
        call_end(call, code, &err, 0, NULL);
        return;
    }
    list_push(&ais->running, call);
    ais->running_count++;
}

void ais_pump(mlc_ais *ais)
{
    mlc_error none;
    mlc_error_clear(&none);
    while (!ais->closing && ais->waiting.head != NULL && ais->running_count < ais->opt.max_parallel) {
        if (!ais_has_session(ais)) {
            ais_login(ais);
            return;
        }
        ais_call *const call = list_pop(&ais->waiting);
        if (call->kind == AIS_READY)
            call_end(call, MLC_OK, &none, 200, NULL);
        else
            send_call(ais, call);
    }
}

char *ais_join(const char *base, const char *path, const char *more, mlc_error *err)
{
    mlc_buf text = {0};
    size_t len = strlen(base);
    while (len > 0 && base[len - 1] == '/')
        len--;
    mlc_code code = mlc_buf_append(&text, base, len, err);
    if (code == MLC_OK)
        code = mlc_buf_puts(&text, path, err);
    if (code == MLC_OK)
        code = mlc_buf_puts(&text, more, err);
    if (code != MLC_OK) {
        mlc_buf_free(&text);
        return NULL;
    }
    return mlc_buf_take(&text);
}

mlc_code ais_call_start(mlc_ais *ais, ais_kind kind, char *url, char *body, ais_reply_fn fn, void *user,
                        mlc_error *err)
{
    ais_call *const call = calloc(1, sizeof *call);
    if (call == NULL || ais->closing) {
        free(call);
        free(url);
        free(body);
        return ais->closing ? mlc_fail(err, MLC_E_CLOSED, "the AIS client is closing")
                            : mlc_fail(err, MLC_E_NOMEM, "no memory for a call to AIS");
    }
    call->ais = ais;
    call->kind = kind;
    call->url = url;
    call->body = body;
    call->fn = fn;
    call->user = user;
    list_push(&ais->waiting, call);
    /* From the loop, so that no callback runs inside the caller. */
    mlc_timer_start(ais->timer, 0, 0);
    return MLC_OK;
}

/* ---- a session, and nothing else ---- */

typedef struct ready_call {
    void (*fn)(void *user, mlc_code code, const mlc_error *err);
    void *user;
} ready_call;

static void on_ready(void *user, mlc_code code, const mlc_error *err, int status, cJSON *body)
{
    ready_call *const ready = user;
    (void)status;
    (void)body;
    ready->fn(ready->user, code, err);
    free(ready);
}

/* Whatever the answer was: what was to be had of it is its Date. */
static void on_clock(void *user, mlc_code code, const mlc_error *err, int status, cJSON *body)
{
    mlc_error none;
    mlc_error_clear(&none);
    const bool answered = code == MLC_OK || status > 0;
    on_ready(user, answered ? MLC_OK : code, answered ? &none : err, status, body);
}

static mlc_code start_ready(mlc_ais *ais, ais_kind kind, char *url, ais_reply_fn reply,
                            void (*fn)(void *user, mlc_code code, const mlc_error *err), void *user,
                            mlc_error *err)
{
    ready_call *const ready = calloc(1, sizeof *ready);
    if (ready == NULL) {
        free(url);
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a call to AIS");
    }
    ready->fn = fn;
    ready->user = user;
    const mlc_code code = ais_call_start(ais, kind, url, NULL, reply, ready, err);
    if (code != MLC_OK)
        free(ready);
    return code;
}

mlc_code mlc_ais_ready(mlc_ais *ais, void (*fn)(void *user, mlc_code code, const mlc_error *err), void *user,
                       mlc_error *err)
{
    return start_ready(ais, AIS_READY, NULL, on_ready, fn, user, err);
}

mlc_code mlc_ais_clock(mlc_ais *ais, void (*fn)(void *user, mlc_code code, const mlc_error *err), void *user,
                       mlc_error *err)
{
    char *const url = ais_join(ais->url, "/jderest/v2/defaultconfig", "", err);
    return url != NULL ? start_ready(ais, AIS_CLOCK, url, on_clock, fn, user, err) : MLC_E_NOMEM;
}
