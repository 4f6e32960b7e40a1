/* issuer.c - see issuer.h. */
#include "relay/issuer.h"

#include "base/clock.h"
#include "store/cursor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CURSOR       "issuer/own"
#define SEAL_CONTEXT "relay/issuer-key"

enum { FILE_MAX = 1 << 20, STORED_MAX = 8192 };
#define SKEW_MS     ((int64_t)5 * 60 * 1000)       /* clocks of agents that are behind */
#define OWN_LIFE_MS ((int64_t)20 * 365 * 86400000) /* of an authority made here */

/* ---- its own ---- */

typedef struct own_job {
    mlc_buf value;
    const mlc_keyring *ring;
    bool found;
} own_job;

static mlc_code read_own(mlc_txn *txn, void *arg, mlc_error *err)
{
    own_job *const job = arg;
    const void *value = NULL;
    size_t len = 0;
    mlc_buf_clear(&job->value);
    const mlc_code code = mlc_cursor_get(txn, CURSOR, &value, &len, err);
    job->found = code == MLC_OK;
    if (code == MLC_E_NOTFOUND)
        return MLC_OK;
    return code == MLC_OK ? mlc_buf_append(&job->value, value, len, err) : code;
}

static mlc_code write_own(mlc_txn *txn, void *arg, mlc_error *err)
{
    const own_job *const job = arg;
    return mlc_cursor_put(txn, CURSOR, job->value.data, job->value.len, err);
}

/* {"cert": base64, "key": base64 of the sealed key} */
static mlc_code print_own(const mlc_keyring *ring, const void *cert, size_t cert_len, const uint8_t *key,
                          mlc_buf *out, mlc_error *err)
{
    mlc_buf sealed = {0}, key_text = {0}, cert_text = {0};
    cJSON *const obj = cJSON_CreateObject();
    char *text = NULL;
    mlc_code code = mlc_keyring_seal(ring, SEAL_CONTEXT, key, MLC_EC_PRIVATE_LEN, &sealed, err);
    if (code == MLC_OK)
        code = mlc_base64(sealed.data, sealed.len, &key_text, err);
    if (code == MLC_OK)
        code = mlc_base64(cert, cert_len, &cert_text, err);
    if (code == MLC_OK)
        code = mlc_json_add_str(obj, "cert", mlc_buf_text(&cert_text), err);
    if (code == MLC_OK)
        code = mlc_json_add_str(obj, "key", mlc_buf_text(&key_text), err);
    if (code == MLC_OK && (text = mlc_json_print(obj)) == NULL)
        code = mlc_fail(err, MLC_E_NOMEM, "no memory for the issuing authority");
    if (code == MLC_OK)
        code = mlc_buf_puts(out, text, err);
    cJSON_free(text);
    cJSON_Delete(obj);
    mlc_buf_free(&sealed);
    mlc_buf_free(&key_text);
    mlc_buf_free(&cert_text);
    return code;
}

static mlc_code take_base64(const cJSON *obj, const char *name, mlc_buf *out, mlc_error *err)
{
    const char *const text = mlc_json_str(obj, name);
    return text != NULL ? mlc_base64_parse(text, strlen(text), out, err)
                        : mlc_fail(err, MLC_E_CORRUPT, "the stored issuing authority has no %s", name);
}

static mlc_code keep_cert(mlc_issuer *out, const mlc_buf *cert, mlc_error *err)
{
    if (cert->len > sizeof out->cert)
        return mlc_fail(err, MLC_E_LIMIT, "the issuing authority's certificate is too large");
    memcpy(out->cert, cert->data, cert->len);
    out->cert_len = cert->len;
    return mlc_cert_read(out->cert, out->cert_len, &out->info, err);
}

/* `key` gets the clear key. */
static mlc_code parse_own(const mlc_keyring *ring, const void *value, size_t len, mlc_buf *cert,
                          uint8_t key[MLC_EC_PRIVATE_LEN], bool *stale, mlc_error *err)
{
    mlc_buf sealed = {0}, clear = {0};
    cJSON *obj = NULL;
    mlc_code code = mlc_json_parse(value, len, STORED_MAX, 3, &obj, err);
    if (code == MLC_OK)
        code = take_base64(obj, "cert", cert, err);
    if (code == MLC_OK)
        code = take_base64(obj, "key", &sealed, err);
    if (code == MLC_OK)
        code = mlc_keyring_unseal(ring, SEAL_CONTEXT, sealed.data, sealed.len, &clear, stale, err);
    if (code == MLC_OK && clear.len != MLC_EC_PRIVATE_LEN)
        code = mlc_fail(err, MLC_E_CORRUPT, "the stored key of the issuing authority has a wrong length");
    if (code == MLC_OK)
        memcpy(key, clear.data, MLC_EC_PRIVATE_LEN);
    mlc_buf_wipe(&clear);
    mlc_buf_free(&sealed);
    cJSON_Delete(obj);
    return code;
}

