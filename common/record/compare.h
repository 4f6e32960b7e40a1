/* compare.h - the full comparison of both sides: its messages, and sums over ranges of records.
 *
 * Records of a kind are ordered by the number at the beginning of their id (AN8, ITM): their lead. A range is [from, to) of
 * leads. Its sum is the count of its records and an order-free hash of (id, fingerprint of the master record), so both sides
 * may go through it in any order. The relay asks for a range; the agent reads it from JDE and answers with the
 * records of it when they are few, else with smaller ranges; the relay asks on for those that differ from what it wrote.
 *
 *   compare.request  {"kind","run","of":"customer","from":0,"to":9223372036854775807}
 *   compare.answer   {"kind","run","of","from","to","enabled":true,"ranges":[{"from","to","count","hash"}]} or
 *                    {..., "ids":[{"id":"6001","hash":"<32 hex>","unsent":true}]}; without "hash": cannot be made into a record
 *   resend.request   {"kind","run","of","ids":[{"id":"6001","known":true}]}; known: was delivered as this kind
 *
 * Pure; any thread.
 */
#ifndef MLC_RECORD_COMPARE_H
#define MLC_RECORD_COMPARE_H

#include "record/master.h"

enum {
    MLC_COMPARE_RANGE_SIZE = 500, /* records in a range, about */
    MLC_COMPARE_RANGES_MAX = 2048,
    MLC_COMPARE_FEW = 1000,       /* so many are told by their ids */
    MLC_COMPARE_IDS_MAX = 20000,  /* of one lead, which cannot be parted */
    MLC_COMPARE_RESEND_MAX = 500, /* ids in one request */
    MLC_COMPARE_ID_MAX = 100,
    MLC_COMPARE_RUN_MAX = 40,
    MLC_COMPARE_JSON_MAX = 4 << 20
};

/* ---- sums ---- */

typedef struct mlc_range_sum {
    uint64_t count;
    uint8_t hash[MLC_MASTER_FINGERPRINT_LEN];
} mlc_range_sum;

/* The number an id begins with; 0 when it begins with none. */
int64_t mlc_compare_lead(const char *id);
mlc_code mlc_range_add(mlc_range_sum *sum, const char *id,
                       const uint8_t fingerprint[MLC_MASTER_FINGERPRINT_LEN], mlc_error *err);
void mlc_range_join(mlc_range_sum *sum, const mlc_range_sum *other);
bool mlc_range_same(const mlc_range_sum *a, const mlc_range_sum *b);

typedef struct mlc_range {
    int64_t from, to;
    mlc_range_sum sum;
} mlc_range;

typedef struct mlc_compare_id {
    char id[MLC_COMPARE_ID_MAX + 1];
    bool usable; /* has a fingerprint */
    uint8_t fingerprint[MLC_MASTER_FINGERPRINT_LEN];
    bool unsent; /* JDE holds something that was not sent yet */
} mlc_compare_id;

/* ---- messages ---- */

#define MLC_COMPARE_REQUEST_KIND "compare.request"
#define MLC_RESEND_KIND          "resend.request"

typedef struct mlc_compare_request {
    char run[MLC_COMPARE_RUN_MAX + 1];
    char of[32];
    int64_t from, to;
} mlc_compare_request;

/* Either ranges or ids. Owner of both lists. */
typedef struct mlc_compare_answer {
    mlc_compare_request asked;
    bool enabled; /* the agent has this flow */
    bool by_ids;
    mlc_range *ranges;
    size_t range_count;
    mlc_compare_id *ids;
    size_t id_count;
} mlc_compare_answer;

typedef struct mlc_resend_id {
    char id[MLC_COMPARE_ID_MAX + 1];
    bool known;
} mlc_resend_id;

typedef struct mlc_resend_request {
    char run[MLC_COMPARE_RUN_MAX + 1];
    char of[32];
    mlc_resend_id *ids; /* owner after parse */
    size_t id_count;
} mlc_resend_request;

/* Print appends. Parse: MLC_E_INVALID names the member that is missing or wrong; MLC_E_LIMIT. Free the lists in any case. */
mlc_code mlc_compare_request_print(const mlc_compare_request *request, mlc_buf *out, mlc_error *err);
mlc_code mlc_compare_request_parse(const char *text, size_t len, mlc_compare_request *out, mlc_error *err);
mlc_code mlc_compare_answer_print(const mlc_compare_answer *answer, mlc_buf *out, mlc_error *err);
mlc_code mlc_compare_answer_parse(const char *text, size_t len, mlc_compare_answer *out, mlc_error *err);
void mlc_compare_answer_free(mlc_compare_answer *answer);
mlc_code mlc_resend_print(const mlc_resend_request *request, mlc_buf *out, mlc_error *err);
mlc_code mlc_resend_parse(const char *text, size_t len, mlc_resend_request *out, mlc_error *err);
void mlc_resend_free(mlc_resend_request *request);

/* ---- making an answer ---- */

/* Takes the records of a range in order of their leads; bounded memory, however many there are: when there are too many ranges,
 * two by two are joined. */
typedef struct mlc_range_maker {
    mlc_compare_answer answer;      /* of mlc_range_maker_end */
    uint64_t size, total, in_range; /* records, also those that cannot be used */
    int64_t last_lead;
    mlc_range_sum before, of_lead; /* of the range: without the last lead, and that lead alone */
    bool begun;
} mlc_range_maker;

mlc_code mlc_range_maker_open(mlc_range_maker *maker, const mlc_compare_request *asked, mlc_error *err);
/* MLC_E_PROTOCOL when the leads do not ascend or lie outside. */
mlc_code mlc_range_maker_add(mlc_range_maker *maker, const mlc_compare_id *record, mlc_error *err);
/* Then maker->answer is whole: the ranges cover [from, to) without a gap, or the ids are all of it. */
mlc_code mlc_range_maker_end(mlc_range_maker *maker, mlc_error *err);
void mlc_range_maker_free(mlc_range_maker *maker);

#endif
