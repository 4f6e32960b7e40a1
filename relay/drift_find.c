/* drift_find.c - see drift_private.h: the records of a range in JDE against those that were written. */
#include "relay/drift_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void drift_finds_add(drift_finds *finds, const char *id, drift_what what, bool known)
{
    if (finds->count == finds->room) {
        const size_t room = finds->room > 0 ? finds->room * 2 : 64;
        drift_find *const more = realloc(finds->at, room * sizeof *more);
        if (more == NULL) {
            finds->code = MLC_E_NOMEM;
            return;
        }
        finds->at = more;
        finds->room = room;
    }
    drift_find *const find = &finds->at[finds->count++];
    *find = (drift_find){.what = what, .known = known};
    mlc_strlcpy(find->id, id, sizeof find->id);
}

void drift_finds_clear(drift_finds *finds)
{
    free(finds->at);
    *finds = (drift_finds){0};
}

static int by_id(const void *a, const void *b)
{
    return strcmp(((const mlc_compare_id *)a)->id, ((const mlc_compare_id *)b)->id);
}

typedef struct own_scan {
    const mlc_compare_id *ids; /* of JDE, by id */
    size_t count;
    drift_finds *out;
} own_scan;

static bool find_extra(const char *id, const mlc_sent *sent, void *arg)
{
    const own_scan *const scan = arg;
    mlc_compare_id key;
    if (sent->gone)
        return true;
    mlc_strlcpy(key.id, id, sizeof key.id);
    if (scan->count == 0 || bsearch(&key, scan->ids, scan->count, sizeof *scan->ids, by_id) == NULL)
        drift_finds_add(scan->out, id, DRIFT_EXTRA, true);
    return true;
}

mlc_code drift_find_ids(mlc_txn *txn, mlc_drift *drift, const mlc_compare_answer *answer, drift_finds *out,
                        mlc_error *err)
{
    const char *const kind = answer->asked.of;
    (void)drift;
    qsort(answer->ids, answer->id_count, sizeof *answer->ids, by_id);
    for (size_t i = 0; i < answer->id_count; i++) {
        const mlc_compare_id *const id = &answer->ids[i];
        mlc_sent sent;
        if (!id->usable) /* parked at the agent, where somebody looks after it */
            continue;
        const mlc_code code = mlc_sent_get(txn, kind, id->id, &sent, err);
        if (code != MLC_OK && code != MLC_E_NOTFOUND)
            return code;
        if (code == MLC_E_NOTFOUND || sent.gone)
            drift_finds_add(out, id->id, DRIFT_MISSING, code == MLC_OK);
        else if (memcmp(sent.fingerprint, id->fingerprint, sizeof sent.fingerprint) != 0)
            drift_finds_add(out, id->id, DRIFT_STALE, true);
    }
    own_scan scan = {answer->ids, answer->id_count, out};
    const mlc_code code =
        mlc_sent_scan(txn, kind, answer->asked.from, answer->asked.to, find_extra, &scan, err);
    if (code == MLC_OK && out->code != MLC_OK)
        return mlc_fail(err, out->code, "no memory for a comparison");
    return code;
}
