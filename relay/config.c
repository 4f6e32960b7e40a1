/* config.c - see config.h. */
#include "relay/config.h"

#include "base/config_rows.h"
#include "crypto/sealed.h"
#include "net/proxy.h"
#include "relay/config_check.h"
#include "relay/front.h"
#include "relay/mappings.h"
#include "relay/trial_config.h"

#include <stdio.h>
#include <string.h>

#define SECONDS MLC_CFG_SECONDS
#define DAYS    MLC_CFG_DAYS

static const char *const algs[] = {"PS256", "RS256", NULL};

static const mlc_cfg_field schema[] = {
    {"relay.listen_host", MLC_CFG_STRING, false, "0.0.0.0", 1, 255, NULL, "Address to listen on"},
    {"relay.listen_port", MLC_CFG_INT, false, "443", 0, 65535, NULL,
     "Port of webhooks, enrolment and tunnel"},
    {"relay.port_file", MLC_CFG_PATH, false, NULL, 0, 0, NULL,
     "The port in use is written here when all is ready"},
    {"relay.cert_file", MLC_CFG_PATH, false, NULL, 0, 0, NULL,
     "Certificate chain (PEM); without it only a loopback address is allowed, for a TLS proxy in front"},
    {"relay.key_file", MLC_CFG_PATH, false, NULL, 0, 0, NULL, "Its private key (PEM)"},
    {"relay.client_ca_file", MLC_CFG_PATH, false, NULL, 0, 0, NULL, "CA of agents' client certificates"},
    {"relay.cert_check", MLC_CFG_DURATION, false, "1m", 0, DAYS(1), NULL,
     "Pause between two looks whether these files changed; then they are read again; 0: only at SIGHUP"},
    {"relay.trusted_proxies", MLC_CFG_STRINGS, false, NULL, 1, 50, NULL,
     "Addresses or networks (\"10.0.0.0/8\") of proxies whose X-Forwarded-For is believed"},
    {"relay.metrics_from", MLC_CFG_STRINGS, false, NULL, 1, 50, NULL,
     "Addresses or networks that may read /metrics on the public port, directly; default: the admin socket "
     "only"},
    {"relay.stop_delay", MLC_CFG_DURATION, false, "0s", 0, SECONDS(300), NULL,
     "After SIGTERM all is served for so long while /readyz says 503: for a load balancer that must notice "
     "first"},
    {"relay.stop_timeout", MLC_CFG_DURATION, false, "5s", 100, SECONDS(60), NULL,
     "Then requests under way get so long to be answered"},
    {"relay.tls_certificates", MLC_CFG_BOOL, false, "true", 0, 0, NULL,
     "Enrolled agents must show their certificate in TLS too; false when a TLS proxy in front opens TLS "
     "(without "
     "cert_file it is so anyway)"},
    {"relay.issuer_cert_file", MLC_CFG_PATH, false, NULL, 0, 0, NULL,
     "Authority (PEM, EC P-256) that issues the certificates of agents; default: one that the relay makes at "
     "its first "
     "start"},
    {"relay.issuer_key_file", MLC_CFG_PATH, false, NULL, 0, 0, NULL, "Its private key (PEM, mode 0600)"},
    {"relay.agent_cert_life", MLC_CFG_DURATION, false, "90d", SECONDS(1), DAYS(3650), NULL,
     "How long a certificate of an agent is valid; the agent renews it in time by itself"},
    {"relay.data_dir", MLC_CFG_PATH, true, NULL, 0, 0, NULL, "Folder of the durable stores"},
    {"relay.root_key_file", MLC_CFG_PATH, false, NULL, 0, 0, NULL,
     "Key that seals agents' keys; default: root.key in data_dir, made at first start"},
    {"relay.root_key_credential", MLC_CFG_STRING, false, NULL, 1, 255, NULL,
     "Name of the systemd credential that is this key, in place of the file"},
    MLC_CFG_TOKEN_ROWS,
    {"relay.admin_socket", MLC_CFG_PATH, false, "/run/ml-connector/relay.sock", 0, 0, NULL,
     "Unix socket for mlctl"},
    /* Off: the compression of libwebsockets before 4.3.3 (Debian 12 has 4.1.6) breaks connections over TLS under load
     * ("zlib error inflate -3"). Nothing is lost then, the tunnel reconnects, but it costs more than it saves. */
    {"relay.compress", MLC_CFG_BOOL, false, "false", 0, 0, NULL,
     "Accept permessage-deflate; needs libwebsockets 4.3.3 or later on both sides, and a port that strangers "
     "cannot reach"},
    {"relay.ping_interval", MLC_CFG_DURATION, false, "10s", 100, SECONDS(11), NULL,
     "A peer silent for 2.5 intervals counts as gone"},
    {"relay.max_connections", MLC_CFG_INT, false, "10000", 1, 1000000, NULL, "Open connections at most"},
    {"relay.tenant_retry", MLC_CFG_DURATION, false, "30s", 100, DAYS(1), NULL,
     "Pause before a tenant that could not be opened is tried again; the others work meanwhile"},
    MLC_CFG_LOG_ROWS,

    {"tenants[].id", MLC_CFG_STRING, true, NULL, 1, 63, NULL,
     "Name of the tenant: letters, digits, dots, dashes; unique, also without regard to case"},
    {"tenants[].webhook_secret", MLC_CFG_SECRET, true, NULL, 0, 0, NULL, "Shared secret of its webhooks"},
    {"tenants[].mtls_agents", MLC_CFG_STRINGS, false, NULL, 0, 0, NULL,
     "Agents known by client certificate: its common name is the agent's id"},
    {"tenants[].dynamics.url", MLC_CFG_URL, true, NULL, 0, 0, NULL,
     "https://ORG.api.crm.dynamics.com/api/data/v9.2/"},
    {"tenants[].dynamics.authority", MLC_CFG_URL, false, "https://login.microsoftonline.com", 0, 0, NULL,
     "Entra ID authority"},
    {"tenants[].dynamics.directory", MLC_CFG_STRING, true, NULL, 1, 128, NULL,
     "Entra ID tenant (directory) id"},
    {"tenants[].dynamics.client_id", MLC_CFG_STRING, true, NULL, 1, 128, NULL, "Application (client) id"},
    {"tenants[].dynamics.client_secret", MLC_CFG_SECRET, false, NULL, 0, 0, NULL,
     "Its secret; or client_cert_file and client_key_file"},
    {"tenants[].dynamics.client_cert_file", MLC_CFG_PATH, false, NULL, 0, 0, NULL,
     "Certificate (PEM) the application is registered with, instead of a secret"},
    {"tenants[].dynamics.client_key_file", MLC_CFG_PATH, false, NULL, 0, 0, NULL,
     "Its RSA private key (PEM, mode 0600)"},
    {"tenants[].dynamics.client_cert_alg", MLC_CFG_ENUM, false, "PS256", 0, 0, algs,
     "Signature made with that key"},
    {"tenants[].dynamics.scope", MLC_CFG_STRING, true, NULL, 1, 512, NULL,
     "https://ORG.crm.dynamics.com/.default"},
    {"tenants[].dynamics.ca_file", MLC_CFG_PATH, false, NULL, 0, 0, NULL,
     "PEM bundle to trust instead of the system's"},
    MLC_PROXY_FIELDS("tenants[].dynamics"),
    {"tenants[].dynamics.prefix", MLC_CFG_STRING, false, "ml_", 1, 32, NULL,
     "Publisher prefix of the connector's columns"},
    {"tenants[].dynamics.parallel", MLC_CFG_INT, false, "8", 1, 52, NULL, "Requests to Dynamics at once"},
    {"tenants[].dynamics.batch", MLC_CFG_INT, false, "50", 1, 1000, NULL, "Records in one $batch at most"},
    {"tenants[].dynamics.timeout", MLC_CFG_DURATION, false, "60s", 100, SECONDS(600), NULL,
     "Deadline of one request"},
    {"tenants[].dynamics.max_attempts", MLC_CFG_INT, false, "12", 1, 1000, NULL,
     "Then a record is parked for review"},
    {"tenants[].dynamics.retry_base", MLC_CFG_DURATION, false, "1s", 10, SECONDS(3600), NULL,
     "First ceiling of the delay"},
    {"tenants[].dynamics.retry_cap", MLC_CFG_DURATION, false, "15m", 10, DAYS(1), NULL,
     "Greatest ceiling of the delay"},
    {"tenants[].dynamics.settle", MLC_CFG_DURATION, false, "90s", 100, SECONDS(3600), NULL,
     "After an uncertain write Dynamics is asked not before this"},
    {"tenants[].dynamics.schema_refresh", MLC_CFG_DURATION, false, "1d", SECONDS(1), DAYS(365), NULL,
     "Pause between two readings of the metadata of Dynamics' tables"},
    {"tenants[].dynamics.lookup_cache", MLC_CFG_INT, false, "50000", 100, 10000000, NULL,
     "Ids of rows that others point to, kept in memory at most"},
    {"tenants[].mappings.customer", MLC_CFG_PATH, false, NULL, 0, 0, NULL,
     "Mapping file of customers (docs/mapping.md); without it the built-in one, as with the next four"},
    {"tenants[].mappings.supplier", MLC_CFG_PATH, false, NULL, 0, 0, NULL, "Mapping file of suppliers"},
    {"tenants[].mappings.contact", MLC_CFG_PATH, false, NULL, 0, 0, NULL, "Mapping file of contacts"},
    {"tenants[].mappings.item", MLC_CFG_PATH, false, NULL, 0, 0, NULL, "Mapping file of items"},
    {"tenants[].mappings.price", MLC_CFG_PATH, false, NULL, 0, 0, NULL, "Mapping file of prices"},
    {"tenants[].orders.customer_reference", MLC_CFG_STRING, false, NULL, 1, 100, NULL,
     "Column of salesorder that holds the customer's own order number, such as name; default: none"},
    {"tenants[].orders.write_in_item", MLC_CFG_STRING, false, NULL, 1, 25, NULL,
     "JDE item that stands for write-in products; default: an order with one is parked"},
    {"tenants[].orders.fulfill", MLC_CFG_BOOL, false, "false", 0, 0, NULL,
     "Set an order to Fulfilled in Dynamics when JDE has shipped all of it"},
    {"tenants[].dry_run", MLC_CFG_BOOL, false, "false", 0, 0, NULL,
     "Write nothing into Dynamics: say what would be changed, and keep it until this is off (docs/flows.md)"},
    {"tenants[].dry_run_kinds", MLC_CFG_STRINGS, false, NULL, 0, 0, NULL,
     "The same for some kinds only, such as [\"customer\", \"price\", \"order.result\"]"},
    {"tenants[].dry_run_report_max", MLC_CFG_SIZE, false, "100M", 1 << 16, 0, NULL,
     "Size of the report DATA_DIR/dry-run/TENANT.jsonl; then it becomes TENANT.jsonl.1 and a new one begins"},
    {"tenants[].replay.url", MLC_CFG_URL, false, NULL, 0, 0, NULL,
     "Web API of a test organisation for mlctl replay; never the one of dynamics.url"},
    {"tenants[].replay.authority", MLC_CFG_URL, false, "https://login.microsoftonline.com", 0, 0, NULL,
     "Its Entra ID authority"},
    {"tenants[].replay.directory", MLC_CFG_STRING, false, NULL, 1, 128, NULL, "Its Entra ID tenant id"},
    {"tenants[].replay.client_id", MLC_CFG_STRING, false, NULL, 1, 128, NULL, "Its application id"},
    {"tenants[].replay.client_secret", MLC_CFG_SECRET, false, NULL, 0, 0, NULL, "Its secret"},
    {"tenants[].replay.scope", MLC_CFG_STRING, false, NULL, 1, 512, NULL,
     "https://TEST.crm.dynamics.com/.default"},
    {"tenants[].replay.ca_file", MLC_CFG_PATH, false, NULL, 0, 0, NULL,
     "PEM bundle to trust instead of the system's"},
    {"tenants[].orders.reconcile_interval", MLC_CFG_DURATION, false, "5m", 100, DAYS(1), NULL,
     "Pause between two looks for orders whose webhooks were lost"},
    {"tenants[].orders.reconcile_overlap", MLC_CFG_DURATION, false, "10m", 0, DAYS(7), NULL,
     "How far behind its watermark a look begins"},
    {"tenants[].orders.reconcile_from", MLC_CFG_STRING, false, NULL, 1, 40, NULL,
     "The first look finds orders changed since this time (2026-11-23T00:00:00Z); default: since the first "
     "start"},
    {"tenants[].orders.reconcile_filter", MLC_CFG_STRING, false, "_quoteid_value ne null", 0, 1000, NULL,
     "Further OData condition on the sales orders found"},
    {"tenants[].compare.enabled", MLC_CFG_BOOL, false, "true", 0, 0, NULL,
     "Compare all records of JDE and Dynamics by the schedule; by hand (mlctl compare) it always can be"},
    {"tenants[].compare.schedule", MLC_CFG_STRING, false, "0 3 * * sun", 1, 120, NULL,
     "When, in UTC: minute hour day month weekday; @daily, @weekly, @monthly, @every 12h"},
    {"tenants[].compare.heal", MLC_CFG_BOOL, false, "true", 0, 0, NULL,
     "Send again what differs; false: only report it"},
    {"tenants[].compare.timeout", MLC_CFG_DURATION, false, "6h", SECONDS(1), DAYS(7), NULL,
     "How long the agent may take for one answer"},
    {"tenants[].compare.max_gone", MLC_CFG_INT, false, "1000", 0, INT64_MAX, NULL,
     "When more records of a kind than this are gone from JDE at once, none of them is deactivated"},

    {"tenants[].webhooks.register", MLC_CFG_BOOL, false, "false", 0, 0, NULL,
     "Make and repair the webhook steps in Dynamics, at start and every interval"},
    {"tenants[].webhooks.public_url", MLC_CFG_URL, false, NULL, 0, 0, NULL,
     "https://HOST[:PORT] under which Dynamics reaches this relay"},
    {"tenants[].webhooks.name", MLC_CFG_STRING, false, "ml-connector", 1, 100, NULL,
     "Name of the service endpoint in Dynamics, and beginning of the names of its steps"},
    {"tenants[].webhooks.interval", MLC_CFG_DURATION, false, "1d", 100, DAYS(31), NULL,
     "Pause between two checks of the steps"},
    {"tenants[].webhooks.retry", MLC_CFG_DURATION, false, "1m", 100, DAYS(1), NULL,
     "Pause after a check that failed or found what could not be repaired"},
    {"tenants[].addresses.enabled", MLC_CFG_BOOL, false, "true", 0, 0, NULL,
     "Take changes of addresses in Dynamics to JDE"},
    {"tenants[].addresses.reconcile_interval", MLC_CFG_DURATION, false, "5m", 100, DAYS(1), NULL,
     "Pause between two looks for edited addresses whose webhooks were lost"},
    {"tenants[].addresses.reconcile_overlap", MLC_CFG_DURATION, false, "10m", 0, DAYS(7), NULL,
     "How far behind its watermark a look begins where changes are not tracked"},
    {"tenants[].limits.webhooks_per_second", MLC_CFG_INT, false, "100", 1, 1000000, NULL,
     "Webhooks at a steady rate; beyond it they get 503 with Retry-After"},
    {"tenants[].limits.webhook_burst", MLC_CFG_INT, false, "500", 1, 1000000, NULL,
     "Webhooks at once after a pause"},
    {"tenants[].limits.messages_per_second", MLC_CFG_INT, false, "5000", 1, 1000000, NULL,
     "Websocket messages of an agent; beyond it the relay reads more slowly"},
    {"tenants[].limits.connections", MLC_CFG_INT, false, "4", 1, 1000, NULL,
     "Connections of its agents at once; more are asked to come later"},
    {"tenants[].limits.map_max", MLC_CFG_SIZE, false, NULL, 16 << 20, 0, NULL,
     "Greatest size of its store; default: store.map_max"},
    {"tenants[].limits.stream_max_bytes", MLC_CFG_SIZE, false, NULL, 1 << 16, 0, NULL,
     "Waiting in one of its streams; default: store.stream_max_bytes"},
    {"tenants[].limits.stream_max_entries", MLC_CFG_INT, false, "0", 0, INT64_C(1000000000), NULL,
     "Entries waiting in one of its streams; 0: as many as their bytes allow"},

    {"store.map_max", MLC_CFG_SIZE, false, "64G", 16 << 20, 0, NULL, "Greatest size of a tenant's store"},
    {"store.stream_max_bytes", MLC_CFG_SIZE, false, "4G", 1 << 16, 0, NULL,
     "Waiting in one stream; then its source is slowed (webhooks get 503, the agent waits)"},
    MLC_CFG_KEEP_ROWS,
    MLC_CFG_AUDIT_ROWS,
};
enum { SCHEMA_LEN = sizeof schema / sizeof schema[0], PATH_SIZE = 128 };

