/* address_read.c - see address_read.h. F0101 -> F0116 -> done. */
#include "agent/address_read.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { AN8_MAX = 16, PAGE = 100, DAY_MS = 24 * 3600 * 1000 };

static const char *const f0101_columns[] = {"AN8", "ALPH", "UPMJ", "UPMT", NULL};
static const char *const f0116_columns[] = {"AN8",  "EFTB", "ADD1", "ADD2", "ADD3", "ADD4", "ADDZ",
                                            "CTY1", "ADDS", "CTR",  "UPMJ", "UPMT", NULL};
static const char *const f0116_order[] = {"EFTB", NULL};

typedef struct address_read {
    mlc_ais *ais;
    const mlc_zone *zone;
    char an8[AN8_MAX];
    mlc_address_present *out;
    mlc_address_read_fn fn;
    void *user;
    int32_t in_force; /* EFTB of the row taken */
} address_read;

static void read_end(address_read *r, mlc_code code, const mlc_error *err)
{
    if (code == MLC_OK)
        mlc_address_of_rows(r->out->book, r->out->address, &r->out->rows);
    r->fn(r->user, code, err);
    free(r);
}

static mlc_code take_stamp(const address_read *r, const char *table, const cJSON *row, mlc_jde_stamp *out,
                           mlc_error *err)
{
    const char *const time = mlc_json_member_text(row, "UPMT");
    *out = (mlc_jde_stamp){0, 0};
    mlc_code code = mlc_ais_row_date(r->ais, row, "UPMJ", &out->julian, err);
    if (code == MLC_OK && time != NULL && *time != '\0')
        code = mlc_jde_time_parse(time, &out->hms, err);
    return code == MLC_OK ? code : mlc_wrap(err, MLC_E_PROTOCOL, "%s of %s: UPMJ, UPMT", table, r->an8);
}

static int32_t julian_today(const mlc_zone *zone)
{
    int year = 0;
    unsigned month = 0;
    unsigned day = 0;
    int32_t julian = 0;
    if (zone != NULL)
        return mlc_zone_stamp(zone, mlc_wall_ms()).julian;
    mlc_civil_from_days(mlc_wall_ms() / DAY_MS, &year, &month, &day);
    (void)mlc_julian_from_civil(year, month, day, &julian, NULL);
    return julian;
}

/* The row in force is the latest that has begun. */
static mlc_code take_address(address_read *r, const cJSON *row, mlc_error *err)
{
    int32_t begins = 0;
    mlc_code code = mlc_ais_row_date(r->ais, row, "EFTB", &begins, err);
    if (code != MLC_OK)
        return mlc_wrap(err, MLC_E_PROTOCOL, "F0116 of %s: EFTB", r->an8);
    const int32_t today = julian_today(r->zone);
    if (begins > today || (r->out->address != NULL && begins < r->in_force))
        return MLC_OK;
    cJSON *const copy = cJSON_Duplicate(row, true);
    if (copy == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for an address");
    cJSON_Delete(r->out->address);
    r->out->address = copy;
    r->in_force = begins;
    return take_stamp(r, "F0116", row, &r->out->address_stamp, err);
}

static void on_addresses(void *user, mlc_ais_cursor *cursor, const mlc_ais_page *page, mlc_code code,
                         const mlc_error *why)
{
    address_read *const r = user;
    mlc_error err;
    const cJSON *row = NULL;
    if (page == NULL) {
        read_end(r, code, why);
        return;
    }
    cJSON_ArrayForEach(row, page->rows)
    {
        code = take_address(r, row, &err);
        if (code != MLC_OK)
            break;
    }
    if (code == MLC_OK && page->more) {
        mlc_ais_next(cursor);
        return;
    }
    mlc_ais_stop(cursor);
    read_end(r, code, code == MLC_OK ? NULL : &err);
}

static mlc_code browse(address_read *r, const char *table, const char *const *columns,
                       const char *const *order, mlc_ais_page_fn fn, mlc_error *err)
{
    const mlc_ais_term term = {"AN8", MLC_AIS_EQ, r->an8};
    const mlc_ais_group group = {&term, 1};
    const mlc_ais_query query = {.table = table,
                                 .columns = columns,
                                 .groups = &group,
                                 .group_count = 1,
                                 .order_by = order,
                                 .page_size = PAGE};
    return mlc_ais_browse(r->ais, &query, fn, r, NULL, err);
}

static void on_book(void *user, mlc_ais_cursor *cursor, const mlc_ais_page *page, mlc_code code,
                    const mlc_error *why)
{
    address_read *const r = user;
    mlc_error err;
    if (page == NULL && code != MLC_OK) {
        read_end(r, code, why);
        return;
    }
    const cJSON *const row = page != NULL ? cJSON_GetArrayItem(page->rows, 0) : NULL;
    if (row == NULL)
        code =
            mlc_fail(&err, MLC_E_NOTFOUND, "address number %s is not in JDE's address book (F0101)", r->an8);
    else if ((r->out->book = cJSON_Duplicate(row, true)) == NULL)
        code = mlc_fail(&err, MLC_E_NOMEM, "no memory for an address");
    else
        code = take_stamp(r, "F0101", row, &r->out->book_stamp, &err);
    if (page != NULL)
        mlc_ais_stop(cursor);
    if (code == MLC_OK)
        code = browse(r, "F0116", f0116_columns, f0116_order, on_addresses, &err);
    if (code != MLC_OK)
        read_end(r, code, &err);
}

mlc_code mlc_address_read(mlc_ais *ais, const mlc_zone *zone, const char *an8, mlc_address_present *out,
                          mlc_address_read_fn fn, void *user, mlc_error *err)
{
    memset(out, 0, sizeof *out);
    address_read *const r = calloc(1, sizeof *r);
    if (r == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for an address");
    *r = (address_read){.ais = ais, .zone = zone, .out = out, .fn = fn, .user = user};
    mlc_strlcpy(r->an8, an8, sizeof r->an8);
    const mlc_code code = browse(r, "F0101", f0101_columns, NULL, on_book, err);
    if (code != MLC_OK)
        free(r);
    return code;
}

void mlc_address_present_free(mlc_address_present *present)
{
    cJSON_Delete(present->book);
    cJSON_Delete(present->address);
    memset(present, 0, sizeof *present);
}
