/* trail_cmd.c - mlctl audit: the trail for a person, and the pages it comes in. */
#include "cli/http.h"
#include "cli/mlctl.h"
#include "cli/table.h"
#include "store/audit_file.h"

#include <inttypes.h>
#include <string.h>

/* ---- pages ---- */

static mlc_code page_path(const mlctl_args *args, uint64_t from, uint64_t to, mlc_buf *path, mlc_error *err)
{
    char number[24];
    mlc_code code = mlc_buf_printf(path, err, "/v1/audit?max=5000&from=%" PRIu64, from);
    (void)snprintf(number, sizeof number, "%" PRIu64, to);
    if (code == MLC_OK && to != UINT64_MAX)
        code = mlctl_query(path, "to", number, err);
    if (code == MLC_OK)
        code = mlctl_query(path, "fromTime", args->from_time, err);
    if (code == MLC_OK)
        code = mlctl_query(path, "toTime", args->to_time, err);
    if (code == MLC_OK)
        code = mlctl_query(path, "store", args->store, err);
    if (code == MLC_OK)
        code = mlctl_query(path, "key", args->key, err);
    return code == MLC_OK ? mlctl_query(path, "correlation", args->correlation, err) : code;
}

/* *last: index of the last line. */
static mlc_code take_lines(const char *text, mlctl_audit_line_fn fn, void *arg, uint64_t *last,
                           mlc_error *err)
{
    mlc_code code = MLC_OK;
    while (code == MLC_OK && *text != '\0') {
        const size_t len = strcspn(text, "\n");
        mlc_audit_line line;
        code = mlc_audit_line_parse(text, len, false, &line, err);
        if (code != MLC_OK)
            return mlc_wrap(err, MLC_E_PROTOCOL, "a line of the audit trail is not readable");
        *last = line.item.index;
        mlc_audit_line_free(&line);
        code = fn(arg, text, len, err);
        text += len;
        text += *text == '\n' ? 1 : 0;
    }
    return code;
}

mlc_code mlctl_audit_lines(const mlctl *ctl, uint64_t from, uint64_t to, mlctl_audit_line_fn fn, void *arg,
                           mlc_error *err)
{
    mlc_code code = MLC_OK;
    while (code == MLC_OK && from <= to) {
        mlc_buf path = {0};
        mlctl_answer answer = {0};
        uint64_t last = 0;
        code = page_path(ctl->args, from, to, &path, err);
        if (code == MLC_OK)
            code = mlctl_http(ctl->args, mlc_buf_text(&path), NULL, &answer, err);
        if (code == MLC_OK)
            code = take_lines(mlc_buf_text(&answer.body), fn, arg, &last, err);
        mlctl_answer_free(&answer);
        mlc_buf_free(&path);
        if (last < from)
            break;
        from = last + 1;
    }
    return code;
}

/* ---- audit ---- */

/* One entry as one line for a person. */
static void print_event(FILE *out, const mlc_audit_item *item, const cJSON *event)
{
    static const char *const members[] = {"at",       "actor",    "action", "tenant",  "stream",
                                          "seq",      "kind",     "key",    "attempt", "outcome",
                                          "sourceId", "targetId", "detail"};
    (void)fprintf(out, "%" PRIu64, item->index);
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        const char *const text = mlc_json_member_text(event, members[i]);
        if (text == NULL)
            continue;
        (void)fputs("  ", out);
        if (i > 2)
            (void)fprintf(out, "%s=", members[i]);
        mlctl_print_safe(out, text, false);
    }
    (void)fputs(mlc_json_bool(event, "redacted", false) ? "  (redacted)\n" : "\n", out);
}

static mlc_code print_line(void *arg, const char *text, size_t len, mlc_error *err)
{
    const mlctl *const ctl = arg;
    mlc_audit_line line;
    cJSON *event = NULL;
    if (ctl->args->json) {
        (void)fprintf(ctl->out, "%.*s\n", (int)len, text);
        return MLC_OK;
    }
    mlc_code code = mlc_audit_line_parse(text, len, false, &line, err);
    if (code == MLC_OK)
        code = mlc_audit_tree(&line.item, &event, err);
    if (code == MLC_OK)
        print_event(ctl->out, &line.item, event);
    cJSON_Delete(event);
    mlc_audit_line_free(&line);
    return code;
}

mlc_code mlctl_audit(const mlctl *ctl, mlc_error *err)
{
    return mlctl_audit_lines(ctl, ctl->args->from, UINT64_MAX, print_line, (void *)ctl, err);
}
