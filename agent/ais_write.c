/* ais_write.c - orchestrations and forms, and what their answers mean (ais.h).
 *
 *   network: UNREACHABLE, TIMEOUT, TLS            certainly not executed
 *   401 403 444                                   not executed; a new log-in, then once again
 *   429                                           not executed: THROTTLED
 *   other 4xx                                     refused: REJECTED, with the words of the answer
 *   2xx with errors, sysErrors, jde__status ERROR refused by the application: REJECTED
 *   5xx, 2xx that is not JSON, a cut answer       UNCERTAIN: it may have been executed */
#include "agent/ais_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct write_call {
    char what[96];
    mlc_ais_answer_fn fn;
    void *user;
} write_call;

static mlc_code judge(const char *what, int status, const cJSON *body, mlc_error *err)
{
    char words[MLC_ERROR_MESSAGE_MAX / 2];
    const bool errors = ais_errors_text(body, words, sizeof words);
    if (!errors) {
        const char *text = mlc_json_str(body, "errorText");
        if (text == NULL)
            text = mlc_json_str(body, "message");
        (void)snprintf(words, sizeof words, "%.250s", text != NULL ? text : "no reason given");
    }
    if (status >= 200 && status < 300)
        return errors ? mlc_fail(err, MLC_E_REJECTED, "%s: %s", what, words) : MLC_OK;
    if (status >= 500)
        return mlc_fail(err, MLC_E_UNCERTAIN, "%s: AIS answered with status %d: %s", what, status, words);
    if (status == 429)
        return mlc_fail(err, MLC_E_THROTTLED, "%s: AIS is busy (status 429)", what);
    return mlc_fail(err, MLC_E_REJECTED, "%s: %s (status %d)", what, words, status);
}

static void on_answer(void *user, mlc_code code, const mlc_error *why, int status, cJSON *body)
{
    write_call *const w = user;
    mlc_error err = *why;
    if (code == MLC_E_PROTOCOL)
        code = mlc_wrap(&err, MLC_E_UNCERTAIN, "%s: sent, but its answer cannot be read", w->what);
    else if (code == MLC_OK)
        code = judge(w->what, status, body, &err);
    w->fn(w->user, code, &err, code == MLC_OK ? body : NULL);
    free(w);
}

static mlc_code start(mlc_ais *ais, const char *path, const char *name, const cJSON *request,
                      mlc_ais_answer_fn fn, void *user, mlc_error *err)
{
    write_call *const w = calloc(1, sizeof *w);
    char *const url = w != NULL ? ais_join(ais->url, path, name, err) : NULL;
    char *const body = url != NULL ? mlc_json_print(request) : NULL;
    if (body == NULL) {
        free(url);
        free(w);
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a write to JDE");
    }
    (void)snprintf(w->what, sizeof w->what, "%.90s", name[0] != '\0' ? name : "form service");
    w->fn = fn;
    w->user = user;
    const mlc_code code = ais_call_start(ais, AIS_WRITE, url, body, on_answer, w, err);
    if (code != MLC_OK)
        free(w);
    return code;
}

mlc_code mlc_ais_orchestrate(mlc_ais *ais, unsigned version, const char *name, const cJSON *inputs,
                             mlc_ais_answer_fn fn, void *user, mlc_error *err)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    if (name[0] == '\0' || strspn(name, allowed) != strlen(name))
        return mlc_fail(err, MLC_E_INVALID,
                        "orchestration \"%.60s\": letters, digits, dots, dashes, underscores", name);
    return start(ais, version >= 3 ? "/jderest/v3/orchestrator/" : "/jderest/v2/orchestrator/", name, inputs,
                 fn, user, err);
}

mlc_code mlc_ais_form(mlc_ais *ais, const cJSON *request, mlc_ais_answer_fn fn, void *user, mlc_error *err)
{
    return start(ais, "/jderest/v2/formservice", "", request, fn, user, err);
}
