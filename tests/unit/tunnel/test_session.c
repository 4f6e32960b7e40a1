/* Two session machines joined in memory. A seeded schedule delivers bytes piece by piece, commits late, cuts the
 * connection, kills either side, restores old backups, says busy, refuses, skips. Nothing may be lost or doubled.
 * Then the rules one by one, with a peer that breaks them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tunnel/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ENTRIES_MAX = 4096, PENDING_MAX = 4096, WIRE_MAX = 4 * 1024 * 1024, REFUSED_MAX = 512 };

/* ---- chance ---- */

typedef struct chance {
    uint64_t state;
} chance;

static uint64_t draw(chance *c, uint64_t bound)
{
    c->state ^= c->state << 13;
    c->state ^= c->state >> 7;
    c->state ^= c->state << 17;
    return (c->state * 0x2545F4914F6CDD1DU >> 11) % bound;
}

/* ---- what one side keeps on its disk ---- */

typedef struct entry {
    uint64_t id; /* idempotency: unique over the whole run */
    uint32_t size;
    bool is_void, poison, parked;
} entry;

typedef struct disk {
    /* its own stream; entries[seq] */
    entry entries[ENTRIES_MAX];
    uint64_t last, acked, generation;
    /* the peer's stream */
    mlc_position received;
    uint64_t refused[REFUSED_MAX];
    size_t refused_count;
    bool effect[2 * ENTRIES_MAX]; /* by id: an inbox and its effect in one */
} disk;

typedef struct pending {
    uint64_t seq, id;
    bool poison;
    uint8_t mark[MLC_MARK_LEN];
} pending;

typedef struct side {
    const char *name;
    mlc_session_role role;
    uint64_t epoch;
    disk *now, *backup;
    bool has_backup;
    /* lost when it is killed */
    mlc_session *session;
    mlc_position stream; /* the peer's stream, as it said */
    pending waiting[PENDING_MAX];
    size_t waiting_count;
    uint64_t acked; /* not yet on disk */
    uint64_t parks[REFUSED_MAX];
    size_t park_count;
    bool busy, closed;
    mlc_resume resume; /* a new generation that is not on disk yet */
    bool resume_due;
    /* towards the peer: whole websocket messages */
    uint8_t *wire;
    size_t wire_len, wire_at;
} side;

typedef struct world {
    chance c;
    side a, r;
    int64_t now;
    uint64_t next_id;
    unsigned long effects[2 * ENTRIES_MAX]; /* how often an id took effect, backups not counted back */
    bool restored;                          /* a backup was used: other promises hold */
    uint8_t key[MLC_KEY_LEN];
    unsigned long cuts, deliveries, busies, steps;
} world;

static void message_of(const disk *d, uint64_t seq, mlc_message *out, char idem[32], uint8_t *payload)
{
    const entry *e = &d->entries[seq];
    snprintf(idem, 32, "%s%llu", e->poison ? "!" : "", (unsigned long long)e->id);
    memset(payload, (int)(e->id & 0xff), e->size);
    *out = (mlc_message){.seq = seq,
                         .created_ms = (int64_t)e->id * 1000,
                         .idem = {idem, strlen(idem)},
                         .key = {"k", 1},
                         .kind = {"", 0},
                         .correlation = {"", 0},
                         .payload = payload,
                         .payload_len = e->size};
}

static void mark_of(const disk *d, uint64_t seq, uint8_t out[MLC_MARK_LEN])
{
    char idem[32];
    const entry *e = &d->entries[seq];
    snprintf(idem, sizeof(idem), "%s%llu", e->poison ? "!" : "", (unsigned long long)e->id);
    assert_int_equal(mlc_message_mark(seq, (int64_t)e->id * 1000, idem, strlen(idem), out, NULL), MLC_OK);
}

/* ---- actions ---- */

static void on_resume(side *s, const mlc_position *claim)
{
    const disk *d = s->now;
    mlc_stream_facts facts = {
        .epoch = s->epoch, .generation = d->generation, .acked = d->acked, .last = d->last};
    if (claim->epoch == s->epoch && claim->seq >= 1 && claim->seq <= d->last) {
        uint8_t mark[MLC_MARK_LEN];
        mark_of(d, claim->seq, mark);
        facts.mark = memcmp(mark, claim->mark, MLC_MARK_LEN) == 0 ? MLC_MARK_SAME : MLC_MARK_OTHER;
    }
    s->resume = mlc_resume_decide(claim, &facts);
    s->resume_due = true;
    s->acked = d->acked;
    if (s->resume.kind == MLC_RESUME_REWRITTEN)
        return; /* the schedule writes the generation, later */
    s->resume_due = false;
    const mlc_start start = {.epoch = s->epoch, .generation = d->generation, .acked = d->acked};
    mlc_session_start(s->session, s->resume.first, &start);
}

