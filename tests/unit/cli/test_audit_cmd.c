/* test_audit_cmd.c - mlctl audit export, verify of a file and of a folder, redact, and what an altered file is called. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/stat.h>

#include "store/audit.h"
#include "store/crossref.h"
#include "support/mlctl_test.h"

enum { EVENTS = 9, FILE_MAX = 64 * 1024 };

static mlc_code events_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    mlc_code code = MLC_OK;
    (void)arg;
    for (int64_t i = 1; code == MLC_OK && i <= EVENTS; i++) {
        const mlc_audit_event event = {.at_ms = i * 86400000,
                                       .actor = "relay",
                                       .action = "delivered",
                                       .key = i % 2 == 0 ? "customer/6001" : "order/1",
                                       .correlation = i < 4 ? "c-1" : "c-2",
                                       .payload_hash = "00ff",
                                       .outcome = "ok",
                                       .detail = "=cmd, \"Jane\"\nRoe"};
        code = mlc_audit_append(txn, &event, NULL, err);
    }
    return code;
}

static int setup(void **state)
{
    mlc_error err;
    admin_fix_set_up(state);
    admin_fix *const f = *state;
    lst_check(mlc_store_run(f->s.store, events_job, NULL, &err), &err);
    return 0;
}

/* ---- files ---- */

static size_t read_file(const char *path, char *out)
{
    FILE *const in = fopen(path, "re");
    assert_non_null(in);
    const size_t len = fread(out, 1, FILE_MAX - 1, in);
    (void)fclose(in);
    out[len] = '\0';
    return len;
}

static void write_file(const char *path, const char *text)
{
    FILE *const out = fopen(path, "we");
    assert_non_null(out);
    assert_int_equal(fwrite(text, 1, strlen(text), out), strlen(text));
    assert_int_equal(fclose(out), 0);
}

static void path_of(const admin_fix *f, const char *name, char out[300])
{
    (void)snprintf(out, 300, "%s/%s", f->s.dir, name);
}

/* Start of line n (from 1). */
static char *line_at(char *text, int n)
{
    while (--n > 0)
        text = strchr(text, '\n') + 1;
    return text;
}

static void cut_line(char *text, int n)
{
    char *const from = line_at(text, n);
    char *const to = strchr(from, '\n') + 1;
    memmove(from, to, strlen(to) + 1);
}

static void swap_lines(char *text, int n)
{
    char copy[8192];
    char *const a = line_at(text, n);
    char *const b = line_at(text, n + 1);
    char *const c = line_at(text, n + 2);
    const size_t a_len = (size_t)(b - a);
    const size_t b_len = (size_t)(c - b);
    assert_true(a_len < sizeof copy);
    memcpy(copy, a, a_len);
    memmove(a, b, b_len);
    memcpy(a + b_len, copy, a_len);
}

typedef struct damage {
    const char *words;
    int cut, swap, alter;  /* a line */
    const char *from, *to; /* alter: of the same length */
} damage;

static void check_damage(admin_fix *f, const char *good, const damage *d)
{
    static char text[FILE_MAX];
    char path[300];
    path_of(f, "damaged", path);
    (void)read_file(good, text);
    if (d->cut > 0)
        cut_line(text, d->cut);
    if (d->swap > 0)
        swap_lines(text, d->swap);
    if (d->alter > 0) {
        char *const at = strstr(line_at(text, d->alter), d->from);
        assert_non_null(at);
        memcpy(at, d->to, strlen(d->to));
    }
    write_file(path, text);
    expect(f, MLCTL_FAILED, d->words, "mlctl audit verify %s", path);
}

