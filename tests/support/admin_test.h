/* admin_test.h - the admin routes on a unix socket over a store with a KEYED, a superseding and a SEQUENCE stream;
 * the asking is done in a thread while the test runs the loop. Include after cmocka.h. */
#ifndef MLC_TESTS_ADMIN_TEST_H
#define MLC_TESTS_ADMIN_TEST_H

#include "admin/admin.h"
#include "support/loop_store_test.h"

#include <pthread.h>
#include <stdatomic.h>

typedef struct admin_fix {
    lst_fix s;
    mlc_outbox *jde, *up;
    mlc_lws *lws;
    mlc_http_server *server;
    mlc_admin *admin;
    char socket[160];
    bool unhealthy;
    int released;  /* calls of on_released */
    int refreshed; /* calls of on_refreshed */
    mlc_outbox *released_stream;
} admin_fix;

static inline void admin_fix_status(void *user, cJSON *status)
{
    (void)user;
    assert_int_equal(mlc_json_add_str(status, "link", "up", NULL), MLC_OK);
}

static inline void admin_fix_metrics(void *user, mlc_buf *out)
{
    (void)user;
    assert_int_equal(mlc_buf_puts(out, "ml_link_up 1\n", NULL), MLC_OK);
}

static inline bool admin_fix_healthy(void *user, char *why, size_t size)
{
    const admin_fix *const f = user;
    if (f->unhealthy)
        (void)snprintf(why, size, "the disk is full");
    return !f->unhealthy;
}

static inline void admin_fix_released(void *user, mlc_outbox *stream)
{
    admin_fix *const f = user;
    f->released++;
    f->released_stream = stream;
}

/* Records of "up" cannot be taken again but customers; of others a message goes into "up". Customers stay until they come. */
static inline mlc_code admin_fix_refresh(mlc_txn *txn, mlc_outbox *stream, const mlc_entry *entry,
                                         bool *stays, void *user, mlc_error *err)
{
    admin_fix *const f = user;
    char key[128];
    *stays = strncmp(entry->key, "customer/", 9) == 0;
    if (stream == f->up && !*stays)
        return mlc_fail(err, MLC_E_UNSUPPORTED, "correct it in JDE");
    (void)snprintf(key, sizeof key, "refresh/%s", entry->key);
    const mlc_entry_new message = {
        .tenant = "acme", .key = key, .idem = key, .kind = "refresh", .correlation = "", .now_ms = 1};
    return mlc_outbox_put(txn, f->up, &message, NULL, NULL, err);
}

static inline void admin_fix_refreshed(void *user, mlc_outbox *stream)
{
    (void)stream;
    ((admin_fix *)user)->refreshed++;
}

static inline void admin_fix_open_server(admin_fix *f)
{
    mlc_error err;
    const mlc_admin_options options = {.program = "ml-test/1.0",
                                       .status = admin_fix_status,
                                       .metrics = admin_fix_metrics,
                                       .healthy = admin_fix_healthy,
                                       .user = f,
                                       .loop = &f->s.loop};
    lst_check(mlc_admin_open(&f->admin, &options, &err), &err);
    const mlc_admin_store store = {.name = "agent",
                                   .store = f->s.store,
                                   .folder = "",
                                   .streams = {f->jde, f->up},
                                   .stream_count = 2,
                                   .on_released = admin_fix_released,
                                   .refresh = admin_fix_refresh,
                                   .on_refreshed = admin_fix_refreshed,
                                   .user = f};
    lst_check(mlc_admin_add_store(f->admin, &store, &err), &err);
    assert_int_equal(mlc_admin_add_store(f->admin, &store, &err), MLC_E_EXISTS);
    size_t count = 0;
    const mlc_http_route *const routes = mlc_admin_routes(f->admin, &count);
    (void)snprintf(f->socket, sizeof f->socket, "%s/admin.sock", f->s.dir);
    const mlc_http_server_options server = {
        .name = "admin", .unix_path = f->socket, .routes = routes, .route_count = count};
    lst_check(mlc_lws_open(&f->lws, &f->s.loop, NULL, &err), &err);
    lst_check(mlc_http_server_open(&f->server, f->lws, &server, &err), &err);
}

static inline int admin_fix_set_up(void **state)
{
    admin_fix *const f = calloc(1, sizeof *f);
    assert_non_null(f);
    lst_init(&f->s);
    f->jde = lst_stream(&f->s, &(mlc_stream_spec){.name = "jde", .mode = MLC_STREAM_KEYED});
    f->up = lst_stream(&f->s, &(mlc_stream_spec){.name = "up", .mode = MLC_STREAM_SEQUENCE});
    admin_fix_open_server(f);
    *state = f;
    return 0;
}

static inline int admin_fix_tear_down(void **state)
{
    admin_fix *const f = *state;
    mlc_admin_close(f->admin);
    mlc_http_server_close(f->server);
    mlc_lws_close(f->lws);
    (void)mlc_store_dispatch(f->s.store);
    mlc_outbox_close(f->jde);
    mlc_outbox_close(f->up);
    lst_close_store(&f->s);
    lst_end(&f->s);
    free(f);
    return 0;
}

/* ---- entries in review ---- */

typedef struct admin_park {
    mlc_outbox *stream;
    uint64_t seq;
    const char *error;
    mlc_code code;
    int64_t at_ms;
} admin_park;

static inline mlc_code admin_park_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    const admin_park *const park = arg;
    return mlc_outbox_park_as(txn, park->stream, park->seq, park->at_ms, park->code, park->error, err);
}

/* Parked so long ago, for that reason. */
static inline uint64_t admin_fix_park_as(admin_fix *f, mlc_outbox *stream, const char *key, const char *idem,
                                         mlc_code code, int64_t age_ms)
{
    mlc_error err;
    admin_park park = {.stream = stream,
                       .seq = lst_add(&f->s, stream, key, idem),
                       .error = "item is unknown",
                       .code = code,
                       .at_ms = mlc_wall_ms() - age_ms};
    lst_check(mlc_store_run(f->s.store, admin_park_job, &park, &err), &err);
    return park.seq;
}

static inline uint64_t admin_fix_park(admin_fix *f, mlc_outbox *stream, const char *key, const char *idem)
{
    return admin_fix_park_as(f, stream, key, idem, MLC_OK, 0);
}

/* ---- running something in a thread while the loop turns ---- */

typedef struct admin_thread {
    void (*fn)(void *arg);
    void *arg;
    atomic_bool over;
} admin_thread;

static inline void *admin_thread_main(void *arg)
{
    admin_thread *const t = arg;
    t->fn(t->arg);
    atomic_store(&t->over, true);
    return NULL;
}

static inline bool admin_thread_over(void *arg)
{
    admin_thread *const t = arg;
    return atomic_load(&t->over);
}

static inline void admin_fix_meanwhile(admin_fix *f, void (*fn)(void *), void *arg)
{
    pthread_t thread;
    admin_thread t = {.fn = fn, .arg = arg};
    atomic_init(&t.over, false);
    assert_int_equal(pthread_create(&thread, NULL, admin_thread_main, &t), 0);
    assert_true(lst_run(&f->s, admin_thread_over, &t, LST_PATIENCE_MS));
    assert_int_equal(pthread_join(thread, NULL), 0);
}

#endif
