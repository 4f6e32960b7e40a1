/* parts: relay */
/* fuzz_order_map.c - any JSON as header and lines of an order: what is mapped can be read back and passes the check. */
#include "relay/order_map.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const mlc_order_map_options options = {.prefix = "ml_", .customer_reference = "name", .write_in_item = "W"};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cJSON *tree = NULL;
    mlc_buf out = {0};
    mlc_order order;
    mlc_error err;
    if (mlc_json_parse((const char *)data, size, 65536, 16, &tree, &err) != MLC_OK)
        return 0;
    if (mlc_order_map(mlc_json_get(tree, "header"), mlc_json_get(tree, "lines"), &options, &out, &err) == MLC_OK) {
        if (mlc_order_parse(mlc_buf_text(&out), out.len, &order, &err) != MLC_OK)
            abort();
        mlc_order_free(&order);
    }
    mlc_buf_free(&out);
    cJSON_Delete(tree);
    return 0;
}
