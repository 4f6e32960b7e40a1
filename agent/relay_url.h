/* relay_url.h - where the relay is: the setting relay.url, or what was given at enrolment ("ml-agent enroll --relay"), which
 * is kept in the file relay.url of the data folder. Thread rule: any thread. */
#ifndef MLC_AGENT_RELAY_URL_H
#define MLC_AGENT_RELAY_URL_H

#include "base/config.h"

enum { MLC_RELAY_URL_MAX = 512 };

/* MLC_E_NOTFOUND: neither is there; says what to do. */
mlc_code mlc_relay_url(const mlc_cfg *cfg, char out[MLC_RELAY_URL_MAX], mlc_error *err);
/* An operator's words as the tunnel's address: "relay.example.com", "https://relay.example.com:8443" and
 * "wss://relay.example.com/v1/tunnel" all will do. MLC_E_INVALID: not one, or without TLS to another machine. */
mlc_code mlc_relay_url_of(const char *words, char out[MLC_RELAY_URL_MAX], mlc_error *err);
/* Keep it for the next starts. */
mlc_code mlc_relay_url_keep(const mlc_cfg *cfg, const char *url, mlc_error *err);
/* wss://host:port/v1/tunnel -> https://host:port/path. */
mlc_code mlc_relay_url_http(const char *url, const char *path, char *out, size_t size, mlc_error *err);

#endif
