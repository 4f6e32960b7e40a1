/* hop.c - see hop.h. */
#include "admin/hop.h"

#include "base/buf.h"
#include "base/clock.h"
#include "net/host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SKEW_WARN_MS = 30 * 1000,
    SKEW_FAIL_MS = 5 * 60 * 1000, /* what Entra ID and most others tolerate */
    DAYS_LEFT_WARN = 14,
    REMEDY_MAX = 512,
    BODY_MAX = 64 * 1024
};
static const int64_t DAY_MS = (int64_t)24 * 3600 * 1000;

/* ---- the request ---- */

/* What the lower layer said, without our own words before it. */
static const char *reason_of(const mlc_hop *hop)
{
    const char *const mark = strstr(hop->err.message, ": not sent: ");
    return mark != NULL ? mark + strlen(": not sent: ") : hop->err.message;
}

/* Length of the host without its port; an IPv6 address stands in brackets. */
static int host_len(const mlc_hop *hop)
{
    const size_t v6 = strcspn(hop->host, "]");
    return (int)(hop->host[v6] == ']' ? v6 + 1 : strcspn(hop->host, ":"));
}

static void judge_name(const mlc_hop *hop)
{
    char remedy[REMEDY_MAX];
    const bool proxied = hop->trace.proxied;
    const char *const setting = proxied ? hop->opt.proxy_setting : hop->opt.url_setting;
    (void)snprintf(remedy, sizeof remedy, "check the host name in %s and the name servers of this machine",
                   setting);
    if (hop->code != MLC_OK && hop->trace.stage == MLC_HTTP_AT_NAME)
        mlc_checkup_fail(hop->checkup, hop->token, remedy, "%s", reason_of(hop));
    else if (proxied)
        mlc_checkup_ok(hop->checkup, hop->token, "%.*s is looked up by the proxy", host_len(hop), hop->host);
    else if (hop->trace.address[0] != '\0')
        mlc_checkup_ok(hop->checkup, hop->token, "%.*s is %s", host_len(hop), hop->host, hop->trace.address);
    else
        mlc_checkup_ok(hop->checkup, hop->token, "%.*s is known", host_len(hop), hop->host);
}

static void on_answer(void *user, mlc_code code, const mlc_error *err, const mlc_http_response *response)
{
    mlc_hop *const hop = user;
    int64_t server_ms = 0;
    hop->code = code;
    if (code == MLC_E_CLOSED)
        return;
    if (code != MLC_OK) {
        hop->err = *err;
    } else {
        const char *const date = mlc_http_header_get(response, "Date");
        hop->status = response->status;
        hop->has_date = date != NULL && mlc_http_date_parse(date, &server_ms, NULL) == MLC_OK;
        /* The second in the header is a begun one. */
        hop->skew_ms = server_ms + 500 - (mlc_wall_ms() - response->elapsed_ms / 2);
    }
    judge_name(hop);
}

static void start_name(mlc_checkup *checkup, unsigned token, void *user)
{
    mlc_hop *const hop = user;
    mlc_error err;
    const mlc_http_request request = {.method = "GET",
                                      .url = hop->url,
                                      .timeout_ms = mlc_checkup_left(checkup) * 9 / 10 + 1,
                                      .max_body = BODY_MAX,
                                      .trace = &hop->trace};
    hop->checkup = checkup;
    hop->token = token;
    if (mlc_http_send(hop->opt.http, &request, on_answer, hop, NULL, &err) != MLC_OK)
        mlc_checkup_fail(checkup, token, "correct the setting", "%s: %s", hop->opt.url_setting, err.message);
}

/* ---- the other stages ---- */

static bool ended_at(const mlc_hop *hop, mlc_http_stage stage)
{
    return hop->code != MLC_OK && hop->trace.stage == stage;
}

/* The settings of a proxy stand together: "relay.proxy" -> "relay". */
static int group_len(const mlc_hop *hop)
{
    const char *const dot = strrchr(hop->opt.proxy_setting, '.');
    return dot != NULL ? (int)(dot - hop->opt.proxy_setting) : 0;
}

static void fail_sign_in(const mlc_hop *hop, mlc_checkup *checkup, unsigned token)
{
    char remedy[REMEDY_MAX];
    const mlc_http_trace *const t = &hop->trace;
    (void)snprintf(remedy, sizeof remedy, "in %.*s: %s", group_len(hop), hop->opt.proxy_setting,
                   t->proxy_remedy != NULL ? t->proxy_remedy : "set proxy_user and proxy_password");
    mlc_checkup_fail(checkup, token, remedy, "%s wants a sign-in for CONNECT to %s (407) and offers %s",
                     hop->proxy, hop->host,
                     t->proxy_offers[0] != '\0' ? t->proxy_offers : "none that is known");
}