static void on_started(side *s, const mlc_action *action)
{
    if (action->again)
        return;
    const disk *d = s->now;
    s->stream = (mlc_position){.epoch = action->start.epoch, .generation = action->start.generation};
    if (d->received.epoch == s->stream.epoch && d->received.generation == s->stream.generation)
        for (size_t i = 0; i < d->refused_count; i++)
            if (d->refused[i] > action->start.acked && d->refused[i] <= action->position.seq)
                mlc_session_refuse(s->session, d->refused[i], MLC_REFUSAL_REJECTED, "poison");
    mlc_session_committed(s->session, action->position.seq);
}

static void on_deliver(world *w, side *s, const mlc_message *m)
{
    assert_true(s->waiting_count < PENDING_MAX);
    pending *p = &s->waiting[s->waiting_count++];
    char idem[32] = "";
    assert_in_range(m->idem.len, 1, 31);
    memcpy(idem, m->idem.at, m->idem.len);
    p->seq = m->seq;
    p->poison = idem[0] == '!';
    p->id = strtoull(idem + (p->poison ? 1 : 0), NULL, 10);
    for (size_t i = 0; i < m->payload_len; i++)
        assert_int_equal(((const uint8_t *)m->payload)[i], p->id & 0xff);
    assert_int_equal(mlc_message_mark(m->seq, m->created_ms, m->idem.at, m->idem.len, p->mark, NULL), MLC_OK);
    w->deliveries++;
}

static void drain(world *w, side *s)
{
    mlc_action action;
    while (mlc_session_next(s->session, &action)) {
        switch (action.type) {
        case MLC_ACTION_IDENTIFY:
            mlc_session_identify(s->session, w->now,
                                 &(mlc_identity){.key = w->key, .received = s->now->received});
            break;
        case MLC_ACTION_RESUME:
            on_resume(s, &action.position);
            break;
        case MLC_ACTION_STARTED:
            on_started(s, &action);
            break;
        case MLC_ACTION_DELIVER:
            on_deliver(w, s, &action.message);
            break;
        case MLC_ACTION_ACKED:
            s->acked = action.seq;
            break;
        case MLC_ACTION_REFUSED:
            assert_true(s->park_count < REFUSED_MAX);
            s->parks[s->park_count++] = action.seq;
            break;
        case MLC_ACTION_PAUSED:
            break;
        case MLC_ACTION_CONFIRMED: {
            size_t kept = 0;
            disk *d = s->now;
            for (size_t i = 0; i < d->refused_count; i++)
                if (d->refused[i] > action.seq)
                    d->refused[kept++] = d->refused[i];
            d->refused_count = kept;
            break;
        }
        case MLC_ACTION_CLOSED:
            fail_msg("%s: closed: %s", s->name, action.notice.text);
        }
    }
}

/* ---- steps ---- */

static void connect_both(world *w)
{
    side *sides[2] = {&w->a, &w->r};
    for (size_t i = 0; i < 2; i++) {
        side *s = sides[i];
        mlc_session_free(s->session);
        s->waiting_count = s->park_count = 0;
        s->acked = s->now->acked;
        s->busy = s->resume_due = false;
        s->wire_len = s->wire_at = 0;
        mlc_session_config config = {.role = s->role,
                                     .agent_id = s->role == MLC_SESSION_AGENT ? "acme" : NULL,
                                     .key = s->role == MLC_SESSION_AGENT ? w->key : NULL,
                                     .limits = {.max_frame = MLC_FRAME_MAX_FLOOR, .window = 40000},
                                     .received = s->now->received};
        for (size_t k = 0; k < sizeof(config.nonce); k++)
            config.nonce[k] = (uint8_t)draw(&w->c, 256);
        assert_int_equal(mlc_session_open(&s->session, &config, w->now, NULL), MLC_OK);
    }
}

static void put_entry(world *w, side *s)
{
    disk *d = s->now;
    if (d->last + 1 >= ENTRIES_MAX || w->next_id + 1 >= (uint64_t)2 * ENTRIES_MAX)
        return;
    entry *e = &d->entries[++d->last];
    *e = (entry){.id = ++w->next_id, .size = (uint32_t)draw(&w->c, 300)};
    if (draw(&w->c, 40) == 0)
        e->size = 20000 + (uint32_t)draw(&w->c, 30000); /* chunks, and larger than the window */
    e->is_void = draw(&w->c, 5) == 0;
    e->poison = !e->is_void && draw(&w->c, 15) == 0;
}

