/* parts: net */
/* Retry-After comes from a server: whatever it says, the wait is between nothing and an hour. */
#include "base/buf.h"
#include "net/backoff.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = mlc_strndup((const char *)data, size);
    if (text == NULL)
        return 0;
    int64_t ms = mlc_retry_after_ms(text, 784111777000);
    if (ms < 0 || ms > INT64_C(3600) * 1000)
        abort();
    free(text);
    return 0;
}
