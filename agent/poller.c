/* poller.c - see poller.h. One cycle at a time, one page at a time:
 * idle -> ready? -> browse keys -> (page: fetch F0101 -> fetch F03012 -> store) ... -> next table -> idle. */
#include "agent/poller.h"

#include "agent/poll_page.h"
#include "agent/row_fetch.h"
#include "base/clock.h"
#include "crypto/crypto.h"
#include "net/backoff.h"
#include "net/timer.h"
#include "store/cursor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TABLE_COUNT = 2 };
static const char *const table_names[TABLE_COUNT] = {"F0101", "F03012"};
static const char *const key_columns[] = {"AN8", "UPMJ", "UPMT", NULL};
static const char *const key_order[] = {"UPMJ", "UPMT", "AN8", NULL};

/* How long a full stream is left alone before the page is offered again. */
enum { FULL_WAIT_MS = 1000 };

typedef struct poll_key {
    char key[MLC_POLL_KEY_MAX];
    mlc_jde_stamp stamp;
} poll_key;

struct mlc_poller {
    mlc_poller_options opt;
    mlc_timer *timer;      /* next cycle */
    mlc_timer *full_timer; /* next try of a page that did not fit */
    mlc_watermark marks[TABLE_COUNT];
    int64_t emission;
    bool stopping, storing;
    size_t table;
    uint32_t failures; /* cycles in a row */
    /* the set under way */
    mlc_ais_cursor *cursor;
    mlc_watermark_query query;
    /* the page under way */
    poll_key *keys; /* as read: in order of stamp */
    size_t key_count;
    const char **names; /* distinct keys, pointing into keys */
    size_t name_count;
    bool more;
    cJSON *addresses, *terms;
    mlc_poll_page page;
    mlc_poller_status status;
};

static void browse_table(mlc_poller *p);

static void page_clear(mlc_poller *p)
{
    cJSON_Delete(p->addresses);
    cJSON_Delete(p->terms);
    p->addresses = p->terms = NULL;
    mlc_poll_page_clear(&p->page);
    free(p->keys);
    free(p->names);
    p->keys = NULL;
    p->names = NULL;
    p->key_count = p->name_count = 0;
}

static void set_drop(mlc_poller *p)
{
    if (p->cursor != NULL)
        mlc_ais_stop(p->cursor);
    p->cursor = NULL;
}

static void cycle_failed(mlc_poller *p, const mlc_error *err)
{
    char text[MLC_ERROR_MESSAGE_MAX + MLC_ERROR_CAUSE_MAX];
    set_drop(p);
    page_clear(p);
    p->status.running = false;
    (void)snprintf(p->status.last_error, sizeof p->status.last_error, "%.255s",
                   mlc_error_text(err, text, sizeof text));
    if (p->stopping)
        return;
    const mlc_backoff policy = {p->opt.retry_base_ms, p->opt.retry_cap_ms};
    const int64_t delay = mlc_backoff_delay(&policy, ++p->failures, 0, mlc_random_below(UINT64_MAX));
    mlc_log_warn(p->opt.log, "poller", "poll failed, will go on where it stopped",
                 MLC_S("table", table_names[p->table]), MLC_S("error", text), MLC_I("retry_ms", delay));
    mlc_timer_start(p->timer, delay, 0);
}

static void cycle_done(mlc_poller *p)
{
    p->status.running = false;
    p->status.cycles++;
    p->status.last_end_ms = mlc_wall_ms();
    p->status.last_error[0] = '\0';
    p->failures = 0;
    if (!p->stopping)
        mlc_timer_start(p->timer, p->opt.interval_ms, 0);
}

/* ---- storing a page ---- */

