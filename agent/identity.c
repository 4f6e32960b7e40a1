/* identity.c - see identity.h. In the store:
 *   "identity/agent-key"    the sealed key shared with the relay, of former versions
 *   "identity/certificate"  {"cert","authority","key"}: base64, the key sealed
 *   "identity/next-key"     the sealed private key of a request that was not answered yet */
#include "agent/identity.h"

#include "base/clock.h"
#include "store/audit.h"
#include "store/cursor.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define KEY_CURSOR  "identity/agent-key"
#define CERT_CURSOR "identity/certificate"
#define NEXT_CURSOR "identity/next-key"

enum { CONTEXT_MAX = 128, PATH_SIZE = 1024, STORED_MAX = 16384, VALUES = 3 };

static const char *const cursors[VALUES] = {KEY_CURSOR, CERT_CURSOR, NEXT_CURSOR};
enum { VALUE_KEY, VALUE_CERT, VALUE_NEXT };

typedef struct identity_job {
    mlc_buf values[VALUES]; /* empty: none */
    bool drop[VALUES];      /* when writing */
} identity_job;

static const mlc_cfg_field key_rows[] = {MLC_CFG_KEY_ROWS("agent")};
static const mlc_key_owner key_owner = {"agent", key_rows, sizeof key_rows / sizeof key_rows[0]};

const mlc_key_owner *mlc_identity_key_owner(void)
{
    return &key_owner;
}

/* Bound to the agent, and to what it is for. The first one is that of former versions. */
static const char *context_of(const mlc_cfg *cfg, int value, char out[CONTEXT_MAX])
{
    static const char *const labels[VALUES] = {"agent-key", "agent-private-key", "agent-next-key"};
    return mlc_cfg_at(out, CONTEXT_MAX, "%s/%s", labels[value], mlc_cfg_str(cfg, "agent.id"));
}

static mlc_code load_ring(const mlc_cfg *cfg, bool create, mlc_keyring *ring, mlc_error *err)
{
    return mlc_key_place_ring(&key_owner, cfg, create, ring, err);
}

static void job_free(identity_job *job)
{
    for (size_t i = 0; i < VALUES; i++)
        mlc_buf_free(&job->values[i]);
}

static mlc_code read_values(mlc_txn *txn, void *arg, mlc_error *err)
{
    identity_job *const job = arg;
    mlc_code code = MLC_OK;
    for (size_t i = 0; code == MLC_OK && i < VALUES; i++) {
        const void *value = NULL;
        size_t len = 0;
        mlc_buf_clear(&job->values[i]);
        code = mlc_cursor_get(txn, cursors[i], &value, &len, err);
        if (code == MLC_OK)
            code = mlc_buf_append(&job->values[i], value, len, err);
        else if (code == MLC_E_NOTFOUND)
            code = MLC_OK;
    }
    return code;
}

static mlc_code write_values(mlc_txn *txn, void *arg, mlc_error *err)
{
    const identity_job *const job = arg;
    mlc_code code = MLC_OK;
    for (size_t i = 0; code == MLC_OK && i < VALUES; i++) {
        if (job->values[i].len > 0)
            code = mlc_cursor_put(txn, cursors[i], job->values[i].data, job->values[i].len, err);
        if (code == MLC_OK && job->drop[i] && mlc_cursor_delete(txn, cursors[i], err) != MLC_OK)
            code = err != NULL && err->code != MLC_E_NOTFOUND ? err->code : MLC_OK;
    }
    return code;
}

/* ---- sealed values ---- */

static mlc_code open_bytes(const mlc_keyring *ring, const mlc_cfg *cfg, int value, const mlc_buf *sealed,
                           uint8_t *out, size_t len, bool *stale, mlc_error *err)
{
    char context[CONTEXT_MAX];
    mlc_buf clear = {0};
    mlc_code code = mlc_keyring_unseal(ring, context_of(cfg, value, context), sealed->data, sealed->len,
                                       &clear, stale, err);
    if (code == MLC_OK && clear.len != len)
        code =
            mlc_fail(err, MLC_E_CORRUPT, "the sealed agent key has %zu bytes instead of %zu", clear.len, len);
    if (code == MLC_OK)
        memcpy(out, clear.data, len);
    mlc_buf_wipe(&clear);
    return code;
}

static mlc_code take_base64(const cJSON *obj, const char *name, mlc_buf *out, mlc_error *err)
{
    const char *const text = mlc_json_str(obj, name);
    return text != NULL ? mlc_base64_parse(text, strlen(text), out, err)
                        : mlc_fail(err, MLC_E_CORRUPT, "the stored identity has no %s", name);
}

