/* A changed address that was held: does it come after a later one that was written (address_executor.h)? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/address_executor.h"
#include "store/cursor.h"
#include "support/loop_store_test.h"

typedef struct asked {
    const char *wrote; /* when the change was made that was written last to 6001 */
    const char *an8, *modified;
    bool old;
} asked;

static mlc_code ask_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    asked *const a = arg;
    mlc_buf text = {0};
    const mlc_address change = {.table = "account",
                                .id = "01234567-89ab-cdef-0123-456789abcdef",
                                .source = "JDE/F0101/6001",
                                .an8 = a->an8,
                                .version = "1",
                                .modified = a->modified,
                                .change = "7",
                                .now = {.text = {[MLC_ADDRESS_NAME] = "Acme", [MLC_ADDRESS_CITY] = "Ulm"}}};
    mlc_code code = mlc_address_print(&change, &text, err);
    if (code == MLC_OK && a->wrote != NULL)
        code = mlc_cursor_put(txn, "address.modified/6001", a->wrote, strlen(a->wrote), err);
    const mlc_entry entry = {.kind = "address", .payload = text.data, .payload_len = text.len};
    if (code == MLC_OK)
        code = mlc_address_is_old(txn, &entry, &a->old, err);
    mlc_buf_free(&text);
    return code;
}

static void test_only_an_earlier_change_is_old(void **state)
{
    static const struct {
        asked what;
        bool old;
    } cases[] = {{{NULL, "6001", "2026-11-23T10:00:00Z", false}, false},
                 {{"2026-11-23T10:00:01Z", "6001", "2026-11-23T10:00:00Z", false}, true},
                 {{"2026-11-23T10:00:01Z", "6001", "2026-11-23T10:00:01Z", false}, false},
                 {{"2026-11-23T10:00:01Z", "6001", "2026-11-23T10:00:02Z", false}, false},
                 {{"2026-11-23T10:00:01Z", "6002", "2026-11-23T10:00:00Z", false}, false}};
    lst_fix f;
    mlc_error err;
    (void)state;
    lst_init(&f);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        asked a = cases[i].what;
        lst_check(mlc_store_run(f.store, ask_job, &a, &err), &err);
        if (a.old != cases[i].old)
            fail_msg("case %zu", i);
    }
    lst_close_store(&f);
    lst_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_only_an_earlier_change_is_old)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