static mlc_code make_own(mlc_issuer *out, const mlc_issuer_options *options, mlc_error *err)
{
    uint8_t public_key[MLC_EC_PUBLIC_LEN];
    mlc_buf cert = {0};
    own_job job = {0};
    const int64_t now = mlc_wall_ms();
    mlc_code code = mlc_ec_generate(out->key, err);
    if (code == MLC_OK)
        code = mlc_ec_public(out->key, public_key, err);
    const mlc_cert_order order = {.ca_key = out->key,
                                  .name = "ml-relay-agents",
                                  .public_key = public_key,
                                  .not_before_ms = now - SKEW_MS,
                                  .not_after_ms = now + OWN_LIFE_MS};
    if (code == MLC_OK)
        code = mlc_cert_issue(&order, &cert, err);
    if (code == MLC_OK)
        code = keep_cert(out, &cert, err);
    if (code == MLC_OK)
        code = print_own(options->ring, cert.data, cert.len, out->key, &job.value, err);
    if (code == MLC_OK)
        code = mlc_store_run(options->control, write_own, &job, err);
    mlc_buf_free(&job.value);
    mlc_buf_free(&cert);
    return code;
}

static mlc_code open_own(mlc_issuer *out, const mlc_issuer_options *options, mlc_error *err)
{
    own_job job = {0};
    mlc_buf cert = {0};
    mlc_code code = mlc_store_read(options->control, read_own, &job, err);
    if (code == MLC_OK && !job.found) {
        code = make_own(out, options, err);
    } else if (code == MLC_OK) {
        code = parse_own(options->ring, job.value.data, job.value.len, &cert, out->key, NULL, err);
        if (code == MLC_OK)
            code = keep_cert(out, &cert, err);
    }
    mlc_buf_free(&job.value);
    mlc_buf_free(&cert);
    return code != MLC_OK ? mlc_wrap(err, code, "the relay's issuing authority cannot be opened") : code;
}

mlc_code mlc_issuer_reseal(mlc_txn *txn, const mlc_keyring *ring, size_t *count, mlc_error *err)
{
    own_job job = {0};
    uint8_t key[MLC_EC_PRIVATE_LEN] = {0};
    mlc_buf cert = {0}, fresh = {0};
    bool stale = false;
    mlc_code code = read_own(txn, &job, err);
    if (code == MLC_OK && job.found)
        code = parse_own(ring, job.value.data, job.value.len, &cert, key, &stale, err);
    if (code == MLC_OK && stale)
        code = print_own(ring, cert.data, cert.len, key, &fresh, err);
    if (code == MLC_OK && stale)
        code = mlc_cursor_put(txn, CURSOR, fresh.data, fresh.len, err);
    if (code == MLC_OK && stale)
        *count += 1;
    mlc_wipe(key, sizeof key);
    mlc_buf_free(&job.value);
    mlc_buf_free(&cert);
    mlc_buf_free(&fresh);
    return code;
}

/* ---- the operator's ---- */