static mlc_code add_base64(cJSON *obj, const char *name, const mlc_buf *bytes, mlc_error *err)
{
    mlc_buf text = {0};
    mlc_code code = mlc_base64(bytes->data, bytes->len, &text, err);
    if (code == MLC_OK)
        code = mlc_json_add_str(obj, name, mlc_buf_text(&text), err);
    mlc_buf_free(&text);
    return code;
}

/* Everything but the key. */
static mlc_code fill_cert(mlc_agent_identity *out, const mlc_buf *cert, const mlc_buf *authority,
                          mlc_error *err)
{
    mlc_cert_info issuer;
    mlc_code code = mlc_cert_read(cert->data, cert->len, &out->info, err);
    if (code == MLC_OK)
        code = mlc_cert_read(authority->data, authority->len, &issuer, err);
    if (code != MLC_OK)
        return code;
    memcpy(out->own.cert, cert->data, cert->len); /* mlc_cert_read takes no larger one */
    out->own.cert_len = cert->len;
    memcpy(out->own.fingerprint, out->info.fingerprint, sizeof out->own.fingerprint);
    memcpy(out->own.relay_key, issuer.public_key, sizeof out->own.relay_key);
    out->kind = MLC_IDENTITY_CERT;
    return MLC_OK;
}

typedef struct stored_cert {
    mlc_buf cert, authority, sealed;
} stored_cert;

static void stored_free(stored_cert *stored)
{
    mlc_buf_free(&stored->cert);
    mlc_buf_free(&stored->authority);
    mlc_buf_free(&stored->sealed);
}

static mlc_code parse_cert(const mlc_buf *value, stored_cert *out, mlc_error *err)
{
    cJSON *obj = NULL;
    mlc_code code = mlc_json_parse((const char *)value->data, value->len, STORED_MAX, 3, &obj, err);
    if (code == MLC_OK)
        code = take_base64(obj, "cert", &out->cert, err);
    if (code == MLC_OK)
        code = take_base64(obj, "authority", &out->authority, err);
    if (code == MLC_OK)
        code = take_base64(obj, "key", &out->sealed, err);
    cJSON_Delete(obj);
    return code;
}

static mlc_code print_cert(const stored_cert *stored, mlc_buf *out, mlc_error *err)
{
    char *text = NULL;
    cJSON *const obj = cJSON_CreateObject();
    mlc_code code = add_base64(obj, "cert", &stored->cert, err);
    if (code == MLC_OK)
        code = add_base64(obj, "authority", &stored->authority, err);
    if (code == MLC_OK)
        code = add_base64(obj, "key", &stored->sealed, err);
    if (code == MLC_OK && (text = mlc_json_print(obj)) == NULL)
        code = mlc_fail(err, MLC_E_NOMEM, "no memory for the identity");
    if (code == MLC_OK)
        code = mlc_buf_puts(out, text, err);
    cJSON_free(text);
    cJSON_Delete(obj);
    return code;
}

/* ---- loading ---- */

static mlc_code open_cert(const mlc_keyring *ring, const mlc_cfg *cfg, const mlc_buf *value,
                          mlc_agent_identity *out, mlc_error *err)
{
    stored_cert stored = {0};
    mlc_code code = parse_cert(value, &stored, err);
    if (code == MLC_OK)
        code = fill_cert(out, &stored.cert, &stored.authority, err);
    if (code == MLC_OK)
        code =
            open_bytes(ring, cfg, VALUE_CERT, &stored.sealed, out->own.key, sizeof out->own.key, NULL, err);
    stored_free(&stored);
    return code;
}

mlc_code mlc_identity_load(mlc_store *store, const mlc_cfg *cfg, mlc_agent_identity *out, mlc_error *err)
{
    identity_job job = {0};
    mlc_keyring ring = {0};
    memset(out, 0, sizeof *out);
    mlc_code code = mlc_store_read(store, read_values, &job, err);
    if (code == MLC_OK && job.values[VALUE_CERT].len == 0 && job.values[VALUE_KEY].len == 0)
        code = mlc_fail(
            err, MLC_E_NOTFOUND,
            "agent %s is not enrolled yet: enrol it with \"ml-agent enroll --config FILE --token-file "
            "FILE\", or set relay.client_cert_file",
            mlc_cfg_str(cfg, "agent.id"));
    if (code == MLC_OK)
        code = load_ring(cfg, false, &ring, err);
    out->warning = mlc_key_place_warning(cfg, &ring);
    if (code == MLC_OK && job.values[VALUE_CERT].len > 0) {
        code = open_cert(&ring, cfg, &job.values[VALUE_CERT], out, err);
    } else if (code == MLC_OK) {
        code =
            open_bytes(&ring, cfg, VALUE_KEY, &job.values[VALUE_KEY], out->key, sizeof out->key, NULL, err);
        out->kind = MLC_IDENTITY_KEY;
    }
    mlc_keyring_wipe(&ring);
    job_free(&job);
    if (code != MLC_OK)
        mlc_identity_wipe(out);
    return code;
}

