/* delta.c - see delta.h. */
#include "relay/delta.h"

#include "relay/webhook_event.h"

#include <string.h>

enum { HTTP_GONE = 410 };

/* A link that was given out is well formed, so a refusal means that its token is not good any more: expired, or of a time that a
 * restored backup knows nothing of. The code of that error is not documented for certain. */
static bool is_expired(mlc_code code, int status)
{
    return code == MLC_E_REJECTED || code == MLC_E_NOTFOUND || status == HTTP_GONE;
}

mlc_delta_verdict mlc_delta_judge(bool by_link, mlc_code code, int status, const cJSON *body,
                                  mlc_delta_page *out, mlc_error *err)
{
    *out = (mlc_delta_page){0};
    if (code != MLC_OK && by_link && is_expired(code, status)) {
        (void)mlc_fail(err, code, "Dynamics does not take the delta link any more (HTTP %d)", status);
        return MLC_DELTA_EXPIRED;
    }
    if (code == MLC_E_REJECTED) {
        (void)mlc_fail(err, code, "Dynamics does not track the changes of this table (HTTP %d)", status);
        return MLC_DELTA_UNTRACKED;
    }
    if (code != MLC_OK) {
        (void)mlc_fail(err, code, "Dynamics did not answer with changes (HTTP %d)", status);
        return MLC_DELTA_FAILED;
    }
    out->rows = mlc_json_get(body, "value");
    out->next = mlc_json_str(body, "@odata.nextLink");
    out->link = mlc_json_str(body, "@odata.deltaLink");
    if (!cJSON_IsArray(out->rows)) {
        (void)mlc_fail(err, MLC_E_PROTOCOL, "Dynamics answered a list without \"value\"");
        return MLC_DELTA_FAILED;
    }
    if (out->next != NULL)
        return MLC_DELTA_PAGE;
    if (out->link != NULL)
        return MLC_DELTA_LAST;
    (void)mlc_fail(err, MLC_E_UNSUPPORTED, "Dynamics gave no delta link: it does not track this table");
    return MLC_DELTA_UNTRACKED;
}

bool mlc_delta_deleted(const cJSON *row, char id[MLC_UUID_TEXT_MAX])
{
    const char *const context = mlc_json_str(row, "@odata.context");
    const char *const reason = mlc_json_str(row, "reason");
    const bool gone = mlc_json_get(row, "@removed") != NULL ||
                      (context != NULL && strstr(context, "$deletedEntity") != NULL) ||
                      (reason != NULL && strcmp(reason, "deleted") == 0);
    return gone && mlc_uuid_copy(mlc_json_str(row, "id"), id);
}
