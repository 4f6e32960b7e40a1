/* certify.c - see certify.h. */
#include "agent/certify.h"

#include <string.h>

enum { ANSWER_DEPTH = 8 };

static mlc_code add_base64(cJSON *obj, const char *name, const mlc_buf *bytes, mlc_error *err)
{
    mlc_buf text = {0};
    mlc_code code = mlc_base64(bytes->data, bytes->len, &text, err);
    if (code == MLC_OK)
        code = mlc_json_add_str(obj, name, mlc_buf_text(&text), err);
    mlc_buf_free(&text);
    return code;
}

static mlc_code add_hex(cJSON *obj, const char *name, const uint8_t *bytes, size_t len, mlc_error *err)
{
    char text[2 * MLC_EC_SIGNATURE_LEN + 1];
    mlc_hex(bytes, len, text);
    return mlc_json_add_str(obj, name, text, err);
}

/* Takes the object over. */
static mlc_code print(cJSON *obj, mlc_code code, mlc_buf *out, mlc_error *err)
{
    char *text = NULL;
    if (code == MLC_OK && (text = mlc_json_print(obj)) == NULL)
        code = mlc_fail(err, MLC_E_NOMEM, "no memory for a request");
    if (code == MLC_OK)
        code = mlc_buf_puts(out, text, err);
    if (text != NULL)
        mlc_wipe(text, strlen(text));
    cJSON_free(text);
    cJSON_Delete(obj);
    return code;
}

mlc_code mlc_certify_enroll_body(const char *agent, const char *token, const char *software,
                                 const uint8_t key[MLC_EC_PRIVATE_LEN], mlc_buf *out, mlc_error *err)
{
    mlc_buf csr = {0};
    cJSON *const obj = cJSON_CreateObject();
    mlc_code code = mlc_csr_make(key, agent, &csr, err);
    if (code == MLC_OK)
        code = mlc_json_add_str(obj, "token", token, err);
    if (code == MLC_OK)
        code = mlc_json_add_str(obj, "agent", agent, err);
    if (code == MLC_OK)
        code = add_base64(obj, "csr", &csr, err);
    if (code == MLC_OK)
        code = mlc_json_add_str(obj, "software", software, err);
    mlc_buf_free(&csr);
    return print(obj, code, out, err);
}

mlc_code mlc_certify_renew_body(const char *agent, const mlc_own_identity *own,
                                const uint8_t key[MLC_EC_PRIVATE_LEN], mlc_buf *out, mlc_error *err)
{
    uint8_t signature[MLC_EC_SIGNATURE_LEN];
    mlc_buf csr = {0};
    cJSON *const obj = cJSON_CreateObject();
    mlc_code code = mlc_csr_make(key, agent, &csr, err);
    if (code == MLC_OK)
        code = mlc_sign_request(own, "renew", agent, csr.data, csr.len, signature, err);
    if (code == MLC_OK)
        code = mlc_json_add_str(obj, "agent", agent, err);
    if (code == MLC_OK)
        code = add_hex(obj, "certificate", own->fingerprint, sizeof own->fingerprint, err);
    if (code == MLC_OK)
        code = add_base64(obj, "csr", &csr, err);
    if (code == MLC_OK)
        code = add_hex(obj, "signature", signature, sizeof signature, err);
    mlc_buf_free(&csr);
    return print(obj, code, out, err);
}

static mlc_code take_der(const cJSON *body, const char *name, mlc_buf *out, mlc_error *err)
{
    const char *const text = mlc_json_str(body, name);
    out->max = MLC_CERT_MAX;
    if (text == NULL || mlc_base64_parse(text, strlen(text), out, NULL) != MLC_OK || out->len == 0)
        return mlc_fail(err, MLC_E_PROTOCOL,
                        "the relay's answer holds no %s; is the relay of a former version? Update it first",
                        name);
    return MLC_OK;
}

mlc_code mlc_certify_answer(const char *what, int status, const char *body, size_t len, mlc_buf *cert,
                            mlc_buf *authority, mlc_error *err)
{
    cJSON *obj = NULL;
    const mlc_code parsed = mlc_json_parse(body, len, MLC_CERTIFY_ANSWER_MAX, ANSWER_DEPTH, &obj, NULL);
    mlc_code code = MLC_OK;
    if (status == 200) {
        code = parsed != MLC_OK
                   ? mlc_fail(err, MLC_E_PROTOCOL, "the relay's answer to the %s is not JSON", what)
                   : take_der(obj, "certificate", cert, err);
        if (code == MLC_OK)
            code = take_der(obj, "authority", authority, err);
    } else {
        const char *const words = mlc_json_text(mlc_json_path(obj, "error.message"));
        code = mlc_fail(err, status >= 400 && status < 500 ? MLC_E_DENIED : MLC_E_UNAVAILABLE,
                        "the relay answered the %s with %d: %.200s", what, status,
                        words != NULL ? words : "no reason given");
    }
    cJSON_Delete(obj);
    return code;
}
