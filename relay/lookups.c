/* lookups.c - see lookups.h and lookups_private.h. */
#include "relay/lookups_private.h"

#include "relay/schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { CACHE_DEFAULT = 50000, QUERY_MAX = 40, PATH_ROOM = 6000, ID_COLUMN_MAX = 140 };

/* Several asks of one set and column in one request. */
typedef struct query {
    size_t count;
    mlc_lookup_ask *asks[QUERY_MAX];
} query;

/* ---- asks ---- */

static mlc_lookup_ask *find_ask(const mlc_lookups *l, const char *set, const char *key, const char *value)
{
    mlc_lookup_ask *ask = l->asks;
    while (ask != NULL &&
           (strcmp(ask->value, value) != 0 || strcmp(ask->key, key) != 0 || strcmp(ask->set, set) != 0))
        ask = ask->next;
    return ask;
}

static void unlist(mlc_lookup_ask *ask)
{
    if (ask->next != NULL)
        ask->next->prev = ask->prev;
    *(ask->prev != NULL ? &ask->prev->next : &ask->lookups->asks) = ask->next;
}

static void free_ask(mlc_lookup_ask *ask)
{
    while (ask->waits != NULL) {
        mlc_lookup_wait *const wait = ask->waits;
        ask->waits = wait->next;
        free(wait);
    }
    free(ask->set);
    free(ask->key);
    free(ask->value);
    free(ask->currency);
    free(ask);
}

void mlc_lookup_end(mlc_lookup_ask *ask, mlc_code code, const mlc_error *err, bool found)
{
    unlist(ask); /* whoever asks again from its callback makes a new one */
    for (const mlc_lookup_wait *wait = ask->waits; wait != NULL; wait = wait->next)
        wait->fn(wait->user, code, err, found);
    free_ask(ask);
}

static mlc_lookup_ask *new_ask(mlc_lookups *l, const char *set, const char *key, const char *value,
                               const char *currency)
{
    mlc_lookup_ask *const ask = calloc(1, sizeof *ask);
    if (ask == NULL)
        return NULL;
    ask->lookups = l;
    ask->set = mlc_strdup(set);
    ask->key = mlc_strdup(key);
    ask->value = mlc_strdup(value);
    ask->currency = mlc_strdup(currency != NULL ? currency : "");
    if (ask->set == NULL || ask->key == NULL || ask->value == NULL || ask->currency == NULL) {
        free_ask(ask);
        return NULL;
    }
    ask->next = l->asks;
    if (l->asks != NULL)
        l->asks->prev = ask;
    l->asks = ask;
    return ask;
}

mlc_code mlc_lookups_ask(mlc_lookups *lookups, const char *set, const char *key, const char *value,
                         const char *currency, mlc_lookup_fn fn, void *user, mlc_error *err)
{
    if (lookups->stopped)
        return mlc_fail(err, MLC_E_CLOSED, "ended before it was looked up");
    if (mlc_schema_name_of(NULL, set) == NULL)
        return mlc_fail(err, MLC_E_INVALID,
                        "the mapping looks into \"%.64s\", a set this relay does not know; correct it", set);
    mlc_lookup_wait *const wait = calloc(1, sizeof *wait);
    mlc_lookup_ask *ask = wait != NULL ? find_ask(lookups, set, key, value) : NULL;
    if (ask == NULL && wait != NULL)
        ask = new_ask(lookups, set, key, value, currency);
    if (ask == NULL) {
        free(wait);
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a lookup");
    }
    *wait = (mlc_lookup_wait){ask->waits, fn, user};
    ask->waits = wait;
    mlc_timer_start(lookups->timer, 0, 0);
    return MLC_OK;
}

/* ---- queries ---- */

static void id_column(const char *set, char out[ID_COLUMN_MAX])
{
    const char *const table = mlc_schema_name_of(NULL, set);
    (void)snprintf(out, ID_COLUMN_MAX, "%.128sid", table != NULL ? table : "");
}

static mlc_code add_condition(mlc_buf *path, const mlc_lookup_ask *ask, bool first, mlc_error *err)
{
    mlc_code code = mlc_buf_printf(path, err, "%s%s%%20eq%%20'", first ? "" : "%20or%20", ask->key);
    const char *at = ask->value;
    /* A quote is doubled. */
    while (code == MLC_OK && *at != '\0') {
        const size_t len = strcspn(at, "'");
        char *const piece = mlc_strndup(at, len);
        code = piece != NULL ? mlc_odata_escape(path, piece, err)
                             : mlc_fail(err, MLC_E_NOMEM, "no memory for a lookup");
        free(piece);
        at += len;
        if (code == MLC_OK && *at == '\'') {
            code = mlc_buf_puts(path, "%27%27", err);
            at++;
        }
    }
    return code == MLC_OK ? mlc_buf_puts(path, "'", err) : code;
}

static void end_all(query *q, mlc_code code, const mlc_error *err)
{
    for (size_t i = 0; i < q->count; i++)
        mlc_lookup_end(q->asks[i], code, err, false);
}

static void take_row(query *q, const cJSON *row)
{
    char column[ID_COLUMN_MAX];
    id_column(q->asks[0]->set, column);
    const char *const id = mlc_json_str(row, column);
    const char *const value = mlc_json_member_text(row, q->asks[0]->key);
    for (size_t i = 0; id != NULL && value != NULL && i < q->count; i++) {
        mlc_lookup_ask *const ask = q->asks[i];
        /* The service compares without regard to case; the oldest of several wins. */
        if (ask->found || strcasecmp(ask->value, value) != 0)
            continue;
        ask->found = true;
        mlc_id_cache_put(ask->lookups->cache, ask->set, ask->key, ask->value, id);
    }
}

