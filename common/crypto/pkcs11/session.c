/* session.c - see session.h. p11-kit counts who uses a module, so that it is initialised once for the process. */
#include "crypto/pkcs11/session.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SLOTS_MAX = 64, KEYS_MAX = 8, ID_MAX = 256, NAMES_MAX = 160 };

const char *mlc_pkcs11_words(CK_RV rv)
{
    return p11_kit_strerror(rv);
}

/* ---- the URI ---- */

bool mlc_pkcs11_uri_fault(const char *text, char reason[MLC_TOKEN_REASON_MAX])
{
    P11KitUri *const uri = p11_kit_uri_new();
    const char *fault = NULL;
    if (uri == NULL)
        fault = "no memory for the URI; free memory and try again";
    else if (p11_kit_uri_parse(text, P11_KIT_URI_FOR_ANY, uri) != P11_KIT_URI_OK)
        fault = "not a PKCS#11 URI (RFC 7512); write it like \"pkcs11:token=ml;object=ml-connector\"";
    else if (p11_kit_uri_get_pin_value(uri) != NULL)
        fault =
            "a PIN must not stand here; remove pin-value, treat that PIN as known to others, and name its "
            "place in secrets.pkcs11_pin";
    else if (p11_kit_uri_get_pin_source(uri) != NULL)
        fault = "pin-source is not used; remove it, and name the PIN's place in secrets.pkcs11_pin";
    else if (p11_kit_uri_get_module_path(uri) != NULL || p11_kit_uri_get_module_name(uri) != NULL)
        fault = "the library is not named here; remove module-path and module-name, and set "
                "secrets.pkcs11_module";
    else if (p11_kit_uri_any_unrecognized(uri) != 0)
        fault = "it has an attribute that is not known; use token, serial, manufacturer, model, slot-id, "
                "object, id and type";
    else if (p11_kit_uri_get_attribute(uri, CKA_LABEL) == NULL &&
             p11_kit_uri_get_attribute(uri, CKA_ID) == NULL)
        fault = "it names no key; add object=NAME or id=%XX";
    if (uri != NULL)
        p11_kit_uri_free(uri);
    if (fault != NULL)
        (void)snprintf(reason, MLC_TOKEN_REASON_MAX, "%s", fault);
    return fault != NULL;
}

/* ---- the module ---- */

static mlc_code load_module(mlc_pkcs11 *p, mlc_error *err)
{
    const char *const path = p->token->module;
    p11_kit_be_quiet();
    if (access(path, R_OK) != 0)
        return mlc_fail(err, MLC_E_IO,
                        "secrets.pkcs11_module: cannot read %s; install the token's library, or correct the "
                        "path; a service may need a drop-in for its unit",
                        path);
    p->module = p11_kit_module_load(path, P11_KIT_MODULE_UNMANAGED);
    if (p->module == NULL) {
        const char *const words = p11_kit_message();
        return mlc_fail(
            err, MLC_E_IO,
            "secrets.pkcs11_module: cannot load %s: %.200s; name the PKCS#11 library of the token's maker",
            path, words != NULL ? words : "it is no PKCS#11 library");
    }
    const CK_RV rv = p11_kit_module_initialize(p->module);
    if (rv != CKR_OK)
        return mlc_fail(
            err, MLC_E_IO,
            "secrets.pkcs11_module: %s does not start: %s; see what it needs (its configuration, its "
            "environment, files this user may read)",
            path, mlc_pkcs11_words(rv));
    p->initialized = true;
    return MLC_OK;
}

/* ---- the token ---- */

static void add_name(char names[NAMES_MAX], const CK_TOKEN_INFO *info)
{
    const size_t len = strlen(names);
    const size_t label = p11_kit_space_strlen(info->label, sizeof info->label);
    (void)snprintf(names + len, NAMES_MAX - len, "%s\"%.*s\"", len > 0 ? ", " : "", (int)label,
                   (const char *)info->label);
}

