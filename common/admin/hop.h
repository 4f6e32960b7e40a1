/* hop.h - checks of the way to one HTTPS service: name, proxy, connection, certificate, clock, answer.
 *
 * One request goes out; each line tells of one stage of its way (net/http_trace.h). Without a proxy there is no line of it;
 * with one it stands in the place of the connection. Thread rule: loop's thread only.
 */
#ifndef MLC_ADMIN_HOP_H
#define MLC_ADMIN_HOP_H

#include "admin/checkup.h"
#include "net/http_client.h"
#include "net/http_trace.h"

typedef struct mlc_hop_options {
    mlc_http_client *http;
    const char *id;   /* the checks are id.name, id.proxy or id.connect, id.tls, id.clock, id.answer */
    const char *name; /* "relay"; id, name and url are copied */
    const char *url;  /* of a GET that needs no sign-in */
    bool any_status;  /* every status is an answer */
    bool other_clock; /* no check of the clock */
    /* For the remedies: the settings, and the value of the last (NULL: none). */
    const char *url_setting, *proxy_setting, *ca_setting;
    const char *ca_file;
    const char *refused; /* remedy when the answer has another status than 200; NULL: none */
} mlc_hop_options;

typedef struct mlc_hop {
    mlc_hop_options opt;
    char id[MLC_CHECK_ID_MAX], name[96];
    char *url;
    char host[256];
    const char *proxy; /* "host:port"; NULL: the way leads through none */
    mlc_http_trace trace;
    unsigned token; /* of the check that waits for the request */
    mlc_checkup *checkup;
    mlc_code code;
    mlc_error err;
    int status;
    bool has_date;
    int64_t skew_ms; /* the server's clock minus ours */
} mlc_hop;

/* Append the checks. `hop` is zeroed here and must live until the HTTP client was closed; other texts of the options are
 * borrowed. `needs` NULL: nothing. */
mlc_code mlc_hop_add(mlc_hop *hop, mlc_checkup *checkup, const mlc_hop_options *options, const char *needs,
                     mlc_error *err);
void mlc_hop_free(mlc_hop *hop);

#endif
