/* bench_tunnel.c DIR CERTS - messages through the tunnel a second, against a bare echo of libwebsockets.
 *
 *   echo     one websocket message a record goes to the other end and back, with so many under way
 *   session  the tunnel's protocol over the same bare websocket: records go one way, acknowledgements come back
 *   stores   the programs' own transports: records waiting in one store are sent, committed in the other store,
 *            acknowledged, and the acknowledgement is committed; until all are
 * All over TLS on loopback, both ends on one thread (the stores have their own writers). */
#include "bench.h"

#include "agent/tunnel_client.h"
#include "net/waker.h"
#include "relay/tunnel_server.h"
#include "tunnel/session.h"
#include "ws_pair.h"

enum { ROUNDS = 3, ECHO_COUNT = 100000, SESSION_COUNT = 300000, STORE_COUNT = 20000, IN_ONE_JOB = 1000 };
#define BENCH_AGENT "acme-erp-1"

/* ---- echo ---- */

typedef struct echo_run {
    ws_pair pair;
    size_t under_way, limit; /* messages between leaving the client and coming back */
    size_t to_send, to_echo, back;
    uint8_t out[2][LWS_PRE + BENCH_PAYLOAD];
} echo_run;

static void echo_open(void *user, int side)
{
    echo_run *const run = user;
    if (side == WS_PAIR_CLIENT)
        ws_pair_want(&run->pair, side);
}

static void echo_receive(void *user, int side, const void *data, size_t len, bool end)
{
    echo_run *const run = user;
    if (!end || len != BENCH_PAYLOAD)
        bench_die("echo", "a message came in pieces");
    if (side == WS_PAIR_SERVER) {
        memcpy(run->out[WS_PAIR_SERVER] + LWS_PRE, data, len);
        run->to_echo++;
    } else {
        run->back++;
        run->under_way--;
    }
    ws_pair_want(&run->pair, side);
}

static void echo_writable(void *user, int side)
{
    echo_run *const run = user;
    if (side == WS_PAIR_SERVER ? run->to_echo == 0 : run->to_send == 0 || run->under_way == run->limit)
        return;
    if (side == WS_PAIR_SERVER) {
        run->to_echo--;
    } else {
        run->to_send--;
        run->under_way++;
    }
    ws_pair_send(&run->pair, side, run->out[side], BENCH_PAYLOAD);
    ws_pair_want(&run->pair, side);
}

static double measure_echo(const char *certs, size_t limit, size_t count)
{
    echo_run *const run = calloc(1, sizeof *run);
    if (run == NULL)
        bench_die("memory", "none");
    const ws_pair_user owner = {echo_open, echo_receive, echo_writable, run};
    run->limit = limit;
    run->to_send = count;
    ws_pair_open(&run->pair, certs, &owner);
    while (run->back == 0)
        ws_pair_turn(&run->pair);
    const size_t first = run->back;
    const uint64_t start = mlc_mono_ns();
    while (run->back < count)
        ws_pair_turn(&run->pair);
    const double rate = (double)(count - first) / bench_seconds_since(start);
    ws_pair_close(&run->pair);
    free(run);
    return rate;
}

/* ---- the session without stores ---- */

typedef struct session_run {
    ws_pair pair;
    mlc_session *session[2];
    uint8_t key[MLC_KEY_LEN];
    uint64_t delivered, acked, count, start_ns;
    bool started;
    char payload[BENCH_PAYLOAD];
    uint8_t out[LWS_PRE + MLC_FRAME_MAX];
} session_run;

static void carry_out(session_run *run, int side, const mlc_action *action, uint64_t *stored)
{
    mlc_session *const s = run->session[side];
    const mlc_identity identity = {.key = run->key};
    const mlc_start start = {.epoch = (uint64_t)side + 1, .generation = 1};
    switch (action->type) {
    case MLC_ACTION_IDENTIFY:
        mlc_session_identify(s, mlc_mono_ms(), &identity);
        break;
    case MLC_ACTION_RESUME:
        mlc_session_start(s, 1, &start);
        if (side == WS_PAIR_CLIENT) {
            run->started = true;
            run->start_ns = mlc_mono_ns();
        }
        break;
    case MLC_ACTION_STARTED:
        mlc_session_committed(s, action->position.seq);
        break;
    case MLC_ACTION_DELIVER:
        run->delivered++;
        *stored = action->seq;
        break;
    case MLC_ACTION_ACKED:
        run->acked = action->seq;
        break;
    case MLC_ACTION_CLOSED:
        bench_die("session", action->notice.text);
    default:
        break;
    }
}