static const mlc_cfg_field key_rows[] = {MLC_CFG_KEY_ROWS("relay")};
static const mlc_key_owner key_owner = {"relay", key_rows, sizeof key_rows / sizeof key_rows[0]};

const mlc_key_owner *mlc_relay_key_owner(void)
{
    return &key_owner;
}

/* "tenants[0].webhook_secret" -> "tenants[acme].webhook_secret": a tenant's place in the file may change. */
static mlc_code name_setting(const mlc_cfg *cfg, const char *path, char *out, size_t size, mlc_error *err)
{
    char id_path[PATH_SIZE];
    const char *const rest = strchr(path, ']');
    if (rest == NULL)
        return mlc_fail(err, MLC_E_INTERNAL, "%s is not a setting of a tenant", path);
    (void)mlc_cfg_at(id_path, sizeof id_path, "%.*s].id", (int)(rest - path), path);
    const char *const id = mlc_cfg_str(cfg, id_path);
    if (id == NULL)
        return mlc_fail(err, MLC_E_INVALID, "the tenant has no id");
    (void)mlc_cfg_at(out, size, "tenants[%s]%s", id, rest + 1);
    return MLC_OK;
}

/* Who wants to know of each sealed value (fn NULL: nobody). */
typedef struct sealed_visit {
    mlc_rotate_visit fn;
    void *user;
    mlc_key_once key;
} sealed_visit;

