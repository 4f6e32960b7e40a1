/* ais_read.c - reading a set of rows page by page (ais.h). */
#include "agent/ais_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct mlc_ais_cursor {
    mlc_ais_cursor *next;
    mlc_ais *ais;
    char table[64];
    char *link;     /* of the next page, NULL when none was given */
    bool calling;   /* inside fn */
    bool in_flight; /* a request is under way */
    bool stopped;   /* no more callbacks */
    bool lost;      /* asked for a next page that has no link: ends from the loop */
    mlc_ais_page_fn fn;
    void *user;
};

static void cursor_free(mlc_ais_cursor *cursor)
{
    mlc_ais_cursor **at = &cursor->ais->cursors;
    while (*at != NULL && *at != cursor)
        at = &(*at)->next;
    if (*at != NULL)
        *at = cursor->next;
    if (cursor->link != NULL)
        explicit_bzero(cursor->link, strlen(cursor->link));
    free(cursor->link);
    free(cursor);
}

static void cursor_end(mlc_ais_cursor *cursor, mlc_code code, const mlc_error *err)
{
    if (!cursor->stopped) {
        cursor->stopped = true;
        cursor->calling = true;
        cursor->fn(cursor->user, cursor, NULL, code, err);
    }
    cursor_free(cursor);
}

/* Why a page could not be read, by HTTP status and body. */
static mlc_code page_failed(const mlc_ais_cursor *cursor, int status, const cJSON *body, mlc_error *err)
{
    char words[MLC_ERROR_MESSAGE_MAX / 2];
    if (!ais_errors_text(body, words, sizeof words))
        (void)snprintf(words, sizeof words, "%.200s",
                       mlc_json_str(body, "message") != NULL ? mlc_json_str(body, "message")
                                                             : "no reason given");
    if (strstr(words, "JAS_MSG347") != NULL)
        return mlc_fail(err, MLC_E_CONFLICT, "%s: the result set has timed out", cursor->table);
    return mlc_fail(err, mlc_http_status_code(status), "%s: AIS answered with status %d: %s", cursor->table,
                    status, words);
}

static void give_page(mlc_ais_cursor *cursor, const ais_rows *rows)
{
    mlc_error none;
    const mlc_ais_page page = {.rows = rows->rows, .count = rows->count, .more = rows->more};
    mlc_error_clear(&none);
    free(cursor->link);
    cursor->link = mlc_strdup(rows->next);
    cursor->calling = true;
    cursor->fn(cursor->user, cursor, &page, MLC_OK, &none);
    cursor->calling = false;
    if (cursor->stopped)
        cursor_free(cursor);
    else if (!rows->more)
        cursor_end(cursor, MLC_OK, &none);
}

static void on_page(void *user, mlc_code code, const mlc_error *why, int status, cJSON *body)
{
    mlc_ais_cursor *const cursor = user;
    ais_rows rows;
    mlc_error err;
    cursor->in_flight = false;
    if (cursor->stopped) {
        cursor_free(cursor);
        return;
    }
    if (code != MLC_OK) {
        cursor_end(cursor, code, why);
        return;
    }
    if (status < 200 || status >= 300) {
        code = page_failed(cursor, status, body, &err);
        cursor_end(cursor, code, &err);
        return;
    }
    code = ais_page_read(body, cursor->table, &rows, &err);
    if (code != MLC_OK)
        cursor_end(cursor, code, &err);
    else
        give_page(cursor, &rows);
}