static void offer_messages(session_run *run)
{
    char idem[48];
    mlc_session *const s = run->session[WS_PAIR_CLIENT];
    while (run->started && mlc_session_room(s) > 0 && mlc_session_next_seq(s) <= run->count) {
        const uint64_t seq = mlc_session_next_seq(s);
        const int len = snprintf(idem, sizeof idem, "customer/%llu/1", (unsigned long long)seq);
        const mlc_text text = {.at = idem, .len = (size_t)len};
        const mlc_message message = {.seq = seq,
                                     .created_ms = 1,
                                     .idem = text,
                                     .key = text,
                                     .kind = {.at = "customer", .len = 8},
                                     .correlation = text,
                                     .payload = run->payload,
                                     .payload_len = sizeof run->payload};
        if (mlc_session_offer(s, &message) != MLC_OFFER_TAKEN)
            return;
    }
}

static void session_pump(session_run *run, int side)
{
    mlc_action action;
    uint64_t stored = 0;
    while (mlc_session_next(run->session[side], &action))
        carry_out(run, side, &action, &stored);
    if (stored > 0)
        mlc_session_committed(run->session[side], stored);
    if (side == WS_PAIR_CLIENT)
        offer_messages(run);
    if (mlc_session_has_output(run->session[side]))
        ws_pair_want(&run->pair, side);
}

static void session_on_open(void *user, int side)
{
    session_run *const run = user;
    mlc_error err;
    const mlc_session_config config = {.role = side == WS_PAIR_CLIENT ? MLC_SESSION_AGENT : MLC_SESSION_RELAY,
                                       .agent_id = BENCH_AGENT,
                                       .key = run->key,
                                       .software = "bench",
                                       .nonce = {(uint8_t)side}};
    bench_check(mlc_session_open(&run->session[side], &config, mlc_mono_ms(), &err), &err, "session");
    session_pump(run, side);
}

static void session_receive(void *user, int side, const void *data, size_t len, bool end)
{
    session_run *const run = user;
    mlc_session_receive(run->session[side], mlc_mono_ms(), data, len, end);
    session_pump(run, side);
}

static void session_writable(void *user, int side)
{
    session_run *const run = user;
    const size_t len = mlc_session_output(run->session[side], run->out + LWS_PRE, MLC_FRAME_MAX);
    if (len > 0)
        ws_pair_send(&run->pair, side, run->out, len);
    session_pump(run, side);
}

static double measure_session(const char *certs, size_t count)
{
    session_run *const run = calloc(1, sizeof *run);
    if (run == NULL)
        bench_die("memory", "none");
    const ws_pair_user owner = {session_on_open, session_receive, session_writable, run};
    run->count = count;
    ws_pair_open(&run->pair, certs, &owner);
    while (run->acked < count)
        ws_pair_turn(&run->pair);
    const double rate = (double)count / bench_seconds_since(run->start_ns);
    if (run->delivered != count)
        bench_die("session", "not every message was delivered once");
    ws_pair_close(&run->pair);
    mlc_session_free(run->session[0]);
    mlc_session_free(run->session[1]);
    free(run);
    return rate;
}

/* ---- with stores ---- */

typedef struct link_end {
    mlc_waker *waker;
    mlc_store *store;
    mlc_outbox *out, *received;
    mlc_link_binding binding;
} link_end;

typedef struct link_run {
    uv_loop_t loop;
    mlc_lws *lws;
    mlc_http_server *http;
    mlc_tunnel_server *server;
    mlc_tunnel_client *client;
    link_end agent, relay;
    uint8_t key[MLC_KEY_LEN];
    uint64_t up_ns;
    char cert[512], key_file[512], ca[512], url[64];
} link_run;

static void link_dispatch(void *arg)
{
    const link_end *const end = arg;
    if (end->store != NULL)
        (void)mlc_store_dispatch(end->store);
}

