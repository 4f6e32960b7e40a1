/* doctor_ais.c - the way to AIS, the log-in, and the right to read each table that is in use. */
#include "agent/doctor_private.h"
#include "agent/order_config.h"

#include <stdio.h>
#include <string.h>

static const char *str(const agent_doctor *d, const char *path)
{
    return mlc_cfg_str(d->cfg, path);
}

/* ---- log-in ---- */

static void on_ready(void *user, mlc_code code, const mlc_error *err)
{
    const agent_doctor *const d = user;
    mlc_ais_session_info info = {0};
    if (code == MLC_E_CLOSED)
        return;
    if (code == MLC_OK) {
        mlc_ais_info(d->ais, &info);
        mlc_checkup_ok(d->checkup, d->login_token, "%s in environment %s, role %s, dates as %s",
                       str(d, "ais.username"), info.environment, str(d, "ais.role"), info.date_format);
    } else if (code == MLC_E_AUTH) {
        mlc_checkup_fail(
            d->checkup, d->login_token,
            "have a JDE administrator look at the user: password, locked or disabled, environment and role",
            "%s", err->message);
    } else {
        mlc_checkup_fail(d->checkup, d->login_token, "look into the log of the AIS server", "%s",
                         err->message);
    }
}

static mlc_code open_ais(agent_doctor *d, mlc_error *err)
{
    const mlc_ais_options ais = {.loop = d->loop,
                                 .http = d->ais_http,
                                 .url = str(d, "ais.url"),
                                 .username = str(d, "ais.username"),
                                 .password = mlc_cfg_secret(d->cfg, "ais.password"),
                                 .environment = str(d, "ais.environment"),
                                 .role = str(d, "ais.role"),
                                 .device = str(d, "ais.device"),
                                 .date_format = str(d, "ais.date_format"),
                                 .timeout_ms = AGENT_DOCTOR_REQUEST_MS,
                                 .max_parallel = 1};
    return mlc_ais_open(&d->ais, &ais, err);
}

static void start_login(mlc_checkup *checkup, unsigned token, void *user)
{
    agent_doctor *const d = user;
    mlc_error err;
    d->login_token = token;
    mlc_code code = open_ais(d, &err);
    if (code == MLC_OK)
        code = mlc_ais_ready(d->ais, on_ready, d, &err);
    if (code != MLC_OK)
        mlc_checkup_fail(checkup, token, NULL, "%s", err.message);
}

/* ---- tables ---- */

static void on_page(void *user, mlc_ais_cursor *cursor, const mlc_ais_page *page, mlc_code code,
                    const mlc_error *err)
{
    const doctor_table *const table = user;
    const agent_doctor *const d = table->doctor;
    char remedy[256];
    if (code == MLC_E_CLOSED)
        return;
    if (page != NULL) {
        mlc_checkup_ok(d->checkup, table->token, "%s, for %s",
                       page->count > 0 ? "one row read" : "may be read, no rows", table->used_by);
        if (page->more)
            mlc_ais_stop(cursor);
    } else if (code == MLC_OK) {
        mlc_checkup_ok(d->checkup, table->token, "may be read, no rows, for %s", table->used_by);
    } else {
        const bool refused = code == MLC_E_DENIED || code == MLC_E_AUTH;
        if (refused)
            (void)snprintf(remedy, sizeof remedy,
                           "give the JDE user %s the right to read %s through AIS's data service",
                           str(d, "ais.username"), table->name);
        else
            (void)snprintf(remedy, sizeof remedy,
                           "see that this release of JDE has %s with all columns that are named",
                           table->name);
        mlc_checkup_fail(d->checkup, table->token, remedy, "%s, needed for %s", err->message, table->used_by);
    }
}

static void start_table(mlc_checkup *checkup, unsigned token, void *user)
{
    doctor_table *const table = user;
    agent_doctor *const d = table->doctor;
    mlc_error err;
    mlc_ais_cursor *cursor = NULL;
    const mlc_ais_query query = {.table = table->name, .columns = table->columns, .page_size = 1};
    table->token = token;
    if (mlc_ais_browse(d->ais, &query, on_page, table, &cursor, &err) != MLC_OK)
        mlc_checkup_fail(checkup, token, NULL, "%s", err.message);
}