static bool slot_fits(mlc_pkcs11 *p, CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
    const CK_SLOT_ID wanted = p11_kit_uri_get_slot_id(p->uri);
    CK_SLOT_INFO about;
    return (wanted == (CK_SLOT_ID)-1 || wanted == slot) && p->module->C_GetSlotInfo(slot, &about) == CKR_OK &&
           p11_kit_uri_match_slot_info(p->uri, &about) == 1 &&
           p11_kit_uri_match_token_info(p->uri, info) == 1;
}

static mlc_code find_token(mlc_pkcs11 *p, CK_TOKEN_INFO *out, mlc_error *err)
{
    CK_SLOT_ID slots[SLOTS_MAX];
    CK_ULONG count = SLOTS_MAX, found = 0;
    char names[NAMES_MAX] = "";
    const CK_RV rv = p->module->C_GetSlotList(CK_TRUE, slots, &count);
    if (rv != CKR_OK)
        return mlc_fail(err, MLC_E_IO, "secrets.pkcs11_module: %s tells no tokens: %s", p->token->module,
                        mlc_pkcs11_words(rv));
    for (CK_ULONG i = 0; i < count; i++) {
        CK_TOKEN_INFO info;
        if (p->module->C_GetTokenInfo(slots[i], &info) != CKR_OK || (info.flags & CKF_TOKEN_INITIALIZED) == 0)
            continue;
        add_name(names, &info);
        if (!slot_fits(p, slots[i], &info))
            continue;
        p->slot = slots[i];
        *out = info;
        found++;
    }
    if (found == 1)
        return MLC_OK;
    if (found > 1)
        return mlc_fail(
            err, MLC_E_INVALID,
            "secrets.pkcs11_uri: %lu tokens fit %s; add token=NAME or serial=NUMBER to name one of: %s",
            found, p->token->uri, names);
    return mlc_fail(
        err, MLC_E_UNAVAILABLE,
        "secrets.pkcs11_uri: no token fits %s; the module has %s; plug it in, correct the URI, or "
        "let this user see the token",
        p->token->uri, names[0] != '\0' ? names : "none");
}

/* ---- the PIN ---- */

static mlc_code refuse_pin(CK_RV rv, mlc_error *err)
{
    if (rv == CKR_PIN_LOCKED)
        return mlc_fail(err, MLC_E_AUTH,
                        "secrets.pkcs11_pin: the token has locked its user PIN; have the token's security "
                        "officer set a new one");
    if (rv == CKR_PIN_INCORRECT || rv == CKR_PIN_INVALID || rv == CKR_PIN_LEN_RANGE)
        return mlc_fail(
            err, MLC_E_AUTH,
            "secrets.pkcs11_pin: the token refuses the PIN; correct it. It is not tried again as long as the "
            "token counts a wrong PIN: log in once with the right one (pkcs11-tool --module MODULE --login "
            "--list-objects)");
    return mlc_fail(err, MLC_E_AUTH, "secrets.pkcs11_pin: the token does not let this program log in: %s",
                    mlc_pkcs11_words(rv));
}

static mlc_code log_in(mlc_pkcs11 *p, const CK_TOKEN_INFO *info, mlc_error *err)
{
    const char *const pin = p->token->pin;
    const CK_FLAGS tried = CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY;
    if ((info->flags & CKF_LOGIN_REQUIRED) == 0)
        return MLC_OK;
    if ((info->flags & CKF_USER_PIN_LOCKED) != 0)
        return refuse_pin(CKR_PIN_LOCKED, err);
    const bool own_pad = (info->flags & CKF_PROTECTED_AUTHENTICATION_PATH) != 0;
    if (pin == NULL && !own_pad)
        return mlc_fail(err, MLC_E_AUTH,
                        "secrets.pkcs11_pin: missing, and the token wants a PIN; write \"file:/path\" (mode "
                        "0600) or \"credential:NAME\"");
    if ((info->flags & tried) != 0)
        return mlc_fail(
            err, MLC_E_AUTH,
            "secrets.pkcs11_pin: the token counts a wrong PIN since its last good log-in, and would lock "
            "after more; nothing is tried. See that the PIN is right, and log in once with it (pkcs11-tool "
            "--module MODULE --login --list-objects)");
    const CK_RV rv = p->module->C_Login(p->session, CKU_USER, (CK_UTF8CHAR_PTR)pin,
                                        pin != NULL ? (CK_ULONG)strlen(pin) : 0);
    return rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN ? MLC_OK : refuse_pin(rv, err);
}

