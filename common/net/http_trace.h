/* http_trace.h - how far a request got, and which certificates its peer showed: for a diagnosis (mlc_http_request.trace).
 *
 * Nothing is verified less for it: the handshake fails or succeeds as without a trace. The memory is the caller's and must
 * stay until the request's callback; what is in it is valid from then on. Thread rule: loop's thread only.
 */
#ifndef MLC_NET_HTTP_TRACE_H
#define MLC_NET_HTTP_TRACE_H

#include <stdbool.h>
#include <stdint.h>

enum { MLC_HTTP_DN_MAX = 256 };

/* The stage at which a request ended, in the order of the way. */
typedef enum mlc_http_stage {
    MLC_HTTP_AT_NAME,    /* the host's name was not resolved (with a proxy: the proxy's) */
    MLC_HTTP_AT_CONNECT, /* no connection to the host; not with a proxy */
    MLC_HTTP_AT_PROXY,   /* no connection to the proxy, or it refuses to connect further */
    MLC_HTTP_AT_TLS,     /* the handshake failed */
    MLC_HTTP_AT_ANSWER,  /* connected, and no whole answer */
    MLC_HTTP_AT_END      /* an answer came */
} mlc_http_stage;

/* Names as in RFC 2253: "CN=relay.example.com,O=Example". "" when not known. */
typedef struct mlc_http_cert {
    char subject[MLC_HTTP_DN_MAX];
    char issuer[MLC_HTTP_DN_MAX];
    int64_t not_after_ms; /* wall clock; 0: not known */
} mlc_http_cert;

typedef struct mlc_http_trace {
    mlc_http_stage stage;
    bool proxied;       /* the way led through a proxy */
    int connect_status; /* the proxy's answer to CONNECT; 0: none */
    /* When that is 407: the sign-ins it offers, such as "Negotiate, NTLM" ("": none that we know), and what to do. */
    char proxy_offers[48];
    const char *proxy_remedy; /* NULL: nothing to say; else in the settings' own words, static */
    char address[64];         /* of the host or the proxy, when connected */
    long port;                /* the same */
    mlc_http_cert peer;       /* the server's own certificate */
    /* The certificate of the chain that was not accepted, and OpenSSL's reason; empty when all were. A wrong host name is
     * no fault of the chain: the handshake fails with this empty. */
    mlc_http_cert refused;
    char fault[128];
    /* The chain ends at an authority that is not among those trusted. */
    bool unknown_issuer;
} mlc_http_trace;

#endif
