/* odata_dry.h - what a dry Dataverse client does instead of writing: it reads the row and says what the write would change.
 *
 * The answer is as if the write had been made: 204, and 404 or 412 where If-Match or If-None-Match would have refused it. Its
 * entity_id is the row's; for a row that is not there an id that follows from the address, so that what points to it can be
 * tried, too. The differences:
 *   {"method":"PATCH","target":"accounts(accountnumber='6001')","exists":true,
 *    "columns":[{"column":"name","old":"Acme","new":"Acme Ltd"}, ...]}
 * with the columns only whose value would change; numbers are compared by value, "" and null are the same, a reference
 * ("transactioncurrencyid@odata.bind") by the id of the row. A failure to read the row is the answer's.
 */
#ifndef MLC_RELAY_ODATA_DRY_H
#define MLC_RELAY_ODATA_DRY_H

#include "relay/odata.h"

/* Does the request change anything at the service? */
bool mlc_odata_writes(const mlc_odata_request *request);
mlc_code mlc_odata_dry_send(mlc_odata *odata, const mlc_odata_request *request, mlc_odata_fn fn, void *user,
                            mlc_error *err);
mlc_code mlc_odata_dry_batch(mlc_odata *odata, const mlc_odata_request *requests, size_t count,
                             mlc_odata_batch_fn fn, void *user, mlc_error *err);

/* The column that shows what a member of a body sets: "_transactioncurrencyid_value" for "transactioncurrencyid@odata.bind", and
 * without "_account" or "_contact" where a reference may be to several tables. */
mlc_code mlc_odata_shown_column(const char *member, mlc_buf *out, mlc_error *err);
/* The list of columns by which a row differs from a body; `row` NULL: there is none. NULL: out of memory. */
cJSON *mlc_odata_differences(const cJSON *body, const cJSON *row);
/* "would change name \"Acme\" -> \"Acme Ltd\", ..." in words, as many as fit. */
void mlc_odata_differences_text(const cJSON *differences, char *out, size_t size);

#endif
