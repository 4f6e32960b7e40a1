/* test_error_table.c - the table of docs/operations.md says what decide.c does, for every code there is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "deliver/decide.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DOC_MAX = 256 * 1024 };

static char *read_doc(void)
{
    char *const text = calloc(1, DOC_MAX);
    FILE *const in = fopen(MLC_SOURCE_DIR "/docs/operations.md", "re");
    assert_non_null(text);
    assert_non_null(in);
    assert_true(fread(text, 1, DOC_MAX - 1, in) > 0);
    (void)fclose(in);
    return text;
}

static const char *word_of(mlc_verdict_action action)
{
    switch (action) {
    case MLC_VERDICT_DONE:
        return "done";
    case MLC_VERDICT_RETRY:
        return "retried";
    case MLC_VERDICT_PARK:
        return "parked";
    default:
        return "left";
    }
}

static mlc_verdict decide(mlc_code code, bool later)
{
    const mlc_decision in = {.code = code,
                             .attempt = later ? 12 : 1,
                             .created_ms = 1000,
                             .began_ms = 5000,
                             .now_ms = 6000,
                             .last_taken_ms = later ? 4000 : 0,
                             .max_attempts = 12,
                             .settle_ms = 120000,
                             .backoff = {.base_ms = 1000, .cap_ms = 8000}};
    return mlc_delivery_decide(&in);
}

/* Cells of the row that begins "| `code` |", from the third on. */
static void row_of(const char *doc, const char *code, char cells[3][16])
{
    char start[48];
    (void)snprintf(start, sizeof start, "\n| `%s` | ", code);
    const char *at = strstr(doc, start);
    if (at == NULL || strstr(at + 1, start) != NULL)
        fail_msg("docs/operations.md has not one row of the code \"%s\"", code);
    at = at == NULL ? doc : strchr(at + strlen(start), '|');
    assert_non_null(at);
    assert_int_equal(sscanf(at, "| %15s | %15s | %15s |", cells[0], cells[1], cells[2]), 3);
}

static void test_table_is_what_is_done(void **state)
{
    char *const doc = read_doc();
    (void)state;
    for (int code = MLC_OK; code <= MLC_E_INTERNAL; code++) {
        char cells[3][16];
        const char *const name = mlc_code_name((mlc_code)code);
        const mlc_verdict first = decide((mlc_code)code, false);
        const mlc_verdict later = decide((mlc_code)code, true);
        row_of(doc, name, cells);
        if (strcmp(cells[0], word_of(first.action)) != 0 || strcmp(cells[1], word_of(later.action)) != 0 ||
            strcmp(cells[2], first.uncertain ? "yes" : "no") != 0)
            fail_msg("%s: the table says %s, %s, %s; done is %s, %s, %s", name, cells[0], cells[1], cells[2],
                     word_of(first.action), word_of(later.action), first.uncertain ? "yes" : "no");
    }
    free(doc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_table_is_what_is_done)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