static mlc_code unseal(void *user, const mlc_cfg *cfg, const char *path, const char *base64, mlc_buf *out,
                       mlc_error *err)
{
    char setting[2 * PATH_SIZE];
    sealed_visit *const visit = user;
    if (mlc_cfg_str(cfg, "relay.data_dir") == NULL)
        return mlc_fail(err, MLC_E_INVALID, "relay.data_dir is missing, which holds the root key");
    mlc_code code = name_setting(cfg, path, setting, sizeof setting, err);
    if (code == MLC_OK)
        code = mlc_key_once_ring(&visit->key, &key_owner, cfg, err);
    if (code == MLC_OK)
        code = mlc_sealed_open(&visit->key.ring, "ml-relay", setting, base64, out, err);
    if (code == MLC_OK && visit->fn != NULL)
        code = visit->fn(visit->user, setting, base64, err);
    return code;
}

mlc_code mlc_relay_config_load_partly(mlc_cfg **out, const char *file, mlc_buf *report, mlc_error *err)
{
    sealed_visit visiting = {.fn = NULL};
    mlc_code code =
        mlc_cfg_load_partly(out, file, "tenants", schema, SCHEMA_LEN, unseal, &visiting, report, err);
    mlc_keyring_wipe(&visiting.key.ring);
    if (code == MLC_OK)
        code = mlc_key_place_check(*out, report, err);
    /* A token that refuses the PIN or is away is no fault of a tenant, and tenants with faults are not tried again. */
    if (code == MLC_OK && visiting.key.err.code != MLC_OK &&
        (visiting.key.err.code == MLC_E_AUTH || mlc_cfg_str(*out, "secrets.pkcs11_module") != NULL))
        code = mlc_fail(err, visiting.key.err.code, "%s", visiting.key.err.message);
    if (code == MLC_OK)
        code = mlc_relay_config_check(*out, err);
    if (code == MLC_OK)
        code = mlc_front_check(*out, err);
    if (code != MLC_OK) {
        mlc_cfg_free(*out);
        *out = NULL;
    }
    return code;
}

