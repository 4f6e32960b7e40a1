/* tunnel_test.h - two stores joined by a real tunnel over loopback, for tests. Include after cmocka.h.
 *
 * Both ends live on one loop. Between them is a wire that can be cut. Each end has an outgoing stream and a
 * stream in which what it received is kept, so that the tests can count. */
#ifndef MLC_TESTS_TUNNEL_TEST_H
#define MLC_TESTS_TUNNEL_TEST_H

#include "agent/tunnel_client.h"
#include "base/clock.h"
#include "net/timer.h"
#include "net/waker.h"
#include "relay/tunnel_server.h"
#include "support/net_test.h"
#include "support/wire.h"

#define TUNNEL_TEST_AGENT "acme-erp-1"

typedef struct tunnel_end {
    uv_loop_t *loop;
    mlc_waker *waker;
    mlc_store *store;
    mlc_outbox *out;      /* to the other side */
    mlc_outbox *received; /* from the other side */
    mlc_link_binding binding;
    unsigned ups, downs, received_calls;
    char last_why[512];
    char refuse[64];   /* idempotency keys that contain this are refused; "" none */
    unsigned busy_for; /* so many calls of accept fail with MLC_E_FULL */
    unsigned busy_next,
        busy_step; /* and the calls for message busy_next, then busy_step further, once each; 0: none */
} tunnel_end;

typedef struct tunnel_fix {
    uv_loop_t loop;
    mlc_lws *lws;
    mlc_http_server *http;
    mlc_tunnel_server *server;
    mlc_tunnel_client *client;
    wire wire;
    char dir[128], cert[160], key_file[160], ca[160], client_cert[160], client_key[160], url[128];
    tunnel_end agent, relay;
    uint8_t key[MLC_KEY_LEN];
    bool known;       /* the relay knows the agent */
    const char *host; /* of the relay; NULL: 127.0.0.1 */
    bool tls, client_ca, compress;
    unsigned max_frames_per_s;
    size_t max_message;
    int64_t ping_ms;
    char seen_name[64], seen_print[80];
    /* Another way to find agents, before tunnel_serve; NULL: the one agent above. */
    mlc_code (*find_agent)(void *user, const char *agent_id, mlc_tunnel_agent *out, mlc_error *err);
    void *find_user;
} tunnel_fix;

/* ---- stores ---- */

static inline void tunnel_dispatch(void *arg)
{
    const tunnel_end *end = arg;
    if (end->store != NULL)
        mlc_store_dispatch(end->store);
}

static inline mlc_code tunnel_accept(mlc_txn *txn, const mlc_entry_new *message, void *user, mlc_error *err)
{
    tunnel_end *end = user;
    uint64_t seq = 0;
    mlc_entry_new entry = *message;
    entry.tenant = "acme";
    if (end->busy_for > 0) {
        end->busy_for--;
        return mlc_fail(err, MLC_E_FULL, "the outbox is full");
    }
    const char *number = strrchr(message->idem, '/');
    if (end->busy_step > 0 && number != NULL && strtoul(number + 1, NULL, 10) == end->busy_next) {
        end->busy_next += end->busy_step;
        return mlc_fail(err, MLC_E_FULL, "the outbox is full");
    }
    /* Before the refusal: what a refused message wrote must not stay. */
    mlc_code code = mlc_outbox_put(txn, end->received, &entry, &seq, NULL, err);
    if (code == MLC_OK && end->refuse[0] != '\0' && strstr(message->idem, end->refuse) != NULL)
        return mlc_fail(err, MLC_E_REJECTED, "no such thing as %s", message->idem);
    return code;
}

static inline void tunnel_on_received(void *user)
{
    ((tunnel_end *)user)->received_calls++;
}

static inline void tunnel_on_state(void *user, bool up, const char *why)
{
    tunnel_end *end = user;
    if (up)
        end->ups++;
    else
        end->downs++;
    snprintf(end->last_why, sizeof(end->last_why), "%s", why);
}

static inline void tunnel_end_open(tunnel_end *end, uv_loop_t *loop, const char *dir, const char *name,
                                   const char *out_name, const char *in_name)
{
    char path[256];
    mlc_error err = {0};
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    end->loop = loop;
    assert_int_equal(mlc_waker_open(&end->waker, loop, tunnel_dispatch, end, NULL), MLC_OK);
    const mlc_store_options options = {.dir = path, .wake = mlc_waker_wake, .wake_arg = end->waker};
    if (mlc_store_open(&end->store, &options, &err) != MLC_OK)
        fail_msg("store: %s", err.message);
    const mlc_stream_spec out = {.name = out_name, .mode = MLC_STREAM_SEQUENCE};
    const mlc_stream_spec received = {.name = "received", .mode = MLC_STREAM_KEYED};
    assert_int_equal(mlc_outbox_open(&end->out, end->store, &out, NULL), MLC_OK);
    assert_int_equal(mlc_outbox_open(&end->received, end->store, &received, NULL), MLC_OK);
    end->binding = (mlc_link_binding){.store = end->store,
                                      .out = end->out,
                                      .in_name = in_name,
                                      .accept = tunnel_accept,
                                      .user = end,
                                      .on_received = tunnel_on_received,
                                      .on_state = tunnel_on_state};
}

