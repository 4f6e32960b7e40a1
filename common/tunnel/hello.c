/* hello.c - HELLO and WELCOME as JSON. */
#include "tunnel/hello.h"

#include "base/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const auth_names[] = {
    [MLC_AUTH_KEY] = "key", [MLC_AUTH_MTLS] = "mtls", [MLC_AUTH_CERT] = "cert"};

enum { AUTH_KINDS = sizeof auth_names / sizeof auth_names[0] };
enum { LIMIT_CEILING = 256 * 1024 * 1024, MESSAGE_FLOOR = 4096 };

/* Sequences, epochs and generations are texts: many JSON readers hold numbers as doubles. */
static mlc_code add_u64(cJSON *obj, const char *name, uint64_t value, bool hex, mlc_error *err)
{
    char text[24];
    if (hex)
        snprintf(text, sizeof(text), "%016" PRIx64, value);
    else
        snprintf(text, sizeof(text), "%" PRIu64, value);
    return mlc_json_add_str(obj, name, text, err);
}

static mlc_code add_bytes(cJSON *obj, const char *name, const uint8_t *bytes, size_t len, mlc_error *err)
{
    char text[2 * MLC_EC_SIGNATURE_LEN + 1];
    mlc_hex(bytes, len, text);
    return mlc_json_add_str(obj, name, text, err);
}

static mlc_code add_issued(cJSON *root, const mlc_hello *hello, mlc_error *err)
{
    mlc_buf text = {0};
    mlc_code code = mlc_base64(hello->issued, hello->issued_len, &text, err);
    if (code == MLC_OK)
        code = mlc_json_add_str(root, "issued", mlc_buf_text(&text), err);
    mlc_buf_free(&text);
    return code;
}

