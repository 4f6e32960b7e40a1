/* parts: net */
/* X-Forwarded-For comes from anybody: what is taken from it is an address, or the peer itself. */
#include "base/buf.h"
#include "net/forwarded.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_address(const char *text)
{
    uint8_t bytes[16];
    return inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char out[64];
    mlc_proxies *proxies = NULL;
    char *text = mlc_strndup((const char *)data, size);
    if (text == NULL || mlc_proxies_open(&proxies, NULL) != MLC_OK ||
        mlc_proxies_add(proxies, "10.0.0.0/8", NULL) != MLC_OK)
        goto out;
    (void)mlc_proxies_add(proxies, text, NULL);
    mlc_forwarded_client(proxies, "10.1.2.3", text, out, sizeof out);
    if (!is_address(out))
        abort();
    mlc_forwarded_client(NULL, "10.1.2.3", text, out, sizeof out);
    if (strcmp(out, "10.1.2.3") != 0)
        abort();
out:
    mlc_proxies_free(proxies);
    free(text);
    return 0;
}