static mlc_code link_accept(mlc_txn *txn, const mlc_entry_new *message, void *user, mlc_error *err)
{
    const link_end *const end = user;
    mlc_entry_new entry = *message;
    entry.tenant = "acme";
    return mlc_outbox_put(txn, end->received, &entry, NULL, NULL, err);
}

static void link_end_open(link_end *end, uv_loop_t *loop, const char *dir, const char *name, bool agent)
{
    char path[600];
    mlc_error err;
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    bench_check(mlc_waker_open(&end->waker, loop, link_dispatch, end, &err), &err, "waker");
    const mlc_store_options options = {
        .dir = path, .map_initial = (size_t)1 << 30, .wake = mlc_waker_wake, .wake_arg = end->waker};
    const mlc_stream_spec out = {.name = agent ? "up" : "down", .mode = MLC_STREAM_SEQUENCE};
    const mlc_stream_spec received = {.name = "received", .mode = MLC_STREAM_KEYED};
    bench_check(mlc_store_open(&end->store, &options, &err), &err, "store");
    bench_check(mlc_outbox_open(&end->out, end->store, &out, &err), &err, "outbox");
    bench_check(mlc_outbox_open(&end->received, end->store, &received, &err), &err, "outbox");
    end->binding = (mlc_link_binding){.store = end->store,
                                      .out = end->out,
                                      .in_name = agent ? "down" : "up",
                                      .accept = link_accept,
                                      .user = end};
}

static void link_end_close(link_end *end)
{
    mlc_outbox_close(end->out);
    mlc_outbox_close(end->received);
    mlc_store_close(end->store);
    end->store = NULL;
    mlc_waker_close(end->waker);
}

typedef struct link_put {
    mlc_outbox *out;
    size_t from;
} link_put;

static mlc_code put_many(mlc_txn *txn, void *arg, mlc_error *err)
{
    const link_put *const put = arg;
    char payload[BENCH_PAYLOAD];
    mlc_code code = MLC_OK;
    memset(payload, 'x', sizeof payload);
    for (size_t i = put->from; code == MLC_OK && i < put->from + IN_ONE_JOB; i++) {
        char idem[48];
        (void)snprintf(idem, sizeof idem, "customer/%zu/1", i);
        const mlc_entry_new entry = {.tenant = "acme",
                                     .key = idem,
                                     .idem = idem,
                                     .kind = "customer",
                                     .correlation = idem,
                                     .payload = payload,
                                     .payload_len = sizeof payload,
                                     .now_ms = mlc_wall_ms()};
        code = mlc_outbox_put(txn, put->out, &entry, NULL, NULL, err);
    }
    return code;
}

typedef struct link_stats {
    mlc_outbox *stream;
    mlc_outbox_stats stats;
} link_stats;

static mlc_code read_stats(mlc_txn *txn, void *arg, mlc_error *err)
{
    link_stats *const job = arg;
    return mlc_outbox_stats_get(txn, job->stream, &job->stats, err);
}

static mlc_outbox_stats stats_of(const link_end *end, mlc_outbox *stream)
{
    link_stats job = {.stream = stream};
    mlc_error err;
    bench_check(mlc_store_read(end->store, read_stats, &job, &err), &err, "stats");
    return job.stats;
}

static mlc_code find_agent(void *user, const char *agent_id, mlc_tunnel_agent *out, mlc_error *err)
{
    const link_run *const run = user;
    if (strcmp(agent_id, BENCH_AGENT) != 0)
        return mlc_fail(err, MLC_E_NOTFOUND, "agent %s is unknown", agent_id);
    (void)snprintf(out->tenant, sizeof out->tenant, "acme");
    out->has_key = true;
    memcpy(out->key, run->key, sizeof out->key);
    out->binding = &run->relay.binding;
    return MLC_OK;
}

static void link_serve(link_run *run)
{
    mlc_error err;
    const mlc_tunnel_server_options options = {.software = "bench", .find_agent = find_agent, .user = run};
    bench_check(mlc_tunnel_server_open(&run->server, &options, &err), &err, "tunnel");
    mlc_http_server_options http = {
        .name = "bench", .host = "127.0.0.1", .cert_file = run->cert, .key_file = run->key_file};
    http.extra_protocols = mlc_tunnel_server_protocols(run->server, &http.extra_count);
    bench_check(mlc_http_server_open(&run->http, run->lws, &http, &err), &err, "server");
    (void)snprintf(run->url, sizeof run->url, "wss://localhost:%d/v1/tunnel",
                   mlc_http_server_port(run->http));
}

