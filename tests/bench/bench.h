/* bench.h - what the measuring programs share: ending on errors, printing figures, payloads, folders.
 *
 * A program prints one JSON object a line for each figure; run.mjs makes the table. `base` is the figure of the
 * bare library for the same work in the same run. */
#ifndef MLC_TESTS_BENCH_H
#define MLC_TESTS_BENCH_H

#include "base/clock.h"
#include "base/error.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BENCH_PAYLOAD = 400 /* bytes: a customer as the agent sends it */ };

_Noreturn static inline void bench_die(const char *what, const char *why)
{
    (void)fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

static inline void bench_check(mlc_code code, const mlc_error *err, const char *what)
{
    if (code != MLC_OK)
        bench_die(what, err->message);
}

static inline double bench_seconds_since(uint64_t start_ns)
{
    return (double)(mlc_mono_ns() - start_ns) / 1e9;
}

/* base 0: there is none. */
static inline void bench_print(const char *name, double ours, double base, const char *unit, const char *note)
{
    (void)printf("{\"name\":\"%s\",\"ours\":%.3f,\"base\":%.3f,\"unit\":\"%s\",\"note\":\"%s\"}\n", name,
                 ours, base, unit, note);
    (void)fflush(stdout);
}

static inline unsigned long bench_number(const char *text, const char *what)
{
    char *end = NULL;
    const unsigned long value = strtoul(text, &end, 10);
    if (end == text || *end != '\0' || value == 0)
        bench_die(what, "a whole number above 0 is wanted");
    return value;
}

static inline int bench_compare(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* Sorts the values. */
static inline double bench_median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, bench_compare);
    return values[count / 2];
}

static inline int bench_unlink(const char *path, const struct stat *info, int kind, struct FTW *ftw)
{
    (void)info;
    (void)kind;
    (void)ftw;
    return remove(path);
}

/* A fresh folder below `root`, which must be on a disk: a memory file system has no sync to wait for. */
static inline void bench_make_dir(const char *root, char *out, size_t size)
{
    (void)snprintf(out, size, "%s/mlc-bench-XXXXXX", root);
    if (mkdtemp(out) == NULL)
        bench_die(out, "cannot be made");
}

static inline void bench_remove_dir(const char *dir)
{
    (void)nftw(dir, bench_unlink, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
