/* Root keys on disk while one takes the place of another: whatever files a kill leaves, both old and new values open, and
 * the rotation goes on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/keyring.h"
#include "crypto/rotate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct place {
    char dir[64], file[96], next[112], old[112];
} place;

static int make_place(void **state)
{
    place *const p = calloc(1, sizeof *p);
    if (p == NULL)
        return 1;
    *state = p;
    (void)snprintf(p->dir, sizeof p->dir, "/tmp/mlc_ring_XXXXXX");
    if (mkdtemp(p->dir) == NULL)
        return 1;
    (void)snprintf(p->file, sizeof p->file, "%s/root.key", p->dir);
    (void)snprintf(p->next, sizeof p->next, "%s.next", p->file);
    (void)snprintf(p->old, sizeof p->old, "%s.old", p->file);
    return 0;
}

static int remove_place(void **state)
{
    place *const p = *state;
    (void)unlink(p->file);
    (void)unlink(p->next);
    (void)unlink(p->old);
    (void)rmdir(p->dir);
    free(p);
    return 0;
}

static void load(const place *p, mlc_keyring *ring)
{
    mlc_error err;
    if (mlc_keyring_load(p->file, false, ring, &err) != MLC_OK)
        fail_msg("%s", err.message);
}

static bool opens(const place *p, const mlc_buf *sealed, bool *stale)
{
    mlc_keyring ring;
    mlc_buf clear = {0};
    load(p, &ring);
    const bool ok =
        mlc_keyring_unseal(&ring, "a", sealed->data, sealed->len, &clear, stale, NULL) == MLC_OK &&
        clear.len == 3 && memcmp(clear.data, "abc", 3) == 0;
    mlc_buf_free(&clear);
    return ok;
}

static void seal(const place *p, mlc_buf *out)
{
    mlc_keyring ring;
    load(p, &ring);
    assert_int_equal(mlc_keyring_seal(&ring, "a", "abc", 3, out, NULL), MLC_OK);
}

static void test_steps_of_a_rotation(void **state)
{
    const place *const p = *state;
    mlc_keyring ring;
    mlc_buf before = {0}, during = {0}, after = {0};
    mlc_rotation_state step = MLC_ROTATION_COMMITTED;
    bool stale = false;
    assert_int_equal(mlc_keyring_load(p->file, true, &ring, NULL), MLC_OK);
    assert_int_equal(ring.count, 1);
    seal(p, &before);
    assert_int_equal(mlc_rotation_begin(p->file, NULL, &step, NULL), MLC_OK);
    assert_int_equal(step, MLC_ROTATION_NEW);
    assert_true(opens(p, &before, &stale) && stale);
    seal(p, &during);
    assert_true(opens(p, &during, &stale) && !stale);
    /* Killed and begun again: the same new key. */
    assert_int_equal(mlc_rotation_begin(p->file, NULL, &step, NULL), MLC_OK);
    assert_int_equal(step, MLC_ROTATION_RESUMED);
    assert_true(opens(p, &during, &stale) && !stale);
    /* Killed between the two steps of the commit. */
    assert_int_equal(link(p->file, p->old), 0);
    assert_true(opens(p, &before, NULL) && opens(p, &during, NULL));
    assert_int_equal(mlc_rotation_commit(p->file, NULL), MLC_OK);
    assert_int_not_equal(access(p->next, F_OK), 0);
    assert_true(opens(p, &before, &stale) && stale);
    assert_true(opens(p, &during, &stale) && !stale);
    assert_int_equal(mlc_rotation_begin(p->file, NULL, &step, NULL), MLC_OK);
    assert_int_equal(step, MLC_ROTATION_COMMITTED);
    assert_int_equal(mlc_rotation_end(p->file, NULL), MLC_OK);
    assert_int_equal(mlc_rotation_end(p->file, NULL), MLC_OK);
    assert_false(opens(p, &before, NULL));
    assert_true(opens(p, &during, &stale) && !stale);
    assert_int_equal(mlc_rotation_begin(p->file, NULL, &step, NULL), MLC_OK);
    assert_int_equal(step, MLC_ROTATION_NEW);
    mlc_buf_free(&before);
    mlc_buf_free(&during);
    mlc_buf_free(&after);
}

static void test_one_rotation_at_a_time(void **state)
{
    const place *const p = *state;
    mlc_keyring ring;
    int first = -1, second = -1;
    assert_int_equal(mlc_rotation_lock(p->file, &first, NULL), MLC_E_NOTFOUND);
    assert_int_equal(mlc_keyring_load(p->file, true, &ring, NULL), MLC_OK);
    assert_int_equal(mlc_rotation_lock(p->file, &first, NULL), MLC_OK);
    assert_int_equal(mlc_rotation_lock(p->file, &second, NULL), MLC_E_LOCKED);
    assert_int_equal(close(first), 0);
    assert_int_equal(mlc_rotation_lock(p->file, &second, NULL), MLC_OK);
    assert_int_equal(close(second), 0);
}

static void test_modes(void **state)
{
#ifdef _WIN32
    skip(); /* access lists decide there */
#endif
    const place *const p = *state;
    mlc_keyring ring;
    mlc_rotation_state step;
    struct stat st;
    assert_int_equal(mlc_keyring_load(p->file, true, &ring, NULL), MLC_OK);
    assert_int_equal(mlc_rotation_begin(p->file, NULL, &step, NULL), MLC_OK);
    assert_int_equal(stat(p->next, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(chmod(p->next, 0640), 0);
    assert_int_equal(mlc_keyring_load(p->file, false, &ring, NULL), MLC_E_DENIED);
}

static void test_credential(void **state)
{
    const place *const p = *state;
    mlc_keyring ring, second;
    mlc_error err;
    assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
    assert_int_equal(mlc_keyring_load("credential:root.key", true, &ring, &err), MLC_E_NOTFOUND);
    assert_non_null(strstr(err.message, "LoadCredentialEncrypted=root.key"));
    assert_int_equal(setenv("CREDENTIALS_DIRECTORY", p->dir, 1), 0);
    /* It is given, never made. */
    assert_int_equal(mlc_keyring_load("credential:root.key", true, &ring, NULL), MLC_E_NOTFOUND);
    assert_int_equal(mlc_keyring_load(p->file, true, &ring, NULL), MLC_OK);
    assert_int_equal(chmod(p->file, 0440), 0);
    assert_int_equal(mlc_keyring_load("credential:root.key", false, &second, NULL), MLC_OK);
    assert_memory_equal(ring.keys[0], second.keys[0], MLC_KEY_LEN);
    assert_int_equal(mlc_keyring_load("credential:../root.key", false, &second, NULL), MLC_E_INVALID);
    assert_int_equal(mlc_keyring_load("credential:", false, &second, NULL), MLC_E_INVALID);
    assert_int_equal(chmod(p->file, 0600), 0);
    assert_int_equal(rename(p->file, p->old), 0);
    assert_int_equal(mlc_keyring_load(p->file, true, &second, NULL), MLC_OK);
    assert_int_equal(mlc_keyring_load("credential:root.key", false, &second, NULL), MLC_OK);
    assert_int_equal(second.count, 2);
    assert_memory_equal(ring.keys[0], second.keys[1], MLC_KEY_LEN);
    assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_steps_of_a_rotation, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_one_rotation_at_a_time, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_modes, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_credential, make_place, remove_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