static void page_stored(mlc_poller *p)
{
    p->marks[p->table] = p->page.watermark;
    p->emission = p->page.emission;
    p->status.rows += p->key_count;
    p->status.enqueued += p->page.enqueued;
    p->status.invalid += p->page.invalid;
    if (p->page.enqueued + p->page.invalid > 0)
        mlc_log_info(p->opt.log, "poller", "changes stored", MLC_S("table", table_names[p->table]),
                     MLC_I("rows", p->key_count), MLC_I("changed", p->page.enqueued),
                     MLC_I("invalid", p->page.invalid));
    if (p->page.enqueued > 0 && p->opt.on_enqueued != NULL)
        p->opt.on_enqueued(p->opt.user);
    const bool more = p->more;
    page_clear(p);
    if (p->stopping)
        return;
    if (more && p->cursor != NULL) {
        mlc_ais_next(p->cursor);
        return;
    }
    if (more) { /* the set was lost meanwhile: ask anew, behind the last row stored */
        browse_table(p);
        return;
    }
    p->table++;
    if (p->table < TABLE_COUNT)
        browse_table(p);
    else
        cycle_done(p);
}

static void on_page_job(void *arg, mlc_code code, const mlc_error *err)
{
    mlc_poller *const p = arg;
    p->storing = false;
    if (code == MLC_OK) {
        page_stored(p);
        return;
    }
    if (code == MLC_E_FULL && !p->stopping) {
        if (p->status.last_error[0] == '\0')
            mlc_log_warn(p->opt.log, "poller", "the outgoing stream is full, polling pauses",
                         MLC_S("error", err->message));
        (void)snprintf(p->status.last_error, sizeof p->status.last_error, "%.255s", err->message);
        mlc_timer_start(p->full_timer, FULL_WAIT_MS, 0);
        return;
    }
    cycle_failed(p, err);
}

/* Store's thread. */
static mlc_code store_page(mlc_txn *txn, void *arg, mlc_error *err)
{
    mlc_poller *const p = arg;
    return mlc_poll_page_store(txn, &p->page, err);
}

static void submit_page(mlc_poller *p)
{
    mlc_error err;
    p->storing = true;
    if (mlc_store_submit(p->opt.store, store_page, on_page_job, p, &err) != MLC_OK) {
        p->storing = false;
        cycle_failed(p, &err);
    }
}

static void on_full_timer(void *arg)
{
    mlc_poller *const p = arg;
    if (!p->stopping && !p->storing)
        submit_page(p);
}

static mlc_code build_page(mlc_poller *p, mlc_error *err)
{
    mlc_poll_page *const page = &p->page;
    mlc_code code = mlc_poll_page_reserve(page, p->name_count, err);
    page->tenant = p->opt.tenant;
    page->table = table_names[p->table];
    page->up = p->opt.up;
    page->now_ms = mlc_wall_ms();
    page->emission = p->emission;
    page->watermark = p->marks[p->table];
    for (size_t i = 0; code == MLC_OK && i < p->name_count; i++) {
        const cJSON *const address = mlc_row_find(p->addresses, "AN8", p->names[i]);
        if (address == NULL) /* an F03012 row whose F0101 row is gone: nothing to make a customer of */
            continue;
        mlc_poll_item *const item = &page->items[page->count++];
        (void)snprintf(item->key, sizeof item->key, "%s", p->names[i]);
        code = mlc_poll_item_fill(page, item, p->opt.ais, address, mlc_row_find(p->terms, "AN8", item->key),
                                  p->opt.search_types, err);
    }
    if (p->key_count > 0) {
        const poll_key *const last = &p->keys[p->key_count - 1];
        mlc_watermark_advance(&page->watermark, last->stamp, last->key);
    }
    if (!p->more)
        mlc_watermark_complete(&page->watermark);
    return code;
}

/* ---- reading a page ---- */

static void on_terms(void *user, mlc_code code, const mlc_error *why, cJSON *rows)
{
    mlc_poller *const p = user;
    mlc_error err;
    p->terms = rows;
    if (code != MLC_OK) {
        cycle_failed(p, why);
        return;
    }
    if (build_page(p, &err) != MLC_OK) {
        cycle_failed(p, &err);
        return;
    }
    submit_page(p);
}