static void test_export_as_json_lines_proves_itself(void **state)
{
    admin_fix *const f = *state;
    char path[300];
    path_of(f, "out.jsonl", path);
    expect(f, MLCTL_OK, "9 entries, the last is 9\n", "mlctl audit export --format jsonl --out %s", path);
    expect(f, MLCTL_OK, "9 entries, 1 to 9, the chain is whole\n", "mlctl audit verify %s", path);
    expect(f, MLCTL_FAILED, "cannot be made", "mlctl audit export --format jsonl --out %s", path);
    const damage damages[] = {
        {.cut = 5, .words = "line 5: audit: entry 4 is missing"},
        {.cut = 1, .words = "line 1: the head of the export is missing"},
        {.cut = 2, .words = "the export began with entry 1, here stands entry 2"},
        {.cut = 10, .words = "the file ends with entry 8, but entry 9 was exported last"},
        {.cut = 11, .words = "the end of the export is missing: it was cut"},
        {.swap = 4, .words = "line 4: audit: entry 3 is missing"},
        {.alter = 3, .from = "relay", .to = "delay", .words = "entry 2 does not fit the chain"},
        {.alter = 3, .from = "Jane", .to = "John", .words = "entry 2 has a text that was altered"},
        {.alter = 3, .from = "\"salt\"", .to = "\"sale\"", .words = "entry 2 has a personal part"},
        {.alter = 1, .from = "\"format\":1", .to = "\"format\":2", .words = "or of a newer program"},
    };
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++)
        check_damage(f, path, &damages[i]);
}

static void test_export_as_csv_proves_itself(void **state)
{
    static char text[FILE_MAX];
    admin_fix *const f = *state;
    char path[300];
    path_of(f, "out.csv", path);
    expect(f, MLCTL_OK, "9 entries", "mlctl audit export --format csv --out %s", path);
    expect(f, MLCTL_OK, "9 entries, 1 to 9, the chain is whole\n", "mlctl audit verify %s", path);
    (void)read_file(path, text);
    /* No spreadsheet takes the text for a formula, and it stays on its line. */
    assert_non_null(strstr(text, ",\"'=cmd, \"\"Jane\"\" Roe\","));
    const damage damages[] = {
        {.cut = 5, .words = "line 5: audit: entry 3 is missing"},
        {.cut = 12, .words = "it was cut"},
        {.alter = 4,
         .from = "\"'=cmd",
         .to = "\"'=CMD",
         .words = "entry 2 has columns that its event does not have"},
        {.alter = 4, .from = "\"relay\"", .to = "\"delay\"", .words = "columns that its event does not have"},
    };
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++)
        check_damage(f, path, &damages[i]);
}

static void test_part_and_filter_say_what_they_cannot_prove(void **state)
{
    admin_fix *const f = *state;
    char path[300];
    path_of(f, "part", path);
    expect(f, MLCTL_OK, "4 entries, the last is 7\n",
           "mlctl audit export --format jsonl --from 4 --to 7 --out %s", path);
    expect(f, MLCTL_OK, "whole from entry 4 on; what came before was not exported", "mlctl audit verify %s",
           path);
    path_of(f, "key", path);
    expect(f, MLCTL_OK, "4 entries, the last is 8",
           "mlctl audit export --format csv --key customer/6001 --out %s", path);
    expect(f, MLCTL_OK, "a filtered export cannot prove", "mlctl audit verify %s", path);
    path_of(f, "correlation", path);
    expect(f, MLCTL_OK, "3 entries, the last is 3",
           "mlctl audit export --format jsonl --correlation c-1 --out %s", path);
    path_of(f, "time", path);
    expect(f, MLCTL_OK, "2 entries, the last is 6",
           "mlctl audit export --format jsonl --from 1970-01-06 --to 1970-01-07 --out %s", path);
    path_of(f, "nothing", path);
    expect(f, MLCTL_OK, "0 entries", "mlctl audit export --format jsonl --key nobody --out %s", path);
    expect(f, MLCTL_OK, "0 entries", "mlctl audit verify %s", path);
    path_of(f, "absent", path);
    expect(f, MLCTL_FAILED, "cannot be opened", "mlctl audit verify %s", path);
    expect(f, MLCTL_OK, "\"index\":1", "mlctl audit export --format jsonl");
}

