/* Root keys wrapped by a token: SoftHSM, set up by its own tools in a folder of the test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/keyring.h"
#include "crypto/rotate.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PIN "739155"
#define URI "pkcs11:token=mlc-test;object="

extern char **environ;

typedef struct place {
    char dir[128], file[160];
    const char *module;
    mlc_token token;
} place;

/* Where the distributions put it. */
static const char *module_path(void)
{
    static const char *const known[] = {"/usr/lib/softhsm/libsofthsm2.so",
                                        "/usr/lib64/softhsm/libsofthsm2.so",
                                        "/usr/lib64/pkcs11/libsofthsm2.so"};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (access(known[i], R_OK) == 0)
            return known[i];
    fail_msg("SoftHSM is missing: run packaging/setup.sh");
    return NULL;
}

/* A tool with its arguments, up to NULL; false when it fails. What it says goes into DIR/tool.log. */
static bool tool(const place *p, const char *const *argv)
{
    char log[160];
    int status = 0;
    pid_t pid = 0;
    posix_spawn_file_actions_t actions;
    (void)snprintf(log, sizeof log, "%s/tool.log", p->dir);
    assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
    assert_int_equal(posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0600),
                     0);
    assert_int_equal(posix_spawn_file_actions_adddup2(&actions, 1, 2), 0);
    assert_int_equal(posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)argv, environ), 0);
    assert_int_equal(posix_spawn_file_actions_destroy(&actions), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

#define PKCS11_TOOL(p, ...)                                                                                  \
    tool((p), (const char *const[]){"pkcs11-tool", "--module", (p)->module, "--login", "--pin", PIN,         \
                                    __VA_ARGS__, NULL})

static int set_up(void **state)
{
    static place p;
    char path[160];
    p = (place){.module = module_path()};
    (void)snprintf(p.dir, sizeof p.dir, "/tmp/mlc_token_XXXXXX");
    assert_non_null(mkdtemp(p.dir));
    (void)snprintf(p.file, sizeof p.file, "%s/root.key", p.dir);
    (void)snprintf(path, sizeof path, "%s/tokens", p.dir);
    assert_int_equal(mkdir(path, 0700), 0);
    (void)snprintf(path, sizeof path, "%s/softhsm2.conf", p.dir);
    FILE *const conf = fopen(path, "we");
    assert_non_null(conf);
    assert_true(fprintf(conf, "directories.tokendir = %s/tokens\nlog.level = ERROR\n", p.dir) > 0);
    assert_int_equal(fclose(conf), 0);
    assert_int_equal(setenv("SOFTHSM2_CONF", path, 1), 0);
    assert_true(tool(&p, (const char *const[]){"softhsm2-util", "--init-token", "--free", "--label",
                                               "mlc-test", "--so-pin", "8642", "--pin", PIN, NULL}));
    assert_true(PKCS11_TOOL(&p, "--keygen", "--key-type", "AES:32", "--sensitive", "--label", "aes"));
    assert_true(PKCS11_TOOL(&p, "--keygen", "--key-type", "AES:32", "--sensitive", "--label", "other"));
    assert_true(PKCS11_TOOL(&p, "--keypairgen", "--key-type", "rsa:2048", "--label", "rsa", "--id", "22"));
    *state = &p;
    return 0;
}

static int tear_down(void **state)
{
    const place *const p = *state;
    return tool(p, (const char *const[]){"rm", "-rf", p->dir, NULL}) ? 0 : 1;
}

/* Each test begins with the right settings and without key files. */
static int begin(void **state)
{
    place *const p = *state;
    static const char *const ends[] = {"", ".next", ".old"};
    char path[176];
    p->token = (mlc_token){p->module, URI "aes", PIN};
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(path, sizeof path, "%s%s", p->file, ends[i]);
        (void)unlink(path);
    }
    return 0;
}

