/* bench_load.c URL CA_FILE BODY_FILE RATE SECONDS - POST at a fixed rate and print how long answers took.
 *
 * Open loop: request i is due at start + i / RATE whether or not earlier ones were answered, and its time counts
 * from then, so a stall is seen by every request that it held up. @ID@ in the body becomes a UUID of the request's
 * own. A second at the same rate goes before and is not counted. Prints one line of JSON. */
#include "bench.h"

#include "net/http_client.h"

#include <sys/timerfd.h>

enum { WARM_UP_SECONDS = 1, CONNECTIONS = 64 };
static const char PLACE[] = "@ID@";

typedef struct load_run {
    uv_loop_t loop;
    uv_poll_t ticks;
    int timer;
    mlc_http_client *client;
    const char *url;
    char *head[8]; /* the body, cut at the places of ids */
    size_t pieces;
    uint64_t start_ns, step_ns;
    size_t count, warm_up, sent, answered, failed;
    double *took_ms;
    uint64_t salt;
} load_run;

typedef struct load_call {
    load_run *run;
    size_t index;
} load_call;

static char *read_file(const char *path)
{
    FILE *const in = fopen(path, "rb");
    char *const text = calloc(1, 1 << 20);
    if (in == NULL || text == NULL)
        bench_die(path, "cannot be read");
    const size_t len = fread(text, 1, (1 << 20) - 1, in);
    (void)fclose(in);
    text[len] = '\0';
    return text;
}

static void cut_body(load_run *run, char *text)
{
    while (text != NULL && run->pieces < sizeof run->head / sizeof run->head[0]) {
        char *const next = strstr(text, PLACE);
        run->head[run->pieces++] = text;
        if (next != NULL)
            *next = '\0';
        text = next != NULL ? next + sizeof PLACE - 1 : NULL;
    }
    if (text != NULL)
        bench_die("body", "has too many places for ids");
}

static size_t make_body(const load_run *run, size_t index, char *out, size_t size)
{
    size_t len = 0;
    for (size_t i = 0; i < run->pieces && len < size; i++) {
        if (i > 0)
            len += (size_t)snprintf(out + len, size - len, "%08x-0000-4000-8000-%012zx", (unsigned)run->salt,
                                    index);
        if (len < size)
            len += (size_t)snprintf(out + len, size - len, "%s", run->head[i]);
    }
    if (len >= size)
        bench_die("body", "is too long");
    return len;
}

static void on_answer(void *user, mlc_code code, const mlc_error *err, const mlc_http_response *response)
{
    load_call *const call = user;
    load_run *const run = call->run;
    const uint64_t due = run->start_ns + call->index * run->step_ns;
    run->took_ms[call->index] = (double)(mlc_mono_ns() - due) / 1e6;
    if (code != MLC_OK || response->status != 200) {
        if (run->failed++ == 0)
            (void)fprintf(stderr, "first failure: status %d, %s\n", code == MLC_OK ? response->status : 0,
                          code == MLC_OK ? response->body : err->message);
    }
    free(call);
    if (++run->answered == run->count)
        uv_stop(&run->loop);
}

static void send_one(load_run *run)
{
    static char body[64 * 1024];
    static const mlc_http_header headers[] = {{"Content-Type", "application/json; charset=utf-8"}};
    mlc_error err;
    load_call *const call = malloc(sizeof *call);
    if (call == NULL)
        bench_die("memory", "none");
    *call = (load_call){.run = run, .index = run->sent++};
    const mlc_http_request request = {.method = "POST",
                                      .url = run->url,
                                      .headers = headers,
                                      .header_count = 1,
                                      .body = body,
                                      .body_len = make_body(run, call->index, body, sizeof body)};
    bench_check(mlc_http_send(run->client, &request, on_answer, call, NULL, &err), &err, "send");
}

static void on_tick(uv_poll_t *poll, int status, int events)
{
    load_run *const run = poll->data;
    uint64_t expired = 0;
    (void)status;
    (void)events;
    (void)!read(run->timer, &expired, sizeof expired);
    while (run->sent < run->count && mlc_mono_ns() >= run->start_ns + run->sent * run->step_ns)
        send_one(run);
    if (run->sent == run->count)
        uv_poll_stop(poll);
}

/* A timer of the kernel: the loop's own is no finer than a millisecond. */
static void start_ticks(load_run *run)
{
    run->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    const struct itimerspec every = {.it_interval = {0, 200000}, .it_value = {0, 200000}};
    if (run->timer < 0 || timerfd_settime(run->timer, 0, &every, NULL) != 0)
        bench_die("timer", "cannot be set");
    (void)uv_poll_init(&run->loop, &run->ticks, run->timer);
    run->ticks.data = run;
    run->start_ns = mlc_mono_ns();
    (void)uv_poll_start(&run->ticks, UV_READABLE, on_tick);
}

static double at_share(const double *sorted, size_t count, double share)
{
    const size_t at = (size_t)(share * (double)count);
    return sorted[at < count ? at : count - 1];
}

static void report(load_run *run)
{
    double *const took = run->took_ms + run->warm_up;
    const size_t count = run->count - run->warm_up;
    qsort(took, count, sizeof *took, bench_compare);
    (void)printf("{\"count\":%zu,\"failed\":%zu,\"p50\":%.3f,\"p90\":%.3f,\"p99\":%.3f,\"max\":%.3f}\n",
                 count, run->failed, at_share(took, count, 0.5), at_share(took, count, 0.9),
                 at_share(took, count, 0.99), took[count - 1]);
}

int main(int argc, char **argv)
{
    load_run run = {0};
    mlc_error err;
    if (argc != 6)
        bench_die(argv[0], "give URL, CA file, body file, requests a second and seconds");
    const unsigned long rate = bench_number(argv[4], "rate");
    char *const text = read_file(argv[3]);
    run.url = argv[1];
    run.step_ns = 1000000000U / rate;
    run.warm_up = rate * WARM_UP_SECONDS;
    run.count = run.warm_up + rate * bench_number(argv[5], "seconds");
    run.salt = (uint64_t)mlc_wall_ms();
    run.took_ms = calloc(run.count, sizeof *run.took_ms);
    if (run.took_ms == NULL)
        bench_die("memory", "none");
    cut_body(&run, text);
    (void)uv_loop_init(&run.loop);
    const mlc_http_client_options options = {
        .loop = &run.loop, .ca_file = argv[2], .max_connections_per_host = CONNECTIONS};
    bench_check(mlc_http_client_open(&run.client, &options, &err), &err, "client");
    start_ticks(&run);
    (void)uv_run(&run.loop, UV_RUN_DEFAULT);
    report(&run);
    mlc_http_client_close(run.client);
    free(run.took_ms);
    free(text);
    return run.failed == 0 ? 0 : 1;
}
