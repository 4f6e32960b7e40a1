/* entra_assertion.c - see entra_assertion.h. */
#include "relay/entra_assertion.h"

#include "base/json.h"
#include "crypto/crypto.h"

#include <errno.h>
#include <fcntl.h>
#include <mbedtls/pk.h>
#include <mbedtls/sha1.h>
#include <mbedtls/x509_crt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEY_FILE_MAX = 64 * 1024, RSA_BITS_MIN = 2048, SHA1_LEN = 20, LIFE_S = 600, SKEW_S = 60, MS = 1000 };

struct mlc_entra_key {
    mlc_entra_alg alg;
    mbedtls_pk_context pk;
    uint8_t sha1[SHA1_LEN], sha256[MLC_SHA256_LEN]; /* of the certificate */
};

mlc_entra_alg mlc_entra_alg_named(const char *name)
{
    return name != NULL && strcmp(name, "RS256") == 0 ? MLC_ENTRA_RS256 : MLC_ENTRA_PS256;
}

/* ---- files ---- */

static mlc_code check_key_file(int fd, const char *path, mlc_error *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return mlc_fail(err, MLC_E_IO, "client_key_file: %s is not a regular file", path);
    if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return mlc_fail(err, MLC_E_DENIED,
                        "client_key_file: %s is open to group or others (mode %03o); run: chmod 600 %s", path,
                        (unsigned)(st.st_mode & ALLPERMS), path);
    if (st.st_size <= 0 || st.st_size >= KEY_FILE_MAX)
        return mlc_fail(err, MLC_E_INVALID, "client_key_file: %s is no PEM file of a private key", path);
    return MLC_OK;
}

/* The whole of the key file, terminated, in memory that is wiped by the caller. */
static mlc_code read_key_file(const char *path, uint8_t text[KEY_FILE_MAX], size_t *len, mlc_error *err)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return mlc_fail(err, MLC_E_IO, "client_key_file: cannot open %s: %s", path, strerror(errno));
    mlc_code code = check_key_file(fd, path, err);
    *len = 0;
    while (code == MLC_OK && *len < KEY_FILE_MAX - 1) {
        const ssize_t n = read(fd, text + *len, KEY_FILE_MAX - 1 - *len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            code = mlc_fail(err, MLC_E_IO, "client_key_file: cannot read %s: %s", path, strerror(errno));
        if (n <= 0)
            break;
        *len += (size_t)n;
    }
    text[*len] = '\0';
    (void)close(fd);
    return code;
}