static size_t content(const char *path, char *out, size_t size)
{
    FILE *const f = fopen(path, "re");
    assert_non_null(f);
    const size_t len = fread(out, 1, size, f);
    assert_int_equal(fclose(f), 0);
    return len;
}

static void put(const char *path, const void *data, size_t len)
{
    FILE *const f = fopen(path, "we");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, 0600), 0);
}

static bool holds(const char *text, size_t len, const void *bytes, size_t count)
{
    for (size_t i = 0; i + count <= len; i++)
        if (memcmp(text + i, bytes, count) == 0)
            return true;
    return false;
}

static void load(const place *p, bool create, mlc_keyring *ring)
{
    mlc_error err;
    if (mlc_keyring_load_by(&p->token, p->file, create, ring, &err) != MLC_OK)
        fail_msg("%s", err.message);
}

/* It fails with this code, and a message that has these words but never the PIN. */
static void refused(const place *p, mlc_code code, const char *words)
{
    mlc_keyring ring;
    mlc_error err;
    if (mlc_keyring_load_by(&p->token, p->file, true, &ring, &err) != code ||
        strstr(err.message, words) == NULL)
        fail_msg("expected %s, \"%s\", not %s, %s", mlc_code_name(code), words, mlc_code_name(err.code),
                 err.message);
    assert_null(strstr(err.message, PIN));
    mlc_keyring_wipe(&ring);
}

