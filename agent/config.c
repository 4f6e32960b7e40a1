/* config.c - see config.h. */
#include "agent/config.h"

#include "agent/flow/flow_config.h"
#include "agent/identity.h"
#include "agent/order_config.h"
#include "agent/replay.h"
#include "base/config_rows.h"
#include "crypto/sealed.h"
#include "net/proxy.h"

#include <stdlib.h>

#define SECONDS MLC_CFG_SECONDS
#define DAYS    MLC_CFG_DAYS

static const char *const conflict_rules[] = {"jde", "dynamics", "newest", "review", NULL};
static const char *const targets[] = {"sales", "purchase", NULL};
static const char *const discounts[] = {"line", "net_price", NULL};
static const char *const writers[] = {"orchestration", "form", NULL};

/* What every flow from JDE has. */
/* clang-format off */
#define FLOW_AT(name, enabled, schedule, what) \
    {"flows." name ".enabled", MLC_CFG_BOOL, false, enabled, 0, 0, NULL, what}, \
    {"flows." name ".schedule", MLC_CFG_STRING, false, schedule, 1, 120, NULL, \
     "When: minute hour day month weekday; @hourly, @daily, @weekly, @monthly, @every 5m"}, \
    {"flows." name ".jitter", MLC_CFG_DURATION, false, "0s", 0, DAYS(1), NULL, \
     "Later by up to this, always the same at one agent, so that not all sites begin at once"}, \
    {"flows." name ".catch_up", MLC_CFG_BOOL, false, "true", 0, 0, NULL, \
     "A run that was missed while the agent was down is made up for at its start"}, \
    {"flows." name ".window", MLC_CFG_STRING, false, NULL, 0, 11, NULL, \
     "Hours in which it may read, such as 20:00-06:00; default: always"}, \
    {"flows." name ".page_size", MLC_CFG_INT, false, "500", 1, 5000, NULL, "Rows per page"}, \
    {"flows." name ".overlap", MLC_CFG_DURATION, false, "5m", 0, DAYS(7), NULL, \
     "How far behind its watermark a run begins, for rows that become visible late"}
#define FLOW(name, what) FLOW_AT(name, "true", "0 2 * * *", what)
/* clang-format on */

