/* wrap.c - see pkcs11.h: a root key encrypted and decrypted inside the token. */
#include "crypto/pkcs11/session.h"

#include <stdio.h>
#include <string.h>

enum { NONCE_LEN = 12, TAG_LEN = 16, ROOM = 768 };

/* A mechanism with its parameters, which must not move. */
typedef struct recipe {
    CK_MECHANISM mechanism;
    CK_GCM_PARAMS gcm;
    CK_RSA_PKCS_OAEP_PARAMS oaep;
    uint8_t nonce[NONCE_LEN];
} recipe;

static void make_recipe(recipe *out, mlc_token_method method)
{
    const char *const head = mlc_token_head(method);
    if (method == MLC_TOKEN_AES_GCM) {
        out->gcm = (CK_GCM_PARAMS){.iv_ptr = out->nonce,
                                   .iv_len = NONCE_LEN,
                                   .iv_bits = 8 * NONCE_LEN,
                                   .aad_ptr = (unsigned char *)head,
                                   .aad_len = strlen(head),
                                   .tag_bits = 8 * TAG_LEN};
        out->mechanism = (CK_MECHANISM){CKM_AES_GCM, &out->gcm, sizeof out->gcm};
        return;
    }
    const bool sha1 = method == MLC_TOKEN_OAEP_SHA1;
    out->oaep = (CK_RSA_PKCS_OAEP_PARAMS){.hash_alg = sha1 ? CKM_SHA_1 : CKM_SHA256,
                                          .mgf = sha1 ? CKG_MGF1_SHA1 : CKG_MGF1_SHA256,
                                          .source = CKZ_DATA_SPECIFIED};
    out->mechanism = (CK_MECHANISM){CKM_RSA_PKCS_OAEP, &out->oaep, sizeof out->oaep};
}

/* Does the token offer it for its own keys? */
static mlc_code check_mechanism(const mlc_pkcs11 *p, mlc_error *err)
{
    CK_MECHANISM_INFO info = {0};
    const CK_MECHANISM_TYPE type = p->rsa ? CKM_RSA_PKCS_OAEP : CKM_AES_GCM;
    const CK_RV rv = p->module->C_GetMechanismInfo(p->slot, type, &info);
    if (rv == CKR_OK && (info.flags & CKF_DECRYPT) != 0)
        return MLC_OK;
    return mlc_fail(err, MLC_E_UNSUPPORTED, "secrets.pkcs11_uri: the token does not offer %s; %s",
                    p->rsa ? "CKM_RSA_PKCS_OAEP" : "CKM_AES_GCM",
                    p->rsa ? "name an AES-256 key of it, or use another token"
                           : "name an RSA key pair of it, or use another token");
}

/* A key that could be read out would guard nothing. */
static mlc_code check_guarded(const mlc_pkcs11 *p, mlc_error *err)
{
    if (mlc_pkcs11_flag(p, p->key, CKA_SENSITIVE, false) &&
        !mlc_pkcs11_flag(p, p->key, CKA_EXTRACTABLE, true))
        return MLC_OK;
    return mlc_fail(err, MLC_E_UNSUPPORTED,
                    "secrets.pkcs11_uri: %s can leave the token; make a key that is sensitive and not "
                    "extractable (pkcs11-tool --keygen ... --sensitive, without --extractable)",
                    p->token->uri);
}

static CK_RV decrypt(const mlc_pkcs11 *p, mlc_token_method method, const uint8_t *data, size_t len,
                     uint8_t out[ROOM], CK_ULONG *got)
{
    recipe how = {0};
    make_recipe(&how, method);
    if (method == MLC_TOKEN_AES_GCM) {
        if (len != NONCE_LEN + MLC_KEY_LEN + TAG_LEN)
            return CKR_ENCRYPTED_DATA_LEN_RANGE;
        memcpy(how.nonce, data, NONCE_LEN);
        data += NONCE_LEN;
        len -= NONCE_LEN;
    }
    *got = ROOM;
    const CK_RV rv = p->module->C_DecryptInit(p->session, &how.mechanism, p->key);
    return rv != CKR_OK ? rv : p->module->C_Decrypt(p->session, (CK_BYTE_PTR)data, (CK_ULONG)len, out, got);
}