static inline void tunnel_end_close(tunnel_end *end)
{
    mlc_outbox_close(end->out);
    mlc_outbox_close(end->received);
    mlc_store_close(end->store);
    end->store = NULL;
    mlc_waker_close(end->waker);
    end->waker = NULL;
}

typedef struct tunnel_put {
    tunnel_end *end;
    const char *prefix;
    unsigned from, count;
    size_t payload_len;
} tunnel_put;

static inline mlc_code tunnel_put_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    const tunnel_put *put = arg;
    char *payload = malloc(put->payload_len + 32);
    mlc_code code = MLC_OK;
    for (unsigned i = put->from; code == MLC_OK && i < put->from + put->count; i++) {
        char idem[64], key[64];
        uint64_t seq = 0;
        snprintf(idem, sizeof(idem), "%s/%u", put->prefix, i);
        snprintf(key, sizeof(key), "key/%u", i);
        memset(payload, 'a' + (int)(i % 26), put->payload_len + 32);
        const int n = snprintf(payload, 24, "%u:", i);
        payload[n] = ' ';
        const mlc_entry_new entry = {.tenant = "acme",
                                     .key = key,
                                     .idem = idem,
                                     .kind = "test",
                                     .correlation = idem,
                                     .payload = payload,
                                     .payload_len = put->payload_len,
                                     .now_ms = mlc_wall_ms()};
        code = mlc_outbox_put(txn, put->end->out, &entry, &seq, NULL, err);
    }
    free(payload);
    return code;
}

static inline void tunnel_put_many(tunnel_end *end, const char *prefix, unsigned from, unsigned count,
                                   size_t payload_len)
{
    tunnel_put put = {.end = end, .prefix = prefix, .from = from, .count = count, .payload_len = payload_len};
    mlc_error err = {0};
    if (mlc_store_run(end->store, tunnel_put_job, &put, &err) != MLC_OK)
        fail_msg("put: %s", err.message);
}

typedef struct tunnel_stats {
    mlc_outbox *stream;
    mlc_outbox_stats stats;
} tunnel_stats;

static inline mlc_code tunnel_stats_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    tunnel_stats *job = arg;
    return mlc_outbox_stats_get(txn, job->stream, &job->stats, err);
}

static inline mlc_outbox_stats tunnel_stats_of(const tunnel_end *end, mlc_outbox *stream)
{
    tunnel_stats job = {.stream = stream};
    assert_int_equal(mlc_store_read(end->store, tunnel_stats_job, &job, NULL), MLC_OK);
    return job.stats;
}

static inline uint64_t tunnel_received(const tunnel_end *end)
{
    return tunnel_stats_of(end, end->received).next_seq - 1;
}

static inline uint64_t tunnel_acked(const tunnel_end *end)
{
    return tunnel_stats_of(end, end->out).acked_seq;
}

/* ---- both ends ---- */

static inline mlc_code tunnel_find_agent(void *user, const char *agent_id, mlc_tunnel_agent *out,
                                         mlc_error *err)
{
    const tunnel_fix *f = user;
    if (!f->known || strcmp(agent_id, TUNNEL_TEST_AGENT) != 0)
        return mlc_fail(err, MLC_E_NOTFOUND, "agent %s is unknown", agent_id);
    snprintf(out->tenant, sizeof(out->tenant), "acme");
    out->has_key = true;
    memcpy(out->key, f->key, sizeof(out->key));
    out->binding = &f->relay.binding;
    return MLC_OK;
}

static inline bool tunnel_cert_allowed(void *user, const char *agent_id, const char *common_name,
                                       const char *fingerprint)
{
    tunnel_fix *f = user;
    snprintf(f->seen_name, sizeof(f->seen_name), "%s", common_name);
    snprintf(f->seen_print, sizeof(f->seen_print), "%s", fingerprint);
    return strcmp(agent_id, TUNNEL_TEST_AGENT) == 0 && strcmp(common_name, "agent-1") == 0;
}

static inline tunnel_fix *tunnel_fix_new(bool certs)
{
    tunnel_fix *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    uv_loop_init(&f->loop);
    net_make_dir(f->dir, sizeof(f->dir));
    if (certs)
        net_make_certs(f->dir);
    snprintf(f->cert, sizeof(f->cert), "%s/server.pem", f->dir);
    snprintf(f->key_file, sizeof(f->key_file), "%s/server.key", f->dir);
    snprintf(f->ca, sizeof(f->ca), "%s/ca.pem", f->dir);
    snprintf(f->client_cert, sizeof(f->client_cert), "%s/client.pem", f->dir);
    snprintf(f->client_key, sizeof(f->client_key), "%s/client.key", f->dir);
    memset(f->key, 0x5a, sizeof(f->key));
    f->known = true;
    f->tls = certs;
    assert_int_equal(mlc_lws_open(&f->lws, &f->loop, NULL, NULL), MLC_OK);
    tunnel_end_open(&f->agent, &f->loop, f->dir, "agent", "up", "down");
    tunnel_end_open(&f->relay, &f->loop, f->dir, "relay", "down", "up");
    return f;
}

