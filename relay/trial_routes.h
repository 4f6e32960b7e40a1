/* trial_routes.h - the operator's routes of dry runs and replays:
 *   POST /v1/dry-run {"store": TENANT, "key": "customer/6001", "operator": NAME}
 *   POST /v1/replay  {"store": TENANT, "audit": INDEX | "correlation": ID, "target": URL, "operator": NAME}
 * "store" may be left out when there is one tenant. Answers: admin/rerun.h. Thread rule: loop's thread only.
 */
#ifndef MLC_RELAY_TRIAL_ROUTES_H
#define MLC_RELAY_TRIAL_ROUTES_H

#include "relay/trial.h"

enum { MLC_TRIAL_ROUTES = 2 };

typedef struct mlc_trial_desk {
    /* The trials of the tenant called so; NULL `tenant`: of the only one. NULL: there is no such tenant. */
    mlc_trial *(*find)(void *user, const char *tenant);
    void *user;
} mlc_trial_desk;

/* Writes MLC_TRIAL_ROUTES rows; the desk must outlive the server. */
size_t mlc_trial_routes(const mlc_trial_desk *desk, mlc_http_route *out);

#endif