/* ---- the key ---- */

static bool number_of(const mlc_pkcs11 *p, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, CK_ULONG *out)
{
    CK_ATTRIBUTE attribute = {.type = type, .pValue = out, .ulValueLen = sizeof *out};
    return p->module->C_GetAttributeValue(p->session, object, &attribute, 1) == CKR_OK &&
           attribute.ulValueLen == sizeof *out;
}

bool mlc_pkcs11_flag(const mlc_pkcs11 *p, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, bool absent)
{
    CK_BBOOL value = CK_FALSE;
    CK_ATTRIBUTE attribute = {.type = type, .pValue = &value, .ulValueLen = sizeof value};
    const CK_RV rv = p->module->C_GetAttributeValue(p->session, object, &attribute, 1);
    return rv == CKR_OK && attribute.ulValueLen == sizeof value ? value == CK_TRUE : absent;
}

/* How many objects there are with these attributes; the first ones into `out`. */
static mlc_code find_objects(const mlc_pkcs11 *p, CK_ATTRIBUTE *attributes, CK_ULONG count,
                             CK_OBJECT_HANDLE out[KEYS_MAX], CK_ULONG *found, mlc_error *err)
{
    CK_RV rv = p->module->C_FindObjectsInit(p->session, attributes, count);
    *found = 0;
    if (rv == CKR_OK) {
        rv = p->module->C_FindObjects(p->session, out, KEYS_MAX, found);
        (void)p->module->C_FindObjectsFinal(p->session);
    }
    return rv == CKR_OK
               ? MLC_OK
               : mlc_fail(err, MLC_E_IO, "secrets.pkcs11_uri: the token cannot be searched for its key: %s",
                          mlc_pkcs11_words(rv));
}

/* Public halves and certificates may have the same name. */
static mlc_code choose_key(mlc_pkcs11 *p, const CK_OBJECT_HANDLE *objects, CK_ULONG count, mlc_error *err)
{
    CK_ULONG keys = 0;
    for (CK_ULONG i = 0; i < count; i++) {
        CK_ULONG class = 0;
        if (!number_of(p, objects[i], CKA_CLASS, &class) ||
            (class != CKO_SECRET_KEY && class != CKO_PRIVATE_KEY))
            continue;
        p->key = objects[i];
        keys++;
    }
    if (keys == 1)
        return MLC_OK;
    if (keys > 1)
        return mlc_fail(err, MLC_E_INVALID,
                        "secrets.pkcs11_uri: %lu keys of the token fit %s; add id=%%XX or type=secret-key to "
                        "name one of them",
                        keys, p->token->uri);
    if (count > 0)
        return mlc_fail(
            err, MLC_E_UNSUPPORTED,
            "secrets.pkcs11_uri: %s is neither a secret nor a private key; name an AES-256 key or "
            "an RSA key pair of the token",
            p->token->uri);
    return mlc_fail(err, MLC_E_UNAVAILABLE,
                    "secrets.pkcs11_uri: the token has no key that fits %s; correct the URI, or make the key "
                    "(pkcs11-tool --module MODULE --login --keygen --key-type AES:32 --sensitive --label "
                    "NAME)",
                    p->token->uri);
}

