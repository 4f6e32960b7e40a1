/* parts: crypto */
/* Sealed envelopes, wrapped key files and the text codecs around them: nothing forged opens, everything read round-trips. */
#include "crypto/token.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t key[MLC_KEY_LEN] = {7, 7, 7};

static void require(bool truth)
{
    if (!truth)
        abort();
}

static void try_codecs(const char *text, size_t len)
{
    mlc_buf bytes = {0};
    mlc_buf again = {0};
    char base36[MLC_BASE36_128_MAX];
    char other[MLC_BASE36_128_MAX];
    char uuid[MLC_UUID_TEXT_MAX];
    if (mlc_base64_parse(text, len, &bytes, NULL) == MLC_OK) {
        require(mlc_base64(bytes.data, bytes.len, &again, NULL) == MLC_OK);
        require(again.len == len && (len == 0 || memcmp(again.data, text, len) == 0));
    }
    if (mlc_uuid_to_base36(text, base36, NULL) == MLC_OK) {
        require(mlc_base36_to_uuid(base36, uuid, NULL) == MLC_OK);
        require(mlc_uuid_to_base36(uuid, other, NULL) == MLC_OK && strcmp(base36, other) == 0);
    }
    (void)mlc_base36_to_uuid(text, uuid, NULL);
    mlc_buf_free(&bytes);
    mlc_buf_free(&again);
}

/* Seal the input, then flip the bit that the input chooses: it must not open. */
static void try_seal(const uint8_t *data, size_t size)
{
    mlc_buf sealed = {0};
    mlc_buf plain = {0};
    require(mlc_seal(key, "fuzz", data, size, &sealed, NULL) == MLC_OK);
    require(mlc_unseal(key, "fuzz", sealed.data, sealed.len, &plain, NULL) == MLC_OK);
    require(plain.len == size && (size == 0 || memcmp(plain.data, data, size) == 0));
    const size_t spot = size > 0 ? data[0] % sealed.len : 0;
    sealed.data[spot] ^= (uint8_t)(1U << (size > 1 ? data[1] % 8 : 0));
    require(mlc_unseal(key, "fuzz", sealed.data, sealed.len, &plain, NULL) == MLC_E_AUTH);
    mlc_buf_free(&sealed);
    mlc_buf_free(&plain);
}

/* What is read as a wrapped key file is written in the same way, but for the newline at its end. */
static void try_wrapped(const uint8_t *data, size_t size)
{
    mlc_token_method method = MLC_TOKEN_METHODS;
    mlc_buf bytes = {.max = MLC_TOKEN_FILE_MAX};
    mlc_buf again = {0};
    if (mlc_token_parse(data, size, "root.key", &method, &bytes, NULL) == MLC_OK) {
        require(mlc_token_wrapped(data, size) && method < MLC_TOKEN_METHODS);
        require(mlc_buf_printf(&again, NULL, "%s\n", mlc_token_head(method)) == MLC_OK);
        require(mlc_base64(bytes.data, bytes.len, &again, NULL) == MLC_OK);
        require(again.len == size - (data[size - 1] == '\n' ? 1 : 0));
        require(memcmp(again.data, data, again.len) == 0);
    }
    mlc_buf_free(&bytes);
    mlc_buf_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mlc_buf plain = {0};
    require(mlc_unseal(key, "fuzz", data, size, &plain, NULL) != MLC_OK);
    char *text = mlc_strndup((const char *)data, size);
    require(text != NULL);
    try_codecs(text, strlen(text));
    try_seal(data, size);
    try_wrapped(data, size);
    mlc_buf_free(&plain);
    free(text);
    return 0;
}