void mlc_identity_wipe(mlc_agent_identity *identity)
{
    mlc_wipe(identity, sizeof *identity);
}

/* ---- a new one ---- */

static mlc_code seal_bytes(const mlc_keyring *ring, const mlc_cfg *cfg, int value, const uint8_t *bytes,
                           size_t len, mlc_buf *out, mlc_error *err)
{
    char context[CONTEXT_MAX];
    return mlc_keyring_seal(ring, context_of(cfg, value, context), bytes, len, out, err);
}

mlc_code mlc_identity_next_key(mlc_store *store, const mlc_cfg *cfg, uint8_t key[MLC_EC_PRIVATE_LEN],
                               mlc_error *err)
{
    identity_job stored = {0};
    identity_job fresh = {0};
    mlc_keyring ring = {0};
    mlc_code code = load_ring(cfg, true, &ring, err);
    if (code == MLC_OK)
        code = mlc_store_read(store, read_values, &stored, err);
    if (code == MLC_OK && stored.values[VALUE_NEXT].len > 0) {
        code = open_bytes(&ring, cfg, VALUE_NEXT, &stored.values[VALUE_NEXT], key, MLC_EC_PRIVATE_LEN, NULL,
                          err);
    } else if (code == MLC_OK) {
        code = mlc_ec_generate(key, err);
        if (code == MLC_OK)
            code =
                seal_bytes(&ring, cfg, VALUE_NEXT, key, MLC_EC_PRIVATE_LEN, &fresh.values[VALUE_NEXT], err);
        if (code == MLC_OK)
            code = mlc_store_run(store, write_values, &fresh, err);
    }
    mlc_keyring_wipe(&ring);
    job_free(&stored);
    job_free(&fresh);
    return code;
}

/* Whatever the relay answered: is it a certificate for this agent and key, of that authority? */
static mlc_code check_answer(const mlc_cfg *cfg, const mlc_agent_identity *identity, const mlc_buf *authority,
                             const uint8_t key[MLC_EC_PRIVATE_LEN], mlc_error *err)
{
    uint8_t public_key[MLC_EC_PUBLIC_LEN];
    mlc_code code = mlc_ec_public(key, public_key, err);
    if (code == MLC_OK && memcmp(public_key, identity->info.public_key, sizeof public_key) != 0)
        code = mlc_fail(err, MLC_E_PROTOCOL, "the relay's certificate is not for the key of this request");
    if (code == MLC_OK && strcmp(identity->info.name, mlc_cfg_str(cfg, "agent.id")) != 0)
        code = mlc_fail(err, MLC_E_PROTOCOL, "the relay's certificate is for another agent");
    if (code == MLC_OK && mlc_cert_check(identity->own.cert, identity->own.cert_len, authority->data,
                                         authority->len, NULL) != MLC_OK)
        code =
            mlc_fail(err, MLC_E_PROTOCOL, "the relay's certificate was not issued by the authority it names");
    return code;
}

mlc_code mlc_identity_keep(mlc_store *store, const mlc_cfg *cfg, const mlc_buf *cert,
                           const mlc_buf *authority, const uint8_t key[MLC_EC_PRIVATE_LEN],
                           mlc_agent_identity *out, mlc_error *err)
{
    identity_job job = {.drop = {[VALUE_KEY] = true, [VALUE_NEXT] = true}};
    mlc_keyring ring = {0};
    stored_cert stored = {0};
    memset(out, 0, sizeof *out);
    memcpy(out->own.key, key, sizeof out->own.key);
    mlc_code code = fill_cert(out, cert, authority, err);
    if (code != MLC_OK)
        code = mlc_wrap(err, MLC_E_PROTOCOL, "the relay's answer holds no certificate");
    if (code == MLC_OK)
        code = check_answer(cfg, out, authority, key, err);
    if (code == MLC_OK)
        code = load_ring(cfg, false, &ring, err);
    if (code == MLC_OK)
        code = seal_bytes(&ring, cfg, VALUE_CERT, key, MLC_EC_PRIVATE_LEN, &stored.sealed, err);
    if (code == MLC_OK)
        code = mlc_buf_append(&stored.cert, cert->data, cert->len, err);
    if (code == MLC_OK)
        code = mlc_buf_append(&stored.authority, authority->data, authority->len, err);
    if (code == MLC_OK)
        code = print_cert(&stored, &job.values[VALUE_CERT], err);
    if (code == MLC_OK)
        code = mlc_store_run(store, write_values, &job, err);
    mlc_keyring_wipe(&ring);
    stored_free(&stored);
    job_free(&job);
    if (code != MLC_OK)
        mlc_identity_wipe(out);
    return code;
}

