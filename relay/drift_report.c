/* drift_report.c - see drift_private.h: what a run found, as JSON. */
#include "relay/drift_private.h"

#include "base/clock.h"
#include "store/audit.h"
#include "store/cursor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const drift_words[DRIFT_WHATS] = {"missing", "stale", "extra", "changed"};

static void add_kind(cJSON *list, const drift_kind *kind)
{
    cJSON *const obj = cJSON_CreateObject();
    if (obj == NULL || !cJSON_AddItemToArray(list, obj)) {
        cJSON_Delete(obj);
        return;
    }
    (void)mlc_json_add_str(obj, "kind", kind->kind, NULL);
    (void)mlc_json_add_bool(obj, "enabled", !kind->disabled, NULL);
    (void)mlc_json_add_int(obj, "records", (int64_t)kind->records, NULL);
    for (size_t i = 0; i < DRIFT_WHATS; i++)
        (void)mlc_json_add_int(obj, drift_words[i], (int64_t)kind->found[i], NULL);
    (void)mlc_json_add_int(obj, "unsent", (int64_t)kind->unsent, NULL);
    (void)mlc_json_add_int(obj, "underWay", (int64_t)kind->under_way, NULL);
    (void)mlc_json_add_int(obj, "sentAgain", (int64_t)kind->sent_again, NULL);
    (void)mlc_json_add_int(obj, "held", (int64_t)kind->held, NULL);
    cJSON *const samples = cJSON_AddArrayToObject(obj, "samples");
    for (size_t i = 0; i < kind->sample_count; i++) {
        cJSON *const sample = cJSON_CreateObject();
        (void)mlc_json_add_str(sample, "id", kind->samples[i].id, NULL);
        (void)mlc_json_add_str(sample, "what", drift_words[kind->samples[i].what], NULL);
        if (sample == NULL || !cJSON_AddItemToArray(samples, sample))
            cJSON_Delete(sample);
    }
}

char *drift_report_print(const mlc_drift *drift, const mlc_error *err)
{
    char text[MLC_ISO_TEXT_MAX];
    cJSON *const tree = cJSON_CreateObject();
    (void)mlc_json_add_str(tree, "run", drift->run, NULL);
    (void)mlc_json_add_str(tree, "began", mlc_iso_text(drift->began_ms, text), NULL);
    (void)mlc_json_add_str(tree, "ended", mlc_iso_text(mlc_wall_ms(), text), NULL);
    (void)mlc_json_add_bool(tree, "dry", drift->dry, NULL);
    (void)mlc_json_add_bool(tree, "done", err == NULL, NULL);
    (void)mlc_json_add_str(tree, "error", err != NULL ? err->message : "", NULL);
    cJSON *const kinds = cJSON_AddArrayToObject(tree, "kinds");
    for (size_t i = 0; i < drift->kind_count; i++)
        if (drift->kinds[i].wanted || drift->kinds[i].sample_count > 0)
            add_kind(kinds, &drift->kinds[i]);
    char *const out = mlc_json_print(tree);
    cJSON_Delete(tree);
    return out;
}

static mlc_code audit_kind(mlc_txn *txn, const mlc_drift *drift, const drift_kind *kind, mlc_error *err)
{
    char key[96];
    char detail[240];
    uint64_t all = 0;
    size_t used = 0;
    for (size_t i = 0; i < DRIFT_WHATS; i++) {
        all += kind->found[i];
        const int n = snprintf(detail + used, sizeof detail - used, "%llu %s, ",
                               (unsigned long long)kind->found[i], drift_words[i]);
        used += n > 0 ? (size_t)n : 0;
    }
    (void)snprintf(detail + used, sizeof detail - used, "%llu of %llu records sent again%s",
                   (unsigned long long)kind->sent_again, (unsigned long long)kind->records,
                   drift->dry ? " (only told)" : "");
    (void)snprintf(key, sizeof key, "compare/%s", kind->kind);
    const mlc_audit_event event = {.at_ms = mlc_wall_ms(),
                                   .actor = "relay",
                                   .action = "compared",
                                   .tenant = drift->opt.tenant,
                                   .kind = kind->kind,
                                   .key = key,
                                   .correlation = drift->run,
                                   .outcome = all > 0 ? "drift" : "ok",
                                   .detail = detail};
    return mlc_audit_append(txn, &event, NULL, err);
}

mlc_code drift_report_store(mlc_txn *txn, void *arg, mlc_error *err)
{
    const mlc_drift *const drift = arg;
    mlc_code code = mlc_cursor_put(txn, DRIFT_REPORT, drift->report, strlen(drift->report), err);
    for (size_t i = 0; code == MLC_OK && i < drift->kind_count; i++)
        if (drift->kinds[i].wanted)
            code = audit_kind(txn, drift, &drift->kinds[i], err);
    return code;
}

mlc_code drift_report_load(mlc_txn *txn, void *arg, mlc_error *err)
{
    mlc_drift *const drift = arg;
    const void *value = NULL;
    size_t len = 0;
    mlc_code code = mlc_cursor_get(txn, DRIFT_REPORT, &value, &len, err);
    if (code == MLC_OK)
        drift->report = mlc_strndup(value, len);
    if (code == MLC_OK || code == MLC_E_NOTFOUND)
        code = mlc_cursor_get(txn, DRIFT_STATE, &value, &len, err);
    if (code == MLC_OK && len == sizeof drift->last_begin_ms)
        memcpy(&drift->last_begin_ms, value, len);
    return code == MLC_E_NOTFOUND ? MLC_OK : code;
}

void mlc_drift_describe(const mlc_drift *drift, cJSON *out)
{
    char text[MLC_ISO_TEXT_MAX];
    cJSON *last = NULL;
    (void)mlc_json_add_bool(out, "running", drift->running, NULL);
    if (drift->running)
        (void)mlc_json_add_str(out, "phase", drift->phase, NULL);
    if (drift->opt.scheduled && drift->due_ms != INT64_MAX)
        (void)mlc_json_add_str(out, "nextRun", mlc_iso_text(drift->due_ms, text), NULL);
    if (drift->report != NULL &&
        mlc_json_parse(drift->report, strlen(drift->report), DRIFT_REPORT_MAX * 2, 8, &last, NULL) == MLC_OK)
        (void)mlc_json_add(out, "last", last, NULL);
}
