/* certificate_windows.c - the check of certificate files (local.h), by mbedTLS. */
#include "admin/local.h"

#include "base/clock.h"

#include <errno.h>
#include <mbedtls/pk.h>
#include <mbedtls/x509_crt.h>
#include <stdio.h>
#include <string.h>

enum { DAYS_LEFT_WARN = 14, DAY_MS = 86400000, REMEDY_MAX = 512, NAME_MAX_SHOWN = 256 };

static int64_t wall_ms_of(const mbedtls_x509_time *at)
{
    const int64_t days = mlc_days_from_civil(at->year, (unsigned)at->mon, (unsigned)at->day);
    return (((days * 24 + at->hour) * 60 + at->min) * 60 + at->sec) * 1000;
}

static void fail_file(mlc_checkup *checkup, unsigned token, const char *file, const char *setting,
                      const char *what)
{
    char remedy[REMEDY_MAX];
    (void)snprintf(remedy, sizeof remedy, "name a PEM file that the service's user may read in %s", setting);
    mlc_checkup_fail(checkup, token, remedy, "%s: %s", file, what);
}

static void judge_cert(mlc_checkup *checkup, unsigned token, const mbedtls_x509_crt *cert, const char *file)
{
    char name[NAME_MAX_SHOWN] = "";
    const int64_t now = mlc_wall_ms();
    const int64_t days = (wall_ms_of(&cert->valid_to) - now) / DAY_MS;
    (void)mbedtls_x509_dn_gets(name, sizeof name, &cert->subject);
    if (wall_ms_of(&cert->valid_from) > now)
        mlc_checkup_fail(checkup, token,
                         "look at this machine's clock, or have a certificate issued that is valid",
                         "%s (%s) is not valid yet", file, name);
    else if (wall_ms_of(&cert->valid_to) < now)
        mlc_checkup_fail(checkup, token, "have it renewed", "%s (%s) has expired", file, name);
    else if (days < DAYS_LEFT_WARN)
        mlc_checkup_warn(checkup, token, "have it renewed", "%s (%s): %d days left", file, name, (int)days);
    else
        mlc_checkup_ok(checkup, token, "%s (%s): %d days left", file, name, (int)days);
}

void mlc_local_certificate(mlc_checkup *checkup, unsigned token, const mlc_local_cert *files)
{
    mbedtls_x509_crt cert;
    mbedtls_pk_context key;
    mbedtls_x509_crt_init(&cert);
    mbedtls_pk_init(&key);
    if (mbedtls_x509_crt_parse_file(&cert, files->cert_file) != 0) {
        fail_file(checkup, token, files->cert_file, files->cert_setting,
                  "no certificate in PEM, or not readable");
        goto out;
    }
    if (files->key_file != NULL && mbedtls_pk_parse_keyfile(&key, files->key_file, NULL) != 0) {
        fail_file(checkup, token, files->key_file, files->key_setting,
                  "no private key in PEM without a password, or not readable");
        goto out;
    }
    if (files->key_file != NULL && mbedtls_pk_check_pair(&cert.pk, &key) != 0) {
        char remedy[REMEDY_MAX];
        (void)snprintf(remedy, sizeof remedy, "put files that belong together into %s and %s",
                       files->cert_setting, files->key_setting);
        mlc_checkup_fail(checkup, token, remedy, "the key in %s is not that of the certificate in %s",
                         files->key_file, files->cert_file);
        goto out;
    }
    judge_cert(checkup, token, &cert, files->cert_file);
out:
    mbedtls_pk_free(&key);
    mbedtls_x509_crt_free(&cert);
}
