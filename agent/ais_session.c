/* ais_session.c - log in, keep the token, log out (ais.h). */
#include "agent/ais_private.h"

#include "base/clock.h"
#include "crypto/crypto.h"
#include "net/backoff.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int64_t TOKEN_LIFE_MS = (int64_t)25 * 60 * 1000;
enum { TIMEOUT_MS = 60000, PARALLEL = 4, LOGOUT_MS = 3000, REFUSED_BASE_MS = 1000, REFUSED_CAP_MS = 120000 };

/* ---- the token ---- */

bool ais_has_session(const mlc_ais *ais)
{
    return ais->token[0] != '\0' && mlc_mono_ms() - ais->logged_in_at < ais->opt.token_life_ms;
}

void ais_session_refused(mlc_ais *ais, uint64_t session)
{
    if (session == ais->session)
        ais->token[0] = '\0';
}

static void keep_text(char *out, size_t size, const char *text)
{
    (void)snprintf(out, size, "%s", text != NULL ? text : "");
}

static mlc_code take_session(mlc_ais *ais, const mlc_http_response *response, mlc_error *err)
{
    cJSON *body = NULL;
    mlc_code code =
        mlc_json_parse(response->body, response->body_len, ais->opt.answer_max, AIS_DEPTH, &body, err);
    if (code != MLC_OK)
        return mlc_wrap(err, MLC_E_PROTOCOL, "AIS answered the log-in with something that is not JSON");
    const cJSON *const user = mlc_json_get(body, "userInfo");
    const char *const token = mlc_json_str(user, "token");
    if (token == NULL || *token == '\0' || strlen(token) >= sizeof ais->token) {
        code = mlc_fail(err, MLC_E_PROTOCOL, "AIS answered the log-in without a usable userInfo.token");
    } else {
        keep_text(ais->token, sizeof ais->token, token);
        keep_text(ais->info.date_format, sizeof ais->info.date_format,
                  mlc_json_str(user, "simpleDateFormat"));
        keep_text(ais->info.zone_offset, sizeof ais->info.zone_offset, mlc_json_str(user, "timeZoneOffset"));
        keep_text(ais->info.environment, sizeof ais->info.environment, mlc_json_str(body, "environment"));
        (void)mlc_log_add_secret(ais->opt.log, token, NULL);
        ais->session++;
        ais->info.logins++;
        ais->logged_in_at = mlc_mono_ms();
        ais->refused = 0;
    }
    cJSON_Delete(body);
    return code;
}

static mlc_code judge_login(mlc_ais *ais, const mlc_http_response *response, mlc_error *err)
{
    if (response->status == 200)
        return take_session(ais, response, err);
    if (response->status == 401 || response->status == 403)
        return mlc_fail(
            err, MLC_E_AUTH,
            "AIS refuses user %s in environment %s (status %d); check ais.username, ais.password, "
            "ais.environment and ais.role",
            ais->username, ais->environment, response->status);
    return mlc_fail(err, mlc_http_status_code(response->status), "AIS answered the log-in with status %d",
                    response->status);
}

static void on_login(void *user, mlc_code code, const mlc_error *why, const mlc_http_response *response)
{
    mlc_ais *const ais = user;
    mlc_error err;
    ais->logging_in = false;
    ais->login_call = NULL;
    if (ais->closing)
        return;
    if (code != MLC_OK) {
        err = *why;
        /* Logging in twice does no harm; an answer without end is no log-in. */
        if (code == MLC_E_UNCERTAIN || code == MLC_E_LIMIT)
            code = err.code = MLC_E_UNAVAILABLE;
    } else {
        code = judge_login(ais, response, &err);
    }
    ais->info.logged_in = code == MLC_OK;
    if (code == MLC_OK) {
        ais->info.last_error[0] = '\0';
        mlc_log_info(ais->opt.log, "ais", "logged in", MLC_S("environment", ais->info.environment));
        ais_pump(ais);
        return;
    }
    keep_text(ais->info.last_error, sizeof ais->info.last_error, "");
    mlc_strlcpy(ais->info.last_error, err.message, sizeof ais->info.last_error);
    if (code == MLC_E_AUTH) {
        /* A refused password that is tried again and again locks the user. */
        const mlc_backoff policy = {REFUSED_BASE_MS, REFUSED_CAP_MS};
        ais->not_before =
            mlc_mono_ms() + mlc_backoff_delay(&policy, ++ais->refused, 0, mlc_random_below(UINT64_MAX));
    }
    ais_fail_waiting(ais, code, &err);
}