static mlc_code load_key(mlc_entra_key *key, const char *path, mlc_error *err)
{
    size_t len = 0;
    uint8_t *const text = calloc(1, KEY_FILE_MAX);
    if (text == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a private key");
    mlc_code code = read_key_file(path, text, &len, err);
    if (code == MLC_OK && mbedtls_pk_parse_key(&key->pk, text, len + 1, NULL, 0) != 0)
        code = mlc_fail(err, MLC_E_INVALID,
                        "client_key_file: %s holds no private key in PEM without password", path);
    if (code == MLC_OK &&
        (mbedtls_pk_get_type(&key->pk) != MBEDTLS_PK_RSA || mbedtls_pk_get_bitlen(&key->pk) < RSA_BITS_MIN))
        code = mlc_fail(err, MLC_E_INVALID,
                        "client_key_file: %s is not an RSA key of at least %d bits; Entra ID takes no other",
                        path, RSA_BITS_MIN);
    mlc_wipe(text, KEY_FILE_MAX);
    free(text);
    return code;
}

static mlc_code load_cert(mlc_entra_key *key, const char *path, mlc_error *err)
{
    mbedtls_x509_crt crt;
    mlc_code code = MLC_OK;
    mbedtls_x509_crt_init(&crt);
    if (mbedtls_x509_crt_parse_file(&crt, path) != 0 || crt.raw.p == NULL)
        code =
            mlc_fail(err, MLC_E_INVALID, "client_cert_file: %s cannot be read as certificates in PEM", path);
    else if (mbedtls_pk_check_pair(&crt.pk, &key->pk) != 0)
        code = mlc_fail(err, MLC_E_INVALID,
                        "client_cert_file: %s does not belong to the key in client_key_file", path);
    else if (mbedtls_sha1_ret(crt.raw.p, crt.raw.len, key->sha1) != 0)
        code = mlc_fail(err, MLC_E_INTERNAL, "client_cert_file: no thumbprint of %s", path);
    else
        code = mlc_sha256(crt.raw.p, crt.raw.len, key->sha256, err);
    mbedtls_x509_crt_free(&crt);
    return code;
}

mlc_code mlc_entra_key_load(mlc_entra_key **out, const char *cert_file, const char *key_file,
                            mlc_entra_alg alg, mlc_error *err)
{
    *out = NULL;
    mlc_entra_key *const key = calloc(1, sizeof *key);
    if (key == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a private key");
    key->alg = alg;
    mbedtls_pk_init(&key->pk);
    mlc_code code = load_key(key, key_file, err);
    if (code == MLC_OK)
        code = load_cert(key, cert_file, err);
    if (code != MLC_OK) {
        mlc_entra_key_free(key);
        return code;
    }
    if (alg == MLC_ENTRA_PS256)
        mbedtls_rsa_set_padding(mbedtls_pk_rsa(key->pk), MBEDTLS_RSA_PKCS_V21, MBEDTLS_MD_SHA256);
    *out = key;
    return MLC_OK;
}

void mlc_entra_key_free(mlc_entra_key *key)
{
    if (key == NULL)
        return;
    mbedtls_pk_free(&key->pk);
    free(key);
}

/* ---- the JWT ---- */

/* Base64 in the alphabet of addresses, without padding (RFC 7515, section 2). */
static mlc_code put_base64url(mlc_buf *out, const void *data, size_t len, mlc_error *err)
{
    const size_t from = out->len;
    const mlc_code code = mlc_base64(data, len, out, err);
    if (code != MLC_OK)
        return code;
    while (out->len > from && out->data[out->len - 1] == '=')
        out->data[--out->len] = '\0'; /* a buffer's text is always terminated */
    for (size_t i = from; i < out->len; i++) {
        if (out->data[i] == '+')
            out->data[i] = '-';
        else if (out->data[i] == '/')
            out->data[i] = '_';
    }
    return MLC_OK;
}

static mlc_code add_thumbprint(cJSON *header, const char *name, const void *data, size_t len, mlc_error *err)
{
    mlc_buf text = {0};
    mlc_code code = put_base64url(&text, data, len, err);
    if (code == MLC_OK)
        code = mlc_json_add_str(header, name, mlc_buf_text(&text), err);
    mlc_buf_free(&text);
    return code;
}

static mlc_code fill_header(const mlc_entra_key *key, cJSON *header, mlc_error *err)
{
    mlc_code code = mlc_json_add_str(header, "alg", key->alg == MLC_ENTRA_PS256 ? "PS256" : "RS256", err);
    if (code == MLC_OK)
        code = mlc_json_add_str(header, "typ", "JWT", err);
    if (code == MLC_OK)
        code = add_thumbprint(header, "x5t", key->sha1, sizeof key->sha1, err);
    if (code == MLC_OK)
        code = add_thumbprint(header, "x5t#S256", key->sha256, sizeof key->sha256, err);
    return code;
}

static mlc_code fill_claims(cJSON *claims, const char *client_id, const char *audience, int64_t now_s,
                            mlc_error *err)
{
    char id[MLC_ID_TEXT_MAX];
    mlc_code code = mlc_random_id(id, err);
    if (code == MLC_OK)
        code = mlc_json_add_str(claims, "aud", audience, err);
    if (code == MLC_OK)
        code = mlc_json_add_str(claims, "iss", client_id, err);
    if (code == MLC_OK)
        code = mlc_json_add_str(claims, "sub", client_id, err);
    if (code == MLC_OK)
        code = mlc_json_add_str(claims, "jti", id, err);
    if (code == MLC_OK)
        code = mlc_json_add_int(claims, "iat", now_s, err);
    /* A clock that goes a little ahead must not make the proof one of the future. */
    if (code == MLC_OK)
        code = mlc_json_add_int(claims, "nbf", now_s - SKEW_S, err);
    return code == MLC_OK ? mlc_json_add_int(claims, "exp", now_s + LIFE_S, err) : code;
}

/* Takes the tree. */
static mlc_code put_part(mlc_buf *out, cJSON *tree, mlc_error *err)
{
    char *const text = mlc_json_print(tree);
    const mlc_code code = text != NULL ? put_base64url(out, text, strlen(text), err)
                                       : mlc_fail(err, MLC_E_NOMEM, "no memory for a client assertion");
    free(text);
    cJSON_Delete(tree);
    return code;
}

static int random_bytes(void *unused, unsigned char *out, size_t len)
{
    (void)unused;
    return mlc_random(out, len, NULL) == MLC_OK ? 0 : MBEDTLS_ERR_PK_BAD_INPUT_DATA;
}

static mlc_code put_signature(mlc_entra_key *key, mlc_buf *out, mlc_error *err)
{
    uint8_t digest[MLC_SHA256_LEN];
    uint8_t signature[MBEDTLS_PK_SIGNATURE_MAX_SIZE];
    size_t len = 0;
    mlc_code code = mlc_sha256(out->data, out->len, digest, err);
    if (code == MLC_OK && mbedtls_pk_sign(&key->pk, MBEDTLS_MD_SHA256, digest, sizeof digest, signature, &len,
                                          random_bytes, NULL) != 0)
        code = mlc_fail(err, MLC_E_INTERNAL, "the client assertion cannot be signed");
    if (code == MLC_OK)
        code = mlc_buf_puts(out, ".", err);
    return code == MLC_OK ? put_base64url(out, signature, len, err) : code;
}

mlc_code mlc_entra_assertion(mlc_entra_key *key, const char *client_id, const char *audience, int64_t wall_ms,
                             char **jwt, mlc_error *err)
{
    mlc_buf out = {0};
    *jwt = NULL;
    cJSON *header = cJSON_CreateObject();
    cJSON *claims = cJSON_CreateObject();
    mlc_code code = header != NULL && claims != NULL
                        ? fill_header(key, header, err)
                        : mlc_fail(err, MLC_E_NOMEM, "no memory for a client assertion");
    if (code == MLC_OK)
        code = fill_claims(claims, client_id, audience, wall_ms / MS, err);
    if (code == MLC_OK) {
        code = put_part(&out, header, err);
        header = NULL;
    }
    if (code == MLC_OK)
        code = mlc_buf_puts(&out, ".", err);
    if (code == MLC_OK) {
        code = put_part(&out, claims, err);
        claims = NULL;
    }
    if (code == MLC_OK)
        code = put_signature(key, &out, err);
    if (code == MLC_OK && (*jwt = mlc_buf_take(&out)) == NULL)
        code = mlc_fail(err, MLC_E_NOMEM, "no memory for a client assertion");
    cJSON_Delete(header);
    cJSON_Delete(claims);
    mlc_buf_wipe(&out);
    return code;
}