static void link_dial(link_run *run)
{
    mlc_error err;
    const mlc_tunnel_client_options options = {.lws = run->lws,
                                               .url = run->url,
                                               .ca_file = run->ca,
                                               .agent_id = BENCH_AGENT,
                                               .agent_key = run->key,
                                               .software = "bench",
                                               .reconnect_base_ms = 20,
                                               .reconnect_cap_ms = 100,
                                               .binding = run->agent.binding};
    bench_check(mlc_tunnel_client_open(&run->client, &options, &err), &err, "client");
}

static void link_stop(link_run *run)
{
    mlc_tunnel_client_close(run->client);
    mlc_tunnel_server_close(run->server);
    mlc_http_server_close(run->http);
    link_end_close(&run->agent);
    link_end_close(&run->relay);
    mlc_lws_close(run->lws);
    (void)uv_run(&run->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&run->loop);
}

static void on_agent_state(void *user, bool up, const char *why)
{
    link_end *const end = user;
    (void)why;
    link_run *const run = (link_run *)((char *)end - offsetof(link_run, agent));
    if (up && run->up_ns == 0)
        run->up_ns = mlc_mono_ns();
}

static double measure_stores(const char *root, const char *certs, size_t count)
{
    char dir[512];
    mlc_error err;
    link_run *const run = calloc(1, sizeof *run);
    if (run == NULL)
        bench_die("memory", "none");
    (void)snprintf(run->cert, sizeof run->cert, "%s/server.pem", certs);
    (void)snprintf(run->key_file, sizeof run->key_file, "%s/server.key", certs);
    (void)snprintf(run->ca, sizeof run->ca, "%s/ca.pem", certs);
    bench_make_dir(root, dir, sizeof dir);
    (void)uv_loop_init(&run->loop);
    bench_check(mlc_lws_open(&run->lws, &run->loop, NULL, &err), &err, "libwebsockets");
    link_end_open(&run->agent, &run->loop, dir, "agent", true);
    link_end_open(&run->relay, &run->loop, dir, "relay", false);
    run->agent.binding.on_state = on_agent_state;
    for (link_put put = {.out = run->agent.out}; put.from < count; put.from += IN_ONE_JOB)
        bench_check(mlc_store_run(run->agent.store, put_many, &put, &err), &err, "put");
    link_serve(run);
    link_dial(run);
    while (stats_of(&run->agent, run->agent.out).acked_seq < count)
        (void)uv_run(&run->loop, UV_RUN_ONCE);
    const double rate = (double)count / bench_seconds_since(run->up_ns);
    if (stats_of(&run->relay, run->relay.received).ready != count)
        bench_die("stores", "not every message was stored once");
    link_stop(run);
    bench_remove_dir(dir);
    free(run);
    return rate;
}

/* ---- all of it, in turns ---- */

int main(int argc, char **argv)
{
    static const char unit[] = "messages/s";
    double alone[ROUNDS];
    double echo[ROUNDS];
    double session[ROUNDS];
    double stores[ROUNDS];
    if (argc != 3)
        bench_die(argv[0], "give the folder to work in and the folder of certificates");
    for (size_t i = 0; i < ROUNDS; i++) {
        alone[i] = measure_echo(argv[2], 1, ECHO_COUNT / 5);
        echo[i] = measure_echo(argv[2], 256, ECHO_COUNT);
        session[i] = measure_session(argv[2], SESSION_COUNT);
        stores[i] = measure_stores(argv[1], argv[2], STORE_COUNT);
    }
    const double base = bench_median(echo, ROUNDS);
    bench_print("websocket echo, one at a time (for comparison)", bench_median(alone, ROUNDS), base, unit,
                "bare libwebsockets in both columns");
    bench_print("tunnel session over a websocket, no stores", bench_median(session, ROUNDS), base, unit,
                "echo: 256 under way");
    bench_print("tunnel between two stores", bench_median(stores, ROUNDS), base, unit,
                "committed on both sides");
    return 0;
}