static void start_proxy(mlc_checkup *checkup, unsigned token, void *user)
{
    const mlc_hop *const hop = user;
    char remedy[REMEDY_MAX];
    const int status = hop->trace.connect_status;
    if (!ended_at(hop, MLC_HTTP_AT_PROXY)) {
        mlc_checkup_ok(checkup, token, "%s connects to %s", hop->proxy, hop->host);
        return;
    }
    if (status == 407) {
        fail_sign_in(hop, checkup, token);
        return;
    }
    if (status > 0)
        (void)snprintf(remedy, sizeof remedy, "have the proxy allow CONNECT to %s", hop->host);
    else
        (void)snprintf(remedy, sizeof remedy, "see that the proxy runs and is reached; or correct %s",
                       hop->opt.proxy_setting);
    if (status > 0)
        mlc_checkup_fail(checkup, token, remedy, "%s answers CONNECT to %s with status %d", hop->proxy,
                         hop->host, status);
    else
        mlc_checkup_fail(checkup, token, remedy, "%s is not reached: %s", hop->proxy, reason_of(hop));
}

static void start_connect(mlc_checkup *checkup, unsigned token, void *user)
{
    const mlc_hop *const hop = user;
    char remedy[REMEDY_MAX];
    (void)snprintf(remedy, sizeof remedy,
                   "see that %s runs, that a firewall lets this machine out to it, and that %s is right",
                   hop->opt.name, hop->opt.url_setting);
    if (ended_at(hop, MLC_HTTP_AT_CONNECT))
        mlc_checkup_fail(checkup, token, remedy, "%s", reason_of(hop));
    else
        mlc_checkup_ok(checkup, token, "%s", hop->trace.address);
}

/* The chain ends at an authority we do not know. */
static void fail_unknown_issuer(const mlc_hop *hop, mlc_checkup *checkup, unsigned token)
{
    char remedy[REMEDY_MAX];
    const mlc_http_trace *const t = &hop->trace;
    (void)snprintf(
        remedy, sizeof remedy,
        "if a TLS-inspecting proxy or firewall issued it, have that exempt %.100s; if it is the right "
        "certificate, name a file with its authority in %s",
        hop->host, hop->opt.ca_setting);
    mlc_checkup_fail(
        checkup, token, remedy,
        "the certificate \"%s\", issued by \"%s\", does not come from an authority in %s (%s); the "
        "server's certificate is \"%s\", issued by \"%s\"",
        t->refused.subject, t->refused.issuer,
        hop->opt.ca_file != NULL ? hop->opt.ca_file : "the system's list", t->fault, t->peer.subject,
        t->peer.issuer);
}

static void fail_tls(const mlc_hop *hop, mlc_checkup *checkup, unsigned token)
{
    char remedy[REMEDY_MAX];
    const mlc_http_trace *const t = &hop->trace;
    if (t->unknown_issuer) {
        fail_unknown_issuer(hop, checkup, token);
    } else if (t->fault[0] != '\0') {
        (void)snprintf(remedy, sizeof remedy,
                       "have the certificate of %s renewed or corrected; if it expired only here, set this "
                       "machine's clock",
                       hop->opt.name);
        mlc_checkup_fail(checkup, token, remedy, "the certificate \"%s\", issued by \"%s\": %s",
                         t->refused.subject, t->refused.issuer, t->fault);
    } else if (t->peer.subject[0] != '\0' && hop->code == MLC_E_TLS) {
        (void)snprintf(remedy, sizeof remedy,
                       "write into %s the name that the certificate is for, or have it changed",
                       hop->opt.url_setting);
        mlc_checkup_fail(checkup, token, remedy, "the certificate \"%s\", issued by \"%s\", is not for %s",
                         t->peer.subject, t->peer.issuer, hop->host);
    } else {
        (void)snprintf(remedy, sizeof remedy,
                       "see that %s is an address with TLS 1.2 or later, and %s is readable",
                       hop->opt.url_setting, hop->opt.ca_setting);
        mlc_checkup_fail(checkup, token, remedy, "%s", reason_of(hop));
    }
}

static void start_tls(mlc_checkup *checkup, unsigned token, void *user)
{
    char end[MLC_ISO_TEXT_MAX];
    const mlc_hop *const hop = user;
    const mlc_http_cert *const peer = &hop->trace.peer;
    const int64_t days = (peer->not_after_ms - mlc_wall_ms()) / DAY_MS;
    if (strncmp(hop->url, "http://", 7) == 0) {
        mlc_checkup_ok(checkup, token, "none: the connection does not leave this machine");
        return;
    }
    if (ended_at(hop, MLC_HTTP_AT_TLS)) {
        fail_tls(hop, checkup, token);
        return;
    }
    (void)mlc_iso_text(peer->not_after_ms, end);
    end[10] = '\0';
    if (days < DAYS_LEFT_WARN)
        mlc_checkup_warn(checkup, token, "have it renewed",
                         "\"%s\", issued by \"%s\", ends in %lld days, on %s", peer->subject, peer->issuer,
                         (long long)days, end);
    else
        mlc_checkup_ok(checkup, token, "\"%s\", issued by \"%s\", until %s", peer->subject, peer->issuer,
                       end);
}