static void on_answer(void *user, const mlc_odata_answer *answer)
{
    query *const q = user;
    mlc_error err = answer->err;
    mlc_code code = answer->code;
    const cJSON *const rows = mlc_json_get(answer->body, "value");
    const cJSON *row = NULL;
    if (code == MLC_OK && !cJSON_IsArray(rows))
        code = mlc_fail(&err, MLC_E_UNAVAILABLE, "HTTP %d without a list of rows", answer->status);
    if (code != MLC_OK) {
        end_all(q, code, &err);
        free(q);
        return;
    }
    cJSON_ArrayForEach(row, rows)
    {
        take_row(q, row);
    }
    for (size_t i = 0; i < q->count; i++) {
        if (!q->asks[i]->found && mlc_lookup_makeable(q->asks[i]) && !q->asks[i]->lookups->stopped)
            mlc_lookup_make(q->asks[i]);
        else
            mlc_lookup_end(q->asks[i], MLC_OK, NULL, q->asks[i]->found);
    }
    free(q);
}

/* Collects what goes with `first`, and the path. */
static mlc_code fill_query(query *q, mlc_lookup_ask *first, mlc_buf *path, mlc_error *err)
{
    char column[ID_COLUMN_MAX];
    id_column(first->set, column);
    mlc_code code = mlc_buf_printf(path, err, "%s?$select=%s,%s&$orderby=createdon&$filter=", first->set,
                                   column, first->key);
    for (mlc_lookup_ask *ask = first; code == MLC_OK && ask != NULL; ask = ask->next) {
        if (ask->sent || strcmp(ask->set, first->set) != 0 || strcmp(ask->key, first->key) != 0)
            continue;
        code = add_condition(path, ask, q->count == 0, err);
        ask->sent = true;
        q->asks[q->count++] = ask;
        if (q->count == QUERY_MAX || path->len > PATH_ROOM)
            break;
    }
    return code;
}

static void send_query(mlc_lookups *l, mlc_lookup_ask *first)
{
    mlc_error err;
    mlc_buf path = {0};
    query *const q = calloc(1, sizeof *q);
    if (q == NULL) {
        (void)mlc_fail(&err, MLC_E_NOMEM, "no memory for a lookup");
        mlc_lookup_end(first, err.code, &err, false);
        return;
    }
    mlc_code code = fill_query(q, first, &path, &err);
    const mlc_odata_request request = {.method = "GET", .path = mlc_buf_text(&path)};
    if (code == MLC_OK)
        code = mlc_odata_send(l->opt.odata, &request, on_answer, q, &err);
    mlc_buf_free(&path);
    if (code == MLC_OK)
        return;
    if (q->count == 0)
        mlc_lookup_end(first, code, &err, false);
    end_all(q, code, &err);
    free(q);
}

static mlc_lookup_ask *first_unsent(const mlc_lookups *l)
{
    mlc_lookup_ask *ask = l->asks;
    while (ask != NULL && ask->sent)
        ask = ask->next;
    return ask;
}

static void on_timer(void *arg)
{
    mlc_lookups *const l = arg;
    mlc_lookup_ask *ask = NULL;
    while (!l->stopped && (ask = first_unsent(l)) != NULL)
        send_query(l, ask);
}

/* ---- what is known ---- */

const char *mlc_lookups_known(mlc_lookups *lookups, const char *set, const char *key, const char *value)
{
    return mlc_id_cache_get(lookups->cache, set, key, value);
}

void mlc_lookups_learn(mlc_lookups *lookups, const char *set, const char *key, const char *value,
                       const char *id)
{
    mlc_id_cache_put(lookups->cache, set, key, value, id);
}

void mlc_lookups_forget(mlc_lookups *lookups, const char *set, const char *key, const char *value)
{
    mlc_id_cache_forget(lookups->cache, set, key, value);
}

/* ---- life ---- */

mlc_code mlc_lookups_open(mlc_lookups **out, const mlc_lookups_options *options, mlc_error *err)
{
    *out = NULL;
    mlc_lookups *const l = calloc(1, sizeof *l);
    if (l == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for lookups");
    l->opt = *options;
    mlc_code code =
        mlc_id_cache_open(&l->cache, options->cache_max > 0 ? options->cache_max : CACHE_DEFAULT, err);
    if (code == MLC_OK)
        code = mlc_timer_open(&l->timer, options->loop, on_timer, l, err);
    if (code != MLC_OK) {
        mlc_lookups_close(l);
        return code;
    }
    *out = l;
    return MLC_OK;
}

void mlc_lookups_stop(mlc_lookups *lookups)
{
    mlc_error err;
    mlc_lookup_ask *ask = NULL;
    lookups->stopped = true;
    mlc_timer_stop(lookups->timer);
    (void)mlc_fail(&err, MLC_E_CLOSED, "ended before it was looked up");
    while ((ask = first_unsent(lookups)) != NULL)
        mlc_lookup_end(ask, err.code, &err, false);
}

void mlc_lookups_close(mlc_lookups *lookups)
{
    if (lookups == NULL)
        return;
    while (lookups->asks != NULL) {
        mlc_lookup_ask *const ask = lookups->asks;
        unlist(ask);
        free_ask(ask);
    }
    mlc_timer_close(lookups->timer);
    mlc_id_cache_close(lookups->cache);
    free(lookups);
}