/* ---- sealing anew ---- */

typedef struct reseal_job {
    const mlc_cfg *cfg;
    const mlc_keyring *ring;
    size_t count;
} reseal_job;

static mlc_code reseal_plain(const reseal_job *job, int value, size_t len, const mlc_buf *old, mlc_buf *fresh,
                             mlc_error *err)
{
    uint8_t bytes[MLC_KEY_LEN] = {0}; /* all of these have this length */
    bool stale = false;
    mlc_code code = open_bytes(job->ring, job->cfg, value, old, bytes, len, &stale, err);
    if (code == MLC_OK && stale)
        code = seal_bytes(job->ring, job->cfg, value, bytes, len, fresh, err);
    mlc_wipe(bytes, sizeof bytes);
    return code;
}

static mlc_code reseal_cert(const reseal_job *job, const mlc_buf *old, mlc_buf *fresh, mlc_error *err)
{
    stored_cert stored = {0};
    mlc_buf sealed = {0};
    mlc_code code = parse_cert(old, &stored, err);
    if (code == MLC_OK)
        code = reseal_plain(job, VALUE_CERT, MLC_EC_PRIVATE_LEN, &stored.sealed, &sealed, err);
    if (code == MLC_OK && sealed.len > 0) {
        mlc_buf_free(&stored.sealed);
        stored.sealed = sealed;
        sealed = (mlc_buf){0};
        code = print_cert(&stored, fresh, err);
    }
    mlc_buf_free(&sealed);
    stored_free(&stored);
    return code;
}

static mlc_code run_reseal(mlc_txn *txn, void *arg, mlc_error *err)
{
    reseal_job *const job = arg;
    identity_job old = {0};
    identity_job fresh = {0};
    job->count = 0;
    mlc_code code = read_values(txn, &old, err);
    for (int i = 0; code == MLC_OK && i < VALUES; i++) {
        if (old.values[i].len == 0)
            continue;
        code = i == VALUE_CERT ? reseal_cert(job, &old.values[i], &fresh.values[i], err)
                               : reseal_plain(job, i, MLC_KEY_LEN, &old.values[i], &fresh.values[i], err);
        job->count += fresh.values[i].len > 0 ? 1 : 0;
    }
    if (code == MLC_OK)
        code = write_values(txn, &fresh, err);
    const mlc_audit_event event = {
        .at_ms = mlc_wall_ms(), .actor = "agent", .action = "secrets sealed anew", .outcome = "ok"};
    if (code == MLC_OK && job->count > 0)
        code = mlc_audit_append(txn, &event, NULL, err);
    job_free(&old);
    job_free(&fresh);
    return code;
}

mlc_code mlc_identity_reseal(mlc_store *store, const mlc_cfg *cfg, const mlc_keyring *ring, size_t *count,
                             mlc_error *err)
{
    reseal_job job = {.cfg = cfg, .ring = ring};
    const mlc_code code = mlc_store_run(store, run_reseal, &job, err);
    *count = job.count;
    return code != MLC_OK ? mlc_wrap(err, code, "the agent's store cannot be sealed anew") : code;
}

mlc_code mlc_identity_reseal_now(mlc_store *store, const mlc_cfg *cfg, bool rotating_only, size_t *count,
                                 mlc_error *err)
{
    mlc_keyring ring = {0};
    *count = 0;
    mlc_code code = load_ring(cfg, false, &ring, err);
    if (code == MLC_OK && (ring.count > 1 || !rotating_only))
        code = mlc_identity_reseal(store, cfg, &ring, count, err);
    mlc_keyring_wipe(&ring);
    return code;
}

mlc_code mlc_identity_reseal_stopped(const mlc_cfg *cfg, const mlc_keyring *ring, size_t *count,
                                     mlc_error *err)
{
    char path[PATH_SIZE];
    struct stat st;
    mlc_store *store = NULL;
    const mlc_store_options options = {.dir = mlc_cfg_str(cfg, "agent.data_dir"),
                                       .map_max = (size_t)mlc_cfg_int(cfg, "store.map_max")};
    *count = 0;
    if (stat(mlc_cfg_at(path, sizeof path, "%s/data.mdb", options.dir), &st) != 0) /* it never ran */
        return MLC_OK;
    mlc_code code = mlc_store_open(&store, &options, err);
    if (code == MLC_OK)
        code = mlc_identity_reseal(store, cfg, ring, count, err);
    mlc_store_close(store);
    return code;
}
