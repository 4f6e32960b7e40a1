/* test_entra_assertion.c - signing in by certificate: the JWT, what keys are refused, and the request with it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "relay/config.h"
#include "support/dataverse_test.h"

#include "crypto/crypto.h"

#include <mbedtls/sha1.h>
#include <mbedtls/x509_crt.h>
#include <sys/stat.h>

#define AUDIENCE "https://login.example/dir/oauth2/v2.0/token"

enum { NOW_S = 1767225600 };

typedef struct fix {
    char dir[64], cert[128], key[128];
    mbedtls_x509_crt crt;
} fix;

static void in_dir(const fix *f, char out[128], const char *name)
{
    (void)snprintf(out, 128, "%s/%s", f->dir, name);
}

static int set_up(void **state)
{
    fix *const f = calloc(1, sizeof *f);
    assert_non_null(f);
    (void)snprintf(f->dir, sizeof f->dir, "/tmp/mlc-assertion-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    net_make_certs(f->dir);
    in_dir(f, f->cert, "app.pem");
    in_dir(f, f->key, "app.key");
    mbedtls_x509_crt_init(&f->crt);
    assert_int_equal(mbedtls_x509_crt_parse_file(&f->crt, f->cert), 0);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fix *const f = *state;
    mbedtls_x509_crt_free(&f->crt);
    net_remove_dir(f->dir);
    free(f);
    return 0;
}

static mlc_entra_key *load(const fix *f, mlc_entra_alg alg)
{
    mlc_entra_key *key = NULL;
    mlc_error err = {0};
    assert_int_equal(mlc_entra_key_load(&key, f->cert, f->key, alg, &err), MLC_OK);
    return key;
}

/* ---- reading a JWT, by other means than those that made it ---- */

static void decode(const char *part, size_t len, mlc_buf *out)
{
    char text[2048];
    assert_in_range(len, 1, sizeof text - 4);
    for (size_t i = 0; i < len; i++) {
        assert_null(strchr("+/=", part[i]));
        text[i] = part[i];
        if (part[i] == '-')
            text[i] = '+';
        else if (part[i] == '_')
            text[i] = '/';
    }
    while (len % 4 != 0)
        text[len++] = '=';
    assert_int_equal(mlc_base64_parse(text, len, out, NULL), MLC_OK);
}

typedef struct jwt {
    cJSON *header, *claims;
    mlc_buf signature;
    uint8_t digest[MLC_SHA256_LEN]; /* of what was signed */
} jwt;

static void read_jwt(jwt *j, const char *text)
{
    mlc_buf part = {0};
    *j = (jwt){0};
    const char *const dot = strchr(text, '.');
    assert_non_null(dot);
    const char *const second = strchr(dot + 1, '.');
    assert_non_null(second);
    decode(text, (size_t)(dot - text), &part);
    assert_int_equal(mlc_json_parse((const char *)part.data, part.len, 0, 0, &j->header, NULL), MLC_OK);
    mlc_buf_clear(&part);
    decode(dot + 1, (size_t)(second - dot - 1), &part);
    assert_int_equal(mlc_json_parse((const char *)part.data, part.len, 0, 0, &j->claims, NULL), MLC_OK);
    mlc_buf_free(&part);
    decode(second + 1, strlen(second + 1), &j->signature);
    assert_int_equal(mlc_sha256(text, (size_t)(second - text), j->digest, NULL), MLC_OK);
}

static void free_jwt(jwt *j)
{
    cJSON_Delete(j->header);
    cJSON_Delete(j->claims);
    mlc_buf_free(&j->signature);
}

static int64_t claim(const jwt *j, const char *name)
{
    int64_t value = 0;
    assert_int_equal(mlc_json_int64(j->claims, name, &value, NULL), MLC_OK);
    return value;
}

static bool signed_with(const fix *f, const jwt *j, mbedtls_pk_type_t type)
{
    const mbedtls_pk_rsassa_pss_options pss = {MBEDTLS_MD_SHA256, MLC_SHA256_LEN};
    mbedtls_pk_context *const pk = (mbedtls_pk_context *)&f->crt.pk;
    return mbedtls_pk_verify_ext(type, type == MBEDTLS_PK_RSASSA_PSS ? &pss : NULL, pk, MBEDTLS_MD_SHA256,
                                 j->digest, sizeof j->digest, j->signature.data, j->signature.len) == 0;
}

