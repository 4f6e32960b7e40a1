/* drift_routes.h - the operator's doors to the full comparison, on the admin socket:
 *   GET  /v1/compare                                   {"tenants":{"acme":{"running":false,"nextRun":...,"last":{...}}}}
 *   POST /v1/compare {"tenant": T, "kind": K, "dry": true}  begin a run; without tenant: all, without kind: all kinds
 * Thread rule: loop's thread only.
 */
#ifndef MLC_RELAY_DRIFT_ROUTES_H
#define MLC_RELAY_DRIFT_ROUTES_H

#include "net/http_server.h"
#include "relay/tenants.h"

enum { MLC_DRIFT_ROUTES = 2 };

typedef struct mlc_drift_desk {
    const mlc_tenants *tenants;
} mlc_drift_desk;

/* Writes MLC_DRIFT_ROUTES rows. `desk` is kept by the caller. */
size_t mlc_drift_routes(const mlc_drift_desk *desk, mlc_http_route *out);

#endif
