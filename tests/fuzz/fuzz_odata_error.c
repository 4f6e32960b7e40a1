/* parts: relay */
/* fuzz_odata_error.c - any bytes as an error body of Dataverse (the first two make the status) and as an answer of the
 * token endpoint. Never success of an error, messages on one line and well-formed. */
#include "base/buf.h"
#include "relay/entra_answer.h"
#include "relay/odata_error.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void check_message(const mlc_error *err, mlc_code code)
{
    must(err->code == code && err->message[0] != '\0');
    must(mlc_utf8_valid(err->message, strlen(err->message)));
    for (const char *p = err->message; *p != '\0'; p++)
        must((unsigned char)*p >= ' ');
}

static void try_token(int status, const char *body, size_t len)
{
    char *token = NULL;
    int64_t life_ms = 0;
    mlc_error err;
    const mlc_code code = mlc_entra_answer_read(status, body, len, "secret", &token, &life_ms, &err);
    must((code == MLC_OK) == (token != NULL));
    if (code == MLC_OK)
        must(life_ms > 0 && mlc_entra_margin_ms(life_ms) < life_ms && strlen(token) <= MLC_ENTRA_TOKEN_MAX);
    else
        check_message(&err, code);
    free(token);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mlc_error err;
    if (size < 2)
        return 0;
    const int status = 100 + (data[0] * 256 + data[1]) % 500;
    char *const body = malloc(size - 1);
    if (body == NULL)
        return 0;
    memcpy(body, data + 2, size - 2);
    body[size - 2] = '\0';
    const mlc_code code = mlc_odata_error_read(status, body, size - 2, &err);
    must(code != MLC_OK);
    check_message(&err, code);
    try_token(status, body, size - 2);
    try_token(200, body, size - 2);
    free(body);
    return 0;
}
