/* A bad mapping file never loads, and everything that is wrong with it is told at once, with its line. */
#include "unit/map/map_test.h"

#include "map/map_private.h"

#include <unistd.h>
#include <wctype.h>

/* Every line of the report, in this order. */
static void expect_report(const char *text, const char *const *lines, size_t count)
{
    mlc_map *map = NULL;
    mlc_buf report = {0};
    mlc_error err;
    assert_int_equal(mlc_map_load_text("m.map", text, strlen(text), &map, &report, &err), MLC_E_INVALID);
    assert_null(map);
    const char *at = mlc_buf_text(&report);
    for (size_t i = 0; i < count; i++) {
        const char *const end = strchr(at, '\n');
        assert_non_null(end);
        if (strncmp(at, lines[i], strlen(lines[i])) != 0)
            fail_msg("line %zu is not \"%s\":\n%s", i, lines[i], mlc_buf_text(&report));
        at = end + 1;
    }
    if (*at != '\0')
        fail_msg("more than expected: %s", at);
    assert_int_equal(strncmp(err.message, lines[0], strlen(lines[0])), 0);
    mlc_buf_free(&report);
}
#define EXPECT_REPORT(text, ...)                                                                             \
    do {                                                                                                     \
        static const char *const lines[] = {__VA_ARGS__};                                                    \
        expect_report(text, lines, sizeof lines / sizeof lines[0]);                                          \
    } while (0)

static void all_faults_at_once(void **state)
{
    (void)state;
    EXPECT_REPORT(
        "flow = \"customer\";\n"
        "targett = \"accounts\";\n"
        "tables: { t = ( (\"A\", \"1\"), (\"A\", \"2\") );\n"
        "          u = ( \"A\" ); };\n"
        "fields = (\n"
        "  { to = \"name\"; from = \"F0101.ALPH\"; maks = 5; },\n"
        "  { to = \"name\"; from = \"F0101..X\"; },\n"
        "  { to = \"b\"; from = \"a\"; type = \"monney\"; },\n"
        "  { to = \"c\"; from = \"a\"; table = \"terms\"; },\n"
        "  { to = \"d\"; from = \"a\"; const = 1; },\n"
        "  { to = \"e\"; },\n"
        "  { from = \"a\"; },\n"
        "  { to = \"f\"; from = \"a\";\n"
        "    expr = \"value ..\"; },\n"
        "  { to = \"g\"; from = \"a\"; scale = 2; },\n"
        "  { to = \"h\"; from = \"a\"; lookup = { set = \"accounts\"; }; },\n"
        "  { to = \"i\"; from = \"a\"; max = 0; },\n"
        "  { to = \"j\"; from = \"a\"; trim = \"yes\"; },\n"
        "  { to = \"k\"; from = \"a\"; type = \"date\"; date_out = \"sideways\"; }\n"
        ");\n",
        "m.map:1: target: missing; give the entity set",
        "m.map:2: targett: unknown setting; did you mean \"target\"? Correct or remove it",
        "m.map:3: tables.t: the code \"A\" stands in it twice; remove one",
        "m.map:4: tables.u: each row must be a pair",
        "m.map:6: fields[0].maks: unknown setting; did you mean \"max\"? Correct or remove it",
        "m.map:7: fields[1]: to = \"name\" is written by line 6 already; remove one of them",
        "m.map:7: fields[1].from: the path \"F0101..X\" is no path; write names",
        "m.map:8: fields[2].type: \"monney\" is not known; choose one of \"text\"",
        "m.map:9: fields[3]: table \"terms\" is not defined; add it to the group tables",
        "m.map:10: fields[4]: needs one of from, const, concat or expr; remove the others",
        "m.map:11: fields[5]: needs one of from, const, concat or expr; add one",
        "m.map:12: fields[6]: to is missing or too long; name the column",
        "m.map:14: fields[7].expr: line 1 of the expression: unexpected symbol near <eof>; correct it",
        "m.map:15: fields[8]: scale goes only with type \"decimal\" or \"money\"; set the type",
        "m.map:16: fields[9].lookup: set and key must both be given",
        "m.map:17: fields[10].max: 0 is out of range; choose from 1 to 1000000",
        "m.map:18: fields[11].trim: is of another type; give true or false",
        "m.map:19: fields[12]: \"sideways\" is no form of a date; give \"iso\"");
}

