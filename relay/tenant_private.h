/* tenant_private.h - the inside of a tenant, for its own files only:
 *   tenant.c           its life
 *   tenant_parts.c     how each part is opened from the settings
 *   tenant_settings.c  reading a setting of this tenant
 *   tenant_view.c      what operators and the tunnel see of it
 */
#ifndef MLC_RELAY_TENANT_PRIVATE_H
#define MLC_RELAY_TENANT_PRIVATE_H

#include "deliver/upkeep.h"
#include "net/waker.h"
#include "relay/drift.h"
#include "relay/inbound.h"
#include "relay/intake.h"
#include "relay/reconcile.h"
#include "relay/tenant.h"
#include "relay/webhook_setup.h"
#include "relay/xref_rebuild.h"

enum { TENANT_TABLES = 3 /* that are reconciled */ };

struct mlc_tenant {
    mlc_tenant_options opt;
    const char *id;
    mlc_waker *waker;
    mlc_store *store;
    mlc_outbox *intake_stream, *down, *dynamics, *held;
    mlc_upkeep *upkeep;
    mlc_http_client *http;
    mlc_entra *entra;
    mlc_odata *odata;
    mlc_mappings mappings;
    mlc_schema *schema;
    mlc_lookups *lookups;
    mlc_records *records;
    mlc_trial *trial;
    mlc_intake *intake;
    mlc_address_intake addresses;
    mlc_deliverer *deliverer;                /* of "dynamics" */
    mlc_reconcile *reconcile[TENANT_TABLES]; /* NULL: not that table */
    mlc_hook_setup *hooks;
    mlc_drift *drift;
    mlc_inbound inbound;
    mlc_xref_rebuild *xref;
    mlc_link_binding binding;
    mlc_webhook_target webhook;
    mlc_quota webhook_quota;
};

/* ---- tenant_settings.c: tenant_str(t, "dynamics.url") ---- */

typedef struct tenant_path {
    char text[96];
} tenant_path;

const char *tenant_at(const mlc_tenant *t, tenant_path *path, const char *name);
const char *tenant_str(const mlc_tenant *t, const char *name);
int64_t tenant_num(const mlc_tenant *t, const char *name);
bool tenant_flag(const mlc_tenant *t, const char *name);
const char *tenant_secret(const mlc_tenant *t, const char *name);
/* The tenant's own limit, or that of all. */
int64_t tenant_limit(const mlc_tenant *t, const char *own, const char *common);

/* ---- tenant.c: signals between the parts; user: the tenant ---- */

void tenant_on_event(void *user);    /* "intake" has work */
void tenant_on_down(void *user);     /* "down" has work */
void tenant_on_received(void *user); /* messages of the agent were stored */

/* ---- tenant_parts.c, in this order ---- */

mlc_code tenant_open_store(mlc_tenant *t, mlc_error *err);
mlc_code tenant_open_dynamics(mlc_tenant *t, mlc_error *err);
mlc_code tenant_open_deliveries(mlc_tenant *t, mlc_error *err);
mlc_code tenant_open_reconcile(mlc_tenant *t, mlc_error *err);
mlc_code tenant_open_hooks(mlc_tenant *t, mlc_error *err);
mlc_code tenant_open_drift(mlc_tenant *t, mlc_error *err);

#endif