static void offer_some(world *w, side *s)
{
    static uint8_t payload[64 * 1024];
    for (uint64_t n = draw(&w->c, 20); n > 0 && mlc_session_room(s->session) > 0; n--) {
        const uint64_t seq = mlc_session_next_seq(s->session);
        const disk *d = s->now;
        if (seq > d->last)
            return;
        if (d->entries[seq].is_void || d->entries[seq].parked) {
            mlc_session_skip(s->session, seq);
            continue;
        }
        char idem[32];
        mlc_message m;
        message_of(d, seq, &m, idem, payload);
        if (mlc_session_offer(s->session, &m) != MLC_OFFER_TAKEN)
            return;
    }
}

/* Move websocket messages out of the session onto the wire. */
static void send_some(world *w, side *s)
{
    while (draw(&w->c, 3) != 0 && WIRE_MAX - s->wire_len > MLC_FRAME_MAX_FLOOR + 4) {
        uint8_t *at = s->wire + s->wire_len;
        const size_t len = mlc_session_output(s->session, at + 4, MLC_FRAME_MAX_FLOOR);
        if (len == 0)
            return;
        mlc_put_u32(at, (uint32_t)len);
        s->wire_len += len + 4;
    }
}

/* One websocket message from the wire of `from`, in pieces. */
static void receive_one(world *w, side *from, side *to)
{
    if (from->wire_at == from->wire_len)
        return;
    const size_t len = mlc_get_u32(from->wire + from->wire_at);
    const uint8_t *at = from->wire + from->wire_at + 4;
    const size_t cut = draw(&w->c, 2) == 0 ? draw(&w->c, len + 1) : len;
    if (cut < len)
        mlc_session_receive(to->session, w->now, at, cut, false);
    mlc_session_receive(to->session, w->now, cut < len ? at + cut : at, cut < len ? len - cut : len, true);
    from->wire_at += len + 4;
    if (from->wire_at == from->wire_len)
        from->wire_at = from->wire_len = 0;
    drain(w, to);
}

/* Every entry between the last stored one and this must be void, or already parked, at the sender. */
static void assert_no_gap(const world *w, const disk *sender, uint64_t after, uint64_t seq)
{
    if (w->restored)
        return;
    for (uint64_t i = after + 1; i < seq; i++)
        assert_true(sender->entries[i].is_void || sender->entries[i].parked);
}

/* The first messages that wait become durable: effect, position, refusals, all in one. */
static void commit_some(world *w, side *s, const disk *sender)
{
    if (s->waiting_count == 0 || s->busy)
        return;
    disk *d = s->now;
    const size_t n = 1 + draw(&w->c, s->waiting_count);
    for (size_t i = 0; i < n; i++) {
        const pending *p = &s->waiting[i];
        const bool same =
            d->received.epoch == s->stream.epoch && d->received.generation == s->stream.generation;
        if (same) {
            assert_true(p->seq > d->received.seq);
            assert_no_gap(w, sender, d->received.seq, p->seq);
        } else {
            d->refused_count = 0;
        }
        if (p->poison) {
            assert_true(d->refused_count < REFUSED_MAX);
            d->refused[d->refused_count++] = p->seq;
        } else if (!d->effect[p->id]) {
            d->effect[p->id] = true;
            w->effects[p->id]++;
        } else {
            assert_true(w->restored); /* only then may something come twice */
        }
        d->received = s->stream;
        d->received.seq = p->seq;
        memcpy(d->received.mark, p->mark, MLC_MARK_LEN);
    }
    for (size_t i = 0; i < n; i++)
        if (s->waiting[i].poison)
            mlc_session_refuse(s->session, s->waiting[i].seq, MLC_REFUSAL_REJECTED, "poison");
    const uint64_t last = s->waiting[n - 1].seq;
    memmove(s->waiting, s->waiting + n, (s->waiting_count - n) * sizeof(pending));
    s->waiting_count -= n;
    mlc_session_committed(s->session, last);
}

static void be_busy(world *w, side *s)
{
    if (s->busy || s->waiting_count == 0)
        return;
    s->busy = true;
    mlc_session_busy(s->session, s->waiting[0].seq, 10, "full");
    s->waiting_count = 0;
    w->busies++;
}

static void be_ready(side *s)
{
    if (!s->busy)
        return;
    s->busy = false;
    mlc_session_ready(s->session);
}

/* Acknowledgements and refusals, in one commit. */
static void store_answers(side *s)
{
    disk *d = s->now;
    for (size_t i = 0; i < s->park_count; i++)
        d->entries[s->parks[i]].parked = true;
    s->park_count = 0;
    if (s->acked > d->acked)
        d->acked = s->acked;
    mlc_session_confirm(s->session, d->acked);
}

static void store_generation(side *s)
{
    if (!s->resume_due)
        return;
    s->resume_due = false;
    s->now->generation = s->resume.generation;
    const mlc_start start = {.epoch = s->epoch, .generation = s->now->generation, .acked = s->now->acked};
    mlc_session_start(s->session, s->resume.first, &start);
}