static void shapes(void **state)
{
    (void)state;
    EXPECT_REPORT("", "m.map:1: flow: missing", "m.map:1: target: missing", "m.map:1: fields: missing");
    EXPECT_REPORT("flow = \"a\"; target = \"b\"\nfields = {};",
                  "m.map:2: fields: must be a list ( { to = ...; }");
    EXPECT_REPORT("flow = \"a\"; target = \"b\";\nfields = ( \"x\" );",
                  "m.map:2: fields[0]: must be a group such as");
    EXPECT_REPORT("flow = \"a\"; target = \"b\"; fields = (\n", "m.map:");
    EXPECT_REPORT("flow = \"a\"; target = \"b\"; fields = (); tables = 5;",
                  "m.map:1: tables: must be a group");
    EXPECT_REPORT("flow = \"a\"; target = \"b\"; fields = ( { to = \"L\"; const = 1; } );\n"
                  "lines = { from = \"l\"; to = \"L\"; fields = ( { to = \"q\"; from = \"[\"; } ); };",
                  "m.map:2: lines.fields[0].from: the path \"[\" is no path",
                  "m.map:2: lines.to: \"L\" is written by line 1 already; choose another name");
    EXPECT_REPORT("@include \"/etc/passwd\"", "m.map:1: @include is not allowed");
    EXPECT_REPORT("flow = \"a\"; target = \"b\"; fields = ( { to = \"q\"; from = \"a[\"; }, { to = \"r\"; "
                  "from = \"a[x]\"; } );",
                  "m.map:1: fields[0].from: the path \"a[\" has brackets that cannot be read",
                  "m.map:1: fields[1].from: the path \"a[x]\" has brackets that cannot be read");
}

static void settings_that_do_not_fit(void **state)
{
    (void)state;
    EXPECT_REPORT("flow = \"a\"; target = \"b\"; fields = (\n"
                  "{ to = \"a\"; from = \"x\"; upper = true; lower = true; },\n"
                  "{ to = \"b\"; from = \"x\"; unknown = \"omit\"; },\n"
                  "{ to = \"c\"; from = \"x\"; type = \"lookup\"; },\n"
                  "{ to = \"d\"; from = \"x\"; type = \"int\"; max = 4; },\n"
                  "{ to = \"e\"; from = \"x\"; too_long = \"cut\"; },\n"
                  "{ to = \"f\"; from = \"x\"; by = \"label\"; },\n"
                  "{ to = \"g\"; from = \"x\"; substring = [0, 2]; },\n"
                  "{ to = \"h\"; from = \"x\"; pad = { with = \"ab\"; width = 2; }; },\n"
                  "{ to = \"i\"; from = \"x\"; default = 1.5; },\n"
                  "{ to = \"j\"; concat = (); },\n"
                  "{ to = \"k\"; from = \"x\"; date_in = \"iso\"; } );",
                  "m.map:2: fields[0]: upper and lower cannot both be; remove one",
                  "m.map:3: fields[1]: unknown has no meaning without table",
                  "m.map:4: fields[2]: type \"lookup\" needs lookup",
                  "m.map:5: fields[3]: max goes only with type \"text\"",
                  "m.map:6: fields[4]: too_long has no meaning without max",
                  "m.map:7: fields[5]: by goes only with type \"option\"",
                  "m.map:8: fields[6].substring: must be [first, length]",
                  "m.map:9: fields[7].pad: with must be a single plain character",
                  "m.map:10: fields[8]: default must be a string",
                  "m.map:11: fields[9].concat: must be a list of 1 to 16 parts",
                  "m.map:12: fields[10]: date_in and date_out go only with dates");
}

static void expression_lines(void **state)
{
    (void)state;
    EXPECT_REPORT("flow = \"a\"; target = \"b\"; fields = (\n"
                  "{ to = \"a\"; expr = \"local x = 1\nif x then\nreturn x\"; },\n"
                  "{ to = \"b\"; from = \"x\"; when = \"   \"; } );",
                  "m.map:4: fields[0].expr: line 3 of the expression: 'end' expected",
                  "m.map:5: fields[1].when: line 1 of the expression: it is too long or blank");
}