static void make(mlc_entra_key *key, jwt *j)
{
    char *text = NULL;
    assert_int_equal(mlc_entra_assertion(key, "client", AUDIENCE, (int64_t)NOW_S * 1000 + 999, &text, NULL),
                     MLC_OK);
    read_jwt(j, text);
    free(text);
}

/* ---- the JWT ---- */

static void claims_name_client_endpoint_and_time(void **state)
{
    fix *const f = *state;
    jwt j, other;
    mlc_entra_key *const key = load(f, MLC_ENTRA_PS256);
    make(key, &j);
    make(key, &other);
    assert_string_equal(mlc_json_str(j.claims, "iss"), "client");
    assert_string_equal(mlc_json_str(j.claims, "sub"), "client");
    assert_string_equal(mlc_json_str(j.claims, "aud"), AUDIENCE);
    assert_string_not_equal(mlc_json_str(j.claims, "jti"), mlc_json_str(other.claims, "jti"));
    assert_int_equal(claim(&j, "iat"), NOW_S);
    assert_int_equal(claim(&j, "nbf"), NOW_S - 60);
    assert_int_equal(claim(&j, "exp"), NOW_S + 600);
    free_jwt(&j);
    free_jwt(&other);
    mlc_entra_key_free(key);
}

static void header_names_the_certificate(void **state)
{
    fix *const f = *state;
    jwt j;
    uint8_t sha1[20], sha256[MLC_SHA256_LEN];
    mlc_buf x5t = {0};
    mlc_entra_key *const key = load(f, MLC_ENTRA_PS256);
    make(key, &j);
    assert_int_equal(mbedtls_sha1_ret(f->crt.raw.p, f->crt.raw.len, sha1), 0);
    assert_int_equal(mlc_sha256(f->crt.raw.p, f->crt.raw.len, sha256, NULL), MLC_OK);
    const char *text = mlc_json_str(j.header, "x5t");
    decode(text, strlen(text), &x5t);
    assert_int_equal(x5t.len, sizeof sha1);
    assert_memory_equal(x5t.data, sha1, sizeof sha1);
    mlc_buf_clear(&x5t);
    text = mlc_json_str(j.header, "x5t#S256");
    decode(text, strlen(text), &x5t);
    assert_int_equal(x5t.len, sizeof sha256);
    assert_memory_equal(x5t.data, sha256, sizeof sha256);
    assert_string_equal(mlc_json_str(j.header, "typ"), "JWT");
    mlc_buf_free(&x5t);
    free_jwt(&j);
    mlc_entra_key_free(key);
}

static void signature_is_of_the_algorithm_named(void **state)
{
    fix *const f = *state;
    jwt j;
    mlc_entra_key *key = load(f, MLC_ENTRA_PS256);
    make(key, &j);
    assert_string_equal(mlc_json_str(j.header, "alg"), "PS256");
    assert_true(signed_with(f, &j, MBEDTLS_PK_RSASSA_PSS));
    assert_false(signed_with(f, &j, MBEDTLS_PK_RSA));
    j.digest[0] ^= 1U;
    assert_false(signed_with(f, &j, MBEDTLS_PK_RSASSA_PSS));
    free_jwt(&j);
    mlc_entra_key_free(key);
    key = load(f, MLC_ENTRA_RS256);
    make(key, &j);
    assert_string_equal(mlc_json_str(j.header, "alg"), "RS256");
    assert_true(signed_with(f, &j, MBEDTLS_PK_RSA));
    free_jwt(&j);
    mlc_entra_key_free(key);
}

static void names_of_algorithms(void **state)
{
    (void)state;
    assert_int_equal(mlc_entra_alg_named("RS256"), MLC_ENTRA_RS256);
    assert_int_equal(mlc_entra_alg_named("PS256"), MLC_ENTRA_PS256);
    assert_int_equal(mlc_entra_alg_named(NULL), MLC_ENTRA_PS256);
}

/* ---- what is refused ---- */