static void one_step(world *w, side *s, side *peer)
{
    w->steps++;
    switch (draw(&w->c, 12)) {
    case 0:
        put_entry(w, s);
        break;
    case 1:
    case 2:
        offer_some(w, s);
        break;
    case 3:
    case 4:
        send_some(w, s);
        break;
    case 5:
    case 6:
    case 7:
        receive_one(w, peer, s);
        break;
    case 8:
    case 9:
        commit_some(w, s, peer->now);
        break;
    case 10:
        store_answers(s);
        store_generation(s);
        break;
    default:
        if (draw(&w->c, 4) == 0)
            be_busy(w, s);
        else
            be_ready(s);
        w->now += (int64_t)draw(&w->c, 200);
        mlc_session_tick(s->session, w->now);
        drain(w, s);
    }
}

/* Let everything that is under way arrive. */
static void settle(world *w)
{
    side *sides[2] = {&w->a, &w->r};
    for (unsigned turn = 0; turn < 4000; turn++) {
        for (size_t i = 0; i < 2; i++) {
            side *s = sides[i], *peer = sides[1 - i];
            be_ready(s);
            offer_some(w, s);
            send_some(w, s);
            receive_one(w, peer, s);
            receive_one(w, peer, s);
            if (s->waiting_count > 0)
                commit_some(w, s, peer->now);
            store_answers(s);
            store_generation(s);
            /* Pings carry the confirmations. */
            w->now += 50;
            mlc_session_tick(s->session, w->now);
            drain(w, s);
        }
    }
}

/* What the sender's disk knows is with the receiver, once. */
static void assert_all_there(const world *w, const side *from, const side *to)
{
    for (uint64_t seq = 1; seq <= from->now->last; seq++) {
        const entry *e = &from->now->entries[seq];
        if (e->is_void)
            continue;
        if (e->poison ? !e->parked : !to->now->effect[e->id])
            fail_msg("%s: message %llu (id %llu) was lost", from->name, (unsigned long long)seq,
                     (unsigned long long)e->id);
        if (!w->restored && !e->poison)
            assert_int_equal(w->effects[e->id], 1);
        assert_false(e->poison && to->now->effect[e->id]);
        assert_false(!e->poison && e->parked);
    }
    assert_true(from->now->acked == from->now->last);
    assert_int_equal(to->now->refused_count, 0); /* all refusals are known to be known */
}

static void side_open(side *s, const char *name, mlc_session_role role, uint64_t epoch)
{
    s->name = name;
    s->role = role;
    s->epoch = epoch;
    s->now = calloc(1, sizeof(disk));
    s->backup = calloc(1, sizeof(disk));
    s->wire = malloc(WIRE_MAX);
    assert_true(s->now != NULL && s->backup != NULL && s->wire != NULL);
    s->now->generation = 1;
}

static void side_close(side *s)
{
    mlc_session_free(s->session);
    free(s->now);
    free(s->backup);
    free(s->wire);
}

static void backups(world *w, side *s)
{
    if (!s->has_backup) {
        *s->backup = *s->now;
        s->has_backup = true;
        return;
    }
    *s->now = *s->backup;
    s->has_backup = false;
    w->restored = true;
    connect_both(w);
}

static void run_world(uint64_t seed, unsigned steps, bool with_backups)
{
    world *w = calloc(1, sizeof(*w));
    assert_non_null(w);
    w->c.state = seed * 0x9E3779B97F4A7C15U + 1;
    memset(w->key, 7, sizeof(w->key));
    side_open(&w->a, "agent", MLC_SESSION_AGENT, 0xa);
    side_open(&w->r, "relay", MLC_SESSION_RELAY, 0xb);
    connect_both(w);
    for (unsigned i = 0; i < steps; i++) {
        const bool first = draw(&w->c, 2) == 0;
        one_step(w, first ? &w->a : &w->r, first ? &w->r : &w->a);
        if (draw(&w->c, 400) == 0) { /* a cut, and a kill -9 of both: all that is not on disk is gone */
            w->cuts++;
            connect_both(w);
        }
        if (with_backups && draw(&w->c, 700) == 0)
            backups(w, draw(&w->c, 2) == 0 ? &w->a : &w->r);
    }
    settle(w);
    assert_all_there(w, &w->a, &w->r);
    assert_all_there(w, &w->r, &w->a);
    assert_true(w->deliveries > 0 && w->cuts > 0);
    side_close(&w->a);
    side_close(&w->r);
    free(w);
}

static void test_nothing_lost_nothing_doubled(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++)
        run_world(seed, 6000, false);
}

static void test_restored_backups_lose_nothing(void **state)
{
    (void)state;
    for (uint64_t seed = 101; seed <= 140; seed++)
        run_world(seed, 6000, true);
}

/* ---- the rules one by one ---- */

