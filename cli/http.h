/* http.h - one request of mlctl to the admin socket or port, whole answer in memory. */
#ifndef MLC_CLI_HTTP_H
#define MLC_CLI_HTTP_H

#include "base/json.h"
#include "cli/args.h"

#include <stdio.h>

typedef struct mlctl_answer {
    long status;
    mlc_buf body;
} mlctl_answer;

/* `body` NULL: GET, else POST with that JSON. An answer of 400 and above is a failure with the program's own words
 * (MLC_E_REJECTED). MLC_E_UNREACHABLE when nobody answers. Free the answer in any case. */
mlc_code mlctl_http(const mlctl_args *args, const char *path, const char *body, mlctl_answer *out,
                    mlc_error *err);
/* The same, parsed; *tree is the caller's. */
mlc_code mlctl_http_json(const mlctl_args *args, const char *path, const char *body, cJSON **tree,
                         mlc_error *err);
/* POST of `body`, which it takes over, with an answer as of mlctl_http_json; nothing is sent unless `code` is MLC_OK. */
mlc_code mlctl_http_post(const mlctl_args *args, const char *path, cJSON *body, mlc_code code, cJSON **tree,
                         mlc_error *err);
void mlctl_answer_free(mlctl_answer *answer);

/* Append "?name=value" or "&name=value"; nothing for NULL. */
mlc_code mlctl_query(mlc_buf *path, const char *name, const char *value, mlc_error *err);
/* Whole number of a member, 0 when there is none. */
int64_t mlctl_number(const cJSON *obj, const char *name);
/* The answer as it came, on one line. */
mlc_code mlctl_print_raw(FILE *out, const cJSON *tree, mlc_error *err);

#endif
