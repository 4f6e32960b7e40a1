/* parts: net */
/* fuzz_proxy.c - any text as the proxy's URL, the list of exceptions and a host, one a line: HTTPS_PROXY and NO_PROXY come from
 * outside. */
#include "net/host.h"
#include "net/no_proxy.h"
#include "net/proxy.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool good)
{
    if (!good)
        abort();
}

static void check_plan(const char *url, const char *list, const char *host)
{
    mlc_proxy_plan plan;
    mlc_error err;
    const mlc_proxy settings = {.url = url, .no_proxy = list};
    if (mlc_proxy_plan_make(&plan, &settings, &err) != MLC_OK) {
        must(plan.name == NULL && plan.password == NULL && err.message[0] != '\0');
        return;
    }
    must((plan.user == NULL) == (plan.password == NULL));
    must(!mlc_proxy_plan_leads(&plan, host) || plan.name != NULL);
    if (plan.name != NULL) {
        /* What goes to libcurl is a host and a port, whatever came in. */
        char *name = NULL;
        int port = 0;
        must(mlc_host_split(plan.name, strlen(plan.name), &name, &port));
        free(name);
    }
    mlc_proxy_plan_free(&plan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *line[3] = {NULL, NULL, NULL};
    if (size > 4096)
        return 0;
    char *const text = malloc(size + 4);
    must(text != NULL);
    memcpy(text, data, size);
    memcpy(text + size, "\n\n\n", 4);
    char *at = text;
    for (size_t i = 0; i < 3; i++) {
        line[i] = at;
        at += strcspn(at, "\n");
        if (*at == '\n')
            *at++ = '\0';
    }
    check_plan(line[0], line[1], line[2]);
    (void)mlc_no_proxy_fault(line[1]);
    free(text);
    return 0;
}
