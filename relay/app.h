/* app.h - the running relay: tenants, tunnel server, webhooks and admin socket on one loop. */
#ifndef MLC_RELAY_APP_H
#define MLC_RELAY_APP_H

#include "base/config.h"
#include "base/log.h"

/* Runs until SIGTERM or SIGINT. Errors are those of starting up. */
mlc_code mlc_relay_run(const mlc_cfg *cfg, mlc_log *log, const char *software, mlc_error *err);

#endif