static doctor_table *table_named(agent_doctor *d, const char *name)
{
    for (size_t i = 0; i < d->table_count; i++)
        if (strcmp(d->tables[i].name, name) == 0)
            return &d->tables[i];
    if (d->table_count == AGENT_DOCTOR_TABLES_MAX)
        return NULL;
    doctor_table *const table = &d->tables[d->table_count++];
    *table = (doctor_table){.doctor = d, .name = name};
    return table;
}

static void want_column(doctor_table *table, const char *column)
{
    if (column == NULL)
        return;
    for (size_t i = 0; i < table->column_count; i++)
        if (strcmp(table->columns[i], column) == 0)
            return;
    if (table->column_count < AGENT_DOCTOR_COLUMNS_MAX)
        table->columns[table->column_count++] = column;
}

static void want_use(doctor_table *table, const char *use)
{
    const size_t used = strlen(table->used_by);
    if (strstr(table->used_by, use) == NULL)
        (void)snprintf(table->used_by + used, sizeof table->used_by - used, "%s%s", used > 0 ? ", " : "",
                       use);
}

static mlc_code want(agent_doctor *d, const char *name, const char *const *columns, const char *use,
                     mlc_error *err)
{
    doctor_table *const table = table_named(d, name);
    if (table == NULL)
        return mlc_fail(err, MLC_E_INTERNAL, "more tables than expected");
    for (size_t i = 0; columns[i] != NULL; i++)
        want_column(table, columns[i]);
    want_use(table, use);
    return MLC_OK;
}

static mlc_code want_driver(agent_doctor *d, const mlc_flow_plan *plan, const mlc_flow_driver *driver,
                            mlc_error *err)
{
    const char *columns[MLC_FLOW_KEYS_MAX + 3] = {NULL};
    size_t count = 0;
    if (driver->ledger && !plan->settings.ledger.enabled)
        return MLC_OK;
    for (size_t i = 0; i < driver->key_count; i++)
        columns[count++] = plan->spec->keys[i];
    columns[count++] = driver->date_column;
    columns[count] = driver->time_column;
    return want(d, driver->table, columns, plan->spec->name, err);
}

static mlc_code want_flow(agent_doctor *d, const mlc_flow_plan *plan, mlc_error *err)
{
    mlc_code code = MLC_OK;
    for (size_t i = 0; code == MLC_OK && i < mlc_flow_part_count(plan->spec); i++)
        code = want(d, plan->spec->parts[i].table, plan->spec->parts[i].columns, plan->spec->name, err);
    for (size_t i = 0; code == MLC_OK && i < mlc_flow_driver_count(plan->spec); i++)
        code = want_driver(d, plan, &plan->spec->drivers[i], err);
    return code;
}

/* What the executor looks into: the order of a reference, the present address. */
static mlc_code want_writing(agent_doctor *d, mlc_error *err)
{
    static const char *const order[] = {"DOCO", "DCTO", "KCOO", "VR01", NULL};
    static const char *const book[] = {"AN8", "ALPH", "UPMJ", "UPMT", NULL};
    static const char *const address[] = {"AN8",  "EFTB", "ADD1", "ADD2", "ADD3", "ADD4", "ADDZ",
                                          "CTY1", "COUN", "ADDS", "CTR",  "UPMJ", "UPMT", NULL};
    const bool purchase = strcmp(str(d, "orders.target"), "purchase") == 0;
    if (!mlc_cfg_bool(d->cfg, "orders.enabled"))
        return MLC_OK;
    mlc_code code = want(d, purchase ? "F4301" : "F4201", order, "orders from Dynamics", err);
    if (code != MLC_OK || !mlc_cfg_bool(d->cfg, "addresses.enabled"))
        return code;
    code = want(d, "F0101", book, "addresses from Dynamics", err);
    return code == MLC_OK ? want(d, "F0116", address, "addresses from Dynamics", err) : code;
}

