/* sealed.c - see sealed.h. */
#include "crypto/sealed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONTEXT_MAX = 400, SECRET_MAX = 64 * 1024, EXIT_USAGE = 2 };

static mlc_code context_of(char out[CONTEXT_MAX], const char *program, const char *setting, mlc_error *err)
{
    const int len = snprintf(out, CONTEXT_MAX, "config/%s/%s", program, setting);
    return len > 0 && len < CONTEXT_MAX
               ? MLC_OK
               : mlc_fail(err, MLC_E_INVALID, "the name of the setting is too long to seal a value for it");
}

mlc_code mlc_sealed_make(const mlc_keyring *ring, const char *program, const char *setting,
                         const void *secret, size_t len, mlc_buf *out, mlc_error *err)
{
    char context[CONTEXT_MAX];
    mlc_buf sealed = {0};
    mlc_code code = context_of(context, program, setting, err);
    if (code == MLC_OK)
        code = mlc_keyring_seal(ring, context, secret, len, &sealed, err);
    if (code == MLC_OK)
        code = mlc_buf_puts(out, "sealed:", err);
    if (code == MLC_OK)
        code = mlc_base64(sealed.data, sealed.len, out, err);
    mlc_buf_free(&sealed);
    return code;
}

mlc_code mlc_sealed_open(const mlc_keyring *ring, const char *program, const char *setting,
                         const char *base64, mlc_buf *out, mlc_error *err)
{
    char context[CONTEXT_MAX];
    mlc_buf sealed = {.max = 2 * (size_t)SECRET_MAX};
    mlc_code code = context_of(context, program, setting, err);
    if (code == MLC_OK)
        code = mlc_base64_parse(base64, strlen(base64), &sealed, err);
    if (code == MLC_OK)
        code = mlc_keyring_unseal(ring, context, sealed.data, sealed.len, out, NULL, err);
    if (code == MLC_E_AUTH)
        code = mlc_fail(err, MLC_E_AUTH, "it was sealed with another key, or for another setting than %s",
                        setting);
    mlc_buf_free(&sealed);
    return code;
}

mlc_code mlc_sealed_again(const mlc_keyring *ring, const char *program, const char *setting,
                          const char *base64, mlc_buf *out, bool *stale, mlc_error *err)
{
    char context[CONTEXT_MAX];
    mlc_buf sealed = {.max = 2 * (size_t)SECRET_MAX};
    mlc_buf clear = {.max = SECRET_MAX};
    mlc_buf fresh = {0};
    *stale = false;
    mlc_code code = context_of(context, program, setting, err);
    if (code == MLC_OK)
        code = mlc_base64_parse(base64, strlen(base64), &sealed, err);
    if (code == MLC_OK)
        code = mlc_keyring_unseal(ring, context, sealed.data, sealed.len, &clear, stale, err);
    if (code == MLC_OK && *stale)
        code = mlc_keyring_seal(ring, context, clear.data, clear.len, &fresh, err);
    if (code == MLC_OK && *stale)
        code = mlc_base64(fresh.data, fresh.len, out, err);
    mlc_buf_free(&sealed);
    mlc_buf_wipe(&clear);
    mlc_buf_free(&fresh);
    return code;
}

/* ---- the command ---- */

static int usage(const char *program)
{
    (void)fprintf(
        stderr,
        "usage: %s seal --config FILE --setting NAME < SECRET\n"
        "       %s seal --key-file FILE --setting NAME < SECRET\n"
        "  FILE  the configuration, which tells where the root key is; or the root key itself: root.key in "
        "the\n"
        "        program's data_dir\n"
        "  NAME  the setting the value is for, with list elements by their id:\n"
        "        ais.password, tenants[acme].webhook_secret, tenants[acme].dynamics.client_secret\n",
        program, program);
    return EXIT_USAGE;
}

static mlc_code read_secret(mlc_buf *out, mlc_error *err)
{
    char *const block = malloc(SECRET_MAX + 2);
    if (block == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for the secret");
    size_t len = fread(block, 1, SECRET_MAX + 2, stdin);
    if (len > 0 && block[len - 1] == '\n')
        len--;
    mlc_code code = MLC_OK;
    if (len == 0 || len > SECRET_MAX || memchr(block, '\0', len) != NULL)
        code = mlc_fail(err, MLC_E_INVALID, "standard input must give a text of 1 to %d bytes", SECRET_MAX);
    else
        code = mlc_buf_append(out, block, len, err);
    mlc_wipe(block, SECRET_MAX + 2);
    free(block);
    return code;
}

/* What the command line says. */
typedef struct seal_words {
    const char *program;
    const mlc_key_owner *owner;
    const char *config, *key_file, *setting;
} seal_words;

static mlc_code find_ring(const seal_words *words, mlc_keyring *ring, mlc_error *err)
{
    mlc_cfg *cfg = NULL;
    if (words->key_file != NULL)
        return mlc_keyring_load(words->key_file, true, ring, err);
    mlc_code code = mlc_key_place_read(words->owner, words->config, &cfg, err);
    if (code == MLC_OK)
        code = mlc_key_place_ring(words->owner, cfg, true, ring, err);
    mlc_cfg_free(cfg);
    return code;
}

static mlc_code seal_input(const seal_words *words, mlc_error *err)
{
    mlc_keyring ring = {0};
    mlc_buf secret = {.max = SECRET_MAX};
    mlc_buf sealed = {0};
    mlc_code code = find_ring(words, &ring, err);
    if (code == MLC_OK)
        code = read_secret(&secret, err);
    if (code == MLC_OK)
        code = mlc_sealed_make(&ring, words->program, words->setting, secret.data, secret.len, &sealed, err);
    if (code == MLC_OK && (puts(mlc_buf_text(&sealed)) < 0 || fflush(stdout) != 0))
        code = mlc_fail(err, MLC_E_IO, "cannot write to standard output");
    mlc_keyring_wipe(&ring);
    mlc_buf_wipe(&secret);
    mlc_buf_free(&sealed);
    return code;
}

int mlc_sealed_main(const char *program, const mlc_key_owner *owner, int argc, char **argv)
{
    seal_words words = {.program = program, .owner = owner};
    mlc_error err;
    for (int i = 2; i < argc; i += 2) {
        const char **const value = strcmp(argv[i], "--key-file") == 0  ? &words.key_file
                                   : strcmp(argv[i], "--config") == 0  ? &words.config
                                   : strcmp(argv[i], "--setting") == 0 ? &words.setting
                                                                       : NULL;
        if (value == NULL || i + 1 >= argc)
            return usage(program);
        *value = argv[i + 1];
    }
    if ((words.key_file == NULL) == (words.config == NULL) || words.setting == NULL)
        return usage(program);
    if (seal_input(&words, &err) == MLC_OK)
        return EXIT_SUCCESS;
    (void)fprintf(stderr, "%s: %s\n", program, err.message);
    return EXIT_FAILURE;
}
