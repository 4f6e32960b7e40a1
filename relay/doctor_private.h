/* doctor_private.h - what the doctor_*.c files share. */
#ifndef MLC_RELAY_DOCTOR_PRIVATE_H
#define MLC_RELAY_DOCTOR_PRIVATE_H

#include "admin/checkup.h"
#include "admin/hop.h"
#include "base/config.h"
#include "relay/mappings.h"
#include "relay/odata.h"
#include "relay/schema_table.h"
#include "relay/webhook_steps.h"

enum { RELAY_DOCTOR_SETS_MAX = 24, RELAY_DOCTOR_SET_MAX = 128 };

/* Of one request: within the time of a check, so that a slow one does not hold up the next. */
enum { RELAY_DOCTOR_REQUEST_MS = 15000 };

typedef struct relay_doctor relay_doctor;
typedef struct tenant_doctor tenant_doctor;

/* A table of Dynamics that the tenant's records go to or come from. */
typedef struct doctor_set {
    tenant_doctor *tenant;
    char set[RELAY_DOCTOR_SET_MAX];
    const char *table; /* logical name; borrowed, static */
    /* Each check has a token of its own: an answer that comes after its time must not end the next one. */
    unsigned read_token, columns_token;
    const char *const
        *own; /* columns of ours it must have, without prefix; NULL: its metadata is not looked at */
} doctor_set;

struct tenant_doctor {
    relay_doctor *doctor;
    mlc_checkup *checkup;
    const mlc_cfg *cfg;
    size_t index; /* of "tenants" */
    char id[64];
    bool sound; /* its configuration has no faults: all else can be checked */
    mlc_http_client *http;
    mlc_entra *entra;
    mlc_odata *odata;
    mlc_hop authority, dynamics;
    mlc_mappings mappings;
    doctor_set sets[RELAY_DOCTOR_SETS_MAX];
    size_t set_count;
    mlc_hook_plan plan;
    mlc_hook_check hooks;
    char *hook_url;
    int question; /* of the webhook check */
    unsigned token_token, user_token, hook_token;
};

struct relay_doctor {
    uv_loop_t *loop;
    const mlc_cfg *cfg;
    const char *software;
    mlc_checkup *checkup;
    mlc_http_client *socket_http;
    bool running;
    cJSON *status, *agents; /* told by the running relay; NULL: nothing */
    unsigned token;
    tenant_doctor *tenants;
    size_t tenant_count;
};

/* doctor_tenant.c: all checks of one tenant. */
mlc_code relay_doctor_add_tenant(tenant_doctor *t, mlc_error *err);
void relay_doctor_close_tenant(tenant_doctor *t);
void relay_doctor_free_tenant(tenant_doctor *t);

/* One check "tenant.ID.NAME" titled "ID: TITLE"; `needs` and `also` are names of the same tenant, NULL: none. */
mlc_code relay_doctor_add(tenant_doctor *t, const char *name, const char *title, const char *needs,
                          const char *also, mlc_check_fn start, void *user, mlc_error *err);
/* A setting of the tenant: "dynamics.url". */
const char *relay_doctor_str(const tenant_doctor *t, const char *name);

/* doctor_tables.c: reading, columns, keys, mappings. */
mlc_code relay_doctor_add_tables(tenant_doctor *t, mlc_error *err);
/* doctor_hooks.c: the webhook steps. */
mlc_code relay_doctor_add_hooks(tenant_doctor *t, mlc_error *err);

#endif