mlc_code mlc_ais_browse(mlc_ais *ais, const mlc_ais_query *query, mlc_ais_page_fn fn, void *user,
                        mlc_ais_cursor **cursor, mlc_error *err)
{
    char *body = NULL;
    mlc_ais_cursor *const c = calloc(1, sizeof *c);
    if (c == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory to read %s", query->table);
    c->ais = ais;
    c->fn = fn;
    c->user = user;
    c->in_flight = true;
    (void)snprintf(c->table, sizeof c->table, "%s", query->table);
    c->next = ais->cursors;
    ais->cursors = c;
    char *const url = ais_join(ais->url, "/jderest/v2/dataservice", "", err);
    mlc_code code = url != NULL ? ais_query_print(query, &body, err) : MLC_E_NOMEM;
    if (code == MLC_OK)
        code = ais_call_start(ais, AIS_READ, url, body, on_page, c, err);
    else
        free(url);
    if (code != MLC_OK) {
        cursor_free(c);
        return code;
    }
    if (cursor != NULL)
        *cursor = c;
    return MLC_OK;
}

/* ---- going on ---- */

/* A link leads to the server that was configured, or nowhere. */
static bool link_is_ours(const mlc_ais *ais, const char *link)
{
    size_t len = strlen(ais->url);
    while (len > 0 && ais->url[len - 1] == '/')
        len--;
    return strncmp(link, ais->url, len) == 0 && link[len] == '/' && strlen(link) < AIS_URL_MAX;
}

static void end_later(mlc_ais_cursor *cursor)
{
    cursor->lost = true;
    mlc_timer_start(cursor->ais->deferred, 0, 0);
}

void mlc_ais_next(mlc_ais_cursor *cursor)
{
    mlc_error err;
    if (cursor->link == NULL || !link_is_ours(cursor->ais, cursor->link)) {
        end_later(cursor);
        return;
    }
    char *const link = cursor->link;
    cursor->link = NULL;
    cursor->in_flight = true;
    if (ais_call_start(cursor->ais, AIS_NEXT, link, NULL, on_page, cursor, &err) != MLC_OK) {
        cursor->in_flight = false;
        end_later(cursor);
    }
}

void mlc_ais_stop(mlc_ais_cursor *cursor)
{
    cursor->stopped = true;
    if (!cursor->in_flight && !cursor->calling)
        cursor_free(cursor);
}

void ais_on_deferred(void *arg)
{
    mlc_ais *const ais = arg;
    mlc_ais_cursor *cursor = ais->cursors;
    while (cursor != NULL) {
        if (!cursor->lost || cursor->in_flight) {
            cursor = cursor->next;
            continue;
        }
        mlc_error err;
        (void)mlc_fail(&err, MLC_E_CONFLICT, "%s: AIS gave no usable link to the next page", cursor->table);
        cursor_end(cursor, MLC_E_CONFLICT, &err);
        cursor = ais->cursors; /* the callback may have changed the list */
    }
}

void ais_cursors_close(mlc_ais *ais)
{
    mlc_error err;
    (void)mlc_fail(&err, MLC_E_CLOSED, "the AIS client is closing");
    mlc_ais_cursor *cursor = NULL;
    while ((cursor = ais->cursors) != NULL) {
        ais->cursors = cursor->next;
        cursor_end(cursor, MLC_E_CLOSED, &err);
    }
}

/* ---- dates ---- */

static const char *date_format(const mlc_ais *ais)
{
    if (ais->date_format != NULL)
        return ais->date_format;
    return ais->info.date_format[0] != '\0' ? ais->info.date_format : NULL;
}

mlc_code mlc_ais_date(const mlc_ais *ais, int32_t julian, char *out, size_t size, mlc_error *err)
{
    const char *const format = date_format(ais);
    if (format == NULL)
        return mlc_fail(err, MLC_E_CONFLICT, "the date format of AIS is not known before the first log-in");
    return mlc_jde_date_format(julian, format, out, size, err);
}

mlc_code mlc_ais_row_date(const mlc_ais *ais, const cJSON *row, const char *column, int32_t *julian,
                          mlc_error *err)
{
    const char *const text = mlc_json_member_text(row, column);
    *julian = 0;
    return text != NULL ? mlc_jde_date_parse(text, date_format(ais), julian, err) : MLC_OK;
}
