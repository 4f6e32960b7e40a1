/* mlctl_test.h - commands of mlctl against the admin routes of admin_test.h. Include after cmocka.h. */
#ifndef MLC_TESTS_MLCTL_TEST_H
#define MLC_TESTS_MLCTL_TEST_H

#include "cli/mlctl.h"
#include "support/admin_test.h"

enum { WORDS_MAX = 24 };

typedef struct ran {
    const char *line, *socket;
    char *out, *err;
    size_t out_len, err_len;
    mlctl_exit code;
} ran;

static inline void run_in_thread(void *arg)
{
    ran *const r = arg;
    char text[1024];
    char *argv[WORDS_MAX];
    int argc = 0;
    char *rest = text;
    const mlctl_env env = {.socket = r->socket, .user = "jane"};
    FILE *const out = open_memstream(&r->out, &r->out_len);
    FILE *const err = open_memstream(&r->err, &r->err_len);
    mlc_strlcpy(text, r->line, sizeof text);
    for (char *word = strtok_r(text, " ", &rest); word != NULL && argc < WORDS_MAX;
         word = strtok_r(NULL, " ", &rest))
        argv[argc++] = word;
    r->code = mlctl_main(argc, argv, &env, "mlctl test", out, err);
    (void)fclose(out);
    (void)fclose(err);
}

/* Run; exit code and words of the output (of the error, when it fails) must fit. */
static inline void expect(admin_fix *f, mlctl_exit code, const char *words, const char *fmt, ...)
{
    char line[1024];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    ran r = {.line = line, .socket = f->socket};
    admin_fix_meanwhile(f, run_in_thread, &r);
    if (r.code != code || strstr(code == MLCTL_OK ? r.out : r.err, words) == NULL)
        fail_msg("%s: exit %d, \"%s\" wanted\n%s%s", line, (int)r.code, words, r.out, r.err);
    free(r.out);
    free(r.err);
}

#endif
