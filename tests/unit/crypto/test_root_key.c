/* The root key file: made once, whole, and for its owner only. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/crypto.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct place {
    char folder[256];
    char path[300];
} place;

static int setup(void **state)
{
    place *p = calloc(1, sizeof *p);
    const char *tmp = getenv("TMPDIR");
    assert_non_null(p);
    (void)snprintf(p->folder, sizeof p->folder, "%s/mlc-key-XXXXXX", tmp != NULL ? tmp : "/tmp");
    if (mkdtemp(p->folder) == NULL) {
        free(p);
        return -1;
    }
    (void)snprintf(p->path, sizeof p->path, "%s/root.key", p->folder);
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    place *p = *state;
    (void)unlink(p->path);
    const int rc = rmdir(p->folder); /* fails when anything was left behind */
    free(p);
    return rc;
}

static void write_file(const char *path, size_t len, mode_t mode)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    for (size_t i = 0; i < len; i++)
        assert_int_not_equal(fputc((int)(i % 256), f), EOF);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static void test_create_then_load(void **state)
{
    const place *p = *state;
    uint8_t first[MLC_KEY_LEN];
    uint8_t second[MLC_KEY_LEN] = {0};
    struct stat st;
    assert_int_equal(mlc_root_key_load(p->path, true, first, NULL), MLC_OK);
    assert_int_equal(stat(p->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(st.st_size, MLC_KEY_LEN);
    assert_int_equal(mlc_root_key_load(p->path, true, second, NULL), MLC_OK);
    assert_memory_equal(first, second, MLC_KEY_LEN);
}

static void test_absent(void **state)
{
    const place *p = *state;
    uint8_t key[MLC_KEY_LEN];
    mlc_error err;
    assert_int_equal(mlc_root_key_load(p->path, false, key, &err), MLC_E_NOTFOUND);
    assert_non_null(strstr(err.message, p->path));
    assert_int_not_equal(access(p->path, F_OK), 0);
    assert_int_equal(mlc_root_key_load("/nonexistent/folder/key", true, key, NULL), MLC_E_IO);
    assert_int_equal(mlc_root_key_load("", true, key, NULL), MLC_E_INVALID);
}

static void test_open_to_others(void **state)
{
    const place *p = *state;
    static const mode_t modes[] = {0640, 0604, 0620, 0601, 0644};
    uint8_t key[MLC_KEY_LEN];
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        mlc_error err;
        write_file(p->path, MLC_KEY_LEN, modes[i]);
        assert_int_equal(mlc_root_key_load(p->path, false, key, &err), MLC_E_DENIED);
        assert_non_null(strstr(err.message, "chmod 600"));
    }
    assert_int_equal(chmod(p->path, 0400), 0);
    assert_int_equal(mlc_root_key_load(p->path, false, key, NULL), MLC_OK);
    assert_int_equal(key[31], 31);
}

static void test_wrong_length(void **state)
{
    const place *p = *state;
    static const size_t lengths[] = {0, 31, 33, 1000};
    uint8_t key[MLC_KEY_LEN];
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        write_file(p->path, lengths[i], 0600);
        assert_int_equal(mlc_root_key_load(p->path, true, key, NULL), MLC_E_INVALID);
    }
}

static void test_not_a_file(void **state)
{
    const place *p = *state;
    uint8_t key[MLC_KEY_LEN];
    assert_int_equal(mlc_root_key_load(p->folder, false, key, NULL), MLC_E_INVALID);
    assert_int_equal(mkfifo(p->path, 0600), 0); /* must not block either */
    assert_int_equal(mlc_root_key_load(p->path, false, key, NULL), MLC_E_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_create_then_load, setup, teardown),
        cmocka_unit_test_setup_teardown(test_absent, setup, teardown),
        cmocka_unit_test_setup_teardown(test_open_to_others, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wrong_length, setup, teardown),
        cmocka_unit_test_setup_teardown(test_not_a_file, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
