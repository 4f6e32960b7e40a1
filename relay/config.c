/* config.c - see config.h. */
#include "relay/config.h"

#include "relay/mappings.h"

#define SECONDS(n) ((int64_t)(n)*1000)
#define DAYS(n)    ((int64_t)(n)*24 * 3600 * 1000)

static const char *const log_levels[] = {"debug", "info", "warn", "error", NULL};

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
    {"relay.data_dir", MLC_CFG_PATH, true, NULL, 0, 0, NULL, "Folder of the durable stores"},
    {"relay.root_key_file", MLC_CFG_PATH, false, NULL, 0, 0, NULL,
     "Key that seals agents' keys; default: root.key in data_dir, made at first start"},
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
    {"log.file", MLC_CFG_PATH, false, "-", 0, 0, NULL, "Log file; - is standard error"},
    {"log.level", MLC_CFG_ENUM, false, "info", 0, 0, log_levels, "Least level that is written"},

    {"tenants[].id", MLC_CFG_STRING, true, NULL, 1, 63, NULL,
     "Name of the tenant: letters, digits, dots, dashes"},
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
    {"tenants[].dynamics.proxy", MLC_CFG_STRING, false, NULL, 0, 512, NULL, "HTTP proxy, http://host:port"},
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

    {"store.map_max", MLC_CFG_SIZE, false, "64G", 16 << 20, 0, NULL, "Greatest size of a tenant's store"},
    {"store.stream_max_bytes", MLC_CFG_SIZE, false, "4G", 1 << 16, 0, NULL,
     "Waiting in one stream; then its source is slowed (webhooks get 503, the agent waits)"},
    {"store.keep_done", MLC_CFG_DURATION, false, "7d", SECONDS(1), DAYS(3650), NULL,
     "How long done entries are kept"},
    {"store.keep_done_count", MLC_CFG_INT, false, "100000", 1, 100000000, NULL,
     "How many of each stream at most"},
};
enum { SCHEMA_LEN = sizeof schema / sizeof schema[0], PATH_SIZE = 128, WHERE_SIZE = 512 };

static bool is_set(const mlc_cfg *cfg, size_t tenant, const char *name)
{
    char path[PATH_SIZE];
    const char *const value =
        mlc_cfg_str(cfg, mlc_cfg_at(path, sizeof path, "tenants[%zu].dynamics.%s", tenant, name));
    return value != NULL && *value != '\0';
}

/* How a tenant signs in: what the schema's single rows cannot say. NULL: well. */
static const char *credential_fault(const mlc_cfg *cfg, size_t tenant)
{
    char path[PATH_SIZE];
    const char *const secret =
        mlc_cfg_secret(cfg, mlc_cfg_at(path, sizeof path, "tenants[%zu].dynamics.client_secret", tenant));
    const bool cert = is_set(cfg, tenant, "client_cert_file");
    const bool key = is_set(cfg, tenant, "client_key_file");
    if (cert != key)
        return "a certificate needs its key and a key its certificate; set both client_cert_file and "
               "client_key_file";
    if (secret != NULL && cert)
        return "two ways to sign in are set; keep either client_secret, or client_cert_file and "
               "client_key_file";
    if (secret == NULL && !cert)
        return "there is no way to sign in; set client_secret, or client_cert_file and client_key_file";
    return NULL;
}

static mlc_code check_credentials(const mlc_cfg *cfg, mlc_buf *report, mlc_error *err)
{
    mlc_code code = MLC_OK;
    const size_t tenants = mlc_cfg_count(cfg, "tenants");
    for (size_t i = 0; i < tenants; i++) {
        char path[PATH_SIZE], where[WHERE_SIZE];
        const char *const fault = credential_fault(cfg, i);
        if (fault == NULL)
            continue;
        (void)mlc_cfg_where(cfg, mlc_cfg_at(path, sizeof path, "tenants[%zu].id", i), where, sizeof where);
        if (report != NULL)
            (void)mlc_buf_printf(report, NULL, "%s: tenants[%zu].dynamics: %s\n", where, i, fault);
        if (code == MLC_OK)
            code = mlc_fail(err, MLC_E_INVALID, "%s: tenants[%zu].dynamics: %s", where, i, fault);
    }
    return code;
}

mlc_code mlc_relay_config_load(mlc_cfg **out, const char *file, mlc_buf *report, mlc_error *err)
{
    mlc_code code = mlc_cfg_load(out, file, schema, SCHEMA_LEN, NULL, NULL, report, err);
    if (code == MLC_OK)
        code = check_credentials(*out, report, err);
    if (code == MLC_OK)
        code = mlc_mappings_check(*out, report, err);
    if (code != MLC_OK) {
        mlc_cfg_free(*out);
        *out = NULL;
    }
    return code;
}

mlc_code mlc_relay_config_describe(mlc_buf *out, mlc_error *err)
{
    return mlc_cfg_describe(schema, SCHEMA_LEN, out, err);
}
