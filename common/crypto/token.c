/* token.c - see token.h: settings and file; the token itself is asked in pkcs11/. */
#include "crypto/token.h"

#include "crypto/pkcs11/pkcs11.h"

#include <stdio.h>
#include <string.h>

static const char magic[] = "ml-connector root key ";

const char *mlc_token_head(mlc_token_method method)
{
    static const char *const heads[MLC_TOKEN_METHODS] = {
        [MLC_TOKEN_AES_GCM] = "ml-connector root key 1 pkcs11 aes-gcm",
        [MLC_TOKEN_OAEP_SHA256] = "ml-connector root key 1 pkcs11 rsa-oaep-sha256",
        [MLC_TOKEN_OAEP_SHA1] = "ml-connector root key 1 pkcs11 rsa-oaep-sha1"};
    return heads[method];
}

bool mlc_token_fault(const mlc_token *token, const char **setting, char reason[MLC_TOKEN_REASON_MAX])
{
    *setting = "secrets.pkcs11_module";
    if (token->module == NULL && token->uri == NULL && token->pin == NULL)
        return false;
    if (token->module == NULL) {
        (void)snprintf(
            reason, MLC_TOKEN_REASON_MAX,
            "missing, though another setting of the token is there; give the path of the token's library");
        return true;
    }
    *setting = "secrets.pkcs11_uri";
    if (token->uri == NULL) {
        (void)snprintf(reason, MLC_TOKEN_REASON_MAX,
                       "missing; name the token's key, such as \"pkcs11:token=ml;object=ml-connector\"");
        return true;
    }
    if (mlc_pkcs11_uri_fault(token->uri, reason))
        return true;
    *setting = "secrets.pkcs11_pin";
    /* What is still a reference of this kind when it is asked for waits for the very key that it is to open. */
    if (token->pin != NULL && strncmp(token->pin, "sealed:", 7) == 0) {
        (void)snprintf(reason, MLC_TOKEN_REASON_MAX,
                       "the PIN leads to the key that opens sealed values, so it cannot be one; write "
                       "\"file:/path\" or \"credential:NAME\"");
        return true;
    }
    return false;
}

/* As an error, before the token is asked. */
static mlc_code check(const mlc_token *token, mlc_error *err)
{
    char reason[MLC_TOKEN_REASON_MAX];
    const char *setting = NULL;
    return mlc_token_fault(token, &setting, reason) ? mlc_fail(err, MLC_E_INVALID, "%s: %s", setting, reason)
                                                    : MLC_OK;
}

/* ---- the file ---- */

bool mlc_token_wrapped(const void *data, size_t len)
{
    return len > sizeof magic - 1 && memcmp(data, magic, sizeof magic - 1) == 0;
}

static bool method_of(const char *line, size_t len, mlc_token_method *out)
{
    for (int i = 0; i < MLC_TOKEN_METHODS; i++) {
        const char *const head = mlc_token_head((mlc_token_method)i);
        if (strlen(head) == len && memcmp(head, line, len) == 0) {
            *out = (mlc_token_method)i;
            return true;
        }
    }
    return false;
}

mlc_code mlc_token_parse(const void *data, size_t len, const char *path, mlc_token_method *method,
                         mlc_buf *bytes, mlc_error *err)
{
    const char *const text = data;
    const char *const end = memchr(text, '\n', len);
    const size_t head = end != NULL ? (size_t)(end - text) : len;
    if (!method_of(text, head, method))
        return mlc_fail(err, MLC_E_INVALID,
                        "root key %s: its first line names no way of wrapping that this version knows; use "
                        "the version that made it, or restore it from its backup",
                        path);
    size_t rest = end != NULL ? len - head - 1 : 0;
    if (rest > 0 && text[len - 1] == '\n')
        rest--;
    if (rest == 0 || mlc_base64_parse(end + 1, rest, bytes, NULL) != MLC_OK || bytes->len == 0)
        return mlc_fail(err, MLC_E_INVALID,
                        "root key %s: its second line is damaged; restore it from its backup", path);
    return MLC_OK;
}

mlc_code mlc_token_wrap(const mlc_token *token, const uint8_t key[MLC_KEY_LEN], mlc_buf *out, mlc_error *err)
{
    mlc_buf bytes = {.max = MLC_TOKEN_FILE_MAX};
    mlc_token_method method = MLC_TOKEN_AES_GCM;
    mlc_code code = check(token, err);
    if (code == MLC_OK)
        code = mlc_pkcs11_wrap(token, key, &method, &bytes, err);
    if (code == MLC_OK)
        code = mlc_buf_printf(out, err, "%s\n", mlc_token_head(method));
    if (code == MLC_OK)
        code = mlc_base64(bytes.data, bytes.len, out, err);
    if (code == MLC_OK)
        code = mlc_buf_puts(out, "\n", err);
    mlc_buf_free(&bytes);
    return code;
}

mlc_code mlc_token_unwrap(const mlc_token *token, const void *data, size_t len, const char *path,
                          uint8_t out[MLC_KEY_LEN], mlc_error *err)
{
    mlc_buf bytes = {.max = MLC_TOKEN_FILE_MAX};
    mlc_token_method method = MLC_TOKEN_AES_GCM;
    mlc_code code = mlc_token_parse(data, len, path, &method, &bytes, err);
    if (code == MLC_OK && (token == NULL || token->module == NULL))
        code = mlc_fail(err, MLC_E_CONFLICT,
                        "root key %s is wrapped by a token, but no token is set; set secrets.pkcs11_module, "
                        "secrets.pkcs11_uri and secrets.pkcs11_pin",
                        path);
    if (code == MLC_OK)
        code = check(token, err);
    if (code == MLC_OK)
        code = mlc_pkcs11_unwrap(token, method, &bytes, path, out, err);
    mlc_buf_free(&bytes);
    return code;
}
