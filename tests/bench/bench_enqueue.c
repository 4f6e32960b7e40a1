/* bench_enqueue.c DIR - records put into an outbox a second, against LMDB alone.
 *
 * Submitters keep `depth` jobs of one record each before the store's writer, as the programs do; the writer
 * commits them in groups. Then LMDB alone stores the same number of records of the same size, in transactions of the
 * average group that was seen: one row a record ("one row"), and the rows an outbox keeps for a record, in as many
 * tables ("same rows"). Rounds alternate, so that a slow moment of the disk meets all three; the median counts. */
#include "bench.h"

#include "crypto/crypto.h"
#include "store/outbox.h"

#include <lmdb.h>
#include <semaphore.h>

enum { ROUNDS = 3, SECONDS_PER_ROUND = 1, KEYS = 5000, TABLES = 5, ROW = 620 };

/* ---- the outbox ---- */

typedef struct lane {
    struct enqueue_run *run;
    char key[32], idem[48];
} lane;

typedef struct enqueue_run {
    mlc_store *store;
    mlc_outbox *outbox;
    sem_t wake;
    uint64_t next, stored, until_ns;
    size_t under_way;
    char payload[BENCH_PAYLOAD];
} enqueue_run;

static mlc_code put_record(mlc_txn *txn, void *arg, mlc_error *err)
{
    const lane *const l = arg;
    const mlc_entry_new entry = {.tenant = "acme",
                                 .key = l->key,
                                 .idem = l->idem,
                                 .kind = "customer",
                                 .correlation = l->idem,
                                 .payload = l->run->payload,
                                 .payload_len = sizeof l->run->payload,
                                 .now_ms = mlc_wall_ms()};
    return mlc_outbox_put(txn, l->run->outbox, &entry, NULL, NULL, err);
}

static void on_put(void *arg, mlc_code code, const mlc_error *err);

static void submit(lane *l)
{
    enqueue_run *const run = l->run;
    mlc_error err;
    const uint64_t id = run->next++;
    (void)snprintf(l->key, sizeof l->key, "account/%llu", (unsigned long long)(id % KEYS));
    (void)snprintf(l->idem, sizeof l->idem, "customer/%llu/%016llx", (unsigned long long)(id % KEYS),
                   (unsigned long long)id);
    bench_check(mlc_store_submit(run->store, put_record, on_put, l, &err), &err, "submit");
    run->under_way++;
}

static void on_put(void *arg, mlc_code code, const mlc_error *err)
{
    lane *const l = arg;
    bench_check(code, err, "put");
    l->run->stored++;
    l->run->under_way--;
    if (mlc_mono_ns() < l->run->until_ns)
        submit(l);
}

static void wake(void *arg)
{
    (void)sem_post(arg);
}

/* Records a second; *group receives the average size of a group. */
static double enqueue_round(enqueue_run *run, lane *lanes, size_t depth, double *group)
{
    mlc_store_info before;
    mlc_store_info after;
    mlc_error err;
    bench_check(mlc_store_info_get(run->store, &before, &err), &err, "info");
    const uint64_t start = mlc_mono_ns();
    run->stored = 0;
    run->until_ns = start + (uint64_t)SECONDS_PER_ROUND * 1000000000U;
    for (size_t i = 0; i < depth; i++)
        submit(&lanes[i]);
    while (run->under_way > 0) {
        (void)sem_wait(&run->wake);
        (void)mlc_store_dispatch(run->store);
    }
    const double seconds = bench_seconds_since(start);
    bench_check(mlc_store_info_get(run->store, &after, &err), &err, "info");
    *group = (double)(after.jobs - before.jobs) / (double)(after.commits - before.commits);
    return (double)run->stored / seconds;
}

static void open_outbox(enqueue_run *run, const char *dir, mlc_stream_mode mode, bool supersede)
{
    mlc_error err;
    (void)sem_init(&run->wake, 0, 0);
    memset(run->payload, 'x', sizeof run->payload);
    const mlc_store_options options = {
        .dir = dir, .map_initial = (size_t)4 << 30, .wake = wake, .wake_arg = &run->wake};
    const mlc_stream_spec spec = {
        .name = "bench", .mode = mode, .supersede = supersede, .max_bytes = (uint64_t)8 << 30};
    bench_check(mlc_store_open(&run->store, &options, &err), &err, "store");
    bench_check(mlc_outbox_open(&run->outbox, run->store, &spec, &err), &err, "outbox");
}

/* ---- LMDB alone ---- */

typedef struct raw_env {
    MDB_env *env;
    MDB_dbi dbi[TABLES];
    uint64_t next;
    char row[ROW];
} raw_env;

static void lmdb_check(int rc, const char *what)
{
    if (rc != 0)
        bench_die(what, mdb_strerror(rc));
}

static void open_raw(raw_env *raw, const char *dir)
{
    static const char *const names[TABLES] = {"entry", "live", "key", "idem", "due"};
    MDB_txn *txn = NULL;
    memset(raw->row, 'x', sizeof raw->row);
    lmdb_check(mdb_env_create(&raw->env), "create");
    lmdb_check(mdb_env_set_maxdbs(raw->env, TABLES), "tables");
    lmdb_check(mdb_env_set_mapsize(raw->env, (size_t)4 << 30), "map");
    lmdb_check(mdb_env_open(raw->env, dir, MDB_NOTLS, 0600), "open");
    lmdb_check(mdb_txn_begin(raw->env, NULL, 0, &txn), "begin");
    for (size_t i = 0; i < TABLES; i++)
        lmdb_check(mdb_dbi_open(txn, names[i], MDB_CREATE, &raw->dbi[i]), "table");
    lmdb_check(mdb_txn_commit(txn), "commit");
}