/* Appended to `out`; *rv tells what the token said. */
static mlc_code encrypt(const mlc_pkcs11 *p, mlc_token_method method, CK_OBJECT_HANDLE with,
                        const uint8_t key[MLC_KEY_LEN], mlc_buf *out, CK_RV *rv, mlc_error *err)
{
    uint8_t copy[MLC_KEY_LEN], bytes[ROOM];
    CK_ULONG len = sizeof bytes;
    recipe how = {0};
    make_recipe(&how, method);
    mlc_code code = method == MLC_TOKEN_AES_GCM ? mlc_random(how.nonce, sizeof how.nonce, err) : MLC_OK;
    if (code != MLC_OK)
        return code;
    memcpy(copy, key, sizeof copy);
    *rv = p->module->C_EncryptInit(p->session, &how.mechanism, with);
    if (*rv == CKR_OK)
        *rv = p->module->C_Encrypt(p->session, copy, sizeof copy, bytes, &len);
    mlc_wipe(copy, sizeof copy);
    if (*rv != CKR_OK)
        return MLC_OK;
    /* The nonce as it is now: some tokens put one of their own in its place. */
    if (method == MLC_TOKEN_AES_GCM)
        code = mlc_buf_append(out, how.nonce, NONCE_LEN, err);
    return code == MLC_OK ? mlc_buf_append(out, bytes, len, err) : code;
}

/* *rv not CKR_OK: the token does not do it in this way. */
static mlc_code wrap_by(const mlc_pkcs11 *p, mlc_token_method method, CK_OBJECT_HANDLE with,
                        const uint8_t key[MLC_KEY_LEN], mlc_buf *out, CK_RV *rv, mlc_error *err)
{
    uint8_t again[ROOM] = {0};
    CK_ULONG len = 0;
    mlc_buf_clear(out);
    const mlc_code code = encrypt(p, method, with, key, out, rv, err);
    if (code == MLC_OK && *rv == CKR_OK)
        *rv = decrypt(p, method, out->data, out->len, again, &len);
    if (code == MLC_OK && *rv == CKR_OK && (len != MLC_KEY_LEN || !mlc_ct_equal(again, key, MLC_KEY_LEN)))
        *rv = CKR_ENCRYPTED_DATA_INVALID;
    mlc_wipe(again, sizeof again);
    return code;
}

mlc_code mlc_pkcs11_wrap(const mlc_token *token, const uint8_t key[MLC_KEY_LEN], mlc_token_method *method,
                         mlc_buf *out, mlc_error *err)
{
    mlc_pkcs11 p;
    CK_RV rv = CKR_OK;
    mlc_code code = mlc_pkcs11_open(&p, token, err);
    CK_OBJECT_HANDLE with = p.key;
    if (code == MLC_OK)
        code = check_mechanism(&p, err);
    if (code == MLC_OK)
        code = check_guarded(&p, err);
    if (code == MLC_OK && p.rsa)
        code = mlc_pkcs11_public_key(&p, &with, err);
    *method = p.rsa ? MLC_TOKEN_OAEP_SHA256 : MLC_TOKEN_AES_GCM;
    if (code == MLC_OK)
        code = wrap_by(&p, *method, with, key, out, &rv, err);
    if (code == MLC_OK && rv != CKR_OK && p.rsa) {
        *method = MLC_TOKEN_OAEP_SHA1;
        code = wrap_by(&p, *method, with, key, out, &rv, err);
    }
    if (code == MLC_OK && rv != CKR_OK)
        code = mlc_fail(
            err, MLC_E_UNSUPPORTED,
            "secrets.pkcs11_uri: the token's key cannot encrypt and decrypt the root key: %s; allow both for "
            "it (CKA_ENCRYPT, CKA_DECRYPT), or name a key of the other kind (AES-256, RSA)",
            mlc_pkcs11_words(rv));
    mlc_pkcs11_close(&p);
    return code;
}

mlc_code mlc_pkcs11_unwrap(const mlc_token *token, mlc_token_method method, const mlc_buf *wrapped,
                           const char *path, uint8_t out[MLC_KEY_LEN], mlc_error *err)
{
    mlc_pkcs11 p;
    uint8_t bytes[ROOM] = {0};
    CK_ULONG len = 0;
    mlc_code code = mlc_pkcs11_open(&p, token, err);
    if (code == MLC_OK && p.rsa != (method != MLC_TOKEN_AES_GCM))
        code = mlc_fail(err, MLC_E_UNSUPPORTED,
                        "secrets.pkcs11_uri: %s is a key of another kind than the one that wrapped root key "
                        "%s; name that one",
                        token->uri, path);
    if (code == MLC_OK)
        code = check_mechanism(&p, err);
    if (code == MLC_OK) {
        const CK_RV rv = decrypt(&p, method, wrapped->data, wrapped->len, bytes, &len);
        if (rv != CKR_OK || len != MLC_KEY_LEN)
            code = mlc_fail(
                err, MLC_E_INVALID,
                "root key %s does not open with the token's key (%s); name the key that wrapped it in "
                "secrets.pkcs11_uri, or restore the file from its backup",
                path, rv != CKR_OK ? mlc_pkcs11_words(rv) : "it is of another length");
    }
    if (code == MLC_OK)
        memcpy(out, bytes, MLC_KEY_LEN);
    mlc_wipe(bytes, sizeof bytes);
    mlc_pkcs11_close(&p);
    return code;
}
