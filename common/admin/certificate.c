/* certificate.c - the check of certificate files (local.h), by OpenSSL. */
#include "admin/local.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

enum { DAYS_LEFT_WARN = 14, REMEDY_MAX = 512, NAME_MAX_SHOWN = 256 };

/* A key with a password is not asked for it. */
static int no_password(char *out, int size, int writing, void *user)
{
    (void)out;
    (void)size;
    (void)writing;
    (void)user;
    return 0;
}

static X509 *read_cert(const char *file)
{
    FILE *const in = fopen(file, "re");
    X509 *const cert = in != NULL ? PEM_read_X509(in, NULL, no_password, NULL) : NULL;
    const int why = errno;
    if (in != NULL)
        (void)fclose(in);
    errno = in == NULL ? why : 0;
    return cert;
}

static EVP_PKEY *read_key(const char *file)
{
    FILE *const in = fopen(file, "re");
    EVP_PKEY *const key = in != NULL ? PEM_read_PrivateKey(in, NULL, no_password, NULL) : NULL;
    const int why = errno;
    if (in != NULL)
        (void)fclose(in);
    errno = in == NULL ? why : 0;
    return key;
}

static void fail_file(mlc_checkup *checkup, unsigned token, const char *file, const char *setting,
                      const char *what)
{
    char remedy[REMEDY_MAX];
    (void)snprintf(remedy, sizeof remedy, "name a PEM file that the service's user may read in %s", setting);
    mlc_checkup_fail(checkup, token, remedy, "%s: %s", file, errno != 0 ? strerror(errno) : what);
}

static void judge_cert(mlc_checkup *checkup, unsigned token, const X509 *cert, const char *file)
{
    char name[NAME_MAX_SHOWN] = "";
    int days = 0;
    int seconds = 0;
    (void)X509_NAME_oneline(X509_get_subject_name(cert), name, sizeof name);
    if (X509_cmp_current_time(X509_get0_notBefore(cert)) > 0)
        mlc_checkup_fail(checkup, token,
                         "look at this machine's clock, or have a certificate issued that is valid",
                         "%s (%s) is not valid yet", file, name);
    else if (X509_cmp_current_time(X509_get0_notAfter(cert)) < 0)
        mlc_checkup_fail(checkup, token, "have it renewed", "%s (%s) has expired", file, name);
    else if (ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(cert)) == 1 && days < DAYS_LEFT_WARN)
        mlc_checkup_warn(checkup, token, "have it renewed", "%s (%s): %d days left", file, name, days);
    else
        mlc_checkup_ok(checkup, token, "%s (%s): %d days left", file, name, days);
}

void mlc_local_certificate(mlc_checkup *checkup, unsigned token, const mlc_local_cert *files)
{
    X509 *const cert = read_cert(files->cert_file);
    EVP_PKEY *key = NULL;
    if (cert == NULL) {
        fail_file(checkup, token, files->cert_file, files->cert_setting, "no certificate in PEM");
        goto out;
    }
    if (files->key_file != NULL && (key = read_key(files->key_file)) == NULL) {
        fail_file(checkup, token, files->key_file, files->key_setting,
                  "no private key in PEM without a password");
        goto out;
    }
    if (key != NULL && X509_check_private_key(cert, key) != 1) {
        char remedy[REMEDY_MAX];
        (void)snprintf(remedy, sizeof remedy, "put files that belong together into %s and %s",
                       files->cert_setting, files->key_setting);
        mlc_checkup_fail(checkup, token, remedy, "the key in %s is not that of the certificate in %s",
                         files->key_file, files->cert_file);
        goto out;
    }
    judge_cert(checkup, token, cert, files->cert_file);
out:
    EVP_PKEY_free(key);
    X509_free(cert);
    ERR_clear_error();
}
