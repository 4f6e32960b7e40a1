/* trail_cmd.c - mlctl audit, audit verify. */
#include "cli/http.h"
#include "cli/mlctl.h"
#include "cli/table.h"

#include <inttypes.h>
#include <string.h>

/* ---- audit ---- */

/* One line of the export as one line for a person. */
static void print_event(FILE *out, const cJSON *line)
{
    static const char *const members[] = {"at",       "actor",    "action", "tenant",  "stream",
                                          "seq",      "kind",     "key",    "attempt", "outcome",
                                          "sourceId", "targetId", "detail"};
    const cJSON *const event = mlc_json_get(line, "event");
    (void)fprintf(out, "%" PRId64, mlctl_number(line, "index"));
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        const char *const text = mlc_json_member_text(event, members[i]);
        if (text == NULL)
            continue;
        (void)fputs("  ", out);
        if (i > 2)
            (void)fprintf(out, "%s=", members[i]);
        mlctl_print_safe(out, text, false);
    }
    (void)fputc('\n', out);
}

/* *last: index of the last line. */
static mlc_code print_lines(const mlctl *ctl, const char *text, int64_t *last, mlc_error *err)
{
    while (*text != '\0') {
        const size_t len = strcspn(text, "\n");
        cJSON *line = NULL;
        const mlc_code code = mlc_json_parse(text, len, 0, 0, &line, err);
        if (code != MLC_OK)
            return mlc_wrap(err, MLC_E_PROTOCOL, "a line of the audit trail is not readable");
        *last = mlctl_number(line, "index");
        if (ctl->args->json)
            (void)fprintf(ctl->out, "%.*s\n", (int)len, text);
        else
            print_event(ctl->out, line);
        cJSON_Delete(line);
        text += len;
        text += *text == '\n' ? 1 : 0;
    }
    return MLC_OK;
}

/* One page from *from on, which moves on; *empty when there was nothing. */
static mlc_code audit_page(const mlctl *ctl, uint64_t *from, bool *empty, mlc_error *err)
{
    mlc_buf path = {0};
    mlctl_answer answer = {0};
    int64_t last = 0;
    mlc_code code = mlc_buf_printf(&path, err, "/v1/audit?max=5000&from=%" PRIu64, *from);
    if (code == MLC_OK)
        code = mlctl_query(&path, "store", ctl->args->store, err);
    if (code == MLC_OK)
        code = mlctl_query(&path, "key", ctl->args->key, err);
    if (code == MLC_OK)
        code = mlctl_http(ctl->args, mlc_buf_text(&path), NULL, &answer, err);
    if (code == MLC_OK)
        code = print_lines(ctl, mlc_buf_text(&answer.body), &last, err);
    *empty = last < (int64_t)*from;
    *from = (uint64_t)last + 1;
    mlctl_answer_free(&answer);
    mlc_buf_free(&path);
    return code;
}

mlc_code mlctl_audit(const mlctl *ctl, mlc_error *err)
{
    uint64_t from = ctl->args->from;
    bool empty = false;
    mlc_code code = MLC_OK;
    while (code == MLC_OK && !empty)
        code = audit_page(ctl, &from, &empty, err);
    return code;
}

/* ---- audit verify ---- */

static mlc_code verify_store(const mlctl *ctl, const char *store, bool *good, mlc_error *err)
{
    mlc_buf path = {0};
    cJSON *tree = NULL;
    mlc_code code = mlc_buf_puts(&path, "/v1/audit/verify", err);
    if (code == MLC_OK)
        code = mlctl_query(&path, "store", store, err);
    if (code == MLC_OK)
        code = mlctl_http_json(ctl->args, mlc_buf_text(&path), NULL, &tree, err);
    if (code == MLC_OK) {
        const bool ok = mlc_json_bool(tree, "ok", false);
        *good = *good && ok;
        if (ctl->args->json) {
            code = mlctl_print_raw(ctl->out, tree, err);
        } else {
            mlctl_print_safe(ctl->out, mlc_json_str(tree, "store"), false);
            (void)fprintf(ctl->out, ": %" PRId64 " entries, %s", mlctl_number(tree, "entries"),
                          ok ? "the chain is whole\n" : "THE CHAIN IS BROKEN: ");
            if (!ok) {
                mlctl_print_safe(ctl->out, mlc_json_str(tree, "error"), false);
                (void)fputc('\n', ctl->out);
            }
        }
    }
    cJSON_Delete(tree);
    mlc_buf_free(&path);
    return code;
}

mlc_code mlctl_audit_verify(const mlctl *ctl, mlc_error *err)
{
    cJSON *status = NULL;
    const cJSON *store = NULL;
    bool good = true;
    mlc_code code = MLC_OK;
    if (ctl->args->store != NULL) {
        code = verify_store(ctl, ctl->args->store, &good, err);
    } else {
        code = mlctl_http_json(ctl->args, "/v1/status", NULL, &status, err);
        cJSON_ArrayForEach(store, mlc_json_get(status, "stores"))
        {
            if (code == MLC_OK)
                code = verify_store(ctl, mlc_json_str(store, "name"), &good, err);
        }
    }
    cJSON_Delete(status);
    if (code == MLC_OK && !good)
        return mlc_fail(err, MLC_E_CORRUPT,
                        "an audit trail was changed or damaged; keep a copy of the store");
    return code;
}
