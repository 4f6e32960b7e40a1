/* parts: relay */
/* fuzz_webhook.c - any bytes as a webhook: parsed or refused, and what is parsed survives print and read. */
#include "relay/webhook_event.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mlc_webhook_event event;
    mlc_webhook_event again;
    mlc_buf text = {0};
    mlc_error err;
    if (mlc_webhook_parse((const char *)data, size, &event, &err) != MLC_OK)
        return 0;
    /* A message name need not be well-formed UTF-8 after it was cut: then printing refuses it. */
    if (mlc_webhook_event_print(&event, &text, &err) == MLC_OK) {
        if (mlc_webhook_event_read(mlc_buf_text(&text), text.len, &again, &err) != MLC_OK ||
            strcmp(event.order_id, again.order_id) != 0 || strcmp(event.message, again.message) != 0)
            abort();
    }
    mlc_buf_free(&text);
    return 0;
}
