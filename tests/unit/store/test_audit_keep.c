/* test_audit_keep.c - personal texts and their redaction, segments and retention, a head noted elsewhere, stores of the
 * first format (audit.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/audit_private.h"
#include "support/store_test.h"

enum { DAY = 24 * 3600 * 1000 };

/* ---- what a test does ---- */

typedef struct append_arg {
    uint64_t count;
    int64_t at_ms;
    const char *key, *detail;
} append_arg;

static mlc_code append_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    const append_arg *const a = arg;
    mlc_code code = MLC_OK;
    for (uint64_t i = 0; code == MLC_OK && i < a->count; i++) {
        const mlc_audit_event event = {.at_ms = a->at_ms,
                                       .actor = "relay",
                                       .action = "delivered",
                                       .key = a->key,
                                       .payload_hash = "aa",
                                       .payload_before = "bb",
                                       .outcome = "ok",
                                       .detail = a->detail};
        code = mlc_audit_append(txn, &event, NULL, err);
    }
    return code;
}

static void append(st_fix *f, uint64_t count, int64_t at_ms, const char *key, const char *detail)
{
    mlc_error err;
    append_arg a = {count, at_ms, key, detail};
    st_check(mlc_store_run(f->store, append_job, &a, &err), &err);
}

typedef struct verify_arg {
    const mlc_audit_head *known;
    uint64_t count;
} verify_arg;

static mlc_code verify_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    verify_arg *const v = arg;
    return mlc_audit_verify(txn, v->known, &v->count, err);
}

static void whole(st_fix *f, uint64_t count)
{
    mlc_error err;
    verify_arg v = {0};
    st_check(mlc_store_read(f->store, verify_job, &v, &err), &err);
    assert_int_equal(v.count, count);
}

static void broken(st_fix *f, const mlc_audit_head *known, mlc_code code, const char *words)
{
    mlc_error err;
    verify_arg v = {.known = known};
    assert_int_equal(mlc_store_read(f->store, verify_job, &v, &err), code);
    if (strstr(err.message, words) == NULL)
        fail_msg("\"%s\" is not in: %s", words, err.message);
}

static mlc_code head_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    return mlc_audit_head_get(txn, arg, err);
}

static mlc_audit_head head_of(st_fix *f)
{
    mlc_error err;
    mlc_audit_head head;
    st_check(mlc_store_read(f->store, head_job, &head, &err), &err);
    return head;
}

typedef struct rotate_arg {
    mlc_audit_policy policy;
    int64_t now_ms;
    bool more;
} rotate_arg;

static mlc_code rotate_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    rotate_arg *const r = arg;
    return mlc_audit_rotate(txn, &r->policy, r->now_ms, &r->more, err);
}

/* Until nothing is to be done; returns how many jobs did something. */
static unsigned rotate(st_fix *f, uint64_t entries, int64_t age, int64_t keep, int64_t now_ms)
{
    mlc_error err;
    unsigned count = 0;
    rotate_arg r = {.policy = {entries, age, keep}, .now_ms = now_ms, .more = true};
    while (r.more) {
        st_check(mlc_store_run(f->store, rotate_job, &r, &err), &err);
        count += r.more ? 1 : 0;
        assert_true(count < 100);
    }
    return count;
}

typedef struct row_arg {
    uint64_t index;
    char *event, *personal; /* copies */
} row_arg;

static mlc_code row_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    row_arg *const r = arg;
    mlc_audit_item item;
    const mlc_code code = audit_get(txn, r->index, &item, err);
    r->event = code == MLC_OK ? mlc_strdup(item.event) : NULL;
    r->personal = code == MLC_OK ? mlc_strdup(item.personal) : NULL;
    return code;
}

static row_arg row_of(st_fix *f, uint64_t index)
{
    mlc_error err;
    row_arg r = {.index = index};
    st_check(mlc_store_read(f->store, row_job, &r, &err), &err);
    return r;
}

static void row_free(row_arg *r)
{
    free(r->event);
    free(r->personal);
}

/* ---- personal texts ---- */

