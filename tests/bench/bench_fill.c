/* bench_fill.c STORE STREAM COUNT - put COUNT records into a SEQUENCE stream of a store that nobody has open. */
#include "bench.h"

#include "store/outbox.h"

enum { IN_ONE_JOB = 2000 };

typedef struct fill_job {
    mlc_outbox *outbox;
    unsigned long from, count;
} fill_job;

static mlc_code put_many(mlc_txn *txn, void *arg, mlc_error *err)
{
    const fill_job *const job = arg;
    char payload[BENCH_PAYLOAD];
    mlc_code code = MLC_OK;
    memset(payload, 'x', sizeof payload);
    for (unsigned long i = job->from; code == MLC_OK && i < job->from + job->count; i++) {
        char key[32];
        char idem[48];
        (void)snprintf(key, sizeof key, "account/%lu", i);
        (void)snprintf(idem, sizeof idem, "customer/%lu/1", i);
        const mlc_entry_new entry = {.tenant = "acme",
                                     .key = key,
                                     .idem = idem,
                                     .kind = "customer",
                                     .correlation = idem,
                                     .payload = payload,
                                     .payload_len = sizeof payload,
                                     .now_ms = mlc_wall_ms()};
        code = mlc_outbox_put(txn, job->outbox, &entry, NULL, NULL, err);
    }
    return code;
}

int main(int argc, char **argv)
{
    mlc_store *store = NULL;
    fill_job job = {0};
    mlc_error err;
    if (argc != 4)
        bench_die(argv[0], "give a store's folder, a stream and the number of records");
    const unsigned long count = bench_number(argv[3], "number of records");
    const mlc_store_options options = {.dir = argv[1]};
    const mlc_stream_spec spec = {
        .name = argv[2], .mode = MLC_STREAM_SEQUENCE, .max_bytes = (uint64_t)16 << 30};
    bench_check(mlc_store_open(&store, &options, &err), &err, argv[1]);
    bench_check(mlc_outbox_open(&job.outbox, store, &spec, &err), &err, argv[2]);
    while (job.from < count) {
        job.count = count - job.from < IN_ONE_JOB ? count - job.from : IN_ONE_JOB;
        bench_check(mlc_store_run(store, put_many, &job, &err), &err, "put");
        job.from += job.count;
    }
    mlc_outbox_close(job.outbox);
    mlc_store_close(store);
    return 0;
}