static char *login_body(const mlc_ais *ais, mlc_error *err)
{
    const struct {
        const char *name, *value;
    } members[] = {{"username", ais->username},
                   {"password", ais->password},
                   {"environment", ais->environment},
                   {"role", ais->role},
                   {"deviceName", ais->device}};
    char *text = NULL;
    cJSON *const body = cJSON_CreateObject();
    mlc_code code = body != NULL ? MLC_OK : mlc_fail(err, MLC_E_NOMEM, "no memory for a log-in");
    for (size_t i = 0; code == MLC_OK && i < sizeof members / sizeof members[0]; i++)
        code = mlc_json_add_str(body, members[i].name, members[i].value, err);
    if (code == MLC_OK && (text = mlc_json_print(body)) == NULL)
        (void)mlc_fail(err, MLC_E_NOMEM, "no memory for a log-in");
    cJSON_Delete(body);
    return text;
}

static mlc_code send_login(mlc_ais *ais, mlc_error *err)
{
    static const mlc_http_header header = {"Content-Type", "application/json"};
    char *const url = ais_join(ais->url, "/jderest/v2/tokenrequest", "", err);
    char *const body = url != NULL ? login_body(ais, err) : NULL;
    mlc_code code = MLC_E_NOMEM;
    if (body != NULL) {
        const mlc_http_request request = {.method = "POST",
                                          .url = url,
                                          .headers = &header,
                                          .header_count = 1,
                                          .body = body,
                                          .body_len = strlen(body),
                                          .timeout_ms = ais->opt.timeout_ms,
                                          .max_body = ais->opt.answer_max};
        code = mlc_http_send(ais->opt.http, &request, on_login, ais, &ais->login_call, err);
        explicit_bzero(body, strlen(body));
    }
    free(body);
    free(url);
    return code;
}

void ais_login(mlc_ais *ais)
{
    mlc_error err;
    if (ais->logging_in || ais->closing)
        return;
    const int64_t wait = ais->not_before - mlc_mono_ms();
    if (wait > 0) {
        mlc_timer_start(ais->timer, wait, 0);
        return;
    }
    ais->token[0] = '\0';
    ais->info.logged_in = false;
    ais->logging_in = true;
    const mlc_code code = send_login(ais, &err);
    if (code == MLC_OK)
        return;
    ais->logging_in = false;
    mlc_log_error(ais->opt.log, "ais", "cannot log in", MLC_S("error", err.message));
    ais->not_before = mlc_mono_ms() + REFUSED_BASE_MS;
    mlc_timer_start(ais->timer, REFUSED_BASE_MS, 0);
}

static void on_timer(void *arg)
{
    ais_pump(arg);
}

/* ---- life ---- */

static bool copy_options(mlc_ais *ais, const mlc_ais_options *o)
{
    ais->url = mlc_strdup(o->url);
    ais->username = mlc_strdup(o->username);
    ais->password = mlc_strdup(o->password);
    ais->environment = mlc_strdup(o->environment);
    ais->role = mlc_strdup(o->role != NULL ? o->role : "*ALL");
    ais->device = mlc_strdup(o->device != NULL ? o->device : "ml-connector");
    ais->date_format = mlc_strdup(o->date_format);
    return ais->url != NULL && ais->username != NULL && ais->password != NULL && ais->environment != NULL &&
           ais->role != NULL && ais->device != NULL && (o->date_format == NULL || ais->date_format != NULL);
}

