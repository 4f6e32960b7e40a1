/* app.h - the running agent: every part put together on one loop. */
#ifndef MLC_AGENT_APP_H
#define MLC_AGENT_APP_H

#include "base/config.h"
#include "base/log.h"

/* Runs until SIGTERM or SIGINT. Errors are those of starting up. */
mlc_code mlc_agent_run(const mlc_cfg *cfg, mlc_log *log, const char *software, mlc_error *err);

#endif