static mlc_code read_file(const char *path, bool is_private, mlc_buf *out, mlc_error *err)
{
    struct stat st;
    mlc_code code = MLC_OK;
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return mlc_fail(err, MLC_E_INVALID, "%s cannot be opened: %s", path, strerror(errno));
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > FILE_MAX)
        code = mlc_fail(err, MLC_E_INVALID, "%s is not a file of at most 1 MiB", path);
    else if (is_private && (st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        code = mlc_fail(err, MLC_E_DENIED, "%s is open to group or others; run: chmod 600 %s", path, path);
    while (code == MLC_OK) {
        uint8_t block[4096];
        const ssize_t n = read(fd, block, sizeof block);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            code = mlc_fail(err, MLC_E_IO, "%s cannot be read: %s", path, strerror(errno));
        if (n <= 0)
            break;
        code = mlc_buf_append(out, block, (size_t)n, err);
        mlc_wipe(block, sizeof block);
    }
    (void)close(fd);
    return code;
}

static mlc_code open_files(mlc_issuer *out, const mlc_issuer_options *options, mlc_error *err)
{
    uint8_t public_key[MLC_EC_PUBLIC_LEN];
    mlc_buf cert_text = {0}, key_text = {0}, cert = {0};
    if (options->cert_file == NULL || options->key_file == NULL)
        return mlc_fail(err, MLC_E_INVALID, "relay.issuer_cert_file and relay.issuer_key_file go together");
    mlc_code code = read_file(options->cert_file, false, &cert_text, err);
    if (code == MLC_OK)
        code = mlc_cert_from_pem(mlc_buf_text(&cert_text), cert_text.len, &cert, err);
    if (code == MLC_OK)
        code = keep_cert(out, &cert, err);
    if (code == MLC_OK && !out->info.is_ca)
        code = mlc_fail(err, MLC_E_INVALID, "it is not the certificate of an authority (CA:TRUE is missing)");
    if (code != MLC_OK) {
        code = mlc_wrap(err, code, "relay.issuer_cert_file cannot be used");
        goto done;
    }
    code = read_file(options->key_file, true, &key_text, err);
    if (code == MLC_OK)
        code = mlc_ec_key_read(key_text.data, key_text.len, out->key, err);
    if (code == MLC_OK)
        code = mlc_ec_public(out->key, public_key, err);
    if (code == MLC_OK && memcmp(public_key, out->info.public_key, sizeof public_key) != 0)
        code = mlc_fail(err, MLC_E_INVALID, "it does not belong to the certificate");
    if (code != MLC_OK)
        code = mlc_wrap(err, code, "relay.issuer_key_file cannot be used");
done:
    mlc_buf_free(&cert_text);
    mlc_buf_wipe(&key_text);
    mlc_buf_free(&cert);
    return code;
}

/* ---- for others ---- */

mlc_code mlc_issuer_open(mlc_issuer *out, const mlc_issuer_options *options, mlc_error *err)
{
    memset(out, 0, sizeof *out);
    out->life_ms = options->life_ms;
    return options->cert_file != NULL || options->key_file != NULL ? open_files(out, options, err)
                                                                   : open_own(out, options, err);
}

void mlc_issuer_wipe(mlc_issuer *issuer)
{
    mlc_wipe(issuer, sizeof *issuer);
}

mlc_code mlc_issuer_issue(const mlc_issuer *issuer, const char *agent, const char *tenant,
                          const uint8_t public_key[MLC_EC_PUBLIC_LEN], mlc_buf *out, mlc_error *err)
{
    const int64_t now = mlc_wall_ms();
    const int64_t skew = issuer->life_ms / 4 < SKEW_MS ? issuer->life_ms / 4 : SKEW_MS;
    mlc_cert_order order = {.ca = issuer->cert,
                            .ca_len = issuer->cert_len,
                            .ca_key = issuer->key,
                            .name = agent,
                            .tenant = tenant,
                            .public_key = public_key,
                            .not_before_ms = now - skew,
                            .not_after_ms = now + issuer->life_ms};
    if (order.not_after_ms > issuer->info.not_after_ms)
        order.not_after_ms = issuer->info.not_after_ms;
    if (order.not_after_ms <= now)
        return mlc_fail(err, MLC_E_UNAVAILABLE,
                        "the relay's issuing authority has expired; it must be replaced");
    return mlc_cert_issue(&order, out, err);
}

mlc_code mlc_issuer_write_bundle(const mlc_issuer *issuer, const char *more_file, const char *path,
                                 mlc_error *err)
{
    mlc_buf pem = {0};
    mlc_code code = mlc_cert_pem(issuer->cert, issuer->cert_len, &pem, err);
    if (code == MLC_OK && more_file != NULL)
        code = read_file(more_file, false, &pem, err);
    if (code == MLC_OK) {
        FILE *const out = fopen(path, "we");
        const bool ok = out != NULL && fwrite(pem.data, 1, pem.len, out) == pem.len;
        if ((out != NULL && fclose(out) != 0) || !ok)
            code = mlc_fail(err, MLC_E_IO, "cannot write %s: %s", path, strerror(errno));
    }
    mlc_buf_free(&pem);
    return code;
}
