/* flow_view.c - what an operator is told of the flows (flow_set.h). */
#include "agent/flow/flow_set_private.h"

#include "base/clock.h"

#include <string.h>

/* Blank for "never". */
static mlc_code add_time(cJSON *out, const char *name, int64_t at_ms, mlc_error *err)
{
    char text[MLC_ISO_TEXT_MAX];
    const bool known = at_ms > 0 && at_ms < INT64_MAX;
    return mlc_json_add_str(out, name, known ? mlc_iso_text(at_ms, text) : "", err);
}

static const char *state_of(const flow_entry *flow, const mlc_flow_status *status, int64_t now_ms)
{
    if (flow->running)
        return status->stream_full ? "stream full" : "running";
    if (flow->wanted || flow->due_ms <= now_ms)
        return "waiting for its turn";
    if (flow->last_error[0] != '\0')
        return "failed";
    return status->first_load && status->load_done > 0 ? "paused" : "idle";
}

static int64_t rate_of(const mlc_flow_status *status)
{
    return status->run_ms > 0 ? (int64_t)status->run_rows * 1000 / status->run_ms : 0;
}

/* Progress: total and rest are 0 when they are not known. */
static mlc_code add_first_load(cJSON *out, const mlc_flow_status *status, mlc_error *err)
{
    cJSON *const load = cJSON_AddObjectToObject(out, "firstLoad");
    const int64_t rate = rate_of(status);
    const int64_t left = status->load_total - status->load_done;
    mlc_code code = load != NULL ? mlc_json_add_int(load, "done", status->load_done, err)
                                 : mlc_fail(err, MLC_E_NOMEM, "no memory for a flow's state");
    if (code == MLC_OK)
        code = mlc_json_add_int(load, "total", status->load_total, err);
    if (code == MLC_OK && status->load_total > 0 && left >= 0)
        code = mlc_json_add_int(load, "percent", status->load_done * 100 / status->load_total, err);
    if (code == MLC_OK && status->load_total > 0 && left >= 0 && status->running && rate > 0)
        code = mlc_json_add_int(load, "secondsLeft", (left + rate - 1) / rate, err);
    return code;
}

static mlc_code describe(const flow_entry *flow, int64_t now_ms, cJSON *out, mlc_error *err)
{
    mlc_flow_status status;
    mlc_flow_run_status(flow->run, &status);
    const struct {
        const char *name;
        int64_t value;
    } numbers[] = {{"runs", (int64_t)flow->runs},        {"rows", (int64_t)status.rows},
                   {"sent", (int64_t)status.enqueued},   {"gone", (int64_t)status.gone},
                   {"invalid", (int64_t)status.invalid}, {"rate", rate_of(&status)}};
    mlc_code code = mlc_json_add_str(out, "name", flow->plan.spec->name, err);
    if (code == MLC_OK)
        code = mlc_json_add_str(out, "state", state_of(flow, &status, now_ms), err);
    if (code == MLC_OK && status.table != NULL)
        code = mlc_json_add_str(out, "table", status.table, err);
    if (code == MLC_OK)
        code = add_time(out, "lastStart", flow->times.begin_ms, err);
    if (code == MLC_OK)
        code = add_time(out, "lastEnd", flow->times.end_ms, err);
    if (code == MLC_OK)
        code = add_time(out, "nextRun", flow->running ? 0 : flow->wanted ? now_ms : flow->due_ms, err);
    for (size_t i = 0; code == MLC_OK && i < sizeof numbers / sizeof numbers[0]; i++)
        code = mlc_json_add_int(out, numbers[i].name, numbers[i].value, err);
    if (code == MLC_OK && status.first_load)
        code = add_first_load(out, &status, err);
    return code == MLC_OK ? mlc_json_add_str(out, "lastError", flow->last_error, err) : code;
}

mlc_code mlc_flow_set_describe(const mlc_flow_set *set, cJSON *list, mlc_error *err)
{
    const int64_t now = mlc_wall_ms();
    mlc_code code = MLC_OK;
    for (size_t i = 0; code == MLC_OK && i < set->count; i++) {
        cJSON *const one = cJSON_CreateObject();
        if (one == NULL || !cJSON_AddItemToArray(list, one)) {
            cJSON_Delete(one);
            return mlc_fail(err, MLC_E_NOMEM, "no memory for the flows' state");
        }
        code = describe(&set->flows[i], now, one, err);
    }
    return code;
}