typedef struct pair {
    mlc_session *agent, *relay;
    uint8_t key[MLC_KEY_LEN];
    mlc_action last; /* of the side that was drained last */
    unsigned count[MLC_ACTION_CLOSED + 1];
    const uint8_t *identity_key;
} pair;

static void drain_pair(pair *p, mlc_session *s)
{
    mlc_action action;
    while (mlc_session_next(s, &action)) {
        p->last = action;
        p->count[action.type]++;
        if (action.type == MLC_ACTION_IDENTIFY)
            mlc_session_identify(s, 0, &(mlc_identity){.key = p->identity_key});
        else if (action.type == MLC_ACTION_RESUME)
            mlc_session_start(s, 1, &(mlc_start){.epoch = 5, .generation = 1});
        else if (action.type == MLC_ACTION_STARTED)
            mlc_session_committed(s, action.position.seq);
    }
}

static size_t carry(pair *p, mlc_session *from, mlc_session *to)
{
    uint8_t buf[MLC_FRAME_MAX];
    size_t len = 0, total = 0;
    while ((len = mlc_session_output(from, buf, sizeof(buf))) > 0) {
        mlc_session_receive(to, 0, buf, len, true);
        drain_pair(p, to);
        total += len;
    }
    return total;
}

static void talk(pair *p)
{
    while (carry(p, p->relay, p->agent) + carry(p, p->agent, p->relay) > 0)
        ;
}

static void pair_open(pair *p, const mlc_session_config *agent, const mlc_session_config *relay)
{
    memset(p, 0, sizeof(*p));
    memset(p->key, 9, sizeof(p->key));
    p->identity_key = p->key;
    mlc_session_config a = agent != NULL ? *agent : (mlc_session_config){0};
    mlc_session_config r = relay != NULL ? *relay : (mlc_session_config){0};
    a.role = MLC_SESSION_AGENT;
    a.agent_id = "acme";
    a.key = p->key;
    r.role = MLC_SESSION_RELAY;
    assert_int_equal(mlc_session_open(&p->agent, &a, 0, NULL), MLC_OK);
    assert_int_equal(mlc_session_open(&p->relay, &r, 0, NULL), MLC_OK);
}

static void pair_close(pair *p)
{
    mlc_session_free(p->agent);
    mlc_session_free(p->relay);
}

static void pair_handshake(pair *p, const mlc_session_config *relay)
{
    pair_open(p, NULL, relay);
    talk(p);
    assert_true(mlc_session_is_open(p->agent));
    assert_true(mlc_session_is_open(p->relay));
    assert_int_equal(p->count[MLC_ACTION_STARTED], 2);
}

/* Give the relay one frame of a lying agent and expect it to close for this reason. */
static void assert_closes(pair *p, const mlc_buf *bytes, unsigned code)
{
    mlc_session_receive(p->relay, 0, bytes->data, bytes->len, true);
    drain_pair(p, p->relay);
    assert_int_equal(p->last.type, MLC_ACTION_CLOSED);
    if (p->last.notice.code != code)
        fail_msg("closed for %s: %s", mlc_close_name(p->last.notice.code), p->last.notice.text);
    assert_false(p->last.by_peer);
    assert_true(mlc_session_is_closed(p->relay));
    /* The goodbye tells the peer. */
    carry(p, p->relay, p->agent);
    assert_true(mlc_session_is_closed(p->agent));
    assert_true(p->last.by_peer);
    assert_int_equal(p->last.notice.code, code);
}

static mlc_message small_message(void)
{
    return (mlc_message){
        .seq = 1, .idem = {"i", 1}, .key = {"k", 1}, .kind = {"t", 1}, .correlation = {"", 0}};
}

static void test_wrong_key(void **state)
{
    (void)state;
    pair p;
    uint8_t other[MLC_KEY_LEN] = {1};
    pair_open(&p, NULL, NULL);
    p.identity_key = other;
    talk(&p);
    assert_int_equal(p.last.type, MLC_ACTION_CLOSED);
    assert_int_equal(p.last.notice.code, MLC_CLOSE_AUTH);
    assert_false(mlc_session_is_open(p.relay));
    pair_close(&p);
    pair_open(&p, NULL, NULL);
    p.identity_key = NULL;
    talk(&p);
    assert_int_equal(p.last.notice.code, MLC_CLOSE_AUTH);
    pair_close(&p);
}