static mlc_code add_tables(agent_doctor *d, mlc_error *err)
{
    mlc_code code = MLC_OK;
    for (size_t i = 0; code == MLC_OK && i < d->flows.plan_count; i++)
        code = want_flow(d, &d->flows.plans[i], err);
    if (code == MLC_OK)
        code = want_writing(d, err);
    for (size_t i = 0; code == MLC_OK && i < d->table_count; i++) {
        char id[64];
        char title[64];
        (void)snprintf(id, sizeof id, "ais.table.%.20s", d->tables[i].name);
        (void)snprintf(title, sizeof title, "AIS: read %.20s", d->tables[i].name);
        const mlc_check check = {
            .id = id, .title = title, .needs = "ais.login", .start = start_table, .user = &d->tables[i]};
        code = mlc_checkup_add(d->checkup, &check, err);
    }
    return code;
}

/* ---- orchestrations ---- */

/* The setting, else what the mapping says: "" when that cannot be read. */
static void order_service(const agent_doctor *d, char *out, size_t size)
{
    mlc_order_config orders;
    const char *name = str(d, "orders.orchestration");
    const bool form = strcmp(str(d, "orders.writer"), "form") == 0;
    const mlc_code code = mlc_order_config_read(&orders, d->cfg, NULL, NULL);
    if (form)
        name = str(d, "orders.form");
    else if (name == NULL && code == MLC_OK && orders.map != NULL)
        name = mlc_map_target(orders.map);
    (void)snprintf(out, size, "the %s %s", form ? "form" : "orchestration", name != NULL ? name : "");
    mlc_order_config_free(&orders);
}

static void start_order(mlc_checkup *checkup, unsigned token, void *user)
{
    const agent_doctor *const d = user;
    char order[128];
    const bool addresses = mlc_cfg_bool(d->cfg, "addresses.enabled");
    if (!mlc_cfg_bool(d->cfg, "orders.enabled")) {
        mlc_checkup_skip(checkup, token, "orders.enabled is false");
        return;
    }
    order_service(d, order, sizeof order);
    mlc_checkup_skip(
        checkup, token,
        "%s%s%s cannot be checked without making an order; see in Orchestrator Studio that it is there "
        "and that %s may run it",
        order, addresses ? " and the orchestration " : "", addresses ? str(d, "addresses.orchestration") : "",
        str(d, "ais.username"));
}

void agent_doctor_ais_url(const char *base, char out[AGENT_DOCTOR_URL_MAX])
{
    size_t len = strlen(base);
    while (len > 0 && base[len - 1] == '/')
        len--;
    (void)snprintf(out, AGENT_DOCTOR_URL_MAX, "%.*s/jderest/v2/defaultconfig", (int)len, base);
}

mlc_code agent_doctor_add_ais(agent_doctor *d, mlc_error *err)
{
    char url[AGENT_DOCTOR_URL_MAX];
    agent_doctor_ais_url(str(d, "ais.url"), url);
    const mlc_hop_options hop = {
        .http = d->ais_http,
        .id = "ais",
        .name = "AIS",
        .url = url,
        .url_setting = "ais.url",
        .proxy_setting = "ais.proxy",
        .ca_setting = "ais.ca_file",
        .ca_file = str(d, "ais.ca_file"),
        .refused = "see that ais.url is the AIS server (without /jderest), and that it has started"};
    const mlc_check login = {
        .id = "ais.login", .title = "AIS: log-in", .needs = "ais.answer", .start = start_login, .user = d};
    const mlc_check order = {.id = "ais.order",
                             .title = "AIS: making orders",
                             .needs = "ais.login",
                             .start = start_order,
                             .user = d};
    mlc_code code = mlc_hop_add(&d->ais_hop, d->checkup, &hop, "config", err);
    if (code == MLC_OK)
        code = mlc_checkup_add(d->checkup, &login, err);
    if (code == MLC_OK)
        code = add_tables(d, err);
    return code == MLC_OK ? mlc_checkup_add(d->checkup, &order, err) : code;
}
