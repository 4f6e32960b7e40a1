/* parts: agent */
/* fuzz_catalogue.c - any bytes as a file of the field catalogue: refused with a reason, or good for checking. */
#include "agent/catalogue.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char sample[] = "{\"Reference\":\"R\",\"OrderDate\":\"2026-11-23\",\"Lines\":[{"
                                 "\"LineNumber\":1,\"UnitPrice\":12.5,\"ItemNumber\":\"A\"}]}";
    mlc_catalogue *catalogue = NULL;
    cJSON *inputs = NULL;
    mlc_buf report = {0};
    mlc_error err;
    mlc_error_clear(&err);
    const mlc_code code = mlc_catalogue_read(&catalogue, "f", (const char *)data, size, &report, &err);
    if ((code == MLC_OK) != (catalogue != NULL) || (code != MLC_OK && err.message[0] == '\0'))
        abort();
    if (catalogue != NULL && mlc_json_parse(sample, strlen(sample), 0, 0, &inputs, &err) == MLC_OK) {
        mlc_faults faults = {0};
        mlc_catalogue_check(catalogue, inputs, &faults);
    }
    cJSON_Delete(inputs);
    mlc_catalogue_free(catalogue);
    mlc_buf_free(&report);
    return 0;
}
