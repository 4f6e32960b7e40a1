/* ais_totals.h - how many rows a condition meets, and sums by group (contracts/ais.md, section Reading tables).
 *
 * The shape of these answers is not confirmed by a published page, so it is read leniently and in one place:
 *   COUNT        {"ds_TABLE":{"count":n}}
 *   AGGREGATION  {"ds_TABLE":{"output":[{"groupBy":{"TABLE.COL":v},"TABLE.COL_SUM":v}]}}, names also without the table
 * Callbacks and codes as in ais.h. Thread rule: loop's thread only.
 */
#ifndef MLC_AGENT_AIS_TOTALS_H
#define MLC_AGENT_AIS_TOTALS_H

#include "agent/ais.h"

typedef void (*mlc_ais_count_fn)(void *user, mlc_code code, const mlc_error *err, int64_t count);
/* Table and groups of the query count; the rest is ignored. */
mlc_code mlc_ais_count(mlc_ais *ais, const mlc_ais_query *query, mlc_ais_count_fn fn, void *user,
                       mlc_error *err);

/* `sums`: an array of {"key":"6001","sum":"12.50"}, texts, valid during the call; NULL unless MLC_OK. */
typedef void (*mlc_ais_sums_fn)(void *user, mlc_code code, const mlc_error *err, const cJSON *sums);
/* Sum of `column` over the rows of the query, for each value of `group_by`. Columns of up to 32 characters. */
mlc_code mlc_ais_sums(mlc_ais *ais, const mlc_ais_query *query, const char *column, const char *group_by,
                      mlc_ais_sums_fn fn, void *user, mlc_error *err);

#endif
