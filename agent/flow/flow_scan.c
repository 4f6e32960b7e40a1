/* flow_scan.c - see flow_scan.h. A page: keys behind the last one -> rows of all parts -> records -> on_items. */
#include "agent/flow/flow_scan.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE_SIZE = 500, TERMS = MLC_FLOW_KEYS_MAX + 1 };

struct mlc_flow_scan {
    mlc_flow_scan_options opt;
    int32_t today;
    bool more;
    bool behind; /* there is a last key */
    char last[MLC_POLL_KEY_MAX];
    mlc_flow_data data;
    mlc_flow_page page;
    /* the query, whose texts must stay */
    char from[24], to[24], key[MLC_POLL_KEY_MAX];
    mlc_ais_term terms[MLC_FLOW_KEYS_MAX][TERMS];
    mlc_ais_group groups[MLC_FLOW_KEYS_MAX];
};

int32_t mlc_flow_today(const mlc_ais *ais, const mlc_zone *zone)
{
    mlc_ais_session_info info = {0};
    mlc_zone *told = NULL;
    mlc_ais_info(ais, &info);
    const int64_t now = mlc_wall_ms() + info.server_clock_skew_ms;
    if (zone != NULL)
        return mlc_zone_stamp(zone, now).julian;
    if (mlc_zone_open(&told, info.zone_offset[0] != '\0' ? info.zone_offset : "UTC", NULL) != MLC_OK &&
        mlc_zone_open(&told, "UTC", NULL) != MLC_OK)
        return 0;
    const int32_t julian = mlc_zone_stamp(told, now).julian;
    mlc_zone_close(told);
    return julian;
}

static void clear_page(mlc_flow_scan *scan)
{
    mlc_flow_data_clear(&scan->data);
    mlc_flow_page_clear(&scan->page);
}

static void end(mlc_flow_scan *scan, mlc_code code, const mlc_error *err)
{
    clear_page(scan);
    scan->opt.on_end(scan->opt.user, code, err);
    free(scan);
}

static void ask(mlc_flow_scan *scan);

/* ---- a page ---- */

static mlc_code take_records(mlc_flow_scan *scan, mlc_error *err)
{
    const mlc_flow_record_maker maker = {.ais = scan->opt.ais,
                                         .spec = scan->opt.spec,
                                         .settings = scan->opt.settings,
                                         .data = &scan->data,
                                         .today = scan->today};
    scan->page.spec = scan->opt.spec;
    scan->page.now_ms = mlc_wall_ms();
    const mlc_code code = mlc_flow_page_fill(&scan->page, &maker, err);
    return code == MLC_OK ? scan->opt.on_items(scan->opt.user, scan->page.items, scan->page.count, err)
                          : code;
}

static void on_parts(void *user, mlc_code code, const mlc_error *why)
{
    mlc_flow_scan *const scan = user;
    mlc_error err;
    if (code == MLC_OK)
        code = take_records(scan, &err);
    else
        err = *why;
    clear_page(scan);
    if (code != MLC_OK) {
        end(scan, code, &err);
        return;
    }
    mlc_error_clear(&err);
    if (scan->more)
        ask(scan);
    else
        end(scan, MLC_OK, &err);
}

static mlc_code take_keys(mlc_flow_scan *scan, const mlc_ais_page *page, mlc_error *err)
{
    const char *const *const columns = scan->opt.spec->keys;
    const size_t count = mlc_flow_key_count(scan->opt.spec);
    const cJSON *row = NULL;
    mlc_code code = mlc_flow_keys_reserve(&scan->data.keys, page->count, err);
    for (row = page->rows->child; code == MLC_OK && row != NULL; row = row->next) {
        code = mlc_flow_key(row, columns, count, scan->last, err);
        if (code == MLC_OK)
            mlc_flow_keys_add(&scan->data.keys, scan->last);
    }
    if (code == MLC_OK)
        mlc_flow_keys_close(&scan->data.keys);
    scan->behind = scan->behind || page->count > 0;
    return code;
}