static void start_clock(mlc_checkup *checkup, unsigned token, void *user)
{
    static const char remedy[] =
        "set the clocks by NTP (timedatectl set-ntp true) and look which of the two is wrong";
    const mlc_hop *const hop = user;
    const int64_t off = hop->skew_ms < 0 ? -hop->skew_ms : hop->skew_ms;
    const char *const way = hop->skew_ms < 0 ? "behind" : "ahead of";
    if (hop->code != MLC_OK || !hop->has_date)
        mlc_checkup_skip(checkup, token, "%s tells no time", hop->opt.name);
    else if (off >= SKEW_FAIL_MS)
        mlc_checkup_fail(checkup, token, remedy, "%s is %lld s %s this machine", hop->opt.name,
                         (long long)(off / 1000), way);
    else if (off >= SKEW_WARN_MS)
        mlc_checkup_warn(checkup, token, remedy, "%s is %lld s %s this machine", hop->opt.name,
                         (long long)(off / 1000), way);
    else
        mlc_checkup_ok(checkup, token, "the same, to %lld s", (long long)(off / 1000));
}

static void start_answer(mlc_checkup *checkup, unsigned token, void *user)
{
    const mlc_hop *const hop = user;
    char remedy[REMEDY_MAX];
    (void)snprintf(remedy, sizeof remedy, "look into the log of %s", hop->opt.name);
    if (hop->code != MLC_OK)
        mlc_checkup_fail(checkup, token, remedy, "%s", hop->err.message);
    else if (hop->status != 200 && !hop->opt.any_status)
        mlc_checkup_fail(checkup, token, hop->opt.refused != NULL ? hop->opt.refused : remedy, "status %d",
                         hop->status);
    else
        mlc_checkup_ok(checkup, token, "status %d", hop->status);
}

/* ---- putting together ---- */

static mlc_code add_one(mlc_hop *hop, mlc_checkup *checkup, const char *stage, const char *title,
                        mlc_check_fn start, char needs[MLC_CHECK_ID_MAX], mlc_error *err)
{
    char id[MLC_CHECK_ID_MAX];
    char text[160];
    (void)snprintf(id, sizeof id, "%.100s.%.14s", hop->opt.id, stage);
    (void)snprintf(text, sizeof text, "%s: %s", hop->opt.name, title);
    const mlc_check check = {
        .id = id, .title = text, .needs = needs[0] != '\0' ? needs : NULL, .start = start, .user = hop};
    const mlc_code code = mlc_checkup_add(checkup, &check, err);
    mlc_strlcpy(needs, id, MLC_CHECK_ID_MAX);
    return code;
}

/* What is plain does not leave this machine. */
static const char *proxy_for(const mlc_hop *hop)
{
    int port = 443;
    char *host = NULL;
    const bool plain = strncmp(hop->url, "http://", 7) == 0;
    if (plain || !mlc_host_split(hop->host, strlen(hop->host), &host, &port))
        return NULL;
    const char *const proxy = mlc_http_client_proxy(hop->opt.http, host);
    free(host);
    return proxy;
}

mlc_code mlc_hop_add(mlc_hop *hop, mlc_checkup *checkup, const mlc_hop_options *options, const char *needs,
                     mlc_error *err)
{
    char chain[MLC_CHECK_ID_MAX] = "";
    char aside[MLC_CHECK_ID_MAX];
    *hop = (mlc_hop){.opt = *options, .url = mlc_strdup(options->url)};
    if (hop->url == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a check");
    mlc_strlcpy(hop->id, options->id, sizeof hop->id);
    mlc_strlcpy(hop->name, options->name, sizeof hop->name);
    hop->opt.id = hop->id;
    hop->opt.name = hop->name;
    hop->opt.url = hop->url;
    const char *const host = strstr(hop->url, "://");
    if (host != NULL)
        (void)snprintf(hop->host, sizeof hop->host, "%.*s", (int)strcspn(host + 3, "/?#"), host + 3);
    hop->proxy = proxy_for(hop);
    const bool proxied = hop->proxy != NULL;
    if (needs != NULL)
        mlc_strlcpy(chain, needs, sizeof chain);
    mlc_code code =
        add_one(hop, checkup, "name", proxied ? "name of its proxy" : "name", start_name, chain, err);
    if (code == MLC_OK && proxied)
        code = add_one(hop, checkup, "proxy", "proxy", start_proxy, chain, err);
    if (code == MLC_OK && !proxied)
        code = add_one(hop, checkup, "connect", "connection", start_connect, chain, err);
    if (code == MLC_OK)
        code = add_one(hop, checkup, "tls", "certificate", start_tls, chain, err);
    mlc_strlcpy(aside, chain, sizeof aside);
    if (code == MLC_OK && !options->other_clock)
        code = add_one(hop, checkup, "clock", "clock", start_clock, aside, err);
    return code == MLC_OK ? add_one(hop, checkup, "answer", "answer", start_answer, chain, err) : code;
}

void mlc_hop_free(mlc_hop *hop)
{
    free(hop->url);
    hop->url = NULL;
}
