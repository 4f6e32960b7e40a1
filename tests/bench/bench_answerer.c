/* bench_answerer.c CERT_FILE KEY_FILE [STORE] - an HTTPS server of bare libwebsockets that answers each POST.
 *
 * Without a store it answers at once. With one, a row is put into LMDB first: a second thread takes all requests that
 * wait, puts a row for each, commits with a sync, and wakes the first, which answers: the least that a durable answer
 * costs on this disk. Prints its port, then serves until it is killed. */
#include "bench.h"

#include <libwebsockets.h>
#include <lmdb.h>
#include <pthread.h>

enum { WAITING_MAX = 4096, ROW = 620 };
static const char ANSWER[] = "{\"accepted\":true}";

/* Requests in the order of arrival: those before `stored` may be answered, then those the writer has, then the rest. */
typedef struct answerer {
    struct lws_context *context;
    MDB_env *env;
    MDB_dbi rows;
    pthread_mutex_t mutex;
    pthread_cond_t work;
    struct lws *ring[WAITING_MAX];
    uint64_t arrived, stored, answered;
} answerer;

static void lmdb_check(int rc, const char *what)
{
    if (rc != 0)
        bench_die(what, mdb_strerror(rc));
}

/* ---- the store ---- */

static void store_rows(answerer *a, uint64_t from, uint64_t until)
{
    static char row[ROW];
    MDB_txn *txn = NULL;
    lmdb_check(mdb_txn_begin(a->env, NULL, 0, &txn), "begin");
    for (uint64_t id = from; id < until; id++) {
        uint64_t key_bytes = htobe64(id);
        MDB_val key = {sizeof key_bytes, &key_bytes};
        MDB_val value = {sizeof row, row};
        lmdb_check(mdb_put(txn, a->rows, &key, &value, 0), "put");
    }
    lmdb_check(mdb_txn_commit(txn), "commit");
}

static void *writer_main(void *arg)
{
    answerer *const a = arg;
    for (;;) {
        (void)pthread_mutex_lock(&a->mutex);
        while (a->stored == a->arrived)
            (void)pthread_cond_wait(&a->work, &a->mutex);
        const uint64_t from = a->stored;
        const uint64_t until = a->arrived;
        (void)pthread_mutex_unlock(&a->mutex);
        store_rows(a, from, until);
        (void)pthread_mutex_lock(&a->mutex);
        a->stored = until;
        (void)pthread_mutex_unlock(&a->mutex);
        lws_cancel_service(a->context);
    }
    return NULL;
}

static void open_store(answerer *a, const char *dir)
{
    MDB_txn *txn = NULL;
    pthread_t thread;
    lmdb_check(mdb_env_create(&a->env), "create");
    lmdb_check(mdb_env_set_mapsize(a->env, (size_t)4 << 30), "map");
    lmdb_check(mdb_env_open(a->env, dir, MDB_NOTLS, 0600), dir);
    lmdb_check(mdb_txn_begin(a->env, NULL, 0, &txn), "begin");
    lmdb_check(mdb_dbi_open(txn, NULL, 0, &a->rows), "table");
    lmdb_check(mdb_txn_commit(txn), "commit");
    (void)pthread_mutex_init(&a->mutex, NULL);
    (void)pthread_cond_init(&a->work, NULL);
    if (pthread_create(&thread, NULL, writer_main, a) != 0)
        bench_die("thread", "cannot be started");
}

static void queue_request(answerer *a, struct lws *wsi)
{
    (void)pthread_mutex_lock(&a->mutex);
    if (a->arrived - a->answered == WAITING_MAX)
        bench_die("answerer", "too many requests wait");
    a->ring[a->arrived++ % WAITING_MAX] = wsi;
    (void)pthread_cond_signal(&a->work);
    (void)pthread_mutex_unlock(&a->mutex);
}

/* ---- HTTP ---- */

static int answer(struct lws *wsi)
{
    uint8_t room[LWS_PRE + 1024];
    uint8_t *const start = room + LWS_PRE;
    uint8_t *at = start;
    uint8_t *const end = room + sizeof room;
    if (lws_add_http_common_headers(wsi, 200, "application/json", sizeof ANSWER - 1, &at, end) != 0 ||
        lws_finalize_write_http_header(wsi, start, &at, end) != 0)
        return 1;
    lws_callback_on_writable(wsi);
    return 0;
}

static void answer_stored(answerer *a)
{
    (void)pthread_mutex_lock(&a->mutex);
    const uint64_t stored = a->stored;
    (void)pthread_mutex_unlock(&a->mutex);
    for (; a->answered < stored; a->answered++)
        if (answer(a->ring[a->answered % WAITING_MAX]) != 0)
            bench_die("answerer", "an answer was not written");
}

static int write_body(struct lws *wsi)
{
    uint8_t room[LWS_PRE + sizeof ANSWER];
    memcpy(room + LWS_PRE, ANSWER, sizeof ANSWER - 1);
    if (lws_write(wsi, room + LWS_PRE, sizeof ANSWER - 1, LWS_WRITE_HTTP_FINAL) < 0)
        return 1;
    return lws_http_transaction_completed(wsi);
}

static int on_http(struct lws *wsi, enum lws_callback_reasons reason, void *session, void *in, size_t len)
{
    answerer *const a = lws_context_user(lws_get_context(wsi));
    switch (reason) {
    case LWS_CALLBACK_HTTP: /* the body follows */
        return 0;
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
        if (a->env == NULL)
            return answer(wsi);
        queue_request(a, wsi);
        return 0;
    case LWS_CALLBACK_EVENT_WAIT_CANCELLED:
        if (a != NULL && a->env != NULL)
            answer_stored(a);
        return 0;
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return write_body(wsi);
    default:
        return lws_callback_http_dummy(wsi, reason, session, in, len);
    }
}

int main(int argc, char **argv)
{
    static const struct lws_protocols protocols[] = {{.name = "http", .callback = on_http}, {.name = NULL}};
    static answerer a;
    struct lws_context_creation_info info = {0};
    if (argc != 3 && argc != 4)
        bench_die(argv[0], "give certificate, key and perhaps a folder for the store");
    lws_set_log_level(LLL_ERR, NULL);
    info.iface = "127.0.0.1";
    info.protocols = protocols;
    info.user = &a;
    info.ssl_cert_filepath = argv[1];
    info.ssl_private_key_filepath = argv[2];
    info.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT | LWS_SERVER_OPTION_DISABLE_IPV6;
    info.alpn = "http/1.1";
    info.keepalive_timeout = 60;
    a.context = lws_create_context(&info);
    if (a.context == NULL)
        bench_die("libwebsockets", "no context");
    if (argc == 4)
        open_store(&a, argv[3]);
    (void)printf("%d\n", lws_get_vhost_listen_port(lws_get_vhost_by_name(a.context, "default")));
    (void)fflush(stdout);
    while (lws_service(a.context, 0) >= 0)
        continue;
    return 0;
}