/* The faults of all tenants into report, the first into err. */
static mlc_code report_tenants(const mlc_cfg *cfg, mlc_buf *report, mlc_error *err)
{
    char path[PATH_SIZE];
    mlc_code code = MLC_OK;
    const size_t tenants = mlc_cfg_count(cfg, "tenants");
    for (size_t i = 0; i < tenants; i++) {
        const char *const faults =
            mlc_cfg_element_faults(cfg, mlc_cfg_at(path, sizeof path, "tenants[%zu]", i));
        if (faults == NULL)
            continue;
        if (report != NULL)
            (void)mlc_buf_printf(report, NULL, "%s\n", faults);
        if (code == MLC_OK)
            code = mlc_fail(err, MLC_E_INVALID, "%.*s", (int)strcspn(faults, "\n"), faults);
    }
    return code;
}

mlc_code mlc_relay_config_load(mlc_cfg **out, const char *file, mlc_buf *report, mlc_error *err)
{
    sealed_visit visiting = {.fn = NULL};
    mlc_code code = mlc_cfg_load(out, file, schema, SCHEMA_LEN, unseal, &visiting, report, err);
    mlc_keyring_wipe(&visiting.key.ring);
    if (code == MLC_OK)
        code = mlc_key_place_check(*out, report, err);
    if (code == MLC_OK)
        code = mlc_relay_config_check(*out, err);
    if (code == MLC_OK)
        code = mlc_front_check(*out, err);
    if (code == MLC_OK)
        code = report_tenants(*out, report, err);
    if (code == MLC_OK)
        code = mlc_mappings_check(*out, report, err);
    if (code == MLC_OK)
        code = mlc_trial_config_check(*out, report, err);
    if (code != MLC_OK) {
        mlc_cfg_free(*out);
        *out = NULL;
    }
    return code;
}

mlc_code mlc_relay_config_sealed(const char *file, mlc_rotate_visit visit, void *user, mlc_buf *report,
                                 mlc_error *err)
{
    mlc_cfg *cfg = NULL;
    sealed_visit visiting = {.fn = visit, .user = user};
    const mlc_code code = mlc_cfg_load(&cfg, file, schema, SCHEMA_LEN, unseal, &visiting, report, err);
    mlc_keyring_wipe(&visiting.key.ring);
    mlc_cfg_free(cfg);
    return code;
}

mlc_code mlc_relay_config_describe(mlc_buf *out, mlc_error *err)
{
    return mlc_cfg_describe(schema, SCHEMA_LEN, out, err);
}