static const mlc_cfg_field schema[] = {
    {"agent.id", MLC_CFG_STRING, true, NULL, 1, 64, NULL, "Name of this agent, as enrolled at the relay"},
    {"agent.tenant", MLC_CFG_STRING, false, "default", 1, 64, NULL, "Tenant the records belong to"},
    {"agent.data_dir", MLC_CFG_PATH, true, NULL, 0, 0, NULL, "Folder of the durable store"},
    {"agent.root_key_file", MLC_CFG_PATH, false, NULL, 0, 0, NULL,
     "Key that seals secrets in the store; default: root.key in data_dir, made at enrolment"},
    {"agent.root_key_credential", MLC_CFG_STRING, false, NULL, 1, 255, NULL,
     "Name of the systemd credential that is this key, in place of the file"},
    MLC_CFG_TOKEN_ROWS,
    {"agent.admin_socket", MLC_CFG_PATH, false, "/run/ml-connector/agent.sock", 0, 0, NULL,
     "Unix socket for mlctl"},
    MLC_CFG_LOG_ROWS,

    {"relay.url", MLC_CFG_URL, false, NULL, 0, 0, NULL,
     "wss://HOST[:PORT]/v1/tunnel; default: what was given to \"ml-agent enroll --relay\""},
    {"relay.ca_file", MLC_CFG_PATH, false, NULL, 0, 0, NULL, "PEM bundle to trust instead of the system's"},
    {"relay.client_cert_file", MLC_CFG_PATH, false, NULL, 0, 0, NULL,
     "Client certificate (PEM) when the agent is known by mTLS instead of an enrolled key"},
    {"relay.client_key_file", MLC_CFG_PATH, false, NULL, 0, 0, NULL, "Its private key (PEM)"},
    MLC_PROXY_FIELDS("relay"),
    /* Off: the compression of libwebsockets before 4.3.3 (Debian 12 has 4.1.6) breaks connections over TLS under load
     * ("zlib error inflate -3"). Nothing is lost then, the tunnel reconnects, but it costs more than it saves. */
    {"relay.renew_at", MLC_CFG_INT, false, "66", 10, 95, NULL,
     "The agent's certificate is renewed after so many percent of its life (and a little random time)"},
    {"relay.renew_retry", MLC_CFG_DURATION, false, "1m", 10, DAYS(1), NULL,
     "First ceiling of the delay after a failed renewal; the greatest is 60 times as long"},
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
    MLC_PROXY_FIELDS("ais"),
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

    {"flows.time_zone", MLC_CFG_STRING, false, NULL, 1, 64, NULL,
     "IANA zone of all schedules and windows below, such as Europe/Berlin; default: UTC"},
    {"flows.parallel", MLC_CFG_INT, false, "1", 1, 16, NULL, "Flows that read JDE at once"},
    {"flows.retry_base", MLC_CFG_DURATION, false, "1s", 10, SECONDS(3600), NULL,
     "First ceiling of the delay after a failed run"},
    {"flows.retry_cap", MLC_CFG_DURATION, false, "5m", 10, DAYS(1), NULL, "Greatest ceiling of that delay"},
    FLOW("customers", "Customers: F0101, F03012, F0116, F0115, F01151, F0911"),
    {"flows.customers.company", MLC_CFG_STRING, false, "00000", 1, 5, NULL,
     "F03012.CO of the customer master rows"},
    {"flows.customers.search_types", MLC_CFG_STRINGS, false, NULL, 0, 0, NULL,
     "F0101.AT1 values taken; default: C"},
    {"flows.customers.open_balance", MLC_CFG_BOOL, false, "false", 0, 0, NULL,
     "Send the open balance: the sum of F0911.AA by address number"},
    {"flows.customers.object_from", MLC_CFG_STRING, false, "1200", 1, 6, NULL,
     "First object account (F0911.OBJ) of the balance"},
    {"flows.customers.object_to", MLC_CFG_STRING, false, "1299", 1, 6, NULL, "Last object account"},
    {"flows.customers.posted_only", MLC_CFG_BOOL, false, "true", 0, 0, NULL, "Only posted lines (POST is P)"},
    FLOW("suppliers", "Suppliers: F0101, F0401, F0116, F0115, F01151"),
    {"flows.suppliers.search_types", MLC_CFG_STRINGS, false, NULL, 0, 0, NULL,
     "F0101.AT1 values taken; default: V"},
    FLOW("contacts", "Contacts: F0111 lines above 0, F0115, F01151"),
    {"flows.contacts.search_types", MLC_CFG_STRINGS, false, NULL, 0, 0, NULL,
     "F0101.AT1 values whose contacts are taken; default: C, V"},
    FLOW("items", "Items: F4101"),
    {"flows.items.inactive_types", MLC_CFG_STRINGS, false, NULL, 0, 0, NULL,
     "F4101.STKT values that make an item inactive; default: O"},
    FLOW("prices", "Prices: F4106 in effect today, F4101"),
    {"flows.prices.inactive_types", MLC_CFG_STRINGS, false, NULL, 0, 0, NULL,
     "F4101.STKT values of items whose prices are inactive; default: O"},
    FLOW_AT("orders", "true", "@every 5m", "Status of our sales orders: F4211, F4201"),
    FLOW_AT("purchase_orders", "false", "@every 5m", "Status of our purchase orders: F4311, F4301"),

    {"orders.enabled", MLC_CFG_BOOL, false, "true", 0, 0, NULL, "Take orders from Dynamics"},
    {"orders.dry_run", MLC_CFG_BOOL, false, "false", 0, 0, NULL,
     "Write no order into JDE: say what would be sent, and keep it until this is off (docs/flows.md)"},
    {"orders.writer", MLC_CFG_ENUM, false, "orchestration", 0, 0, writers, "How orders are made in JDE"},
    {"orders.target", MLC_CFG_ENUM, false, "sales", 0, 0, targets, "Make sales orders or purchase orders"},
    {"orders.mapping", MLC_CFG_PATH, false, NULL, 0, 0, NULL,
     "Mapping file of the orchestration's inputs; default: the built-in one, order or purchase-order"},
    {"orders.catalogue", MLC_CFG_PATH, false, NULL, 0, 0, NULL,
     "File of data items and inputs beside those that are built in (agent/catalogue.h)"},
    {"orders.orchestration", MLC_CFG_STRING, false, NULL, 1, 64, NULL,
     "Name of the orchestration; default: the mapping's target"},
    {"orders.discounts", MLC_CFG_ENUM, false, "line", 0, 0, discounts,
     "A discount goes beside the unit price of each line, or into it (net_price)"},
    {"orders.freight_item", MLC_CFG_STRING, false, NULL, 1, 25, NULL,
     "Item of the line that carries an order's freight; default: freight is left to JDE's own rules"},
    {"orders.freight_line_type", MLC_CFG_STRING, false, "F", 1, 2, NULL, "Its line type (LNTY)"},
    {"orders.supplier", MLC_CFG_STRING, false, NULL, 1, 8, NULL,
     "Address number of the supplier of purchase orders; default: the order's customer"},
    {"orders.orchestration_version", MLC_CFG_INT, false, "3", 2, 3, NULL,
     "v2 or v3 of the orchestrator service"},
    {"orders.form", MLC_CFG_STRING, false, "P4210_W4210A", 1, 64, NULL, "Form of sales order entry"},
    {"orders.form_version", MLC_CFG_STRING, false, "ZJDE0001", 1, 16, NULL, "Its version"},
    {"orders.form_controls", MLC_CFG_STRINGS, false, NULL, 0, 0, NULL,
     "Control ids of that form where they differ from the defaults, such as \"SoldTo=15\""},
    {"orders.order_type", MLC_CFG_STRING, false, NULL, 2, 2, NULL,
     "DCTO; default: SO, or OP for purchase orders"},
    {"orders.company", MLC_CFG_STRING, false, "00001", 5, 5, NULL, "KCOO"},
    {"orders.branch_plant", MLC_CFG_STRING, false, "30", 1, 12, NULL, "MCU"},
    {"orders.parallel", MLC_CFG_INT, false, "4", 1, 64, NULL, "Orders written at once"},
    {"orders.max_attempts", MLC_CFG_INT, false, "12", 1, 1000, NULL, "Then an order is parked for review"},
    {"orders.retry_base", MLC_CFG_DURATION, false, "1s", 10, SECONDS(3600), NULL,
     "First ceiling of the delay"},
    {"orders.retry_cap", MLC_CFG_DURATION, false, "15m", 10, DAYS(1), NULL, "Greatest ceiling of the delay"},
    {"orders.settle", MLC_CFG_DURATION, false, "2m", 100, SECONDS(3600), NULL,
     "After an uncertain write JDE is asked not before this: longer than its slowest order takes"},

    {"addresses.enabled", MLC_CFG_BOOL, false, "true", 0, 0, NULL,
     "Take changed addresses from Dynamics; needs orders.enabled, whose parallel, retry and settle apply"},
    {"addresses.dry_run", MLC_CFG_BOOL, false, "false", 0, 0, NULL,
     "Write no address into JDE: say what would be sent, and keep it until this is off (docs/flows.md)"},
    {"addresses.orchestration", MLC_CFG_STRING, false, "ML_UpdateAddress", 1, 64, NULL,
     "Name of the orchestration"},
    {"addresses.orchestration_version", MLC_CFG_INT, false, "3", 2, 3, NULL,
     "v2 or v3 of the orchestrator service"},
    {"addresses.conflict", MLC_CFG_ENUM, false, "jde", 0, 0, conflict_rules,
     "Who wins when JDE's address changed since the version edited in Dynamics; newest needs ais.time_zone"},

    {"replay.url", MLC_CFG_URL, false, NULL, 0, 0, NULL,
     "AIS server of a test JDE for mlctl replay; never the one of ais.url"},
    {"replay.username", MLC_CFG_STRING, false, NULL, 1, 64, NULL, "Its JDE user"},
    {"replay.password", MLC_CFG_SECRET, false, NULL, 0, 0, NULL, "Its password"},
    {"replay.environment", MLC_CFG_STRING, false, NULL, 1, 30, NULL,
     "Its JDE environment, such as JPY920; never the one of ais.environment"},
    {"replay.role", MLC_CFG_STRING, false, "*ALL", 1, 30, NULL, "Its JDE role"},
    {"replay.date_format", MLC_CFG_STRING, false, NULL, 1, 30, NULL,
     "Overrides the format it tells at log-in"},
    {"replay.ca_file", MLC_CFG_PATH, false, NULL, 0, 0, NULL, "PEM bundle to trust instead of the system's"},
    MLC_PROXY_FIELDS("replay"),

    {"store.map_max", MLC_CFG_SIZE, false, "64G", 16 << 20, 0, NULL, "Greatest size of the store's file"},
    {"store.up_max_bytes", MLC_CFG_SIZE, false, "8G", 1 << 16, 0, NULL,
     "Waiting for the relay; then polling pauses"},
    {"store.jde_max_bytes", MLC_CFG_SIZE, false, "2G", 1 << 16, 0, NULL,
     "Waiting for JDE; then the relay waits"},
    MLC_CFG_KEEP_ROWS,
    MLC_CFG_AUDIT_ROWS,
};
enum { SCHEMA_LEN = sizeof schema / sizeof schema[0] };

