/* odata_private.h - what the files of the Dataverse client share.
 *
 * odata.c        the client: queue, slots, hold after a 429, token, one HTTP exchange at a time per call
 * odata_send.c   a single request, its headers and its answer
 * odata_batch.c  several writes in one exchange
 * odata_dry.c    what a dry client does instead of writing
 * odata_path.c   keys, escapes, addresses
 */
#ifndef MLC_RELAY_ODATA_PRIVATE_H
#define MLC_RELAY_ODATA_PRIVATE_H

#include "relay/odata.h"

enum { MLC_ODATA_HEADERS_MAX = 10, MLC_ODATA_ANSWER_MAX = 32 * 1024 * 1024, MLC_ODATA_DEPTH = 32 };

typedef struct mlc_odata_call mlc_odata_call;

/* How an exchange ended; `response` is the transport's (status 0 and empty body when there was no answer). */
typedef void (*mlc_odata_end_fn)(void *user, mlc_code code, const mlc_error *err,
                                 const mlc_http_response *response);

/* One exchange. The strings are the call's (freed with it). */
typedef struct mlc_odata_exchange {
    char *method, *url, *body; /* body NULL: none */
    size_t body_len;
    char *content_type, *if_match, *if_none_match, *prefer; /* NULL: left out */
    char *accept;                                           /* NULL: JSON */
    mlc_odata_end_fn end;
    void *user;
} mlc_odata_exchange;

/* Queue an exchange; takes over its strings, also on failure. `end` is called exactly once, from the loop or during
 * mlc_odata_close, with MLC_OK when there was a HTTP answer other than a first 401. */
mlc_code mlc_odata_queue(mlc_odata *odata, mlc_odata_exchange *exchange, mlc_error *err);
void mlc_odata_exchange_free(mlc_odata_exchange *x);
/* Nothing is sent for so long. */
void mlc_odata_hold(mlc_odata *odata, int64_t ms);
const char *mlc_odata_url(const mlc_odata *odata);

/* The address of a request's path; absolute ones must be of this service. Caller frees. */
mlc_code mlc_odata_address(const char *url, const char *path, char **out, mlc_error *err);
/* The guid in "https://.../accounts(guid)" or "" in out. */
void mlc_odata_entity_id(const char *header, char out[64]);
/* Method, path and header values may stand in a request line or header line. */
mlc_code mlc_odata_check(const mlc_odata_request *request, mlc_error *err);

/* Answer of a request out of status and body; answer->body is the caller's (cJSON_Delete). Adds to the hold of
 * the client after a 429. */
void mlc_odata_answer_take(mlc_odata *odata, mlc_odata_answer *answer, int status, const char *body,
                           size_t len, const char *entity_id, const char *retry_after);
/* Of an exchange without one. An answer without end is the service's fault, not the record's: it may be asked for again, and
 * a write may have had its effect. */
void mlc_odata_answer_failed(mlc_odata_answer *answer, mlc_code code, const mlc_error *err, bool writes);

#endif