static void raw_put(MDB_txn *txn, MDB_dbi dbi, const void *key, size_t key_len, const void *value, size_t len)
{
    MDB_val k = {key_len, (void *)key};
    MDB_val v = {len, (void *)value};
    lmdb_check(mdb_put(txn, dbi, &k, &v, 0), "put");
}

static void big_endian(uint64_t value, uint8_t out[8])
{
    for (int i = 7; i >= 0; i--, value >>= 8)
        out[i] = (uint8_t)value;
}

static uint64_t scatter(uint64_t x)
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9U;
    x = (x ^ x >> 27) * 0x94d049bb133111ebU;
    return x ^ x >> 31;
}

/* The rows of one record: entry and live in sequence, due by time, key and idem scattered as hashes are. */
static void put_rows(MDB_txn *txn, raw_env *raw, size_t rows)
{
    uint8_t key[32] = {0};
    uint8_t seq[8];
    const uint64_t id = raw->next++;
    big_endian(id, seq);
    memcpy(key + 2, seq, sizeof seq);
    raw_put(txn, raw->dbi[0], key, 10, raw->row, sizeof raw->row);
    if (rows == 1)
        return;
    raw_put(txn, raw->dbi[1], key, 10, seq, sizeof seq);
    big_endian(scatter(id), key + 2);
    raw_put(txn, raw->dbi[3], key, 18, seq, sizeof seq);
    big_endian(scatter(id % KEYS), key + 2);
    memcpy(key + 18, seq, sizeof seq);
    raw_put(txn, raw->dbi[2], key, 26, "", 0);
    if (rows < TABLES || id >= KEYS)
        return;
    big_endian(id, key + 2);
    raw_put(txn, raw->dbi[4], key, 18, "", 0);
}

static double raw_round(raw_env *raw, size_t group, size_t rows)
{
    const uint64_t start = mlc_mono_ns();
    const uint64_t from = raw->next;
    while (bench_seconds_since(start) < SECONDS_PER_ROUND) {
        MDB_txn *txn = NULL;
        lmdb_check(mdb_txn_begin(raw->env, NULL, 0, &txn), "begin");
        for (size_t i = 0; i < group; i++)
            put_rows(txn, raw, rows);
        lmdb_check(mdb_txn_commit(txn), "commit");
    }
    return (double)(raw->next - from) / bench_seconds_since(start);
}

/* ---- the measurement ---- */

typedef struct enqueue_case {
    const char *name;
    mlc_stream_mode mode;
    bool supersede;
    size_t depth;
} enqueue_case;

static void sub_dir(const char *dir, const char *name, char *out, size_t size)
{
    (void)snprintf(out, size, "%s/%s", dir, name);
    if (mkdir(out, 0700) != 0)
        bench_die(out, "cannot be made");
}

static void measure(const char *root, const enqueue_case *c)
{
    char dir[512];
    char sub[3][600];
    enqueue_run run = {0};
    raw_env one = {0};
    raw_env same = {0};
    double ours[ROUNDS];
    double bare[ROUNDS];
    double rows[ROUNDS];
    double group = 1;
    lane *const lanes = calloc(c->depth, sizeof *lanes);
    if (lanes == NULL)
        bench_die("memory", "none");
    for (size_t i = 0; i < c->depth; i++)
        lanes[i].run = &run;
    bench_make_dir(root, dir, sizeof dir);
    sub_dir(dir, "outbox", sub[0], sizeof sub[0]);
    sub_dir(dir, "one", sub[1], sizeof sub[1]);
    sub_dir(dir, "same", sub[2], sizeof sub[2]);
    open_outbox(&run, sub[0], c->mode, c->supersede);
    open_raw(&one, sub[1]);
    open_raw(&same, sub[2]);
    for (size_t i = 0; i < ROUNDS; i++) {
        ours[i] = enqueue_round(&run, lanes, c->depth, &group);
        const size_t whole = (size_t)(group + 0.5) > 0 ? (size_t)(group + 0.5) : 1;
        bare[i] = raw_round(&one, whole, 1);
        rows[i] = raw_round(&same, whole, c->mode == MLC_STREAM_KEYED ? TABLES : TABLES - 1);
    }
    char name[96];
    char note[96];
    const double median = bench_median(ours, ROUNDS);
    (void)snprintf(note, sizeof note, "groups of %.0f", group);
    (void)snprintf(name, sizeof name, "enqueue, %s, %zu at once; LMDB: one row", c->name, c->depth);
    bench_print(name, median, bench_median(bare, ROUNDS), "records/s", note);
    (void)snprintf(name, sizeof name, "enqueue, %s, %zu at once; LMDB: same rows", c->name, c->depth);
    bench_print(name, median, bench_median(rows, ROUNDS), "records/s", note);
    mlc_outbox_close(run.outbox);
    mlc_store_close(run.store);
    (void)sem_destroy(&run.wake);
    mdb_env_close(one.env);
    mdb_env_close(same.env);
    free(lanes);
    bench_remove_dir(dir);
}

int main(int argc, char **argv)
{
    static const enqueue_case cases[] = {{"keyed stream", MLC_STREAM_KEYED, false, 1},
                                         {"keyed stream", MLC_STREAM_KEYED, false, 32},
                                         {"keyed stream", MLC_STREAM_KEYED, false, 256},
                                         {"keyed stream", MLC_STREAM_KEYED, false, 1024},
                                         {"sequence stream", MLC_STREAM_SEQUENCE, false, 1024},
                                         {"superseding stream", MLC_STREAM_SEQUENCE, true, 1024}};
    if (argc != 2)
        bench_die(argv[0], "give the folder to work in");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        measure(argv[1], &cases[i]);
    return 0;
}
