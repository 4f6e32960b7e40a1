/* bench_fill.c STORE STREAM COUNT - put COUNT customers into a SEQUENCE stream of a store that nobody has open. */
#include "bench.h"

#include "base/buf.h"
#include "store/outbox.h"

enum { IN_ONE_JOB = 20000 };

typedef struct fill_job {
    mlc_outbox *outbox;
    unsigned long from, count;
} fill_job;

/* A snapshot as a flow makes it of a plain customer. */
static mlc_code print_customer(unsigned long number, mlc_buf *out, mlc_error *err)
{
    return mlc_buf_printf(out, err,
                          "{\"kind\":\"customer\",\"id\":\"%lu\",\"source\":\"JDE/F0101/"
                          "%lu\",\"version\":\"1764000000000.126327.143005\","
                          "\"gone\":false,\"rows\":{\"F0101\":{\"AN8\":\"%lu\",\"ALPH\":\"Benchmark customer "
                          "%lu\",\"AT1\":\"C\",\"TAX\":\"DE%09lu\"},"
                          "\"F03012\":{\"AN8\":\"%lu\",\"CO\":\"00000\",\"TRAR\":\"N30\",\"CRCD\":\"USD\","
                          "\"ACL\":\"50000\",\"HOLD\":\"\"}}}",
                          number, number, number, number, number, number);
}

static mlc_code put_customer(mlc_txn *txn, mlc_outbox *outbox, unsigned long number, const mlc_buf *payload,
                             mlc_error *err)
{
    char key[32];
    char idem[48];
    (void)snprintf(key, sizeof key, "account/%lu", number);
    (void)snprintf(idem, sizeof idem, "customer/%lu/1", number);
    const mlc_entry_new entry = {.tenant = "acme",
                                 .key = key,
                                 .idem = idem,
                                 .kind = "customer",
                                 .correlation = idem,
                                 .payload = payload->data,
                                 .payload_len = payload->len,
                                 .now_ms = mlc_wall_ms()};
    return mlc_outbox_put(txn, outbox, &entry, NULL, NULL, err);
}

static mlc_code put_many(mlc_txn *txn, void *arg, mlc_error *err)
{
    const fill_job *const job = arg;
    mlc_code code = MLC_OK;
    for (unsigned long i = 1; code == MLC_OK && i <= job->count; i++) {
        mlc_buf payload = {0};
        code = print_customer(job->from + i, &payload, err);
        if (code == MLC_OK)
            code = put_customer(txn, job->outbox, job->from + i, &payload, err);
        mlc_buf_free(&payload);
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