static void refused(const fix *f, const char *cert, const char *key, mlc_code code, const char *text)
{
    char cert_file[128], key_file[128];
    mlc_entra_key *out = NULL;
    mlc_error err = {0};
    in_dir(f, cert_file, cert);
    in_dir(f, key_file, key);
    assert_int_equal(mlc_entra_key_load(&out, cert_file, key_file, MLC_ENTRA_PS256, &err), code);
    assert_null(out);
    assert_non_null(strstr(err.message, text));
}

static void unfit_files_are_refused_by_name(void **state)
{
    fix *const f = *state;
    char huge[128];
    refused(f, "app.pem", "absent.key", MLC_E_IO, "client_key_file");
    refused(f, "absent.pem", "app.key", MLC_E_INVALID, "client_cert_file");
    refused(f, "app.pem", "app.pem", MLC_E_INVALID, "client_key_file");
    refused(f, "app.key", "app.key", MLC_E_INVALID, "client_cert_file");
    refused(f, "client.pem", "client.key", MLC_E_INVALID, "RSA");
    refused(f, "client.pem", "app.key", MLC_E_INVALID, "does not belong");
    refused(f, "app.pem", ".", MLC_E_IO, "regular file");
    in_dir(f, huge, "huge.key");
    FILE *const out = fopen(huge, "we");
    assert_non_null(out);
    assert_int_equal(fchmod(fileno(out), 0600), 0);
    assert_int_equal(ftruncate(fileno(out), 1 << 20), 0);
    (void)fclose(out);
    refused(f, "app.pem", "huge.key", MLC_E_INVALID, "client_key_file");
    assert_int_equal(chmod(f->key, 0640), 0);
    refused(f, "app.pem", "app.key", MLC_E_DENIED, "chmod 600");
    assert_int_equal(chmod(f->key, 0600), 0);
}

/* ---- the token request ---- */

typedef struct got {
    size_t calls;
    mlc_code code;
    char message[MLC_ERROR_MESSAGE_MAX];
} got;

static void on_token(void *user, mlc_code code, const mlc_error *err, const char *token)
{
    got *const g = user;
    (void)token;
    g->calls++;
    g->code = code;
    (void)snprintf(g->message, sizeof g->message, "%s", err->message);
}

static void field_of(const char *body, const char *name, char *out, size_t size)
{
    char start[64];
    (void)snprintf(start, sizeof start, "&%s=", name);
    const char *const at = strstr(body, start);
    assert_non_null(at);
    const char *const value = at + strlen(start);
    (void)snprintf(out, size, "%.*s", (int)strcspn(value, "&"), value);
}

static void each_request_has_an_assertion_of_its_own(void **state)
{
    fix *const f = *state;
    uv_loop_t loop;
    dv_fix dv = {0};
    got g = {0};
    char first[4096], second[4096], audience[256];
    jwt j;
    assert_int_equal(uv_loop_init(&loop), 0);
    dv_open(&dv, &loop, 0);
    mlc_entra_options options = dv_entra_options(&dv);
    options.client_secret = NULL;
    options.client_cert_file = f->cert;
    options.client_key_file = f->key;
    mlc_odata_close(dv.odata);
    dv.odata = NULL;
    mlc_entra_close(dv.entra);
    assert_int_equal(mlc_entra_open(&dv.entra, &options, NULL), MLC_OK);
    dv_token_next(&dv, (dv_reply){.status = 503});
    assert_int_equal(mlc_entra_token(dv.entra, on_token, &g, NULL), MLC_OK);
    assert_true(dv_run_until(&dv, &g.calls, 1));
    assert_int_equal(g.code, MLC_E_UNREACHABLE);
    assert_int_equal(mlc_entra_token(dv.entra, on_token, &g, NULL), MLC_OK);
    assert_true(dv_run_until(&dv, &g.calls, 2));
    assert_int_equal(g.code, MLC_OK);
    assert_int_equal(dv.token_count, 2);
    assert_null(strstr(dv.token_seen[0].body, "client_secret"));
    assert_non_null(
        strstr(dv.token_seen[0].body,
               "&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&"));
    field_of(dv.token_seen[0].body, "client_assertion", first, sizeof first);
    field_of(dv.token_seen[1].body, "client_assertion", second, sizeof second);
    assert_string_not_equal(first, second);
    read_jwt(&j, second);
    (void)snprintf(audience, sizeof audience, "%s/dir/oauth2/v2.0/token", dv.authority);
    assert_string_equal(mlc_json_str(j.claims, "aud"), audience);
    assert_true(signed_with(f, &j, MBEDTLS_PK_RSASSA_PSS));
    free_jwt(&j);
    dv_close(&dv);
    net_loop_end(&loop);
}

