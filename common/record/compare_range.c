/* compare_range.c - see compare.h: sums over ranges, and the making of an answer. */
#include "record/compare.h"

#include "crypto/crypto.h"

#include <stdlib.h>
#include <string.h>

int64_t mlc_compare_lead(const char *id)
{
    int64_t lead = 0;
    for (; *id >= '0' && *id <= '9'; id++) {
        if (lead > (INT64_MAX - 10) / 10)
            return INT64_MAX - 1;
        lead = lead * 10 + (*id - '0');
    }
    return lead;
}

/* Addition of numbers of 128 bits, so that the order does not matter and two equal records do not cancel out. */
static void add_hash(uint8_t to[MLC_MASTER_FINGERPRINT_LEN], const uint8_t *hash)
{
    unsigned carry = 0;
    for (size_t i = MLC_MASTER_FINGERPRINT_LEN; i-- > 0;) {
        carry += (unsigned)to[i] + hash[i];
        to[i] = (uint8_t)carry;
        carry >>= 8;
    }
}

mlc_code mlc_range_add(mlc_range_sum *sum, const char *id,
                       const uint8_t fingerprint[MLC_MASTER_FINGERPRINT_LEN], mlc_error *err)
{
    uint8_t text[MLC_COMPARE_ID_MAX + 1 + MLC_MASTER_FINGERPRINT_LEN];
    uint8_t hash[MLC_SHA256_LEN];
    const size_t len = strlen(id);
    if (len > MLC_COMPARE_ID_MAX)
        return mlc_fail(err, MLC_E_LIMIT, "id \"%.60s\" is too long", id);
    memcpy(text, id, len + 1);
    memcpy(text + len + 1, fingerprint, MLC_MASTER_FINGERPRINT_LEN);
    const mlc_code code = mlc_sha256(text, len + 1 + MLC_MASTER_FINGERPRINT_LEN, hash, err);
    if (code != MLC_OK)
        return code;
    add_hash(sum->hash, hash);
    sum->count++;
    return MLC_OK;
}

void mlc_range_join(mlc_range_sum *sum, const mlc_range_sum *other)
{
    add_hash(sum->hash, other->hash);
    sum->count += other->count;
}

bool mlc_range_same(const mlc_range_sum *a, const mlc_range_sum *b)
{
    return a->count == b->count && memcmp(a->hash, b->hash, sizeof a->hash) == 0;
}

/* ---- making an answer ---- */

mlc_code mlc_range_maker_open(mlc_range_maker *maker, const mlc_compare_request *asked, mlc_error *err)
{
    memset(maker, 0, sizeof *maker);
    const bool one_lead = asked->to - asked->from == 1;
    const size_t ids = one_lead ? MLC_COMPARE_IDS_MAX : MLC_COMPARE_FEW;
    maker->answer.asked = *asked;
    maker->answer.enabled = true;
    maker->size = MLC_COMPARE_RANGE_SIZE;
    maker->answer.ranges = calloc(MLC_COMPARE_RANGES_MAX, sizeof *maker->answer.ranges);
    maker->answer.ids = calloc(ids, sizeof *maker->answer.ids);
    if (maker->answer.ranges == NULL || maker->answer.ids == NULL) {
        mlc_range_maker_free(maker);
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a comparison");
    }
    maker->answer.ranges[0].from = asked->from;
    maker->answer.range_count = 1;
    return MLC_OK;
}

void mlc_range_maker_free(mlc_range_maker *maker)
{
    mlc_compare_answer_free(&maker->answer);
}

static void join_pairs(mlc_range_maker *maker)
{
    mlc_compare_answer *const a = &maker->answer;
    size_t kept = 0;
    for (size_t i = 0; i < a->range_count; i += 2) {
        mlc_range range = a->ranges[i];
        if (i + 1 < a->range_count) {
            mlc_range_join(&range.sum, &a->ranges[i + 1].sum);
            range.to = a->ranges[i + 1].to;
        }
        a->ranges[kept++] = range;
    }
    a->range_count = kept;
    maker->size *= 2;
}

/* Another range begins at this lead. Two are kept free for the end. */
static mlc_range *next_range(mlc_range_maker *maker, int64_t lead)
{
    mlc_compare_answer *const a = &maker->answer;
    a->ranges[a->range_count - 1].to = lead;
    if (a->range_count + 2 >= MLC_COMPARE_RANGES_MAX)
        join_pairs(maker);
    mlc_range *const range = &a->ranges[a->range_count++];
    *range = (mlc_range){.from = lead};
    maker->in_range = 0;
    return range;
}

mlc_code mlc_range_maker_add(mlc_range_maker *maker, const mlc_compare_id *record, mlc_error *err)
{
    mlc_compare_answer *const a = &maker->answer;
    const mlc_compare_request *const asked = &a->asked;
    const int64_t lead = mlc_compare_lead(record->id);
    const size_t room = asked->to - asked->from == 1 ? MLC_COMPARE_IDS_MAX : MLC_COMPARE_FEW;
    if (lead < asked->from || lead >= asked->to || (maker->begun && lead < maker->last_lead))
        return mlc_fail(err, MLC_E_PROTOCOL,
                        "JDE gave the records of %.20s in another order than was asked for", asked->of);
    mlc_range *range = &a->ranges[a->range_count - 1];
    if (maker->begun && lead > maker->last_lead && maker->in_range >= maker->size)
        range = next_range(maker, lead);
    if (lead != maker->last_lead || !maker->begun) {
        maker->before = range->sum;
        maker->of_lead = (mlc_range_sum){0};
    }
    maker->begun = true;
    maker->in_range++;
    maker->last_lead = lead;
    if (maker->total < room)
        a->ids[maker->total] = *record;
    maker->total++;
    if (maker->total > MLC_COMPARE_IDS_MAX && asked->to - asked->from == 1)
        return mlc_fail(err, MLC_E_LIMIT, "%.20s %lld stands for more than %d records", asked->of,
                        (long long)lead, MLC_COMPARE_IDS_MAX);
    if (!record->usable)
        return MLC_OK;
    const mlc_code code = mlc_range_add(&range->sum, record->id, record->fingerprint, err);
    return code == MLC_OK ? mlc_range_add(&maker->of_lead, record->id, record->fingerprint, err) : code;
}

mlc_code mlc_range_maker_end(mlc_range_maker *maker, mlc_error *err)
{
    mlc_compare_answer *const a = &maker->answer;
    const bool one_lead = a->asked.to - a->asked.from == 1;
    (void)err;
    a->ranges[a->range_count - 1].to = a->asked.to;
    a->by_ids = one_lead || maker->total <= MLC_COMPARE_FEW;
    if (a->by_ids) {
        a->id_count = maker->total;
        return MLC_OK;
    }
    if (a->range_count > 1)
        return MLC_OK;
    /* Most of them are of one lead, the last: so that the questions end, it gets a range of its own. */
    const mlc_range whole = a->ranges[0];
    const int64_t lead = maker->last_lead;
    a->range_count = 0;
    if (lead > whole.from)
        a->ranges[a->range_count++] = (mlc_range){.from = whole.from, .to = lead, .sum = maker->before};
    a->ranges[a->range_count++] = (mlc_range){.from = lead, .to = lead + 1, .sum = maker->of_lead};
    if (lead + 1 < whole.to)
        a->ranges[a->range_count++] = (mlc_range){.from = lead + 1, .to = whole.to};
    return MLC_OK;
}
