/* odata_batch_parse.h - the multipart/mixed answer of a $batch (RFC 2046 framing, one application/http part for each
 * operation). Pure: any bytes may come in; nothing is copied but two short header values.
 *
 * Lines may end in CRLF or LF. A part that is no application/http with a status line, a missing end, or more parts
 * than `max` refuse the whole: what cannot be framed cannot be matched to the operations either. Nested multiparts
 * (change sets) are refused, as none are sent.
 */
#ifndef MLC_RELAY_ODATA_BATCH_PARSE_H
#define MLC_RELAY_ODATA_BATCH_PARSE_H

#include "base/error.h"

#include <stddef.h>

typedef struct mlc_batch_part {
    int status;       /* 100..599 */
    const char *body; /* into the given bytes, not terminated */
    size_t body_len;
    char entity_id[512]; /* OData-EntityId; "" when absent or longer */
    char retry_after[64];
} mlc_batch_part;

/* True for a Content-Type of multipart/mixed. */
bool mlc_batch_is_multipart(const char *content_type);
/* MLC_E_PROTOCOL when the bytes are not such an answer; *count is then 0. */
mlc_code mlc_batch_parse(const char *content_type, const char *data, size_t len, mlc_batch_part *parts,
                         size_t max, size_t *count, mlc_error *err);

#endif
