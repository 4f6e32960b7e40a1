/* parts: tunnel */
/* fuzz_hello.c - any text as HELLO and WELCOME: what is taken keeps the limits, and says the same when it is printed and
 * read again. */
#include "tunnel/hello.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void try_hello(const char *text, size_t len, bool welcome)
{
    mlc_hello hello;
    mlc_hello again;
    mlc_error err;
    mlc_buf first = {0};
    mlc_buf second = {0};
    const mlc_code code = mlc_hello_parse(text, len, welcome, &hello, &err);
    if (code != MLC_OK) {
        must(code == MLC_E_PROTOCOL || code == MLC_E_LIMIT || code == MLC_E_NOMEM);
        must(mlc_utf8_valid(err.message, strlen(err.message)));
        return;
    }
    must(hello.version_min <= hello.version_max && hello.limits.max_frame >= MLC_FRAME_MAX_FLOOR);
    must(hello.limits.window > 0 && (welcome || hello.agent[0] != '\0'));
    must(mlc_hello_print(&first, &hello, welcome, NULL) == MLC_OK);
    must(mlc_hello_parse(mlc_buf_text(&first), first.len, welcome, &again, NULL) == MLC_OK);
    must(mlc_hello_print(&second, &again, welcome, NULL) == MLC_OK);
    must(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
    mlc_buf_free(&first);
    mlc_buf_free(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    try_hello((const char *)data, size, false);
    try_hello((const char *)data, size, true);
    return 0;
}