static mlc_code add_position(cJSON *root, const mlc_position *position, mlc_error *err)
{
    cJSON *obj = cJSON_CreateObject();
    if (obj == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a hello");
    mlc_code code = add_u64(obj, "epoch", position->epoch, true, err);
    if (code == MLC_OK)
        code = add_u64(obj, "generation", position->generation, false, err);
    if (code == MLC_OK)
        code = add_u64(obj, "seq", position->seq, false, err);
    if (code == MLC_OK)
        code = add_bytes(obj, "mark", position->mark, MLC_MARK_LEN, err);
    if (code != MLC_OK) {
        cJSON_Delete(obj);
        return code;
    }
    return mlc_json_add(root, "received", obj, err);
}

static mlc_code add_capabilities(cJSON *root, unsigned capabilities, mlc_error *err)
{
    cJSON *list = cJSON_CreateArray();
    if (list == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a hello");
    if ((capabilities & MLC_CAP_CHUNKS) != 0) {
        cJSON *item = cJSON_CreateString("chunks");
        if (item == NULL || !cJSON_AddItemToArray(list, item)) {
            cJSON_Delete(item);
            cJSON_Delete(list);
            return mlc_fail(err, MLC_E_NOMEM, "no memory for a hello");
        }
    }
    return mlc_json_add(root, "capabilities", list, err);
}

static mlc_code add_identity(cJSON *root, const mlc_hello *hello, bool welcome, mlc_error *err)
{
    mlc_code code = MLC_OK;
    if (welcome) {
        code = mlc_json_add_int(root, "version", hello->version_max, err);
    } else {
        code = mlc_json_add_int(root, "version_min", hello->version_min, err);
        if (code == MLC_OK)
            code = mlc_json_add_int(root, "version_max", hello->version_max, err);
        if (code == MLC_OK)
            code = mlc_json_add_str(root, "agent", hello->agent, err);
        if (code == MLC_OK)
            code = mlc_json_add_str(root, "auth", auth_names[hello->auth], err);
        if (code == MLC_OK && (hello->has_proof || hello->has_signature))
            code = add_bytes(root, "nonce", hello->nonce, MLC_NONCE_LEN, err);
        if (code == MLC_OK && hello->has_signature)
            code = add_bytes(root, "certificate", hello->fingerprint, MLC_SHA256_LEN, err);
        if (code == MLC_OK && hello->has_signature && hello->issued_len > 0)
            code = add_issued(root, hello, err);
    }
    if (code == MLC_OK && hello->has_signature)
        code = add_bytes(root, "signature", hello->signature, MLC_EC_SIGNATURE_LEN, err);
    if (code == MLC_OK && hello->has_proof)
        code = add_bytes(root, "proof", hello->proof, MLC_SHA256_LEN, err);
    return code;
}

static mlc_code build(cJSON *root, const mlc_hello *hello, bool welcome, mlc_error *err)
{
    mlc_code code = add_identity(root, hello, welcome, err);
    if (code == MLC_OK)
        code = mlc_json_add_str(root, "software", hello->software, err);
    if (code == MLC_OK)
        code = add_capabilities(root, hello->capabilities, err);
    if (code == MLC_OK)
        code = mlc_json_add_int(root, "max_frame", hello->limits.max_frame, err);
    if (code == MLC_OK)
        code = mlc_json_add_int(root, "max_message", hello->limits.max_message, err);
    if (code == MLC_OK)
        code = mlc_json_add_int(root, "window", hello->limits.window, err);
    if (code == MLC_OK)
        code = add_position(root, &hello->received, err);
    return code;
}

mlc_code mlc_hello_print(mlc_buf *out, const mlc_hello *hello, bool welcome, mlc_error *err)
{
    cJSON *root = cJSON_CreateObject();
    if (root == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a hello");
    mlc_code code = build(root, hello, welcome, err);
    if (code == MLC_OK) {
        char *text = mlc_json_print(root);
        code =
            text != NULL ? mlc_buf_puts(out, text, err) : mlc_fail(err, MLC_E_NOMEM, "no memory for a hello");
        free(text);
    }
    cJSON_Delete(root);
    return code;
}

/* ---- reading ---- */

static mlc_code bad(mlc_error *err, const char *name)
{
    return mlc_fail(err, MLC_E_PROTOCOL, "hello: '%s' is missing or malformed", name);
}

static mlc_code read_u32(const cJSON *root, const char *name, uint32_t min, uint32_t max, uint32_t *out,
                         mlc_error *err)
{
    int64_t value = 0;
    if (mlc_json_int64(root, name, &value, NULL) != MLC_OK || value < min)
        return bad(err, name);
    *out = value > max ? max : (uint32_t)value;
    return MLC_OK;
}

static mlc_code read_u64(const cJSON *obj, const char *name, int base, uint64_t *out, mlc_error *err)
{
    const char *text = mlc_json_str(obj, name);
    const char *digits = base == 16 ? "0123456789abcdef" : "0123456789";
    const size_t max_len = base == 16 ? 16 : 19;
    if (text == NULL || text[0] == '\0' || strlen(text) > max_len || strspn(text, digits) != strlen(text))
        return bad(err, name);
    *out = strtoull(text, NULL, base);
    return MLC_OK;
}

static mlc_code read_bytes(const cJSON *obj, const char *name, uint8_t *out, size_t len, mlc_error *err)
{
    const char *text = mlc_json_str(obj, name);
    if (text == NULL || strlen(text) != 2 * len || mlc_hex_parse(text, out, len, NULL) != MLC_OK)
        return bad(err, name);
    return MLC_OK;
}

/* May be absent: agents of former versions do not show it. */
static mlc_code read_issued(const cJSON *root, mlc_hello *out, mlc_error *err)
{
    mlc_buf der = {.max = sizeof(out->issued)};
    const cJSON *item = mlc_json_get(root, "issued");
    const char *text = mlc_json_text(item);
    if (item == NULL)
        return MLC_OK;
    mlc_code code = text != NULL ? mlc_base64_parse(text, strlen(text), &der, NULL) : MLC_E_INVALID;
    if (code == MLC_OK && der.len > 0) {
        memcpy(out->issued, der.data, der.len);
        out->issued_len = der.len;
    } else {
        code = bad(err, "issued");
    }
    mlc_buf_free(&der);
    return code;
}

static mlc_code read_position(const cJSON *root, mlc_position *out, mlc_error *err)
{
    const cJSON *obj = mlc_json_get(root, "received");
    mlc_code code = read_u64(obj, "epoch", 16, &out->epoch, err);
    if (code == MLC_OK)
        code = read_u64(obj, "generation", 10, &out->generation, err);
    if (code == MLC_OK)
        code = read_u64(obj, "seq", 10, &out->seq, err);
    if (code == MLC_OK)
        code = read_bytes(obj, "mark", out->mark, MLC_MARK_LEN, err);
    return code;
}

static mlc_code read_agent(const cJSON *root, mlc_hello *out, mlc_error *err)
{
    const char *agent = mlc_json_str(root, "agent");
    const char *auth = mlc_json_str(root, "auth");
    if (agent == NULL || agent[0] == '\0' || strlen(agent) >= sizeof(out->agent))
        return bad(err, "agent");
    for (const char *p = agent; *p != '\0'; p++)
        if ((unsigned char)*p <= ' ' || (unsigned char)*p > '~')
            return bad(err, "agent");
    mlc_strlcpy(out->agent, agent, sizeof(out->agent));
    size_t kind = 0;
    while (auth != NULL && kind < AUTH_KINDS && strcmp(auth, auth_names[kind]) != 0)
        kind++;
    if (auth == NULL || kind == AUTH_KINDS)
        return bad(err, "auth");
    out->auth = (mlc_auth_kind)kind;
    mlc_code code = MLC_OK;
    if (out->auth != MLC_AUTH_MTLS)
        code = read_bytes(root, "nonce", out->nonce, MLC_NONCE_LEN, err);
    if (code == MLC_OK && out->auth == MLC_AUTH_CERT)
        code = read_bytes(root, "certificate", out->fingerprint, MLC_SHA256_LEN, err);
    if (code == MLC_OK && out->auth == MLC_AUTH_CERT)
        code = read_issued(root, out, err);
    return code;
}

static mlc_code read_identity(const cJSON *root, bool welcome, mlc_hello *out, mlc_error *err)
{
    mlc_code code =
        read_u32(root, welcome ? "version" : "version_min", 1, UINT32_MAX, &out->version_min, err);
    if (code == MLC_OK)
        code = read_u32(root, welcome ? "version" : "version_max", out->version_min, UINT32_MAX,
                        &out->version_max, err);
    if (code == MLC_OK && !welcome)
        code = read_agent(root, out, err);
    out->has_proof = mlc_json_get(root, "proof") != NULL;
    if (code == MLC_OK && out->has_proof)
        code = read_bytes(root, "proof", out->proof, MLC_SHA256_LEN, err);
    if (code == MLC_OK && !welcome && out->auth == MLC_AUTH_KEY && !out->has_proof)
        return bad(err, "proof");
    out->has_signature = mlc_json_get(root, "signature") != NULL;
    if (code == MLC_OK && out->has_signature)
        code = read_bytes(root, "signature", out->signature, MLC_EC_SIGNATURE_LEN, err);
    if (code == MLC_OK && !welcome && out->auth == MLC_AUTH_CERT && !out->has_signature)
        return bad(err, "signature");
    return code;
}

static unsigned read_capabilities(const cJSON *root)
{
    unsigned known = 0;
    const cJSON *item = NULL;
    cJSON_ArrayForEach(item, mlc_json_get(root, "capabilities"))
    {
        const char *text = mlc_json_text(item);
        if (text != NULL && strcmp(text, "chunks") == 0)
            known |= MLC_CAP_CHUNKS;
    }
    return known;
}

static mlc_code read_all(const cJSON *root, bool welcome, mlc_hello *out, mlc_error *err)
{
    mlc_code code = read_identity(root, welcome, out, err);
    if (code == MLC_OK)
        code = read_u32(root, "max_frame", MLC_FRAME_MAX_FLOOR, LIMIT_CEILING, &out->limits.max_frame, err);
    if (code == MLC_OK)
        code = read_u32(root, "max_message", MESSAGE_FLOOR, LIMIT_CEILING, &out->limits.max_message, err);
    if (code == MLC_OK)
        code = read_u32(root, "window", 1, LIMIT_CEILING, &out->limits.window, err);
    if (code == MLC_OK)
        code = read_position(root, &out->received, err);
    const char *software = mlc_json_str(root, "software");
    mlc_strlcpy(out->software, software != NULL ? software : "", sizeof(out->software));
    out->capabilities = read_capabilities(root);
    return code;
}

mlc_code mlc_hello_parse(const char *text, size_t len, bool welcome, mlc_hello *out, mlc_error *err)
{
    cJSON *root = NULL;
    memset(out, 0, sizeof(*out));
    if (len > MLC_HELLO_MAX)
        return mlc_fail(err, MLC_E_LIMIT, "hello of %zu bytes", len);
    mlc_code code = mlc_json_parse(text, len, MLC_HELLO_MAX, MLC_HELLO_DEPTH, &root, err);
    if (code != MLC_OK)
        return mlc_wrap(err, code == MLC_E_INVALID ? MLC_E_PROTOCOL : code, "hello is not acceptable JSON");
    code = cJSON_IsObject(root) ? read_all(root, welcome, out, err) : bad(err, "object");
    cJSON_Delete(root);
    return code;
}
