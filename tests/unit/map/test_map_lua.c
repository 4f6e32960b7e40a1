/* Expressions: what they can do, and that they can do nothing else, for ever or differently twice. */
#include "unit/map/map_test.h"

static void gives(const char *expression, const char *expected)
{
    char *const settings = mlc_asprintf("from = \"a\"; expr = \"%s\";", expression);
    map_test_field(settings, "{\"a\":\"10.50\",\"b\":\"x,y\",\"n\":7}", expected);
    free(settings);
}

static void refuses(const char *expression, const char *words)
{
    char *const settings = mlc_asprintf("from = \"a\"; expr = \"%s\";", expression);
    map_test_fault(settings, "{\"a\":\"10.50\"}", words);
    free(settings);
}

static void results(void **state)
{
    (void)state;
    gives("value", "{\"x\":\"10.50\"}");
    gives("value .. '!'", "{\"x\":\"10.50!\"}");
    gives("nil", "{}");
    gives("1 == 2", "{\"x\":\"false\"}");
    gives("7 // 2", "{\"x\":\"3\"}");
    gives("local v = get('b'); return v and split(v, ',')[2]", "{\"x\":\"y\"}");
    gives("get('n')", "{\"x\":\"7\"}");
    gives("get('no.such')", "{}");
    refuses("1 / 3", "not whole");
    refuses("{}", "gives a table");
    refuses("value.x.y", "attempt to index");
    refuses("string.char(255)", "not UTF-8");
    refuses("error('no such customer')", "no such customer");
}

static void helpers(void **state)
{
    (void)state;
    gives("dec.mul(value, '0.1')", "{\"x\":\"1.050\"}");
    gives("dec.add('0.1', '0.2')", "{\"x\":\"0.3\"}");
    gives("dec.sub(value, 1)", "{\"x\":\"9.50\"}");
    gives("dec.cmp(value, '10.5') == 0", "{\"x\":\"true\"}");
    gives("dec.round('2.345', 2) .. ' ' .. dec.round('2.345', 2, 'half-even') .. ' ' .. dec.plain('2.00')",
          "{\"x\":\"2.35 2.34 2\"}");
    refuses("dec.round('2.345', 2, 'fault')", "more than 2 decimals");
    refuses("dec.add(0.1, '1')", "not exact");
    refuses("dec.add('1,5', '1')", "is not a decimal number");
    gives("trim('  a b ') .. pad('7', 3, '0') .. digits('a1b2') .. replace('a-b-c', '-', '')",
          "{\"x\":\"a b00712abc\"}");
    gives("blank('  ') and starts('abc', 'ab') and ends('abc', 'bc') and has('abc', 'b')",
          "{\"x\":\"true\"}");
    gives("('abc'):upper() .. #split(' a  b ')", "{\"x\":\"ABC2\"}");
    refuses("code('t', 'A')", "is not defined");
}

/* Nothing of the system, nothing that differs from run to run, nothing that outlives the expression. */
static void sandbox(void **state)
{
    (void)state;
    static const char *const absent[] = {"io",           "os",           "require",       "load",
                                         "loadstring",   "dofile",       "loadfile",      "debug",
                                         "package",      "coroutine",    "pcall",         "xpcall",
                                         "setmetatable", "getmetatable", "rawset",        "rawget",
                                         "pairs",        "next",         "print",         "collectgarbage",
                                         "string.dump",  "string.rep",   "string.format", "string.find",
                                         "string.gsub",  "string.match", "math.random",   "_G",
                                         "utf8",         "table.concat", "('').rep",      "('').dump",
                                         "('').format",  "('').gsub"};
    for (size_t i = 0; i < sizeof absent / sizeof absent[0]; i++) {
        char *const expression = mlc_asprintf("%s == nil", absent[i]);
        gives(expression, "{\"x\":\"true\"}");
        free(expression);
    }
    refuses("leak = 1; return leak", "cannot be set");
    refuses("string.x = 1; return 1", "cannot be set");
    refuses("tostring({})", "has no text");
}

static void limits(void **state)
{
    (void)state;
    refuses("while true do end", "runs too long");
    refuses("local function f() return f() end; return f()", "runs too long");
    refuses("local function f() return 1 + f() end; return f()", "not enough memory");
    refuses("local s = 'xxxxxxxx'; while true do s = s .. s end", "not enough memory");
    refuses("local t = {}; for i = 1, 1000000000 do t[i] = value .. i end; return 1",
            "its expression fails: ");
    refuses("local s = pad('x', 4000); for i = 1, 6 do s = s .. s end; while true do local t = s .. 'y' end",
            "bytes of text");
    /* After all that the mapping still works. */
    mlc_map *const map =
        map_test_load("fields = ( { to = \"x\"; expr = \"local s = 'xxxxxxxx'; if get('bad') then while true "
                      "do s = s .. s end end; return s\"; } );");
    for (int i = 0; i < 20; i++) {
        char *const bad = map_test_run(map, "{\"bad\":\"1\"}", NULL);
        char *const good = map_test_run(map, "{}", NULL);
        assert_non_null(strstr(bad, "not enough memory"));
        assert_string_equal(good, "{\"x\":\"xxxxxxxx\"}");
        free(bad);
        free(good);
    }
    mlc_map_free(map);
}

static void conditions(void **state)
{
    (void)state;
    static const char r[] = "{\"a\":\"1\",\"t\":\"C\"}";
    map_test_field("from = \"a\"; when = \"get('t') == 'C'\";", r, "{\"x\":\"1\"}");
    map_test_field("from = \"a\"; when = \"get('t') == 'V'\"; required = true;", r, "{}");
    map_test_fault("from = \"a\"; when = \"get('t') + 1\";", r, "its condition (when) fails");
    map_test_field("from = \"no\"; expr = \"value == nil\";", r, "{\"x\":\"true\"}");
    map_test_field("from = \"e\"; expr = \"value == ''\";", "{\"e\":\" \"}", "{\"x\":\"true\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results), cmocka_unit_test(helpers),    cmocka_unit_test(sandbox),
        cmocka_unit_test(limits),  cmocka_unit_test(conditions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