static void what_it_says(void **state)
{
    (void)state;
    static const char text[] = "flow = \"f\"; target = \"t\"; key = \"{prefix}k\"; version = 7;\n"
                               "fields = ( { to = \"{prefix}a\"; from = \"x\"; type = \"money\"; } );\n"
                               "lines = { from = \"l\"; to = \"L\"; fields = ( { to = \"q\"; from = \"y\"; "
                               "lookup = { set = \"s\"; key = \"k\"; }; } ); };\n"
                               "inactive = ( { to = \"s\"; const = 1; type = \"option\"; } );";
    mlc_map *map = NULL;
    mlc_map *again = NULL;
    char name[32];
    assert_int_equal(mlc_map_load_text("m.map", text, strlen(text), &map, NULL, NULL), MLC_OK);
    assert_string_equal(mlc_map_flow(map), "f");
    assert_string_equal(mlc_map_target(map), "t");
    assert_string_equal(mlc_map_key(map), "{prefix}k");
    assert_int_equal(mlc_map_version(map), 7);
    assert_int_equal(strlen(mlc_map_digest(map)), 64);
    assert_int_equal(mlc_map_column_count(map), 3);
    const mlc_map_column first = mlc_map_column_at(map, 0);
    assert_string_equal(mlc_map_expand(name, sizeof name, first.name, "new_"), "new_a");
    assert_string_equal(mlc_map_expand(name, sizeof name, first.name, NULL), "ml_a");
    assert_string_equal(first.type, "money");
    assert_int_equal(first.line, 2);
    assert_null(first.list);
    assert_true(mlc_map_column_at(map, 1).inactive);
    assert_string_equal(mlc_map_column_at(map, 2).list, "L");
    assert_string_equal(mlc_map_column_at(map, 2).type, "lookup");
    assert_string_equal(mlc_map_column_at(map, 2).set, "s");
    assert_string_equal(mlc_map_column_at(map, 2).key, "k");
    assert_null(first.set);
    assert_null(mlc_map_column_at(map, 3).name);
    assert_int_equal(mlc_map_load_text("m.map", text, strlen(text) - 1, &again, NULL, NULL), MLC_OK);
    assert_string_not_equal(mlc_map_digest(map), mlc_map_digest(again));
    mlc_map_free(again);
    mlc_map_free(map);
}

static void files(void **state)
{
    (void)state;
    char path[] = "test_map_XXXXXX";
    static const char good[] = "flow = \"f\"; target = \"t\"; fields = ();";
    mlc_map *map = NULL;
    mlc_error err;
    mlc_buf report = {0};
    assert_int_equal(mlc_map_load_file("no/such.map", &map, &report, &err), MLC_E_NOTFOUND);
    assert_string_equal(mlc_buf_text(&report),
                        "no/such.map: No such file or directory; create it or name another file\n");
    mlc_buf_free(&report);
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, good, (unsigned)strlen(good)), (ssize_t)strlen(good));
    assert_int_equal(mlc_map_load_file(path, &map, NULL, &err), MLC_OK);
    mlc_map_free(map);
    assert_int_equal(ftruncate(fd, MLC_MAP_FILE_MAX + 1), 0);
    assert_int_equal(mlc_map_load_file(path, &map, NULL, &err), MLC_E_LIMIT);
    assert_null(map);
    assert_int_equal(close(fd), 0);
    assert_int_equal(unlink(path), 0);
}

/* A machine without the locale is told so, by its name and with what is to be done; another that it has will do. */
static void a_machine_without_the_locale(void **state)
{
#ifdef _WIN32
    skip(); /* there is one locale, in the program itself */
#endif
    static const char *const none[] = {"C.NOSUCH-8", "xx_XX.NOSUCH-8", NULL};
    static const char *const second[] = {"C.NOSUCH-8", "C.UTF-8", NULL};
    locale_t locale = (locale_t)0;
    mlc_error err;
    (void)state;
    assert_int_equal(map_letters_open(none, &locale, &err), MLC_E_UNSUPPORTED);
    assert_true(locale == (locale_t)0);
    assert_int_equal(strncmp(err.message, "this machine has no locale C.NOSUCH-8", 37), 0);
    assert_non_null(strstr(err.message, "glibc-minimal-langpack"));
    assert_non_null(strstr(err.message, "must be its folder")); /* not cut off */
    assert_int_equal(map_letters_open(second, &locale, &err), MLC_OK);
    assert_int_equal(towupper_l(0xE4, locale), 0xC4);
    freelocale(locale);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_faults_at_once),
        cmocka_unit_test(shapes),
        cmocka_unit_test(settings_that_do_not_fit),
        cmocka_unit_test(expression_lines),
        cmocka_unit_test(what_it_says),
        cmocka_unit_test(files),
        cmocka_unit_test(a_machine_without_the_locale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