static void test_personal_texts_stand_beside_the_chain(void **state)
{
    st_fix *const f = *state;
    append(f, 1, 1000, "customer/6001", "Jane Roe is unknown");
    row_arg r = row_of(f, 1);
    assert_null(strstr(r.event, "Jane"));
    assert_non_null(strstr(r.event, "\"commitments\":{\"payloadBefore\":\""));
    assert_non_null(strstr(r.personal, "\"detail\":\"Jane Roe is unknown\""));
    mlc_audit_item item = {.index = 1, .event = r.event, .personal = r.personal};
    cJSON *tree = NULL;
    assert_int_equal(mlc_audit_tree(&item, &tree, NULL), MLC_OK);
    assert_string_equal(mlc_json_str(tree, "detail"), "Jane Roe is unknown");
    assert_string_equal(mlc_json_str(tree, "payloadBefore"), "bb");
    assert_null(mlc_json_get(tree, "commitments"));
    cJSON_Delete(tree);
    row_free(&r);
    whole(f, 1);
}

typedef struct swap_arg {
    uint64_t index;
    const char *personal; /* NULL: taken away */
} swap_arg;

static mlc_code swap_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    const swap_arg *const s = arg;
    uint8_t key[8];
    mlc_audit_item item;
    mlc_buf row = {0};
    store_be64(key, s->index);
    mlc_code code = audit_get(txn, s->index, &item, err);
    if (code == MLC_OK)
        code = mlc_buf_append(&row, item.hash, MLC_AUDIT_HASH_LEN, err);
    if (code == MLC_OK)
        code = mlc_buf_append(&row, item.event, strlen(item.event) + 1, err);
    if (code == MLC_OK && s->personal != NULL)
        code = mlc_buf_append(&row, s->personal, strlen(s->personal) + 1, err);
    if (code == MLC_OK)
        code = store_put(txn, DB_AUDIT, key, sizeof key, row.data, row.len, err);
    mlc_buf_free(&row);
    return code;
}

static void swap(st_fix *f, uint64_t index, const char *personal)
{
    mlc_error err;
    swap_arg s = {index, personal};
    st_check(mlc_store_run(f->store, swap_job, &s, &err), &err);
}

static void test_altered_text_is_found(void **state)
{
    st_fix *const f = *state;
    append(f, 3, 1000, "customer/6001", "refused");
    row_arg r = row_of(f, 2);
    char *const at = strstr(r.personal, "refused");
    assert_non_null(at);
    for (size_t i = 0; i < strlen("refused"); i++)
        at[i] = "granted"[i];
    swap(f, 2, r.personal);
    broken(f, NULL, MLC_E_CORRUPT, "entry 2 has a text that was altered");
    *strstr(r.personal, ",\"detail\"") = '}';
    *(strchr(r.personal, '}') + 1) = '\0';
    swap(f, 2, r.personal);
    broken(f, NULL, MLC_E_CORRUPT, "entry 2 has lost a text");
    swap(f, 2, "{\"salt\":\"12\"}");
    broken(f, NULL, MLC_E_CORRUPT, "entry 2 has a personal part that cannot be read");
    row_free(&r);
}

static void test_texts_taken_away_without_a_redaction_are_found(void **state)
{
    st_fix *const f = *state;
    append(f, 3, 1000, "customer/6001", "refused");
    swap(f, 2, NULL);
    broken(f, NULL, MLC_E_CORRUPT, "entry 2 has lost its texts");
}

typedef struct redact_arg {
    mlc_audit_redaction r;
    bool tell;
} redact_arg;

static mlc_code redact_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    redact_arg *const a = arg;
    const mlc_code code = mlc_audit_redact(txn, &a->r, err);
    if (code != MLC_OK || !a->tell || a->r.from != 0)
        return code;
    const mlc_audit_event event = {
        .at_ms = 1, .actor = "operator:jane", .action = "redacted", .key = a->r.key, .detail = "asked for"};
    return mlc_audit_append(txn, &event, NULL, err);
}

static mlc_audit_redaction redact(st_fix *f, const char *key, bool tell)
{
    mlc_error err;
    redact_arg a = {.r = {.key = key, .from = 1, .max = 3}, .tell = tell};
    for (int jobs = 0; a.r.from != 0; jobs++) {
        assert_true(jobs < 20);
        st_check(mlc_store_run(f->store, redact_job, &a, &err), &err);
    }
    return a.r;
}