static void on_addresses(void *user, mlc_code code, const mlc_error *why, cJSON *rows)
{
    mlc_poller *const p = user;
    mlc_error err;
    p->addresses = rows;
    if (code != MLC_OK) {
        cycle_failed(p, why);
        return;
    }
    const mlc_ais_term company = {"CO", MLC_AIS_EQ, p->opt.company};
    const mlc_row_fetch fetch = {.table = "F03012",
                                 .columns = mlc_customer_f03012_columns,
                                 .key_column = "AN8",
                                 .keys = p->names,
                                 .key_count = p->name_count,
                                 .extra = &company};
    if (mlc_row_fetch_start(p->opt.ais, &fetch, on_terms, p, &err) != MLC_OK)
        cycle_failed(p, &err);
}

/* Is it there already? The same customer may have rows in two companies. */
static bool name_known(const mlc_poller *p, const char *key)
{
    for (size_t i = 0; i < p->name_count; i++) {
        if (p->names[i] != NULL && strcmp(p->names[i], key) == 0)
            return true;
    }
    return false;
}

static mlc_code take_keys(mlc_poller *p, const mlc_ais_page *page, mlc_error *err)
{
    const cJSON *row = NULL;
    p->keys = calloc(page->count + 1, sizeof *p->keys);
    p->names = calloc(page->count + 1, sizeof *p->names);
    if (p->keys == NULL || p->names == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a page of keys");
    cJSON_ArrayForEach(row, page->rows)
    {
        poll_key *const key = &p->keys[p->key_count];
        const char *const text = mlc_json_member_text(row, "AN8");
        if (text == NULL || *text == '\0' || strlen(text) >= sizeof key->key)
            return mlc_fail(err, MLC_E_PROTOCOL, "%s: a row without a usable AN8 (address number)",
                            table_names[p->table]);
        const mlc_code code = mlc_row_stamp(p->opt.ais, table_names[p->table], row, &key->stamp, err);
        if (code != MLC_OK)
            return code;
        (void)snprintf(key->key, sizeof key->key, "%s", text);
        p->key_count++;
        if (!name_known(p, key->key))
            p->names[p->name_count++] = key->key;
    }
    return MLC_OK;
}

static void read_page(mlc_poller *p, const mlc_ais_page *page)
{
    mlc_error err;
    p->more = page->more;
    if (take_keys(p, page, &err) != MLC_OK) {
        cycle_failed(p, &err);
        return;
    }
    if (p->name_count == 0) { /* nothing (more) to read: the watermark still moves */
        on_terms(p, MLC_OK, NULL, NULL);
        return;
    }
    const mlc_row_fetch fetch = {.table = "F0101",
                                 .columns = mlc_customer_f0101_columns,
                                 .key_column = "AN8",
                                 .keys = p->names,
                                 .key_count = p->name_count};
    if (mlc_row_fetch_start(p->opt.ais, &fetch, on_addresses, p, &err) != MLC_OK)
        cycle_failed(p, &err);
}

static void on_keys(void *user, mlc_ais_cursor *cursor, const mlc_ais_page *page, mlc_code code,
                    const mlc_error *why)
{
    mlc_poller *const p = user;
    if (page != NULL) {
        p->cursor = cursor;
        read_page(p, page);
        return;
    }
    p->cursor = NULL;
    /* The end after the last page needs no act: that page completes the table when it is stored. And a page that
     * is under way is finished first; then page_stored sees that the set is gone and asks anew. */
    if (code == MLC_OK || p->keys != NULL)
        return;
    if (code == MLC_E_CONFLICT && !p->stopping) /* the set timed out: a new one from the last row stored */
        browse_table(p);
    else
        cycle_failed(p, why);
}

static void browse_table(mlc_poller *p)
{
    mlc_error err;
    char date[32] = "";
    mlc_watermark *const mark = &p->marks[p->table];
    mlc_watermark_begin(mark, p->opt.zone, p->opt.overlap_ms, mlc_wall_ms());
    const mlc_jde_stamp from = mlc_watermark_from(mark);
    if (from.julian > 0 && mlc_ais_date(p->opt.ais, from.julian, date, sizeof date, &err) != MLC_OK) {
        cycle_failed(p, &err);
        return;
    }
    mlc_watermark_groups(mark, date, "AN8", &p->query);
    const mlc_ais_query query = {.table = table_names[p->table],
                                 .columns = key_columns,
                                 .groups = p->query.groups,
                                 .group_count = p->query.group_count,
                                 .order_by = key_order,
                                 .page_size = p->opt.page_size};
    if (mlc_ais_browse(p->opt.ais, &query, on_keys, p, &p->cursor, &err) != MLC_OK) {
        p->cursor = NULL;
        cycle_failed(p, &err);
    }
}

static void on_ready(void *user, mlc_code code, const mlc_error *err)
{
    mlc_poller *const p = user;
    if (p->stopping)
        return;
    if (code != MLC_OK) {
        cycle_failed(p, err);
        return;
    }
    p->table = 0;
    browse_table(p);
}

static void on_timer(void *arg)
{
    mlc_poller *const p = arg;
    mlc_error err;
    if (p->stopping || p->status.running)
        return;
    p->status.running = true;
    if (mlc_ais_ready(p->opt.ais, on_ready, p, &err) != MLC_OK)
        cycle_failed(p, &err);
}

/* ---- life ---- */

static mlc_code load_marks(mlc_txn *txn, void *arg, mlc_error *err)
{
    mlc_poller *const p = arg;
    const void *value = NULL;
    size_t len = 0;
    char name[64];
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        (void)snprintf(name, sizeof name, MLC_POLL_CURSOR_PREFIX "%s", table_names[i]);
        mlc_code code = mlc_cursor_get(txn, name, &value, &len, err);
        if (code == MLC_OK)
            code = mlc_watermark_parse(value, len, &p->marks[i], err);
        if (code != MLC_OK && code != MLC_E_NOTFOUND)
            return code;
    }
    const mlc_code code = mlc_cursor_get(txn, MLC_POLL_EMISSION_CURSOR, &value, &len, err);
    if (code == MLC_OK && len == sizeof p->emission)
        memcpy(&p->emission, value, len);
    return code == MLC_E_NOTFOUND ? MLC_OK : code;
}