static inline void tunnel_serve(tunnel_fix *f)
{
    static const struct lws_extension deflate[] = {
        {"permessage-deflate", lws_extension_callback_pm_deflate, "permessage-deflate"}, {NULL, NULL, NULL}};
    mlc_error err = {0};
    const mlc_tunnel_server_options options = {.software = "ml-relay/test",
                                               .find_agent =
                                                   f->find_agent != NULL ? f->find_agent : tunnel_find_agent,
                                               .cert_allowed = f->client_ca ? tunnel_cert_allowed : NULL,
                                               .user = f->find_user != NULL ? f->find_user : f,
                                               .compress = f->compress,
                                               .ping_interval_ms = f->ping_ms,
                                               .max_message = f->max_message,
                                               .max_frames_per_s = f->max_frames_per_s};
    assert_int_equal(mlc_tunnel_server_open(&f->server, &options, NULL), MLC_OK);
    mlc_http_server_options http = {.name = "relay", .host = f->host != NULL ? f->host : "127.0.0.1"};
    http.extra_protocols = mlc_tunnel_server_protocols(f->server, &http.extra_count);
    http.extensions = f->compress ? deflate : NULL;
    http.cert_file = f->tls ? f->cert : NULL;
    http.key_file = f->tls ? f->key_file : NULL;
    http.client_ca_file = f->client_ca ? f->ca : NULL;
    if (mlc_http_server_open(&f->http, f->lws, &http, &err) != MLC_OK)
        fail_msg("server: %s", err.message);
    wire_open(&f->wire, &f->loop, mlc_http_server_port(f->http));
    snprintf(f->url, sizeof(f->url), "%s://localhost:%d/v1/tunnel", f->tls ? "wss" : "ws", f->wire.port);
}

static inline mlc_tunnel_client_options tunnel_client_defaults(tunnel_fix *f)
{
    return (mlc_tunnel_client_options){.lws = f->lws,
                                       .url = f->url,
                                       .ca_file = f->tls ? f->ca : NULL,
                                       .agent_id = TUNNEL_TEST_AGENT,
                                       .agent_key = f->key,
                                       .software = "ml-agent/test",
                                       .compress = f->compress,
                                       .ping_interval_ms = f->ping_ms,
                                       .reconnect_base_ms = 5,
                                       .reconnect_cap_ms = 20,
                                       .binding = f->agent.binding};
}

static inline void tunnel_dial(tunnel_fix *f, const mlc_tunnel_client_options *options)
{
    mlc_error err = {0};
    if (mlc_tunnel_client_open(&f->client, options, &err) != MLC_OK)
        fail_msg("client: %s", err.message);
}

static inline void tunnel_fix_free(tunnel_fix *f)
{
    mlc_tunnel_client_close(f->client);
    mlc_tunnel_server_close(f->server);
    mlc_http_server_close(f->http);
    if (f->wire.loop != NULL)
        wire_close(&f->wire);
    tunnel_end_close(&f->agent);
    tunnel_end_close(&f->relay);
    mlc_lws_close(f->lws);
    net_loop_end(&f->loop);
    net_remove_dir(f->dir);
    free(f);
}

/* Run until the condition holds; false after `turns` turns of 5 ms at most. */
typedef bool (*tunnel_condition)(tunnel_fix *f, uint64_t arg);
static inline bool tunnel_wait(tunnel_fix *f, tunnel_condition holds, uint64_t arg)
{
    int ticks = 0;
    uv_timer_t timer;
    uv_timer_init(&f->loop, &timer);
    timer.data = &ticks;
    uv_timer_start(&timer, net_tick, NET_TEST_TICK_MS, NET_TEST_TICK_MS);
    bool ok = false;
    while (!(ok = holds(f, arg)) && ticks < 3 * NET_TEST_PATIENCE_MS / NET_TEST_TICK_MS)
        uv_run(&f->loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&f->loop, UV_RUN_NOWAIT);
    return ok;
}

static inline bool tunnel_is_up(tunnel_fix *f, uint64_t arg)
{
    mlc_link_status agent, relay = {0};
    (void)arg;
    mlc_tunnel_client_status(f->client, &agent);
    (void)mlc_tunnel_server_status(f->server, TUNNEL_TEST_AGENT, &relay, NULL);
    return agent.up && relay.up;
}

/* Everything both sides have put is acknowledged at the senders. */
static inline bool tunnel_all_acked(tunnel_fix *f, uint64_t arg)
{
    (void)arg;
    const mlc_outbox_stats up = tunnel_stats_of(&f->agent, f->agent.out);
    const mlc_outbox_stats down = tunnel_stats_of(&f->relay, f->relay.out);
    return up.acked_seq + 1 == up.next_seq && down.acked_seq + 1 == down.next_seq;
}

#endif