static void test_redaction_leaves_the_chain_whole(void **state)
{
    st_fix *const f = *state;
    append(f, 4, 1000, "customer/6001", "Jane Roe");
    append(f, 2, 1000, "customer/6002", "John Doe");
    append(f, 1, 1000, "customer/6001", "Jane Roe again");
    const mlc_audit_head before = head_of(f);
    mlc_audit_redaction r = redact(f, "customer/6001", true);
    assert_int_equal(r.redacted, 5);
    assert_int_equal(r.bare, 0);
    assert_int_equal(r.fixed, 0);
    whole(f, 8);
    for (uint64_t index = 1; index <= 7; index++) {
        row_arg row = row_of(f, index);
        const bool other = index == 5 || index == 6;
        assert_int_equal(row.personal != NULL, other);
        row_free(&row);
    }
    row_arg row = row_of(f, 8);
    assert_non_null(strstr(row.personal, "asked for"));
    row_free(&row);
    verify_arg v = {.known = &before};
    assert_int_equal(mlc_store_read(f->store, verify_job, &v, NULL), MLC_OK);
    /* Once more: nothing is left, and the reason of the first stays. */
    r = redact(f, "customer/6001", true);
    assert_int_equal(r.redacted, 0);
    assert_int_equal(r.bare, 5);
    row = row_of(f, 8);
    assert_non_null(row.personal);
    row_free(&row);
    whole(f, 9);
}

static void test_redaction_that_is_not_told_is_found(void **state)
{
    st_fix *const f = *state;
    append(f, 2, 1000, "customer/6001", "Jane Roe");
    append(f, 2, 1000, "customer/6002", "John Doe");
    (void)redact(f, "customer/6001", true);
    (void)redact(f, "customer/6002", false);
    broken(f, NULL, MLC_E_CORRUPT, "no entry tells of a redaction of \"customer/6002\"");
}

/* ---- segments ---- */

static void test_segments_close_by_count_and_by_age(void **state)
{
    st_fix *const f = *state;
    append(f, 25, 1000, "order/1", NULL);
    assert_int_equal(rotate(f, 10, DAY, 0, 2000), 2);
    row_arg r = row_of(f, 26);
    assert_non_null(strstr(r.event, "\"action\":\"segment closed\""));
    assert_non_null(strstr(r.event, "\"segment\":{\"from\":1,\"to\":10,\"entries\":10,\"firstHash\":\""));
    row_free(&r);
    whole(f, 27);
    assert_int_equal(rotate(f, 10, DAY, 0, 2000 + DAY), 1); /* 21 to 27 are old enough */
    assert_int_equal(rotate(f, 10, DAY, 0, 2000 + DAY), 0);
    whole(f, 28);
}

static void test_retention_removes_what_is_old_and_proves_it(void **state)
{
    st_fix *const f = *state;
    append(f, 20, 1000, "order/1", "old");
    const mlc_audit_head old = head_of(f);
    append(f, 5, (int64_t)10 * DAY, "order/2", "new");
    assert_int_equal(rotate(f, 10, 30 * (int64_t)DAY, 5 * (int64_t)DAY, (int64_t)10 * DAY), 2);
    mlc_audit_head head = head_of(f);
    assert_int_equal(head.first, 21);
    whole(f, head.index - 20);
    st_close(f);
    st_open(f);
    whole(f, head.index - 20);
    /* The noted head of the removed part is the end of a segment, by chance: it can still be compared. */
    verify_arg v = {.known = &old};
    assert_int_equal(mlc_store_read(f->store, verify_job, &v, NULL), MLC_OK);
    mlc_audit_head older = old;
    older.index = 7;
    broken(f, &older, MLC_E_NOTFOUND, "entry 7 was removed by retention");
    older = old;
    older.hash[0] ^= 1;
    broken(f, &older, MLC_E_CORRUPT, "another hash than the one that was noted");
}

static mlc_code cut_start_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    uint8_t key[8];
    mlc_audit_item item;
    const uint64_t to = *(const uint64_t *)arg;
    mlc_code code = audit_get(txn, to, &item, err);
    audit_mark base = {.index = to};
    memcpy(base.hash, item.hash, sizeof base.hash);
    for (uint64_t i = 1; code == MLC_OK && i <= to; i++) {
        store_be64(key, i);
        code = store_del(txn, DB_AUDIT, key, sizeof key, err);
    }
    return code == MLC_OK ? audit_mark_put(txn, AUDIT_BASE, &base, err) : code;
}

static void test_cut_beginning_is_not_taken_for_retention(void **state)
{
    st_fix *const f = *state;
    mlc_error err;
    uint64_t to = 5;
    append(f, 9, 1000, "order/1", NULL);
    st_check(mlc_store_run(f->store, cut_start_job, &to, &err), &err);
    broken(f, NULL, MLC_E_CORRUPT, "entries 1 to 5 are missing");
}

