/* config.c - see config.h. */
#include "agent/config.h"

#include "agent/identity.h"
#include "crypto/sealed.h"

#define SECONDS(n) ((int64_t)(n)*1000)
#define DAYS(n)    ((int64_t)(n)*24 * 3600 * 1000)

static const char *const log_levels[] = {"debug", "info", "warn", "error", NULL};
static const char *const writers[] = {"orchestration", "form", NULL};

static const mlc_cfg_field schema[] = {
    {"agent.id", MLC_CFG_STRING, true, NULL, 1, 64, NULL, "Name of this agent, as enrolled at the relay"},
    {"agent.tenant", MLC_CFG_STRING, false, "default", 1, 64, NULL, "Tenant the records belong to"},
    {"agent.data_dir", MLC_CFG_PATH, true, NULL, 0, 0, NULL, "Folder of the durable store"},
    {"agent.root_key_file", MLC_CFG_PATH, false, NULL, 0, 0, NULL,
     "Key that seals secrets in the store; default: root.key in data_dir, made at enrolment"},
    {"agent.admin_socket", MLC_CFG_PATH, false, "/run/ml-connector/agent.sock", 0, 0, NULL,
     "Unix socket for mlctl"},
    {"log.file", MLC_CFG_PATH, false, "-", 0, 0, NULL, "Log file; - is standard error"},
    {"log.level", MLC_CFG_ENUM, false, "info", 0, 0, log_levels, "Least level that is written"},

    {"relay.url", MLC_CFG_URL, true, NULL, 0, 0, NULL, "wss://HOST[:PORT]/v1/tunnel"},
    {"relay.ca_file", MLC_CFG_PATH, false, NULL, 0, 0, NULL, "PEM bundle to trust instead of the system's"},
    {"relay.client_cert_file", MLC_CFG_PATH, false, NULL, 0, 0, NULL,
     "Client certificate (PEM) when the agent is known by mTLS instead of an enrolled key"},
    {"relay.client_key_file", MLC_CFG_PATH, false, NULL, 0, 0, NULL, "Its private key (PEM)"},
    {"relay.proxy", MLC_CFG_STRING, false, NULL, 0, 512, NULL, "HTTP proxy, http://host:port"},
    /* Off: the compression of libwebsockets before 4.3.3 (Debian 12 has 4.1.6) breaks connections over TLS under load
     * ("zlib error inflate -3"). Nothing is lost then, the tunnel reconnects, but it costs more than it saves. */
    {"relay.compress", MLC_CFG_BOOL, false, "false", 0, 0, NULL,
     "Offer permessage-deflate; needs libwebsockets 4.3.3 or later on both sides"},
    {"relay.ping_interval", MLC_CFG_DURATION, false, "10s", 100, SECONDS(11), NULL,
     "A peer silent for 2.5 intervals counts as gone"},
    {"relay.reconnect_base", MLC_CFG_DURATION, false, "500ms", 10, SECONDS(60), NULL,
     "First ceiling of the reconnect delay"},
    {"relay.reconnect_cap", MLC_CFG_DURATION, false, "60s", 10, SECONDS(3600), NULL,
     "Greatest ceiling of the reconnect delay"},

    {"ais.url", MLC_CFG_URL, true, NULL, 0, 0, NULL,
     "https://HOST[:PORT] of the AIS server, without /jderest"},
    {"ais.ca_file", MLC_CFG_PATH, false, NULL, 0, 0, NULL, "PEM bundle to trust instead of the system's"},
    {"ais.proxy", MLC_CFG_STRING, false, NULL, 0, 512, NULL, "HTTP proxy, http://host:port"},
    {"ais.username", MLC_CFG_STRING, true, NULL, 1, 64, NULL, "JDE user of the connector"},
    {"ais.password", MLC_CFG_SECRET, true, NULL, 0, 0, NULL, "Its password"},
    {"ais.environment", MLC_CFG_STRING, true, NULL, 1, 30, NULL, "JDE environment, such as JPD920"},
    {"ais.role", MLC_CFG_STRING, false, "*ALL", 1, 30, NULL, "JDE role"},
    {"ais.device", MLC_CFG_STRING, false, "ml-connector", 1, 64, NULL, "Device name told to AIS"},
    {"ais.date_format", MLC_CFG_STRING, false, NULL, 1, 30, NULL, "Overrides the format AIS tells at log-in"},
    {"ais.time_zone", MLC_CFG_STRING, false, NULL, 1, 64, NULL,
     "IANA zone of the JDE server's clock, such as America/Denver; needed for the hour that occurs twice in "
     "autumn"},
    {"ais.token_life", MLC_CFG_DURATION, false, "25m", SECONDS(1), SECONDS(86400), NULL,
     "Log in again after this"},
    {"ais.timeout", MLC_CFG_DURATION, false, "60s", 100, SECONDS(600), NULL, "Deadline of one request"},
    {"ais.max_parallel", MLC_CFG_INT, false, "4", 1, 64, NULL, "Requests to AIS at once"},

    {"customers.enabled", MLC_CFG_BOOL, false, "true", 0, 0, NULL, "Send customers to Dynamics"},
    {"customers.interval", MLC_CFG_DURATION, false, "1h", 100, DAYS(31), NULL, "Pause between two polls"},
    {"customers.overlap", MLC_CFG_DURATION, false, "5m", 0, DAYS(7), NULL,
     "How far behind its watermark a poll begins, for rows that become visible late"},
    {"customers.page_size", MLC_CFG_INT, false, "500", 1, 5000, NULL, "Rows per page"},
    {"customers.company", MLC_CFG_STRING, false, "00000", 1, 5, NULL,
     "F03012.CO of the customer master rows"},
    {"customers.search_types", MLC_CFG_STRINGS, false, NULL, 0, 0, NULL,
     "F0101.AT1 values taken; default: C"},
    {"customers.retry_base", MLC_CFG_DURATION, false, "1s", 10, SECONDS(3600), NULL,
     "First ceiling after a failure"},
    {"customers.retry_cap", MLC_CFG_DURATION, false, "5m", 10, DAYS(1), NULL,
     "Greatest ceiling after failures"},

    {"orders.enabled", MLC_CFG_BOOL, false, "true", 0, 0, NULL, "Take orders from Dynamics"},
    {"orders.writer", MLC_CFG_ENUM, false, "orchestration", 0, 0, writers, "How orders are made in JDE"},
    {"orders.orchestration", MLC_CFG_STRING, false, "ML_CreateSalesOrder", 1, 64, NULL,
     "Name of the orchestration"},
    {"orders.orchestration_version", MLC_CFG_INT, false, "3", 2, 3, NULL,
     "v2 or v3 of the orchestrator service"},
    {"orders.form", MLC_CFG_STRING, false, "P4210_W4210A", 1, 64, NULL, "Form of sales order entry"},
    {"orders.form_version", MLC_CFG_STRING, false, "ZJDE0001", 1, 16, NULL, "Its version"},
    {"orders.form_controls", MLC_CFG_STRINGS, false, NULL, 0, 0, NULL,
     "Control ids of that form where they differ from the defaults, such as \"SoldTo=15\""},
    {"orders.order_type", MLC_CFG_STRING, false, "SO", 2, 2, NULL, "DCTO"},
    {"orders.company", MLC_CFG_STRING, false, "00001", 5, 5, NULL, "KCOO"},
    {"orders.branch_plant", MLC_CFG_STRING, false, "30", 1, 12, NULL, "MCU"},
    {"orders.parallel", MLC_CFG_INT, false, "4", 1, 64, NULL, "Orders written at once"},
    {"orders.max_attempts", MLC_CFG_INT, false, "12", 1, 1000, NULL, "Then an order is parked for review"},
    {"orders.retry_base", MLC_CFG_DURATION, false, "1s", 10, SECONDS(3600), NULL,
     "First ceiling of the delay"},
    {"orders.retry_cap", MLC_CFG_DURATION, false, "15m", 10, DAYS(1), NULL, "Greatest ceiling of the delay"},
    {"orders.settle", MLC_CFG_DURATION, false, "2m", 100, SECONDS(3600), NULL,
     "After an uncertain write JDE is asked not before this: longer than its slowest order takes"},

    {"store.map_max", MLC_CFG_SIZE, false, "64G", 16 << 20, 0, NULL, "Greatest size of the store's file"},
    {"store.up_max_bytes", MLC_CFG_SIZE, false, "8G", 1 << 16, 0, NULL,
     "Waiting for the relay; then polling pauses"},
    {"store.jde_max_bytes", MLC_CFG_SIZE, false, "2G", 1 << 16, 0, NULL,
     "Waiting for JDE; then the relay waits"},
    {"store.keep_done", MLC_CFG_DURATION, false, "7d", SECONDS(1), DAYS(3650), NULL,
     "How long done entries are kept"},
    {"store.keep_done_count", MLC_CFG_INT, false, "100000", 1, 100000000, NULL,
     "How many of each stream at most"},
};
enum { SCHEMA_LEN = sizeof schema / sizeof schema[0] };

static mlc_code unseal(void *user, const mlc_cfg *cfg, const char *path, const char *base64, mlc_buf *out,
                       mlc_error *err)
{
    char file[1024];
    uint8_t root[MLC_KEY_LEN] = {0};
    (void)user;
    mlc_code code = mlc_root_key_load(mlc_identity_root_key_file(cfg, file, sizeof file), false, root, err);
    if (code == MLC_OK)
        code = mlc_sealed_open(root, "ml-agent", path, base64, out, err);
    mlc_wipe(root, sizeof root);
    return code;
}

mlc_code mlc_agent_config_load(mlc_cfg **out, const char *file, mlc_buf *report, mlc_error *err)
{
    return mlc_cfg_load(out, file, schema, SCHEMA_LEN, unseal, NULL, report, err);
}

mlc_code mlc_agent_config_describe(mlc_buf *out, mlc_error *err)
{
    return mlc_cfg_describe(schema, SCHEMA_LEN, out, err);
}
