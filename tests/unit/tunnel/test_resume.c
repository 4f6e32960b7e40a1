/* From where a stream goes on: every case of the table in docs/protocol.md. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tunnel/hello.h"

typedef struct row {
    const char *name;
    mlc_position claim;
    mlc_stream_facts own;
    mlc_resume expected;
} row;

static const row rows[] = {
    {"nothing ever received",
     {0, 0, 0, {0}},
     {.epoch = 9, .generation = 1, .acked = 0, .last = 10},
     {MLC_RESUME_UNKNOWN, 1, 1}},
    {"another store of ours",
     {8, 1, 500, {0}},
     {.epoch = 9, .generation = 1, .acked = 4, .last = 10},
     {MLC_RESUME_UNKNOWN, 1, 1}},
    {"in step",
     {9, 1, 4, {0}},
     {.epoch = 9, .generation = 1, .acked = 4, .last = 10, .mark = MLC_MARK_SAME},
     {MLC_RESUME_NORMAL, 5, 1}},
    {"stored, acknowledgement lost",
     {9, 1, 7, {0}},
     {.epoch = 9, .generation = 1, .acked = 4, .last = 10, .mark = MLC_MARK_SAME},
     {MLC_RESUME_NORMAL, 8, 1}},
    {"all received",
     {9, 1, 10, {0}},
     {.epoch = 9, .generation = 1, .acked = 4, .last = 10, .mark = MLC_MARK_SAME},
     {MLC_RESUME_NORMAL, 11, 1}},
    {"the receiver was restored",
     {9, 1, 2, {0}},
     {.epoch = 9, .generation = 1, .acked = 4, .last = 10, .mark = MLC_MARK_SAME},
     {MLC_RESUME_BEHIND, 3, 1}},
    {"the receiver was restored, its entry is pruned here",
     {9, 1, 2, {0}},
     {.epoch = 9, .generation = 1, .acked = 4, .last = 10, .mark = MLC_MARK_UNKNOWN},
     {MLC_RESUME_BEHIND, 3, 1}},
    {"we were restored: it has more than we ever sent",
     {9, 1, 50, {0}},
     {.epoch = 9, .generation = 1, .acked = 4, .last = 10},
     {MLC_RESUME_REWRITTEN, 1, 2}},
    {"we were restored and have written other entries since",
     {9, 1, 8, {0}},
     {.epoch = 9, .generation = 1, .acked = 4, .last = 10, .mark = MLC_MARK_OTHER},
     {MLC_RESUME_REWRITTEN, 1, 2}},
    {"both were restored, to different times",
     {9, 1, 3, {0}},
     {.epoch = 9, .generation = 1, .acked = 4, .last = 10, .mark = MLC_MARK_OTHER},
     {MLC_RESUME_REWRITTEN, 1, 2}},
    {"we were restored to before a generation",
     {9, 3, 8, {0}},
     {.epoch = 9, .generation = 1, .acked = 4, .last = 10},
     {MLC_RESUME_REWRITTEN, 1, 4}},
    {"a new generation, of which nothing was received",
     {9, 1, 50, {0}},
     {.epoch = 9, .generation = 2, .acked = 4, .last = 12},
     {MLC_RESUME_UNKNOWN, 1, 2}},
    {"a receiver restored to before the generation",
     {9, 1, 50, {0}},
     {.epoch = 9, .generation = 2, .acked = 11, .last = 12},
     {MLC_RESUME_UNKNOWN, 1, 2}},
};

static void test_every_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const mlc_resume r = mlc_resume_decide(&rows[i].claim, &rows[i].own);
        const mlc_resume *e = &rows[i].expected;
        if (r.kind != e->kind || r.first != e->first || r.generation != e->generation)
            fail_msg("%s: kind %d first %llu generation %llu", rows[i].name, (int)r.kind,
                     (unsigned long long)r.first, (unsigned long long)r.generation);
    }
}

/* Whatever is claimed, what is sent begins at a sequence that leaves no gap in what the receiver kept. */
static void test_no_gap(void **state)
{
    (void)state;
    for (uint64_t epoch = 8; epoch <= 9; epoch++)
        for (uint64_t generation = 0; generation <= 3; generation++)
            for (uint64_t seq = 0; seq <= 12; seq++)
                for (uint64_t acked = 0; acked <= 10; acked++)
                    for (unsigned mark = MLC_MARK_UNKNOWN; mark <= MLC_MARK_OTHER; mark++) {
                        const mlc_position claim = {.epoch = epoch, .generation = generation, .seq = seq};
                        const mlc_stream_facts own = {
                            .epoch = 9, .generation = 2, .acked = acked, .last = 10, .mark = mark};
                        const mlc_resume r = mlc_resume_decide(&claim, &own);
                        assert_true(r.first >= 1 && r.first <= own.last + 1);
                        /* In the same stream as claimed it must follow directly, else begin early enough. */
                        if (r.kind != MLC_RESUME_UNKNOWN && r.generation == generation)
                            assert_true(r.first == seq + 1);
                        else
                            assert_true(r.first <= own.acked + 1);
                        assert_true(r.generation >= own.generation);
                    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_case), cmocka_unit_test(test_no_gap)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