static void one_way_to_sign_in(void **state)
{
    fix *const f = *state;
    mlc_entra *e = NULL;
    mlc_error err = {0};
    mlc_entra_options options = {.authority = "https://login.example",
                                 .tenant = "dir",
                                 .client_id = "client",
                                 .scope = "https://org.crm.dynamics.com/.default"};
    assert_int_equal(mlc_entra_open(&e, &options, &err), MLC_E_INVALID);
    options.client_cert_file = f->cert;
    assert_int_equal(mlc_entra_open(&e, &options, &err), MLC_E_INVALID);
    assert_non_null(strstr(err.message, "client_key_file"));
    options.client_key_file = f->key;
    options.client_secret = "secret";
    assert_int_equal(mlc_entra_open(&e, &options, &err), MLC_E_INVALID);
    assert_non_null(strstr(err.message, "either"));
    assert_null(e);
}

/* ---- the settings ---- */

static mlc_code load_settings(const fix *f, const char *credential, char *message)
{
    char path[128];
    mlc_cfg *cfg = NULL;
    mlc_error err = {0};
    in_dir(f, path, "relay.conf");
    FILE *const out = fopen(path, "we");
    assert_non_null(out);
    (void)fprintf(out,
                  "relay: { data_dir = \"d\"; };\n"
                  "tenants = ( { id = \"acme\"; webhook_secret = \"env:MLC_TEST_SECRET\";\n"
                  "  dynamics: { url = \"https://org.example/\"; directory = \"dir\"; client_id = \"c\";\n"
                  "    scope = \"https://org.example/.default\"; %s }; } );\n",
                  credential);
    (void)fclose(out);
    const mlc_code code = mlc_relay_config_load(&cfg, path, NULL, &err);
    assert_int_equal(cfg == NULL, code != MLC_OK);
    mlc_strlcpy(message, err.message, MLC_ERROR_MESSAGE_MAX);
    mlc_cfg_free(cfg);
    return code;
}

static void settings_name_one_way_to_sign_in(void **state)
{
    static const char *const secret = "client_secret = \"env:MLC_TEST_SECRET\";";
    static const char *const files = "client_cert_file = \"a.pem\"; client_key_file = \"a.key\";";
    fix *const f = *state;
    char message[MLC_ERROR_MESSAGE_MAX], both[256];
    (void)snprintf(both, sizeof both, "%s %s", secret, files);
    assert_int_equal(setenv("MLC_TEST_SECRET", "x-secret", 1), 0);
    assert_int_equal(load_settings(f, secret, message), MLC_OK);
    assert_int_equal(load_settings(f, files, message), MLC_OK);
    assert_int_equal(load_settings(f, both, message), MLC_E_INVALID);
    assert_non_null(strstr(message, "relay.conf:2: tenants[0].dynamics: two ways"));
    assert_int_equal(load_settings(f, "", message), MLC_E_INVALID);
    assert_non_null(strstr(message, "no way to sign in"));
    assert_int_equal(load_settings(f, "client_cert_file = \"a.pem\";", message), MLC_E_INVALID);
    assert_non_null(strstr(message, "client_key_file"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(claims_name_client_endpoint_and_time),
                                       cmocka_unit_test(header_names_the_certificate),
                                       cmocka_unit_test(signature_is_of_the_algorithm_named),
                                       cmocka_unit_test(names_of_algorithms),
                                       cmocka_unit_test(unfit_files_are_refused_by_name),
                                       cmocka_unit_test(each_request_has_an_assertion_of_its_own),
                                       cmocka_unit_test(one_way_to_sign_in),
                                       cmocka_unit_test(settings_name_one_way_to_sign_in)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
