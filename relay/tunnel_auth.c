/* tunnel_auth.c - see tunnel_auth.h. */
#include "relay/tunnel_auth.h"

#include "base/clock.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

/* The client certificate of the connection. */
typedef struct tls_cert {
    char name[MLC_AGENT_ID_MAX];
    uint8_t fingerprint[MLC_SHA256_LEN];
    bool issued; /* by our own authority */
} tls_cert;

static bool is_issued(const mlc_tunnel_server_options *opt, X509 *cert)
{
    uint8_t *der = NULL;
    const int len = i2d_X509(cert, &der);
    const bool issued =
        len > 0 && opt->authority_cert != NULL &&
        mlc_cert_check(der, (size_t)len, opt->authority_cert, opt->authority_cert_len, NULL) == MLC_OK;
    OPENSSL_free(der);
    return issued;
}

static bool look_at_tls(const mlc_tunnel_server_options *opt, struct lws *wsi, tls_cert *out)
{
    union lws_tls_cert_info_results verified, name;
    uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    memset(&verified, 0, sizeof(verified));
    memset(&name, 0, sizeof(name));
    if (lws_tls_peer_cert_info(wsi, LWS_TLS_CERT_INFO_VERIFIED, &verified, 0) != 0 || !verified.verified ||
        lws_tls_peer_cert_info(wsi, LWS_TLS_CERT_INFO_COMMON_NAME, &name, sizeof(name.ns.name)) != 0)
        return false;
    SSL *ssl = lws_get_ssl(wsi);
    X509 *cert = ssl != NULL ? SSL_get1_peer_certificate(ssl) : NULL;
    const bool ok = cert != NULL && X509_digest(cert, EVP_sha256(), hash, &len) == 1 && len == MLC_SHA256_LEN;
    if (ok) {
        mlc_strlcpy(out->name, name.ns.name, sizeof(out->name));
        memcpy(out->fingerprint, hash, sizeof(out->fingerprint));
        out->issued = is_issued(opt, cert);
    }
    X509_free(cert);
    return ok;
}

/* By a certificate of another authority, which the configuration allows. One that was issued here counts by its registry
 * alone: when that has forgotten it, it must not come in by this door. */
static bool certificate_allows(const mlc_tunnel_server_options *opt, struct lws *wsi, const char *agent)
{
    tls_cert cert;
    char fingerprint[2 * MLC_SHA256_LEN + 1];
    if (opt->cert_allowed == NULL || !look_at_tls(opt, wsi, &cert) || cert.issued)
        return false;
    mlc_hex(cert.fingerprint, sizeof(cert.fingerprint), fingerprint);
    return opt->cert_allowed(opt->user, agent, cert.name, fingerprint);
}

static const mlc_tunnel_cert *find_cert(const mlc_tunnel_server_options *opt, const mlc_hello *hello,
                                        mlc_tunnel_agent *agent)
{
    for (size_t i = 0; i < agent->cert_count; i++) {
        if (memcmp(agent->certs[i].fingerprint, hello->fingerprint, MLC_SHA256_LEN) == 0)
            return &agent->certs[i];
    }
    agent->is_adopted =
        hello->issued_len > 0 && opt->adoptable != NULL &&
        opt->adoptable(opt->user, hello->agent, hello->issued, hello->issued_len, &agent->adopted) &&
        memcmp(agent->adopted.fingerprint, hello->fingerprint, MLC_SHA256_LEN) == 0;
    return agent->is_adopted ? &agent->adopted : NULL;
}

static mlc_code by_issued(const mlc_tunnel_server_options *opt, struct lws *wsi, const mlc_hello *hello,
                          mlc_tunnel_agent *agent, mlc_identity *out, mlc_error *err)
{
    const mlc_tunnel_cert *const cert = opt->authority_key != NULL ? find_cert(opt, hello, agent) : NULL;
    tls_cert tls;
    if (cert == NULL)
        return mlc_fail(err, MLC_E_AUTH,
                        "the certificate is not one that was issued for the agent and is in force");
    out->public_key = cert->public_key;
    if (cert->not_after_ms <= mlc_wall_ms())
        out->refusal =
            "the agent's certificate has expired: enrol it again with a new token (ml-agent enroll)";
    else if (opt->tls_certificates && (!look_at_tls(opt, wsi, &tls) ||
                                       memcmp(tls.fingerprint, cert->fingerprint, MLC_SHA256_LEN) != 0))
        out->refusal =
            "the agent's certificate did not come with TLS: does a proxy between open TLS? Have it pass "
            "TLS through, or set relay.tls_certificates = false at the relay";
    return MLC_OK;
}

mlc_code mlc_tunnel_auth(const mlc_tunnel_server_options *opt, struct lws *wsi, const mlc_hello *hello,
                         mlc_tunnel_agent *agent, mlc_identity *out, mlc_error *err)
{
    memset(out, 0, sizeof(*out));
    switch (hello->auth) {
    case MLC_AUTH_CERT:
        return by_issued(opt, wsi, hello, agent, out, err);
    case MLC_AUTH_MTLS:
        out->certificate = certificate_allows(opt, wsi, hello->agent);
        return out->certificate
                   ? MLC_OK
                   : mlc_fail(err, MLC_E_AUTH, "no client certificate that may act for the agent");
    case MLC_AUTH_KEY:
    default:
        out->key = agent->key;
        return agent->has_key ? MLC_OK : mlc_fail(err, MLC_E_NOTFOUND, "the agent has no key");
    }
}
