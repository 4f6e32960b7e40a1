/* flow_preview_route.h - the operator's door to previews, on the admin socket:
 *   POST /v1/dry-run {"flow": NAME, "ids": ["6001", ...], "max": 1000}
 * Without ids: what a run would send now. Answer: {"flow","records":[{"id","what","record"|"why"}],"unchanged":N,"more":BOOL};
 * `what` is new, changed, gone, faulty, with ids also unchanged; `more`: there are more than `max`. JDE is read, nothing else
 * happens. Thread rule: loop's thread only.
 */
#ifndef MLC_AGENT_FLOW_PREVIEW_ROUTE_H
#define MLC_AGENT_FLOW_PREVIEW_ROUTE_H

#include "agent/flow/flow_set.h"
#include "net/http_server.h"

/* In zeros at first. */
typedef struct mlc_flow_preview_desk {
    mlc_flow_set *const *set;  /* looked at when asked: NULL while the agent starts */
    struct preview_call *call; /* under way */
} mlc_flow_preview_desk;

/* The desk must outlive the server. */
mlc_http_route mlc_flow_preview_route(mlc_flow_preview_desk *desk);
/* After mlc_flow_set_stop: the call under way is forgotten. */
void mlc_flow_preview_end(mlc_flow_preview_desk *desk);

#endif
