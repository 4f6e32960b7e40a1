/* tunnel_auth.h - what shows that an agent is who it says: its key, its issued certificate, or a client certificate of TLS.
 * Thread rule: loop only.
 */
#ifndef MLC_RELAY_TUNNEL_AUTH_H
#define MLC_RELAY_TUNNEL_AUTH_H

#include "relay/tunnel_server.h"
#include "tunnel/session.h"

/* Fill `out` (pointers into `agent`) with what the session needs to check this hello, which came over wsi. agent->adopted is
 * filled when it shows a certificate that may be adopted. MLC_E_NOTFOUND or MLC_E_AUTH: there is nothing by which this agent could prove itself in that way. */
mlc_code mlc_tunnel_auth(const mlc_tunnel_server_options *opt, struct lws *wsi, const mlc_hello *hello,
                         mlc_tunnel_agent *agent, mlc_identity *out, mlc_error *err);

#endif