static void make_wrapped(const place *p, const char *head)
{
    mlc_keyring made, read;
    char text[2048];
    struct stat st;
    load(p, true, &made);
    load(p, false, &read);
    assert_int_equal(read.count, 1);
    assert_true(made.wrapped && read.wrapped);
    assert_memory_equal(made.keys[0], read.keys[0], MLC_KEY_LEN);
    assert_int_equal(stat(p->file, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    const size_t len = content(p->file, text, sizeof text);
    assert_memory_equal(text, head, strlen(head));
    assert_int_equal(text[strlen(head)], '\n');
    assert_false(holds(text, len, made.keys[0], MLC_KEY_LEN));
}

static void test_aes_key(void **state)
{
    make_wrapped(*state, "ml-connector root key 1 pkcs11 aes-gcm");
}

static void test_rsa_key(void **state)
{
    place *const p = *state;
    p->token.uri = URI "rsa";
    /* SoftHSM has no other hash for OAEP. */
    make_wrapped(p, "ml-connector root key 1 pkcs11 rsa-oaep-sha1");
}

static void test_wrapped_file_needs_its_token(void **state)
{
    place *const p = *state;
    mlc_keyring ring;
    load(p, true, &ring);
    p->token = (mlc_token){0};
    refused(p, MLC_E_CONFLICT, "set secrets.pkcs11_module");
    p->token = (mlc_token){p->module, URI "other", PIN};
    refused(p, MLC_E_INVALID, "does not open with the token's key");
    p->token.uri = URI "rsa";
    refused(p, MLC_E_UNSUPPORTED, "a key of another kind than the one that wrapped");
}

static void test_damaged_file(void **state)
{
    place *const p = *state;
    mlc_keyring ring;
    char text[2048];
    load(p, true, &ring);
    const size_t len = content(p->file, text, sizeof text);
    const size_t second = strcspn(text, "\n") + 1;
    char *const spot = &text[second + 40];
    *spot = *spot == 'A' ? 'B' : 'A';
    put(p->file, text, len);
    refused(p, MLC_E_INVALID, "does not open with the token's key");
    put(p->file, text, second);
    refused(p, MLC_E_INVALID, "its second line is damaged");
    put(p->file, text, len - 9);
    refused(p, MLC_E_INVALID, "");
    memcpy(text, "ml-connector root key 2", 23);
    put(p->file, text, len);
    refused(p, MLC_E_INVALID, "no way of wrapping that this version knows");
}

static void test_module(void **state)
{
    place *const p = *state;
    p->token.module = "/nonexistent/libhsm.so";
    refused(p, MLC_E_IO, "secrets.pkcs11_module: cannot read /nonexistent/libhsm.so");
    p->token.module = p->file; /* no library at all */
    put(p->file, "x", 1);
    assert_int_equal(rename(p->file, "/tmp/mlc_token_no_library"), 0);
    p->token.module = "/tmp/mlc_token_no_library";
    refused(p, MLC_E_IO, "secrets.pkcs11_module: cannot load");
    assert_int_equal(unlink("/tmp/mlc_token_no_library"), 0);
    assert_int_not_equal(access(p->file, F_OK), 0); /* no key was made */
}

static void test_token_or_key_missing(void **state)
{
    place *const p = *state;
    p->token.uri = "pkcs11:token=elsewhere;object=aes";
    refused(p, MLC_E_UNAVAILABLE,
            "no token fits pkcs11:token=elsewhere;object=aes; the module has \"mlc-test\"");
    p->token.uri = URI "absent";
    refused(p, MLC_E_UNAVAILABLE, "the token has no key that fits");
    assert_int_not_equal(access(p->file, F_OK), 0);
}

static void test_unfit_keys(void **state)
{
    place *const p = *state;
    assert_true(PKCS11_TOOL(p, "--keygen", "--key-type", "AES:16", "--sensitive", "--label", "short"));
    assert_true(PKCS11_TOOL(p, "--keypairgen", "--key-type", "EC:prime256v1", "--label", "ec", "--id", "33"));
    assert_true(PKCS11_TOOL(p, "--keygen", "--key-type", "AES:32", "--extractable", "--label", "loose"));
    assert_true(PKCS11_TOOL(p, "--keygen", "--key-type", "AES:32", "--sensitive", "--label", "twin"));
    assert_true(PKCS11_TOOL(p, "--keygen", "--key-type", "AES:32", "--sensitive", "--label", "twin"));
    p->token.uri = URI "short";
    refused(p, MLC_E_UNSUPPORTED, "name an AES key of 256 bits or an RSA");
    p->token.uri = URI "ec";
    refused(p, MLC_E_UNSUPPORTED, "is a key of another kind");
    p->token.uri = URI "ec;type=public";
    refused(p, MLC_E_UNSUPPORTED, "neither a secret nor a private key");
    p->token.uri = URI "loose";
    refused(p, MLC_E_UNSUPPORTED, "can leave the token");
    p->token.uri = URI "twin";
    refused(p, MLC_E_INVALID, "2 keys of the token fit");
    assert_int_not_equal(access(p->file, F_OK), 0);
}

/* A token locks after a few wrong PINs: it gets one, and no more until somebody has logged in. */
static void test_wrong_pin(void **state)
{
    place *const p = *state;
    p->token.pin = NULL;
    refused(p, MLC_E_AUTH, "secrets.pkcs11_pin: missing");
    p->token.pin = "111222";
    refused(p, MLC_E_AUTH, "secrets.pkcs11_pin: the token refuses the PIN");
    refused(p, MLC_E_AUTH, "the token counts a wrong PIN");
    p->token.pin = PIN;
    refused(p, MLC_E_AUTH, "the token counts a wrong PIN");
    assert_true(PKCS11_TOOL(p, "--list-objects"));
    mlc_keyring ring;
    load(p, true, &ring);
}

static void test_settings(void **state)
{
    const place *const p = *state;
    static const struct {
        const char *uri, *words;
    } uris[] = {{"token=ml", "not a PKCS#11 URI"},
                {"pkcs11:token=%zz", "not a PKCS#11 URI"},
                {"pkcs11:token=ml;object=k?pin-value=" PIN, "a PIN must not stand here"},
                {"pkcs11:token=ml;object=k?pin-source=file:/x", "pin-source is not used"},
                {"pkcs11:object=k?module-path=/x.so", "set secrets.pkcs11_module"},
                {"pkcs11:token=ml;colour=red;object=k", "an attribute that is not known"},
                {"pkcs11:token=ml", "it names no key"}};
    char reason[MLC_TOKEN_REASON_MAX];
    const char *setting = NULL;
    for (size_t i = 0; i < sizeof uris / sizeof uris[0]; i++) {
        const mlc_token token = {p->module, uris[i].uri, PIN};
        assert_true(mlc_token_fault(&token, &setting, reason));
        assert_string_equal(setting, "secrets.pkcs11_uri");
        if (strstr(reason, uris[i].words) == NULL)
            fail_msg("\"%s\" is not in: %s", uris[i].words, reason);
        assert_null(strstr(reason, PIN));
    }
    assert_false(mlc_token_fault(&(mlc_token){0}, &setting, reason));
    assert_false(mlc_token_fault(&(mlc_token){p->module, URI "aes", NULL}, &setting, reason));
    assert_true(mlc_token_fault(&(mlc_token){NULL, URI "aes", NULL}, &setting, reason));
    assert_string_equal(setting, "secrets.pkcs11_module");
    assert_true(mlc_token_fault(&(mlc_token){p->module, NULL, NULL}, &setting, reason));
    assert_string_equal(setting, "secrets.pkcs11_uri");
    assert_true(mlc_token_fault(&(mlc_token){p->module, URI "aes", "sealed:abc"}, &setting, reason));
    assert_string_equal(setting, "secrets.pkcs11_pin");
}

static void test_from_file_to_token_and_back(void **state)
{
    const place *const p = *state;
    mlc_keyring plain, both, wrapped, back;
    mlc_rotation_state step;
    assert_int_equal(mlc_keyring_load(p->file, true, &plain, NULL), MLC_OK);
    load(p, false, &both); /* a key in its file is one, also when a token is set */
    assert_false(both.wrapped);
    assert_int_equal(mlc_rotation_begin(p->file, &p->token, &step, NULL), MLC_OK);
    assert_int_equal(mlc_keyring_load(p->file, false, &both, NULL), MLC_E_CONFLICT);
    load(p, false, &both);
    assert_int_equal(both.count, 2);
    assert_true(both.wrapped);
    assert_memory_equal(both.keys[1], plain.keys[0], MLC_KEY_LEN);
    assert_int_equal(mlc_rotation_commit(p->file, NULL), MLC_OK);
    assert_int_equal(mlc_rotation_end(p->file, NULL), MLC_OK);
    load(p, false, &wrapped);
    assert_true(wrapped.wrapped && wrapped.count == 1);
    assert_memory_equal(wrapped.keys[0], both.keys[0], MLC_KEY_LEN);
    assert_int_equal(mlc_rotation_begin(p->file, NULL, &step, NULL), MLC_OK);
    load(p, false, &both);
    assert_false(both.wrapped);
    assert_memory_equal(both.keys[1], wrapped.keys[0], MLC_KEY_LEN);
    assert_int_equal(mlc_rotation_commit(p->file, NULL), MLC_OK);
    assert_int_equal(mlc_rotation_end(p->file, NULL), MLC_OK);
    assert_int_equal(mlc_keyring_load(p->file, false, &back, NULL), MLC_OK);
    assert_memory_equal(back.keys[0], both.keys[0], MLC_KEY_LEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_aes_key, begin),
        cmocka_unit_test_setup(test_rsa_key, begin),
        cmocka_unit_test_setup(test_wrapped_file_needs_its_token, begin),
        cmocka_unit_test_setup(test_damaged_file, begin),
        cmocka_unit_test_setup(test_module, begin),
        cmocka_unit_test_setup(test_token_or_key_missing, begin),
        cmocka_unit_test_setup(test_unfit_keys, begin),
        cmocka_unit_test_setup(test_wrong_pin, begin),
        cmocka_unit_test_setup(test_settings, begin),
        cmocka_unit_test_setup(test_from_file_to_token_and_back, begin),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
