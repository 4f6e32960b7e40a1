/* delta.h - what an answer of Dynamics' change tracking means (contracts/dataverse.md, Web API, Change tracking).
 *
 * The first request pages through the whole table with "Prefer: odata.track-changes"; its last page holds a delta link. That
 * link gives what changed since, deleted rows among it, and a new link. Pure; any thread.
 */
#ifndef MLC_RELAY_DELTA_H
#define MLC_RELAY_DELTA_H

#include "base/json.h"
#include "crypto/crypto.h"

typedef enum mlc_delta_verdict {
    MLC_DELTA_PAGE,      /* rows, and a link to the next page */
    MLC_DELTA_LAST,      /* rows, and a delta link for the next time */
    MLC_DELTA_EXPIRED,   /* the delta link is not taken any more: page through the whole table again */
    MLC_DELTA_UNTRACKED, /* the table's changes are not tracked */
    MLC_DELTA_FAILED     /* as the error says; ask again later */
} mlc_delta_verdict;

/* Borrowed from the answer. */
typedef struct mlc_delta_page {
    const cJSON *rows;
    const char *next, *link;
} mlc_delta_page;

/* `by_link`: the request was a delta link, or a next link of one. code, status, body: of the answer. `err` is set unless rows
 * were given. */
mlc_delta_verdict mlc_delta_judge(bool by_link, mlc_code code, int status, const cJSON *body,
                                  mlc_delta_page *out, mlc_error *err);
/* Is it a row that was deleted? Then its id, as lower-case text. */
bool mlc_delta_deleted(const cJSON *row, char id[MLC_UUID_TEXT_MAX]);

#endif
