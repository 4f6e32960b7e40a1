/* log.h: form of a line, levels, redaction by name and by value, lines stay JSON whatever comes in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/log.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct fixture {
    char dir[64];
    char path[96];
    mlc_log *log;
    mlc_buf text;
} fixture;

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    if (f == NULL)
        return -1;
    const char *base = getenv("TMPDIR");
    if (base == NULL || strlen(base) > 32)
        base = "/tmp";
    (void)snprintf(f->dir, sizeof f->dir, "%s/mlc-log-XXXXXX", base);
    *state = f;
    if (mkdtemp(f->dir) == NULL)
        return -1;
    (void)snprintf(f->path, sizeof f->path, "%s/log", f->dir);
    return mlc_log_open(&f->log, f->path, MLC_LOG_DEBUG, NULL) == MLC_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    mlc_log_close(f->log);
    mlc_buf_free(&f->text);
    (void)unlink(f->path);
    (void)rmdir(f->dir);
    free(f);
    return 0;
}

/* What the file holds now. */
static const char *written(fixture *f)
{
    char piece[4096];
    mlc_buf_clear(&f->text);
    int fd = open(f->path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    ssize_t got = 0;
    while ((got = read(fd, piece, sizeof piece)) > 0)
        assert_int_equal(mlc_buf_append(&f->text, piece, (size_t)got, NULL), MLC_OK);
    (void)close(fd);
    return mlc_buf_text(&f->text);
}

/* The only line of the file, parsed. Caller deletes. */
static cJSON *only_line(fixture *f)
{
    const char *text = written(f);
    const char *end = strchr(text, '\n');
    assert_non_null(end);
    assert_int_equal(end[1], '\0');
    cJSON *line = NULL;
    assert_int_equal(mlc_json_parse(text, (size_t)(end - text), 0, 0, &line, NULL), MLC_OK);
    return line;
}

static void a_line_has_its_members(void **state)
{
    fixture *f = *state;
    mlc_log_info(f->log, "poller", "page read", MLC_S("table", "F0101"), MLC_I("rows", -42),
                 MLC_B("last", true), MLC_S("none", NULL));
    cJSON *line = only_line(f);
    const char *ts = mlc_json_str(line, "ts");
    assert_non_null(ts);
    assert_int_equal(strlen(ts), 24);
    assert_int_equal(ts[23], 'Z');
    assert_string_equal(mlc_json_str(line, "level"), "info");
    assert_string_equal(mlc_json_str(line, "part"), "poller");
    assert_string_equal(mlc_json_str(line, "msg"), "page read");
    assert_string_equal(mlc_json_str(line, "table"), "F0101");
    assert_string_equal(mlc_json_member_text(line, "rows"), "-42");
    assert_true(mlc_json_bool(line, "last", false));
    assert_true(cJSON_IsNull(mlc_json_get(line, "none")));
    cJSON_Delete(line);
}

static void fields_are_optional(void **state)
{
    fixture *f = *state;
    mlc_log_warn(f->log, "p", "m");
    cJSON *line = only_line(f);
    assert_int_equal(cJSON_GetArraySize(line), 4);
    cJSON_Delete(line);
}

static void null_texts_do_no_harm(void **state)
{
    fixture *f = *state;
    mlc_log_write(f->log, MLC_LOG_ERROR, NULL, NULL, NULL);
    const mlc_log_field fields[] = {MLC_S(NULL, "x"), MLC_S("k", "v"), MLC_LOG_END};
    cJSON_Delete(only_line(f));
    mlc_log_write(f->log, MLC_LOG_ERROR, NULL, NULL, fields);
    assert_non_null(strstr(written(f), "\"msg\":\"\",\"k\":\"v\"}"));
    mlc_log_info(NULL, "p", "m");
    mlc_log_close(NULL);
    mlc_log_set_level(NULL, MLC_LOG_INFO);
    assert_int_equal(mlc_log_add_secret(NULL, "long enough", NULL), MLC_OK);
}

static void levels_filter(void **state)
{
    fixture *f = *state;
    mlc_log_set_level(f->log, MLC_LOG_WARN);
    mlc_log_debug(f->log, "p", "one");
    mlc_log_info(f->log, "p", "two");
    assert_string_equal(written(f), "");
    mlc_log_warn(f->log, "p", "three");
    mlc_log_error(f->log, "p", "four");
    const char *text = written(f);
    assert_non_null(strstr(text, "three"));
    assert_non_null(strstr(text, "four"));
}

static void level_names(void **state)
{
    (void)state;
    static const char *const NAMES[] = {"debug", "info", "warn", "error"};
    for (unsigned i = 0; i < 4; i++) {
        mlc_log_level level = MLC_LOG_DEBUG;
        assert_int_equal(mlc_log_level_parse(NAMES[i], &level, NULL), MLC_OK);
        assert_int_equal(level, i);
    }
    mlc_log_level level = MLC_LOG_WARN;
    mlc_error err = {0};
    assert_int_equal(mlc_log_level_parse("Info", &level, &err), MLC_E_INVALID);
    assert_int_equal(mlc_log_level_parse("", &level, &err), MLC_E_INVALID);
    assert_int_equal(mlc_log_level_parse(NULL, &level, &err), MLC_E_INVALID);
    assert_int_equal(level, MLC_LOG_WARN);
}

static void names_that_say_secret_hide_the_value(void **state)
{
    fixture *f = *state;
    static const char *const SECRET[] = {"password",     "Db_PassWord",   "client_secret", "token",
                                         "access_token", "Authorization", "Set-Cookie",    "apikey",
                                         "x-api-key",    "API_KEY",       "private_key",   "agent_key",
                                         "agent-key"};
    for (size_t i = 0; i < sizeof SECRET / sizeof SECRET[0]; i++) {
        mlc_log_info(f->log, "p", "m", MLC_S(SECRET[i], "hush-hush"), MLC_I(SECRET[i], 987654321),
                     MLC_S(SECRET[i], NULL));
        assert_null(strstr(written(f), "hush"));
        assert_null(strstr(written(f), "987654321"));
    }
    assert_int_equal(truncate(f->path, 0), 0);
    mlc_log_info(f->log, "p", "m", MLC_S("key", "plain"), MLC_S("passed", "shown"), MLC_S("token", "hush"));
    cJSON *line = only_line(f);
    assert_string_equal(mlc_json_str(line, "key"), "plain");
    assert_string_equal(mlc_json_str(line, "passed"), "shown");
    assert_string_equal(mlc_json_str(line, "token"), "***");
    cJSON_Delete(line);
}

static void registered_secrets_never_appear(void **state)
{
    fixture *f = *state;
    assert_int_equal(mlc_log_add_secret(f->log, "s3cr3t!", NULL), MLC_OK);
    assert_int_equal(mlc_log_add_secret(f->log, "s3cr3t!", NULL), MLC_OK);
    assert_int_equal(mlc_log_add_secret(f->log, "13579246", NULL), MLC_OK);
    mlc_log_error(f->log, "in s3cr3t!", "before s3cr3t! after", MLC_S("url", "s3cr3t!s3cr3t!"),
                  MLC_S("form", "p=s3cr3t%21&q"), MLC_I("number", 5135792460), MLC_S("a s3cr3t! name", "v"));
    assert_null(strstr(written(f), "s3cr3t"));
    assert_null(strstr(written(f), "13579246"));
    cJSON *line = only_line(f);
    assert_string_equal(mlc_json_str(line, "part"), "in ***");
    assert_string_equal(mlc_json_str(line, "msg"), "before *** after");
    assert_string_equal(mlc_json_str(line, "url"), "******");
    assert_string_equal(mlc_json_str(line, "form"), "p=***&q");
    assert_string_equal(mlc_json_str(line, "number"), "***");
    assert_string_equal(mlc_json_str(line, "a *** name"), "v");
    cJSON_Delete(line);
}

static void secrets_with_quotes_and_overlaps(void **state)
{
    fixture *f = *state;
    assert_int_equal(mlc_log_add_secret(f->log, "a\"b\\c\"d", NULL), MLC_OK);
    assert_int_equal(mlc_log_add_secret(f->log, "abcdef", NULL), MLC_OK);
    assert_int_equal(mlc_log_add_secret(f->log, "abcdefgh", NULL), MLC_OK);
    assert_int_equal(mlc_log_add_secret(f->log, "ghijkl", NULL), MLC_OK);
    mlc_log_info(f->log, "p", "raw a\"b\\c\"d end", MLC_S("body", "{\"x\":\"a\\\"b\\\\c\\\"d\"}"),
                 MLC_S("both", "<abcdefghijkl>"), MLC_S("near", "abcde fghijkl"));
    cJSON *line = only_line(f);
    assert_string_equal(mlc_json_str(line, "msg"), "raw *** end");
    assert_string_equal(mlc_json_str(line, "body"), "{\"x\":\"***\"}");
    assert_string_equal(mlc_json_str(line, "both"), "<***>");
    assert_string_equal(mlc_json_str(line, "near"), "abcde f***");
    cJSON_Delete(line);
}

static void short_secrets_are_ignored(void **state)
{
    fixture *f = *state;
    assert_int_equal(mlc_log_add_secret(f->log, "abcde", NULL), MLC_OK);
    assert_int_equal(mlc_log_add_secret(f->log, "", NULL), MLC_OK);
    assert_int_equal(mlc_log_add_secret(f->log, NULL, NULL), MLC_OK);
    mlc_log_info(f->log, "p", "abcde");
    assert_non_null(strstr(written(f), "abcde"));
}

static void any_bytes_give_json(void **state)
{
    fixture *f = *state;
    char all[256];
    for (unsigned i = 0; i < 255; i++)
        all[i] = (char)(i + 1);
    all[255] = '\0';
    mlc_log_info(f->log, all, all, MLC_S(all, all), MLC_S("line", "a\nb\r\t\"q\" \\ \x01\x7F"),
                 MLC_S("cut", "x\xC3"), MLC_S("mixed", "\xC3\xA9\xA9\xE2\x82\xAC\xF0\x9F\x98"));
    cJSON *line = only_line(f);
    assert_string_equal(mlc_json_str(line, "line"), "a\nb\r\t\"q\" \\ \x01\x7F");
    assert_string_equal(mlc_json_str(line, "cut"), "x\xEF\xBF\xBD");
    assert_string_equal(mlc_json_str(line, "mixed"),
                        "\xC3\xA9\xEF\xBF\xBD\xE2\x82\xAC\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
    cJSON_Delete(line);
}

static void long_texts_are_cut_after_redaction(void **state)
{
    fixture *f = *state;
    assert_int_equal(mlc_log_add_secret(f->log, "topsecret", NULL), MLC_OK);
    enum { LONG = 100000 };
    char *text = malloc(LONG + 1);
    assert_non_null(text);
    for (size_t i = 0; i < LONG; i++)
        text[i] = "topsecret.."[i % 11];
    text[LONG] = '\0';
    mlc_log_info(f->log, "p", text);
    free(text);
    cJSON *line = only_line(f);
    const char *msg = mlc_json_str(line, "msg");
    assert_non_null(msg);
    assert_in_range(strlen(msg), 1000, 10000);
    assert_null(strstr(msg, "top"));
    assert_string_equal(msg + strlen(msg) - 3, "\xE2\x80\xA6");
    cJSON_Delete(line);
}

static void file_is_appended_with_its_mode(void **state)
{
    fixture *f = *state;
    struct stat st;
    mlc_log *second = NULL;
    mlc_log_info(f->log, "p", "one");
    assert_int_equal(mlc_log_open(&second, f->path, MLC_LOG_INFO, NULL), MLC_OK);
    mlc_log_info(second, "p", "two");
    mlc_log_info(f->log, "p", "three");
    mlc_log_close(second);
    const char *text = written(f), *two = strstr(text, "two");
    assert_true(strstr(text, "one") < two);
    assert_true(two < strstr(text, "three"));
    assert_int_equal(stat(f->path, &st), 0);
    assert_int_equal(st.st_mode & 0137, 0);
}

static void open_failures_are_told(void **state)
{
    fixture *f = *state;
    char path[128];
    (void)snprintf(path, sizeof path, "%s/absent/log", f->dir);
    mlc_log *log = f->log;
    mlc_error err = {0};
    assert_int_equal(mlc_log_open(&log, path, MLC_LOG_INFO, &err), MLC_E_IO);
    assert_null(log);
    assert_non_null(strstr(err.message, path));
    assert_int_equal(mlc_log_open(&log, "-", MLC_LOG_INFO, NULL), MLC_OK);
    mlc_log_close(log);
    assert_int_equal(mlc_log_open(&log, NULL, MLC_LOG_INFO, NULL), MLC_OK);
    mlc_log_close(log);
    assert_true(fcntl(STDERR_FILENO, F_GETFD) != -1);
}

/* A full disk ends a line in its middle; the next one must not be glued to it. */
static void a_torn_line_spoils_no_other(void **state)
{
    fixture *f = *state;
    struct rlimit before, tight;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    tight = before;
    tight.rlim_cur = 20;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
    mlc_log_info(f->log, "p", "torn");
    mlc_log_info(f->log, "p", "lost");
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, handler);
    mlc_log_info(f->log, "p", "whole");
    mlc_log_info(f->log, "p", "next");
    const char *text = written(f);
    assert_int_equal(text[20], '\n');
    assert_null(strstr(text, "lost"));
    const char *whole = strchr(text, '\n') + 1, *next = strchr(whole, '\n') + 1;
    cJSON *line = NULL;
    assert_int_equal(mlc_json_parse(whole, (size_t)(next - whole), 0, 0, &line, NULL), MLC_OK);
    cJSON_Delete(line);
    assert_int_equal(mlc_json_parse(next, strlen(next), 0, 0, &line, NULL), MLC_OK);
    cJSON_Delete(line);
}

enum { THREADS = 4, LINES = 200 };

static void *write_lines(void *arg)
{
    for (int i = 0; i < LINES; i++) {
        mlc_log_info(arg, "thread", "line with sharedsecret", MLC_I("i", i));
        if (i % 50 == 0)
            (void)mlc_log_add_secret(arg, i == 0 ? "sharedsecret" : "another-one", NULL);
    }
    return NULL;
}

static void threads_do_not_mix_lines(void **state)
{
    fixture *f = *state;
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_lines, f->log), 0);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    size_t count = 0;
    const char *at = written(f);
    for (const char *end = NULL; (end = strchr(at, '\n')) != NULL; at = end + 1, count++) {
        cJSON *line = NULL;
        assert_int_equal(mlc_json_parse(at, (size_t)(end - at), 0, 0, &line, NULL), MLC_OK);
        cJSON_Delete(line);
    }
    assert_int_equal(count, THREADS * LINES);
    assert_string_equal(at, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_line_has_its_members, set_up, tear_down),
        cmocka_unit_test_setup_teardown(fields_are_optional, set_up, tear_down),
        cmocka_unit_test_setup_teardown(null_texts_do_no_harm, set_up, tear_down),
        cmocka_unit_test_setup_teardown(levels_filter, set_up, tear_down),
        cmocka_unit_test(level_names),
        cmocka_unit_test_setup_teardown(names_that_say_secret_hide_the_value, set_up, tear_down),
        cmocka_unit_test_setup_teardown(registered_secrets_never_appear, set_up, tear_down),
        cmocka_unit_test_setup_teardown(secrets_with_quotes_and_overlaps, set_up, tear_down),
        cmocka_unit_test_setup_teardown(short_secrets_are_ignored, set_up, tear_down),
        cmocka_unit_test_setup_teardown(any_bytes_give_json, set_up, tear_down),
        cmocka_unit_test_setup_teardown(long_texts_are_cut_after_redaction, set_up, tear_down),
        cmocka_unit_test_setup_teardown(file_is_appended_with_its_mode, set_up, tear_down),
        cmocka_unit_test_setup_teardown(open_failures_are_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_torn_line_spoils_no_other, set_up, tear_down),
        cmocka_unit_test_setup_teardown(threads_do_not_mix_lines, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