static mlc_code cut_end_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    uint8_t key[8];
    audit_mark head;
    mlc_audit_item item;
    const bool with_head = *(const bool *)arg;
    mlc_code code = audit_mark_get(txn, AUDIT_HEAD, &head, err);
    store_be64(key, head.index);
    if (code == MLC_OK)
        code = store_del(txn, DB_AUDIT, key, sizeof key, err);
    if (code != MLC_OK || !with_head)
        return code;
    code = audit_get(txn, head.index - 1, &item, err);
    if (code != MLC_OK)
        return code;
    head.index--;
    memcpy(head.hash, item.hash, sizeof head.hash);
    return audit_mark_put(txn, AUDIT_HEAD, &head, err);
}

static void test_cut_end_is_found_also_with_its_mark_by_a_noted_head(void **state)
{
    st_fix *const f = *state;
    mlc_error err;
    bool with_head = false;
    append(f, 5, 1000, "order/1", NULL);
    const mlc_audit_head noted = head_of(f);
    st_check(mlc_store_run(f->store, cut_end_job, &with_head, &err), &err);
    broken(f, NULL, MLC_E_CORRUPT, "entry 5 is missing");
    st_end(f);
    st_init(f);
    append(f, 5, 1000, "order/1", NULL);
    with_head = true;
    st_check(mlc_store_run(f->store, cut_end_job, &with_head, &err), &err);
    whole(f, 4);
    broken(f, &noted, MLC_E_CORRUPT, "the trail ends with entry 4");
}

/* ---- the first format ---- */

static mlc_code old_store_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    static const char *const texts[] = {
        "{\"index\":1,\"at\":\"2026-11-23T00:00:00.000Z\",\"action\":\"sent\",\"key\":\"customer/6001\","
        "\"detail\":\"Jane\"}",
        "{\"index\":2,\"at\":\"2026-11-23T00:00:01.000Z\",\"action\":\"sent\",\"key\":\"customer/6001\"}"};
    uint8_t hash[MLC_AUDIT_HASH_LEN] = {0};
    uint8_t bytes[8];
    mlc_code code = MLC_OK;
    (void)arg;
    for (uint64_t i = 0; code == MLC_OK && i < 2; i++) {
        mlc_buf row = {0};
        code = mlc_audit_chain(hash, texts[i], hash, err);
        store_be64(bytes, i + 1);
        assert_int_equal(mlc_buf_append(&row, hash, sizeof hash, err), MLC_OK);
        assert_int_equal(mlc_buf_append(&row, texts[i], strlen(texts[i]) + 1, err), MLC_OK);
        assert_int_equal(store_put(txn, DB_AUDIT, bytes, 8, row.data, row.len, err), MLC_OK);
        mlc_buf_free(&row);
    }
    store_be64(bytes, 1);
    return code == MLC_OK ? store_put(txn, DB_META, "format", sizeof "format", bytes, 8, err) : code;
}

static void test_store_of_the_first_format_goes_on(void **state)
{
    st_fix *const f = *state;
    mlc_error err;
    st_check(mlc_store_run(f->store, old_store_job, NULL, &err), &err);
    st_close(f);
    st_open(f);
    assert_int_equal(head_of(f).index, 2);
    append(f, 1, 1000, "customer/6001", "Jane Roe");
    whole(f, 3);
    const mlc_audit_redaction r = redact(f, "customer/6001", true);
    assert_int_equal(r.redacted, 1);
    assert_int_equal(r.fixed, 1);
    whole(f, 4);
    st_close(f);
    st_open(f);
    whole(f, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_personal_texts_stand_beside_the_chain, st_setup, st_teardown),
        cmocka_unit_test_setup_teardown(test_altered_text_is_found, st_setup, st_teardown),
        cmocka_unit_test_setup_teardown(test_texts_taken_away_without_a_redaction_are_found, st_setup,
                                        st_teardown),
        cmocka_unit_test_setup_teardown(test_redaction_leaves_the_chain_whole, st_setup, st_teardown),
        cmocka_unit_test_setup_teardown(test_redaction_that_is_not_told_is_found, st_setup, st_teardown),
        cmocka_unit_test_setup_teardown(test_segments_close_by_count_and_by_age, st_setup, st_teardown),
        cmocka_unit_test_setup_teardown(test_retention_removes_what_is_old_and_proves_it, st_setup,
                                        st_teardown),
        cmocka_unit_test_setup_teardown(test_cut_beginning_is_not_taken_for_retention, st_setup, st_teardown),
        cmocka_unit_test_setup_teardown(test_cut_end_is_found_also_with_its_mark_by_a_noted_head, st_setup,
                                        st_teardown),
        cmocka_unit_test_setup_teardown(test_store_of_the_first_format_goes_on, st_setup, st_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
