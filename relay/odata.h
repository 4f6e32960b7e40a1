/* odata.h - client of the Dataverse Web API (contracts/dataverse.md).
 *
 * Adds headers and the bearer token, asks for a new token once after 401, keeps within the service protection
 * limits (no more than max_parallel at once; after a 429 all requests of this client wait for Retry-After), and
 * turns error bodies into mlc_error ("0x80040237: message"). Asynchronous on the loop; callbacks run from the loop,
 * never inside the call that started the request. Thread rule: loop's thread only.
 *
 * Codes: those of http_client.h for the network; MLC_E_AUTH, DENIED, NOTFOUND, CONFLICT (412), THROTTLED (429 with
 * retry_after_ms), UNAVAILABLE (5xx; an answer without end to a read), UNCERTAIN (such an answer to a write), REJECTED (400
 * and like), PROTOCOL (answer not understood: a write may have had its effect). Never LIMIT. When no token can be had, the code of entra.h: nothing was sent.
 */
#ifndef MLC_RELAY_ODATA_H
#define MLC_RELAY_ODATA_H

#include "base/json.h"
#include "net/http_client.h"
#include "relay/entra.h"

typedef struct mlc_odata mlc_odata;

typedef struct mlc_odata_options {
    uv_loop_t *loop;
    mlc_http_client *http;
    mlc_entra *entra;
    mlc_log *log;
    const char *url;       /* "https://org.api.crm.dynamics.com/api/data/v9.2/", ends with a slash */
    unsigned max_parallel; /* 0: 8 (the service allows 52) */
    int64_t timeout_ms;    /* 0: 60 s */
    /* Nothing is written: whatever would write reads the row instead, and the answer holds the differences
     * (odata_dry.h). This is the one place where a dry run is enforced, whoever sends. */
    bool dry;
} mlc_odata_options;

mlc_code mlc_odata_open(mlc_odata **out, const mlc_odata_options *options, mlc_error *err);
/* Ends running and waiting requests with MLC_E_CLOSED (callbacks run during the call). Not to be called from a
 * callback of this client. NULL is allowed. */
void mlc_odata_close(mlc_odata *odata);

typedef struct mlc_odata_request {
    const char *method;
    const char *path;  /* relative to url ("accounts(accountnumber='6001')", build with mlc_odata_key), or an
                         * absolute @odata.nextLink / deltaLink, which must begin with url */
    const cJSON *body; /* printed at once; NULL: none */
    const char *if_match, *if_none_match;
    const char *prefer; /* extra Prefer values, e.g. "odata.maxpagesize=500"; NULL: none */
} mlc_odata_request;

/* Valid during the callback; `err->code == code`. */
typedef struct mlc_odata_answer {
    mlc_code code;
    mlc_error err;
    int status; /* HTTP status, 0 when there was none */
    int64_t retry_after_ms;
    const cJSON *body;  /* parsed, NULL when empty or not JSON */
    char entity_id[64]; /* guid of OData-EntityId, "" when absent */
    bool whole_batch;   /* the batch failed as a whole: the answer says nothing of this request on its own */
    const cJSON *differences; /* of a dry client, for what would have written; else NULL */
} mlc_odata_answer;

typedef void (*mlc_odata_fn)(void *user, const mlc_odata_answer *answer);

mlc_code mlc_odata_send(mlc_odata *odata, const mlc_odata_request *request, mlc_odata_fn fn, void *user,
                        mlc_error *err);

/* Several independent writes in one $batch with continue-on-error. `fn` is called once with one answer for each
 * request in their order; when the batch as a whole failed, each has that code. At most 1000. */
typedef void (*mlc_odata_batch_fn)(void *user, const mlc_odata_answer *answers, size_t count);
mlc_code mlc_odata_batch(mlc_odata *odata, const mlc_odata_request *requests, size_t count,
                         mlc_odata_batch_fn fn, void *user, mlc_error *err);

/* Append `set(key='value')` with the value quoted for OData and percent-encoded. */
mlc_code mlc_odata_key(mlc_buf *out, const char *set, const char *key, const char *value, mlc_error *err);
/* Append `text` percent-encoded for a query or path segment. */
mlc_code mlc_odata_escape(mlc_buf *out, const char *text, mlc_error *err);

bool mlc_odata_is_dry(const mlc_odata *odata);
/* True while requests wait because of a 429. */
bool mlc_odata_throttled(const mlc_odata *odata);

#endif