/* What the schema cannot check: schedules, windows, the zone. */
static mlc_code check_flows(const mlc_cfg *cfg, mlc_buf *report, mlc_error *err)
{
    mlc_flow_config *const flows = calloc(1, sizeof *flows);
    if (flows == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for the configuration");
    const mlc_code code = mlc_flow_config_read(flows, cfg, report, err);
    mlc_flow_config_free(flows);
    free(flows);
    return code;
}

/* Mapping and field catalogue of orders. */
static mlc_code check_orders(const mlc_cfg *cfg, mlc_buf *report, mlc_error *err)
{
    mlc_order_config orders;
    const mlc_code code = mlc_order_config_read(&orders, cfg, report, err);
    mlc_order_config_free(&orders);
    return code;
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
    sealed_visit *const visit = user;
    mlc_code code = mlc_key_once_ring(&visit->key, mlc_identity_key_owner(), cfg, err);
    if (code == MLC_OK)
        code = mlc_sealed_open(&visit->key.ring, "ml-agent", path, base64, out, err);
    if (code == MLC_OK && visit->fn != NULL)
        code = visit->fn(visit->user, path, base64, err);
    return code;
}

mlc_code mlc_agent_config_load(mlc_cfg **out, const char *file, mlc_buf *report, mlc_error *err)
{
    sealed_visit visiting = {.fn = NULL};
    mlc_code code = mlc_cfg_load(out, file, schema, SCHEMA_LEN, unseal, &visiting, report, err);
    mlc_keyring_wipe(&visiting.key.ring);
    if (code == MLC_OK)
        code = mlc_key_place_check(*out, report, err);
    if (code == MLC_OK)
        code = check_flows(*out, report, err);
    if (code == MLC_OK)
        code = check_orders(*out, report, err);
    if (code == MLC_OK)
        code = mlc_replay_config_check(*out, report, err);
    if (code == MLC_OK)
        code = mlc_proxy_check(*out, "relay", report, err);
    if (code == MLC_OK)
        code = mlc_proxy_check(*out, "ais", report, err);
    if (code == MLC_OK)
        code = mlc_proxy_check(*out, "replay", report, err);
    if (code != MLC_OK && *out != NULL) {
        mlc_cfg_free(*out);
        *out = NULL;
    }
    return code;
}

mlc_code mlc_agent_config_sealed(const char *file, mlc_rotate_visit visit, void *user, mlc_buf *report,
                                 mlc_error *err)
{
    mlc_cfg *cfg = NULL;
    sealed_visit visiting = {.fn = visit, .user = user};
    const mlc_code code = mlc_cfg_load(&cfg, file, schema, SCHEMA_LEN, unseal, &visiting, report, err);
    mlc_keyring_wipe(&visiting.key.ring);
    mlc_cfg_free(cfg);
    return code;
}

mlc_code mlc_agent_config_describe(mlc_buf *out, mlc_error *err)
{
    return mlc_cfg_describe(schema, SCHEMA_LEN, out, err);
}