/* A relay that does not know the key cannot pass for the real one. */
static void test_relay_must_prove_itself(void **state)
{
    (void)state;
    pair p;
    pair_open(&p, NULL, NULL);
    carry(&p, p.relay, p.agent);
    uint8_t buf[MLC_FRAME_MAX];
    assert_true(mlc_session_output(p.agent, buf, sizeof(buf)) > 0);
    mlc_buf text = {0}, bytes = {0};
    mlc_hello welcome = {
        .version_min = 1, .version_max = 1, .has_proof = true, .limits = {65536, 65536, 65536}};
    assert_int_equal(mlc_hello_print(&text, &welcome, true, NULL), MLC_OK);
    const mlc_frame frame = {.type = MLC_FRAME_WELCOME, .body = text.data, .body_len = text.len};
    assert_int_equal(mlc_frame_write(&bytes, &frame, NULL), MLC_OK);
    mlc_session_receive(p.agent, 0, bytes.data, bytes.len, true);
    drain_pair(&p, p.agent);
    assert_int_equal(p.last.type, MLC_ACTION_CLOSED);
    assert_int_equal(p.last.notice.code, MLC_CLOSE_AUTH);
    mlc_buf_free(&text);
    mlc_buf_free(&bytes);
    pair_close(&p);
}

static void test_version_is_negotiated(void **state)
{
    (void)state;
    for (uint32_t min = 1; min <= 2; min++) {
        pair p;
        mlc_buf text = {0}, bytes = {0};
        pair_open(&p, NULL, NULL);
        mlc_hello hello = {.version_min = min,
                           .version_max = 9,
                           .agent = "acme",
                           .has_proof = true,
                           .limits = {65536, 65536, 65536}};
        assert_int_equal(mlc_hello_print(&text, &hello, false, NULL), MLC_OK);
        const mlc_frame frame = {.type = MLC_FRAME_HELLO, .body = text.data, .body_len = text.len};
        assert_int_equal(mlc_frame_write(&bytes, &frame, NULL), MLC_OK);
        mlc_session_receive(p.relay, 0, bytes.data, bytes.len, true);
        drain_pair(&p, p.relay);
        assert_int_equal(p.last.type, MLC_ACTION_CLOSED);
        /* 1..9 has version 1 in it and fails for its proof; 2..9 has nothing in common. */
        assert_int_equal(p.last.notice.code, min == 1 ? MLC_CLOSE_AUTH : MLC_CLOSE_VERSION);
        mlc_buf_free(&text);
        mlc_buf_free(&bytes);
        pair_close(&p);
    }
}

static void test_handshake_has_a_deadline(void **state)
{
    (void)state;
    pair p;
    pair_open(&p, NULL, NULL);
    const int64_t at = mlc_session_deadline(p.relay);
    mlc_session_tick(p.relay, at - 1);
    assert_false(mlc_session_is_closed(p.relay));
    mlc_session_tick(p.relay, at);
    drain_pair(&p, p.relay);
    assert_int_equal(p.last.notice.code, MLC_CLOSE_TIMEOUT);
    pair_close(&p);
}

static void test_silence_ends_the_session(void **state)
{
    (void)state;
    pair p;
    pair_handshake(&p, NULL);
    int64_t now = 0;
    while (!mlc_session_is_closed(p.agent) && now < 60000) {
        now = mlc_session_deadline(p.agent);
        mlc_session_tick(p.agent, now);
        drain_pair(&p, p.agent);
    }
    assert_int_equal(p.last.notice.code, MLC_CLOSE_TIMEOUT);
    assert_true(now < 30000);
    pair_close(&p);
}

/* Whatever is configured, a dead peer is noticed within 30 s. */
static void test_no_interval_hides_a_dead_peer(void **state)
{
    (void)state;
    pair p;
    const mlc_session_config relay = {.ping_interval_ms = 60000};
    pair_handshake(&p, &relay);
    for (int64_t now = 0; now < 29999; now = mlc_session_deadline(p.relay)) {
        mlc_session_tick(p.relay, now);
        drain_pair(&p, p.relay);
        if (mlc_session_is_closed(p.relay))
            break;
    }
    assert_true(mlc_session_is_closed(p.relay));
    assert_int_equal(p.last.notice.code, MLC_CLOSE_TIMEOUT);
    pair_close(&p);
}

static void test_stranger_may_say_little(void **state)
{
    (void)state;
    pair p;
    pair_open(&p, NULL, NULL);
    mlc_buf bytes = {0};
    uint8_t *body = calloc(1, MLC_FRAME_MAX_FLOOR);
    const mlc_frame frame = {.type = MLC_FRAME_HELLO, .body = body, .body_len = MLC_FRAME_MAX_FLOOR};
    assert_int_equal(mlc_frame_write(&bytes, &frame, NULL), MLC_OK);
    assert_closes(&p, &bytes, MLC_CLOSE_LIMIT);
    free(body);
    mlc_buf_free(&bytes);
    pair_close(&p);
}

static void test_oversize_message_is_refused(void **state)
{
    (void)state;
    pair p;
    pair_handshake(&p, NULL);
    mlc_buf bytes = {0};
    uint8_t *body = calloc(1, MLC_FRAME_MAX);
    const mlc_frame frame = {.type = MLC_FRAME_PING, .body = body, .body_len = MLC_FRAME_MAX};
    assert_int_equal(mlc_frame_write(&bytes, &frame, NULL), MLC_OK);
    assert_closes(&p, &bytes, MLC_CLOSE_LIMIT);
    free(body);
    mlc_buf_free(&bytes);
    pair_close(&p);
}

