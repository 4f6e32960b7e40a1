/* http_trace.c - see http_trace.h. The certificates: http_trace_tls.c. */
#include "net/http_private.h"

#include <string.h>

void mlc_http_trace_begin(mlc_http_call *call)
{
    if (call->trace == NULL)
        return;
    memset(call->trace, 0, sizeof *call->trace);
    call->trace->proxied = call->proxied;
    /* A whole handshake, on a connection that does not outlive the trace. */
    curl_easy_setopt(call->easy, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(call->easy, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(call->easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
    curl_easy_setopt(call->easy, CURLOPT_SSL_CTX_FUNCTION, mlc_http_trace_tls);
    curl_easy_setopt(call->easy, CURLOPT_SSL_CTX_DATA, call->trace);
}

static bool was_reached(const mlc_http_call *call, CURLINFO moment)
{
    curl_off_t at = 0;
    return curl_easy_getinfo(call->easy, moment, &at) == CURLE_OK && at > 0;
}

static mlc_http_stage stage_of(const mlc_http_call *call, CURLcode result)
{
    const mlc_http_stage connecting = call->proxied ? MLC_HTTP_AT_PROXY : MLC_HTTP_AT_CONNECT;
    if (result == CURLE_OK && call->head_ended)
        return MLC_HTTP_AT_END;
    if (result == CURLE_COULDNT_RESOLVE_HOST || result == CURLE_COULDNT_RESOLVE_PROXY)
        return MLC_HTTP_AT_NAME;
    if (result == CURLE_COULDNT_CONNECT)
        return connecting;
    if (call->attempts > 0)
        return MLC_HTTP_AT_ANSWER;
    if (call->trace->peer.subject[0] != '\0' || result == CURLE_SSL_CACERT_BADFILE ||
        result == CURLE_SSL_CERTPROBLEM || result == CURLE_PEER_FAILED_VERIFICATION)
        return MLC_HTTP_AT_TLS;
    if (!was_reached(call, CURLINFO_NAMELOOKUP_TIME_T))
        return MLC_HTTP_AT_NAME;
    if (!was_reached(call, CURLINFO_CONNECT_TIME_T))
        return connecting;
    return call->proxied && call->trace->connect_status != 200 ? MLC_HTTP_AT_PROXY : MLC_HTTP_AT_TLS;
}

void mlc_http_trace_end(mlc_http_call *call, CURLcode result)
{
    long status = 0;
    const char *address = NULL;
    if (call->trace == NULL)
        return;
    if (curl_easy_getinfo(call->easy, CURLINFO_HTTP_CONNECTCODE, &status) == CURLE_OK)
        call->trace->connect_status = (int)status;
    if (curl_easy_getinfo(call->easy, CURLINFO_PRIMARY_IP, &address) == CURLE_OK && address != NULL)
        mlc_strlcpy(call->trace->address, address, sizeof call->trace->address);
    call->trace->stage = stage_of(call, result);
}
