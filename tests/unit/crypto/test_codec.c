/* Hex, base64 and UUIDs in base 36. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/crypto.h"

#include <string.h>

static void test_hex(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0x00, 0x7f, 0x80, 0xff};
    char text[2 * sizeof bytes + 1];
    uint8_t back[sizeof bytes];
    mlc_hex(bytes, sizeof bytes, text);
    assert_string_equal(text, "007f80ff");
    assert_int_equal(mlc_hex_parse("007F80fF", back, sizeof back, NULL), MLC_OK);
    assert_memory_equal(back, bytes, sizeof bytes);
    static const char *const bad[] = {"",         "007f80f",  "007f80ff0", "007f80fg",
                                      "0x7f80ff", " 07f80ff", "007f80f "};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(mlc_hex_parse(bad[i], back, sizeof back, NULL), MLC_E_INVALID);
    assert_int_equal(mlc_hex_parse(NULL, back, sizeof back, NULL), MLC_E_INVALID);
}

static void test_base64(void **state)
{
    (void)state;
    static const char *const rows[][2] = {{"", ""},
                                          {"f", "Zg=="},
                                          {"fo", "Zm8="},
                                          {"foo", "Zm9v"},
                                          {"foobar", "Zm9vYmFy"},
                                          {"\xff\xfe\xfd", "//79"},
                                          {"\xfb\xef", "++8="}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        mlc_buf text = {0};
        mlc_buf bytes = {0};
        assert_int_equal(mlc_base64(rows[i][0], strlen(rows[i][0]), &text, NULL), MLC_OK);
        assert_string_equal(mlc_buf_text(&text), rows[i][1]);
        assert_int_equal(mlc_base64_parse(rows[i][1], strlen(rows[i][1]), &bytes, NULL), MLC_OK);
        assert_string_equal(mlc_buf_text(&bytes), rows[i][0]);
        mlc_buf_free(&text);
        mlc_buf_free(&bytes);
    }
}

static void test_base64_appends(void **state)
{
    (void)state;
    mlc_buf text = {0};
    assert_int_equal(mlc_buf_puts(&text, "Basic ", NULL), MLC_OK);
    assert_int_equal(mlc_base64("a:b", 3, &text, NULL), MLC_OK);
    assert_string_equal(mlc_buf_text(&text), "Basic YTpi");
    mlc_buf_free(&text);
}

static void test_base64_is_strict(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "Z",    "Zg",   "Zg=",  "Zg===", "====",     "=Zg=", "Zm9v\n",     "Zm9v\nZm9v",
        "Zm 9", "Zm9_", "Zh==", "Zm9=",  "Zg==Zg==", "Z===", "\xc3\xa4==", "A=B="};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        mlc_buf out = {0};
        if (mlc_base64_parse(bad[i], strlen(bad[i]), &out, NULL) != MLC_E_INVALID)
            fail_msg("accepted \"%s\"", bad[i]);
        assert_int_equal(out.len, 0);
        mlc_buf_free(&out);
    }
}

static void test_base36_round_trip(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"00000000-0000-0000-0000-000000000000", "0000000000000000000000000"},
        {"00000000-0000-0000-0000-000000000023", "000000000000000000000000Z"},
        {"00000000-0000-0000-0000-000000000024", "0000000000000000000000010"},
        {"ffffffff-ffff-ffff-ffff-ffffffffffff", "F5LXX1ZZ5PNORYNQGLHZMSP33"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[MLC_BASE36_128_MAX];
        char uuid[MLC_UUID_TEXT_MAX];
        assert_int_equal(mlc_uuid_to_base36(rows[i][0], text, NULL), MLC_OK);
        assert_string_equal(text, rows[i][1]);
        assert_int_equal(mlc_base36_to_uuid(text, uuid, NULL), MLC_OK);
        assert_string_equal(uuid, rows[i][0]);
    }
    char a[MLC_BASE36_128_MAX];
    char b[MLC_BASE36_128_MAX];
    char uuid[MLC_UUID_TEXT_MAX];
    assert_int_equal(mlc_uuid_to_base36("{6F9619FF-8B86-D011-B42D-00C04FC964FF}", a, NULL), MLC_OK);
    assert_int_equal(mlc_uuid_to_base36("6f9619ff-8b86-d011-b42d-00c04fc964ff", b, NULL), MLC_OK);
    assert_string_equal(a, b);
    assert_int_equal(strspn(a, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"), 25);
    assert_int_equal(mlc_base36_to_uuid(a, uuid, NULL), MLC_OK);
    assert_string_equal(uuid, "6f9619ff-8b86-d011-b42d-00c04fc964ff");
}

static void test_base36_refuses(void **state)
{
    (void)state;
    static const char *const not_uuids[] = {"",
                                            "6f9619ff8b86d011b42d00c04fc964ff",
                                            "{6f9619ff-8b86-d011-b42d-00c04fc964ff",
                                            "6f9619ff-8b86-d011-b42d-00c04fc964fg",
                                            "6f9619ff-8b86-d011-b42d-00c04fc964f",
                                            "6f9619ff-8b86-d011-b42d000c04fc964ff",
                                            "-f9619ff-8b86-d011-b42d-00c04fc964ff"};
    static const char *const not_base36[] = {"",
                                             "F5LXX1ZZ5PNORYNQGLHZMSP34",
                                             "ZZZZZZZZZZZZZZZZZZZZZZZZZ",
                                             "000000000000000000000000",
                                             "00000000000000000000000000",
                                             "00000000000000000000000 1",
                                             "-000000000000000000000001"};
    char text[MLC_BASE36_128_MAX];
    char uuid[MLC_UUID_TEXT_MAX];
    for (size_t i = 0; i < sizeof not_uuids / sizeof *not_uuids; i++)
        assert_int_equal(mlc_uuid_to_base36(not_uuids[i], text, NULL), MLC_E_INVALID);
    for (size_t i = 0; i < sizeof not_base36 / sizeof *not_base36; i++)
        assert_int_equal(mlc_base36_to_uuid(not_base36[i], uuid, NULL), MLC_E_INVALID);
    assert_int_equal(mlc_uuid_to_base36(NULL, text, NULL), MLC_E_INVALID);
    assert_int_equal(mlc_base36_to_uuid(NULL, uuid, NULL), MLC_E_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hex),
        cmocka_unit_test(test_base64),
        cmocka_unit_test(test_base64_appends),
        cmocka_unit_test(test_base64_is_strict),
        cmocka_unit_test(test_base36_round_trip),
        cmocka_unit_test(test_base36_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