typedef void (*lie_fn)(mlc_buf *out);

static void lie_gap(mlc_buf *out)
{
    mlc_message m = small_message();
    m.seq = 2;
    assert_int_equal(mlc_message_write(out, &m, MLC_FRAME_MAX, NULL), MLC_OK);
}

static void lie_ack_unsent(mlc_buf *out)
{
    assert_int_equal(mlc_frame_write(out, &(mlc_frame){.type = MLC_FRAME_ACK, .ack = 77}, NULL), MLC_OK);
}

static void lie_nack_unsent(mlc_buf *out)
{
    const mlc_frame head = {.type = MLC_FRAME_NACK, .seq = 5};
    assert_int_equal(mlc_notice_write(out, &head, 1, 0, "no", NULL), MLC_OK);
}

static void lie_second_hello(mlc_buf *out)
{
    assert_int_equal(mlc_frame_write(out, &(mlc_frame){.type = MLC_FRAME_HELLO}, NULL), MLC_OK);
}

static void lie_unknown_type(mlc_buf *out)
{
    assert_int_equal(mlc_frame_write(out, &(mlc_frame){.type = 99}, NULL), MLC_OK);
}

static void lie_wrong_stream(mlc_buf *out)
{
    mlc_message m = small_message();
    assert_int_equal(mlc_message_write(out, &m, MLC_FRAME_MAX, NULL), MLC_OK);
    mlc_put_u16(out->data + 2, 7);
}

static void lie_other_identity(mlc_buf *out)
{
    assert_int_equal(mlc_start_write(out, 1, &(mlc_start){.epoch = 6, .generation = 1}, NULL), MLC_OK);
}

static void lie_chunk_without_begin(mlc_buf *out)
{
    mlc_message m = small_message();
    assert_int_equal(mlc_message_write(out, &m, MLC_FRAME_MAX, NULL), MLC_OK);
    out->data[1] = MLC_DATA_LAST;
}

static void lie_begin_twice(mlc_buf *out)
{
    mlc_message m = small_message();
    assert_int_equal(mlc_message_write(out, &m, MLC_FRAME_HEADER_LEN + 10, NULL), MLC_OK);
    const size_t first = mlc_frame_length(out->data);
    out->len = first;
    assert_int_equal(mlc_message_write(out, &m, MLC_FRAME_MAX, NULL), MLC_OK);
}

static void lie_skip_backwards(mlc_buf *out)
{
    assert_int_equal(mlc_skip_write(out, 4, 5, NULL), MLC_OK);
}

static void lie_busy_with_credit(mlc_buf *out)
{
    const mlc_frame head = {.type = MLC_FRAME_BUSY, .seq = 1, .credit = 5};
    assert_int_equal(mlc_notice_write(out, &head, 0, 0, "", NULL), MLC_OK);
}

static void lie_cut_frame(mlc_buf *out)
{
    lie_unknown_type(out);
    out->len -= 1;
}

static void test_lies_are_noticed(void **state)
{
    (void)state;
    static const lie_fn lies[] = {lie_gap,
                                  lie_ack_unsent,
                                  lie_nack_unsent,
                                  lie_second_hello,
                                  lie_unknown_type,
                                  lie_wrong_stream,
                                  lie_other_identity,
                                  lie_begin_twice,
                                  lie_skip_backwards,
                                  lie_chunk_without_begin,
                                  lie_busy_with_credit,
                                  lie_cut_frame};
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        pair p;
        mlc_buf bytes = {0};
        pair_handshake(&p, NULL);
        lies[i](&bytes);
        assert_closes(&p, &bytes, MLC_CLOSE_PROTOCOL);
        mlc_buf_free(&bytes);
        pair_close(&p);
    }
}

static void test_ignorable_frames_are_ignored(void **state)
{
    (void)state;
    pair p;
    mlc_buf bytes = {0};
    pair_handshake(&p, NULL);
    const mlc_frame frame = {
        .type = 200, .stream = 9, .ack = 999, .body = (const uint8_t *)"new", .body_len = 3};
    assert_int_equal(mlc_frame_write(&bytes, &frame, NULL), MLC_OK);
    mlc_session_receive(p.relay, 0, bytes.data, bytes.len, true);
    drain_pair(&p, p.relay);
    assert_true(mlc_session_is_open(p.relay));
    mlc_buf_free(&bytes);
    pair_close(&p);
}

