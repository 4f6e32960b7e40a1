/* doctor_private.h - what the doctor_*.c files share. */
#ifndef MLC_AGENT_DOCTOR_PRIVATE_H
#define MLC_AGENT_DOCTOR_PRIVATE_H

#include "admin/checkup.h"
#include "admin/hop.h"
#include "agent/ais.h"
#include "agent/flow/flow_config.h"
#include "agent/identity.h"
#include "agent/relay_url.h"
#include "base/config.h"
#include "crypto/crypto.h"

enum { AGENT_DOCTOR_TABLES_MAX = 32, AGENT_DOCTOR_COLUMNS_MAX = 48, AGENT_DOCTOR_URL_MAX = 640 };

/* Of one request to AIS: within the time of a check, so that a slow one does not hold up the next. */
enum { AGENT_DOCTOR_REQUEST_MS = 15000 };

typedef struct agent_doctor agent_doctor;

/* A table that is read, with all columns that are. */
typedef struct doctor_table {
    agent_doctor *doctor;
    const char *name;
    const char *columns[AGENT_DOCTOR_COLUMNS_MAX + 1];
    size_t column_count;
    char used_by[160];
    unsigned token;
} doctor_table;

struct agent_doctor {
    uv_loop_t *loop;
    const mlc_cfg *cfg;
    const char *software;
    mlc_checkup *checkup;
    mlc_http_client *relay_http, *ais_http, *socket_http;
    mlc_http_client *replay_http; /* NULL: no test target is configured */
    mlc_hop relay, ais_hop, replay_hop;
    mlc_ais *ais, *replay_ais;
    mlc_flow_config flows;
    bool in_use;                 /* another process has the store: the service runs */
    mlc_agent_identity identity; /* of the store, when the service does not run */
    char url[MLC_RELAY_URL_MAX]; /* of the tunnel; "" when it is not known */
    bool tunnel_up;              /* told by the running service */
    /* Each check has a token of its own: an answer that comes after its time must not end the next one. */
    unsigned service_token, identity_token, login_token, replay_token;
    cJSON *service_identity; /* what the running service tells of its identity */
    doctor_table tables[AGENT_DOCTOR_TABLES_MAX];
    size_t table_count;
};

/* doctor_relay.c: hop, identity. */
mlc_code agent_doctor_add_relay(agent_doctor *d, mlc_error *err);
/* What is asked of the AIS server `base` without a log-in. */
void agent_doctor_ais_url(const char *base, char out[AGENT_DOCTOR_URL_MAX]);
/* doctor_ais.c: hop, log-in, tables, orchestration. */
mlc_code agent_doctor_add_ais(agent_doctor *d, mlc_error *err);

/* doctor_replay.c: the test target of replays, when one is configured; after agent_doctor_add_ais, which it compares with. */
mlc_code agent_doctor_add_replay(agent_doctor *d, mlc_error *err);
/* Ends the session there. */
void agent_doctor_close_replay(agent_doctor *d);

#endif
