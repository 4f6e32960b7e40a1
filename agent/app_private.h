/* app_private.h - the running agent, for its own files only:
 *   app.c       opens the parts from the store outwards, runs, and closes them in the opposite order
 *   app_work.c  the parts that do the work: flows from JDE, executor of orders and addresses, comparison
 *   app_view.c  what an operator sees and may do
 */
#ifndef MLC_AGENT_APP_PRIVATE_H
#define MLC_AGENT_APP_PRIVATE_H

#include "admin/admin.h"
#include "agent/app.h"
#include "agent/compare.h"
#include "agent/executor.h"
#include "agent/flow/flow_config.h"
#include "agent/flow/flow_preview_route.h"
#include "agent/order_config.h"
#include "agent/renewal.h"
#include "agent/replay.h"
#include "agent/tunnel_client.h"
#include "deliver/upkeep.h"
#include "net/service.h"
#include "net/waker.h"

enum { FORM_CONTROLS_MAX = 32, ROUTES_MAX = 32, LOGOUT_WAIT_MS = 4000 };

typedef struct agent_app {
    const mlc_cfg *cfg;
    mlc_log *log;
    const char *software;
    uv_loop_t loop;
    uv_signal_t on_term, on_int, on_hup;
    bool signals_open, stopping;
    unsigned sessions; /* that have not ended yet, while closing */
    mlc_waker *waker;
    mlc_service *service;
    mlc_store *store;
    mlc_outbox *up, *jde, *held, *ask;
    mlc_upkeep *upkeep;
    mlc_lws *lws;
    mlc_http_client *http;
    mlc_ais *ais;
    mlc_zone *zone;
    mlc_flow_config flow_config;
    mlc_flow_set *flows;
    mlc_executor *executor;
    mlc_replay *replay;
    mlc_order_config orders;
    mlc_executor_gate gate;
    mlc_address_options addresses;
    mlc_compare *compare;
    mlc_tunnel_client *tunnel;
    mlc_renewal *renewal;
    mlc_admin *admin;
    mlc_http_server *admin_server;
    const char *form_controls[FORM_CONTROLS_MAX];
    mlc_flow_preview_desk previews;
    mlc_http_route routes[ROUTES_MAX];
} agent_app;

/* Text of a setting. */
const char *app_str(const agent_app *app, const char *path);
/* Signals between the parts; user: the app. */
void app_on_up_has_work(void *user);
void app_on_down_received(void *user);

mlc_code app_open_flows(agent_app *app, mlc_error *err);
mlc_code app_open_executor(agent_app *app, mlc_error *err);
/* Take over what of the configuration file may change while the agent runs: orders.dry_run, addresses.dry_run. */
void app_reload(agent_app *app);
mlc_code app_open_compare(agent_app *app, mlc_error *err);
mlc_code app_open_admin(agent_app *app, mlc_error *err);

#endif
