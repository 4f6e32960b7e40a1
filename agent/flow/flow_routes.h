/* flow_routes.h - the operator's doors to the flows, on the admin socket:
 *   GET  /v1/flows                  {"flows":[...]}, see flow_set.h
 *   POST /v1/poll {"flow": NAME}    run it now; {} or nothing: all
 * Thread rule: loop's thread only.
 */
#ifndef MLC_AGENT_FLOW_ROUTES_H
#define MLC_AGENT_FLOW_ROUTES_H

#include "agent/flow/flow_set.h"
#include "net/http_server.h"

enum { MLC_FLOW_ROUTES = 2 };

/* Writes MLC_FLOW_ROUTES rows. `*set` is looked at when asked: NULL while the agent starts. */
size_t mlc_flow_routes(mlc_flow_set *const *set, mlc_http_route *out);

#endif