static void on_keys(void *user, mlc_ais_cursor *cursor, const mlc_ais_page *page, mlc_code code,
                    const mlc_error *why)
{
    mlc_flow_scan *const scan = user;
    mlc_error err;
    if (page == NULL) {
        end(scan, code == MLC_E_CONFLICT ? MLC_E_UNAVAILABLE : code, why);
        return;
    }
    scan->more = page->more && page->count > 0;
    code = take_keys(scan, page, &err);
    mlc_ais_stop(cursor);
    const mlc_flow_read read = {.ais = scan->opt.ais,
                                .spec = scan->opt.spec,
                                .settings = scan->opt.settings,
                                .data = &scan->data,
                                .done = on_parts,
                                .user = scan};
    if (code == MLC_OK && scan->data.keys.wanted_count == 0)
        on_parts(scan, MLC_OK, NULL);
    else if (code != MLC_OK || (code = mlc_flow_read_start(&read, &err)) != MLC_OK)
        end(scan, code, &err);
}

/* ---- asking ---- */

static mlc_ais_term *add_term(mlc_ais_group *group, mlc_ais_term *terms, const char *column, mlc_ais_op op,
                              const char *value)
{
    terms[group->count] = (mlc_ais_term){column, op, value};
    group->terms = terms;
    return &terms[group->count++];
}

/* k1 from .. to; behind a key: (k1 > a) or (k1 = a and k2 > b) ... */
static size_t make_groups(mlc_flow_scan *scan)
{
    const char *const *const keys = scan->opt.spec->keys;
    const char *values[MLC_FLOW_KEYS_MAX];
    size_t given = 0;
    memset(scan->groups, 0, sizeof scan->groups);
    if (!scan->behind) {
        (void)add_term(&scan->groups[0], scan->terms[0], keys[0], MLC_AIS_GE, scan->from);
        if (scan->to[0] != '\0')
            (void)add_term(&scan->groups[0], scan->terms[0], keys[0], MLC_AIS_LT, scan->to);
        return 1;
    }
    mlc_strlcpy(scan->key, scan->last, sizeof scan->key);
    values[given++] = scan->key;
    for (char *p = scan->key; *p != '\0' && given < MLC_FLOW_KEYS_MAX; p++) {
        if (*p != MLC_POLL_KEY_SEPARATOR)
            continue;
        *p = '\0';
        values[given++] = p + 1;
    }
    for (size_t i = 0; i < given; i++) {
        for (size_t k = 0; k < i; k++)
            (void)add_term(&scan->groups[i], scan->terms[i], keys[k], MLC_AIS_EQ, values[k]);
        (void)add_term(&scan->groups[i], scan->terms[i], keys[i], MLC_AIS_GT, values[i]);
        if (i == 0 && scan->to[0] != '\0')
            (void)add_term(&scan->groups[i], scan->terms[i], keys[0], MLC_AIS_LT, scan->to);
    }
    return given;
}

static void ask(mlc_flow_scan *scan)
{
    mlc_error err;
    const mlc_flow_spec *const spec = scan->opt.spec;
    const size_t groups = make_groups(scan);
    const mlc_ais_query query = {.table = spec->parts[0].table,
                                 .columns = spec->keys,
                                 .groups = scan->groups,
                                 .group_count = groups,
                                 .order_by = spec->keys,
                                 .page_size = scan->opt.page_size};
    const mlc_code code = mlc_ais_browse(scan->opt.ais, &query, on_keys, scan, NULL, &err);
    if (code != MLC_OK)
        end(scan, code, &err);
}

static void on_ready(void *user, mlc_code code, const mlc_error *err)
{
    mlc_flow_scan *const scan = user;
    if (code != MLC_OK) {
        end(scan, code, err);
        return;
    }
    scan->today = mlc_flow_today(scan->opt.ais, scan->opt.zone);
    ask(scan);
}

mlc_code mlc_flow_scan_start(const mlc_flow_scan_options *options, mlc_error *err)
{
    mlc_flow_scan *const scan = calloc(1, sizeof *scan);
    if (scan == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a comparison");
    scan->opt = *options;
    scan->opt.page_size = options->page_size > 0 ? options->page_size : PAGE_SIZE;
    (void)snprintf(scan->from, sizeof scan->from, "%" PRId64, options->from);
    /* A number greater than any key would not fit JDE's column. */
    if (options->to < INT32_MAX)
        (void)snprintf(scan->to, sizeof scan->to, "%" PRId64, options->to);
    const mlc_code code = mlc_ais_clock(options->ais, on_ready, scan, err);
    if (code != MLC_OK)
        free(scan);
    return code;
}