static void release(mlc_ais *ais)
{
    mlc_timer_close(ais->timer);
    mlc_timer_close(ais->deferred);
    if (ais->password != NULL)
        explicit_bzero(ais->password, strlen(ais->password));
    explicit_bzero(ais->token, sizeof ais->token);
    free(ais->url);
    free(ais->username);
    free(ais->password);
    free(ais->environment);
    free(ais->role);
    free(ais->device);
    free(ais->date_format);
    free(ais);
}

mlc_code mlc_ais_open(mlc_ais **out, const mlc_ais_options *options, mlc_error *err)
{
    mlc_ais *const ais = calloc(1, sizeof *ais);
    if (ais == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for the AIS client");
    ais->opt = *options;
    if (ais->opt.token_life_ms <= 0)
        ais->opt.token_life_ms = TOKEN_LIFE_MS;
    if (ais->opt.timeout_ms <= 0)
        ais->opt.timeout_ms = TIMEOUT_MS;
    if (ais->opt.answer_max == 0)
        ais->opt.answer_max = AIS_BODY_MAX;
    if (ais->opt.max_parallel == 0)
        ais->opt.max_parallel = PARALLEL;
    mlc_code code =
        copy_options(ais, options) ? MLC_OK : mlc_fail(err, MLC_E_NOMEM, "no memory for the AIS client");
    if (code == MLC_OK)
        code = mlc_timer_open(&ais->timer, options->loop, on_timer, ais, err);
    if (code == MLC_OK)
        code = mlc_timer_open(&ais->deferred, options->loop, ais_on_deferred, ais, err);
    if (code != MLC_OK) {
        release(ais);
        return code;
    }
    *out = ais;
    return MLC_OK;
}

void mlc_ais_info(const mlc_ais *ais, mlc_ais_session_info *out)
{
    *out = ais->info;
}

/* ---- log-out ---- */

typedef struct logout {
    void (*done)(void *user);
    void *user;
    mlc_timer *timer; /* calls done when there is no session to end */
} logout;

static void logout_end(logout *end)
{
    if (end->done != NULL)
        end->done(end->user);
    mlc_timer_close(end->timer);
    free(end);
}

static void on_logout(void *user, mlc_code code, const mlc_error *err, const mlc_http_response *response)
{
    (void)code; /* a session that is not ended now ends by time */
    (void)err;
    (void)response;
    logout_end(user);
}

static void on_no_logout(void *arg)
{
    logout_end(arg);
}

static mlc_code send_logout(mlc_ais *ais, logout *end, mlc_error *err)
{
    mlc_buf body = {0};
    const mlc_http_header headers[] = {{"Content-Type", "application/json"},
                                       {"jde-AIS-Auth", ais->token},
                                       {"jde-AIS-Auth-Device", ais->device}};
    char *const url = ais_join(ais->url, "/jderest/v2/tokenrequest/logout", "", err);
    mlc_code code = url != NULL ? mlc_buf_printf(&body, err, "{\"token\":\"%s\"}", ais->token) : MLC_E_NOMEM;
    if (code == MLC_OK) {
        const mlc_http_request request = {.method = "POST",
                                          .url = url,
                                          .headers = headers,
                                          .header_count = 3,
                                          .body = body.data,
                                          .body_len = body.len,
                                          .timeout_ms = LOGOUT_MS};
        code = mlc_http_send(ais->opt.http, &request, on_logout, end, NULL, err);
    }
    mlc_buf_wipe(&body);
    free(url);
    return code;
}

void mlc_ais_close(mlc_ais *ais, void (*done)(void *user), void *user)
{
    mlc_error err;
    logout *const end = calloc(1, sizeof *end);
    ais->closing = true;
    if (ais->login_call != NULL)
        mlc_http_cancel(ais->login_call);
    ais_cancel_all(ais);
    ais_cursors_close(ais);
    if (end == NULL) {
        release(ais);
        if (done != NULL)
            done(user);
        return;
    }
    end->done = done;
    end->user = user;
    if (!ais_has_session(ais) || send_logout(ais, end, &err) != MLC_OK) {
        if (mlc_timer_open(&end->timer, ais->opt.loop, on_no_logout, end, &err) == MLC_OK)
            mlc_timer_start(end->timer, 0, 0);
        else
            logout_end(end);
    }
    release(ais);
}