static void test_noted_head_is_compared(void **state)
{
    admin_fix *const f = *state;
    ran r = {.line = "mlctl audit verify", .socket = f->socket};
    char head[100];
    char path[300];
    path_of(f, "out", path);
    admin_fix_meanwhile(f, run_in_thread, &r);
    const char *const at = strstr(r.out, "agent: head 9:");
    assert_non_null(at);
    assert_int_equal(sscanf(at, "agent: head %90s", head), 1);
    free(r.out);
    free(r.err);
    expect(f, MLCTL_OK, "9 entries", "mlctl audit export --format jsonl --out %s", path);
    expect(f, MLCTL_OK, "the chain is whole", "mlctl audit verify --head %s", head);
    expect(f, MLCTL_OK, "the chain is whole", "mlctl audit verify %s --head %s", path, head);
    char *const last = head + strlen(head) - 1;
    *last = *last == 'a' ? 'b' : 'a';
    expect(f, MLCTL_FAILED, "was changed or damaged", "mlctl audit verify --head %s", head);
    expect(f, MLCTL_FAILED, "entry 9 has another hash than the one that was noted",
           "mlctl audit verify %s --head %s", path, head);
    expect(f, MLCTL_FAILED, "INDEX:HASH", "mlctl audit verify --head 9:abc");
}

static void test_redaction_shows_and_proves(void **state)
{
    admin_fix *const f = *state;
    expect(f, MLCTL_OK, "the texts of 4 entries were taken away",
           "mlctl audit redact --key customer/6001 --reason asked");
    expect(f, MLCTL_OK, "(redacted)", "mlctl audit --key customer/6001");
    expect(f, MLCTL_OK, "operator:jane  redacted", "mlctl audit --key customer/6001");
    expect(f, MLCTL_OK, "agent: 10 entries, the chain is whole", "mlctl audit verify");
    expect(f, MLCTL_USAGE, "--key is missing", "mlctl audit redact --reason asked");
    expect(f, MLCTL_USAGE, "--reason is missing", "mlctl audit redact --key a");
}

static void test_folder_is_verified_without_a_change(void **state)
{
    admin_fix *const f = *state;
    mlc_error err;
    char copy[300];
    path_of(f, "copy", copy);
    assert_int_equal(mkdir(copy, 0700), 0);
    lst_check(mlc_store_backup(f->s.store, copy, &err), &err);
    expect(f, MLCTL_OK, "9 entries, the chain is whole", "mlctl audit verify --dir %s", copy);
    assert_int_equal(chmod(copy, 0500), 0);
    expect(f, MLCTL_OK, "9 entries, the chain is whole", "mlctl audit verify --dir %s", copy);
    assert_int_equal(chmod(copy, 0700), 0);
    expect(f, MLCTL_FAILED, "mlctl: ", "mlctl audit verify --dir %s/absent", copy);
}

static mlc_code link_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    (void)arg;
    return mlc_crossref_put(txn, "JDE/F0101/6001", "Dynamics/accounts/1a", NULL, 1000, err);
}

static void test_counterparts_are_shown(void **state)
{
    admin_fix *const f = *state;
    mlc_error err;
    lst_check(mlc_store_run(f->s.store, link_job, NULL, &err), &err);
    expect(f, MLCTL_OK, "agent  Dynamics/accounts/1a  -", "mlctl xref JDE/F0101/6001");
    expect(f, MLCTL_OK, "JDE/F0101/6001", "mlctl xref Dynamics/accounts/1a --store agent");
    expect(f, MLCTL_OK, "no counterpart is known", "mlctl xref JDE/F0101/7");
    expect(f, MLCTL_FAILED, "names no record", "mlctl xref 6001");
    expect(f, MLCTL_FAILED, "the relay rebuilds", "mlctl xref rebuild");
    expect(f, MLCTL_USAGE, "something is missing", "mlctl xref");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_export_as_json_lines_proves_itself, setup, admin_fix_tear_down),
        cmocka_unit_test_setup_teardown(test_export_as_csv_proves_itself, setup, admin_fix_tear_down),
        cmocka_unit_test_setup_teardown(test_part_and_filter_say_what_they_cannot_prove, setup,
                                        admin_fix_tear_down),
        cmocka_unit_test_setup_teardown(test_noted_head_is_compared, setup, admin_fix_tear_down),
        cmocka_unit_test_setup_teardown(test_redaction_shows_and_proves, setup, admin_fix_tear_down),
        cmocka_unit_test_setup_teardown(test_folder_is_verified_without_a_change, setup, admin_fix_tear_down),
        cmocka_unit_test_setup_teardown(test_counterparts_are_shown, setup, admin_fix_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