mlc_code mlc_poller_open(mlc_poller **out, const mlc_poller_options *options, mlc_error *err)
{
    mlc_poller *const p = calloc(1, sizeof *p);
    if (p == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for the poller");
    p->opt = *options;
    if (p->opt.retry_base_ms <= 0)
        p->opt.retry_base_ms = 1000;
    if (p->opt.retry_cap_ms <= 0)
        p->opt.retry_cap_ms = 300000;
    mlc_code code = mlc_store_read(p->opt.store, load_marks, p, err);
    if (code == MLC_OK)
        code = mlc_timer_open(&p->timer, p->opt.loop, on_timer, p, err);
    if (code == MLC_OK)
        code = mlc_timer_open(&p->full_timer, p->opt.loop, on_full_timer, p, err);
    if (code != MLC_OK) {
        mlc_poller_close(p);
        return code;
    }
    mlc_timer_start(p->timer, 0, 0);
    *out = p;
    return MLC_OK;
}

void mlc_poller_run_now(mlc_poller *poller)
{
    if (!poller->stopping && !poller->status.running)
        mlc_timer_start(poller->timer, 0, 0);
}

void mlc_poller_stop(mlc_poller *poller)
{
    poller->stopping = true;
    mlc_timer_stop(poller->timer);
    mlc_timer_stop(poller->full_timer);
    set_drop(poller);
}

void mlc_poller_close(mlc_poller *poller)
{
    if (poller == NULL)
        return;
    page_clear(poller);
    mlc_timer_close(poller->timer);
    mlc_timer_close(poller->full_timer);
    free(poller);
}

void mlc_poller_status_get(const mlc_poller *poller, mlc_poller_status *out)
{
    *out = poller->status;
}