static void test_window_is_kept(void **state)
{
    (void)state;
    pair p;
    const mlc_session_config relay = {.limits = {.window = 3000}};
    pair_handshake(&p, &relay);
    mlc_message m = small_message();
    char payload[1000] = {0};
    m.payload = payload;
    m.payload_len = sizeof(payload);
    unsigned taken = 0;
    while (mlc_session_offer(p.agent, &m) == MLC_OFFER_TAKEN)
        taken++;
    assert_int_equal(taken, 2); /* the third would pass the window */
    assert_true(mlc_session_room(p.agent) < 1300);
    talk(&p);
    assert_int_equal(p.count[MLC_ACTION_DELIVER], 2);
    assert_int_equal(mlc_session_offer(p.agent, &m), MLC_OFFER_LATER);
    mlc_session_committed(p.relay, 2);
    talk(&p);
    assert_int_equal(p.count[MLC_ACTION_ACKED], 1);
    assert_int_equal(mlc_session_offer(p.agent, &m), MLC_OFFER_TAKEN);
    /* Who sends beyond it is cut off. */
    mlc_buf bytes = {0};
    for (m.seq = 3; m.seq < 7; m.seq++)
        assert_int_equal(mlc_message_write(&bytes, &m, MLC_FRAME_MAX, NULL), MLC_OK);
    assert_closes(&p, &bytes, MLC_CLOSE_LIMIT);
    mlc_buf_free(&bytes);
    pair_close(&p);
}

static void test_too_large_for_the_peer(void **state)
{
    (void)state;
    pair p;
    const mlc_session_config relay = {.limits = {.max_message = 5000}};
    pair_handshake(&p, &relay);
    mlc_message m = small_message();
    char payload[6000] = {0};
    m.payload = payload;
    m.payload_len = sizeof(payload);
    assert_int_equal(mlc_session_offer(p.agent, &m), MLC_OFFER_TOO_LARGE);
    mlc_buf bytes = {0};
    assert_int_equal(mlc_message_write(&bytes, &m, MLC_FRAME_MAX, NULL), MLC_OK);
    assert_closes(&p, &bytes, MLC_CLOSE_LIMIT);
    mlc_buf_free(&bytes);
    pair_close(&p);
}

static void test_rate_pauses_reading(void **state)
{
    (void)state;
    pair p;
    const mlc_session_config relay = {.max_frames_per_s = 10};
    mlc_buf bytes = {0};
    pair_handshake(&p, &relay);
    assert_int_equal(mlc_frame_write(&bytes, &(mlc_frame){.type = MLC_FRAME_PONG}, NULL), MLC_OK);
    assert_true(mlc_session_rx_pause(p.relay, 0) == 0);
    for (int i = 0; i < 20; i++) {
        mlc_session_receive(p.relay, 0, bytes.data, bytes.len, true);
        drain_pair(&p, p.relay);
    }
    const int64_t pause = mlc_session_rx_pause(p.relay, 0);
    assert_in_range(pause, 900, 1500);
    assert_true(mlc_session_rx_pause(p.relay, pause) == 0);
    assert_true(mlc_session_is_open(p.relay));
    mlc_buf_free(&bytes);
    pair_close(&p);
}

static void test_shutdown_tells_why(void **state)
{
    (void)state;
    pair p;
    pair_handshake(&p, NULL);
    mlc_session_shutdown(p.relay, MLC_CLOSE_REPLACED, 1234, "a newer one");
    drain_pair(&p, p.relay);
    assert_false(p.last.by_peer);
    carry(&p, p.relay, p.agent);
    assert_int_equal(p.last.type, MLC_ACTION_CLOSED);
    assert_true(p.last.by_peer);
    assert_int_equal(p.last.notice.code, MLC_CLOSE_REPLACED);
    assert_true(p.last.notice.retry_ms == 1234);
    assert_string_equal(p.last.notice.text, "a newer one");
    /* Nothing moves it any more. */
    mlc_session_tick(p.agent, 1000000);
    assert_false(mlc_session_has_output(p.agent));
    pair_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_lost_nothing_doubled),
        cmocka_unit_test(test_restored_backups_lose_nothing),
        cmocka_unit_test(test_wrong_key),
        cmocka_unit_test(test_relay_must_prove_itself),
        cmocka_unit_test(test_version_is_negotiated),
        cmocka_unit_test(test_handshake_has_a_deadline),
        cmocka_unit_test(test_silence_ends_the_session),
        cmocka_unit_test(test_no_interval_hides_a_dead_peer),
        cmocka_unit_test(test_stranger_may_say_little),
        cmocka_unit_test(test_oversize_message_is_refused),
        cmocka_unit_test(test_lies_are_noticed),
        cmocka_unit_test(test_ignorable_frames_are_ignored),
        cmocka_unit_test(test_window_is_kept),
        cmocka_unit_test(test_too_large_for_the_peer),
        cmocka_unit_test(test_rate_pauses_reading),
        cmocka_unit_test(test_shutdown_tells_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