static mlc_code judge_kind(mlc_pkcs11 *p, mlc_error *err)
{
    CK_ULONG type = 0, len = 0;
    if (!number_of(p, p->key, CKA_KEY_TYPE, &type))
        return mlc_fail(err, MLC_E_IO, "secrets.pkcs11_uri: the token does not tell the kind of its key");
    p->rsa = type == CKK_RSA;
    if (p->rsa || (type == CKK_AES && (!number_of(p, p->key, CKA_VALUE_LEN, &len) || len == 32)))
        return MLC_OK;
    return mlc_fail(err, MLC_E_UNSUPPORTED,
                    "secrets.pkcs11_uri: %s is a key of another kind; name an AES key of 256 bits or an RSA "
                    "key pair",
                    p->token->uri);
}

static mlc_code find_key(mlc_pkcs11 *p, mlc_error *err)
{
    CK_OBJECT_HANDLE objects[KEYS_MAX];
    CK_ULONG count = 0, found = 0;
    CK_ATTRIBUTE *const attributes = p11_kit_uri_get_attributes(p->uri, &count);
    mlc_code code = find_objects(p, attributes, count, objects, &found, err);
    if (code == MLC_OK)
        code = choose_key(p, objects, found, err);
    return code == MLC_OK ? judge_kind(p, err) : code;
}

mlc_code mlc_pkcs11_public_key(const mlc_pkcs11 *p, CK_OBJECT_HANDLE *out, mlc_error *err)
{
    uint8_t id[ID_MAX];
    CK_OBJECT_HANDLE objects[KEYS_MAX];
    CK_OBJECT_CLASS class = CKO_PUBLIC_KEY;
    CK_KEY_TYPE type = CKK_RSA;
    CK_ULONG found = 0;
    CK_ATTRIBUTE own = {.type = CKA_ID, .pValue = id, .ulValueLen = sizeof id};
    const CK_RV rv = p->module->C_GetAttributeValue(p->session, p->key, &own, 1);
    CK_ATTRIBUTE wanted[] = {{CKA_CLASS, &class, sizeof class},
                             {CKA_KEY_TYPE, &type, sizeof type},
                             {CKA_ID, id, rv == CKR_OK ? own.ulValueLen : 0}};
    const mlc_code code = find_objects(p, wanted, 3, objects, &found, err);
    if (code != MLC_OK)
        return code;
    if (found != 1)
        return mlc_fail(err, MLC_E_UNAVAILABLE,
                        "secrets.pkcs11_uri: the token has %lu public keys with the id of %s; it needs the "
                        "pair, with an id of its own",
                        found, p->token->uri);
    *out = objects[0];
    return MLC_OK;
}

/* ---- all together ---- */

mlc_code mlc_pkcs11_open(mlc_pkcs11 *out, const mlc_token *token, mlc_error *err)
{
    CK_TOKEN_INFO info = {0};
    *out = (mlc_pkcs11){.token = token, .uri = p11_kit_uri_new()};
    if (out->uri == NULL || p11_kit_uri_parse(token->uri, P11_KIT_URI_FOR_ANY, out->uri) != P11_KIT_URI_OK)
        return mlc_fail(err, MLC_E_INVALID, "secrets.pkcs11_uri: cannot be read");
    mlc_code code = load_module(out, err);
    if (code == MLC_OK)
        code = find_token(out, &info, err);
    if (code != MLC_OK)
        return code;
    const CK_RV rv = out->module->C_OpenSession(out->slot, CKF_SERIAL_SESSION, NULL, NULL, &out->session);
    if (rv != CKR_OK)
        return mlc_fail(err, MLC_E_IO, "secrets.pkcs11_uri: no session with the token: %s",
                        mlc_pkcs11_words(rv));
    out->open = true;
    code = log_in(out, &info, err);
    return code == MLC_OK ? find_key(out, err) : code;
}

void mlc_pkcs11_close(mlc_pkcs11 *p)
{
    /* With the last session of the process the token logs out by itself. */
    if (p->open)
        (void)p->module->C_CloseSession(p->session);
    if (p->initialized)
        (void)p11_kit_module_finalize(p->module);
    if (p->module != NULL)
        p11_kit_module_release(p->module);
    if (p->uri != NULL)
        p11_kit_uri_free(p->uri);
    *p = (mlc_pkcs11){0};
}
