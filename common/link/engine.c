/* engine.c - life of an engine: input, output, time, and what the session asks for. */
#include "link/engine_private.h"

#include "base/clock.h"
#include "crypto/crypto.h"

#include <stdlib.h>
#include <string.h>

static void on_timer(void *arg);

/* ---- opening ---- */

typedef struct position_read {
    const char *in_name;
    mlc_position position;
} position_read;

static mlc_code read_position(mlc_txn *txn, void *arg, mlc_error *err)
{
    position_read *job = arg;
    return link_position_get(txn, job->in_name, &job->position, err);
}

/* How far the peer's stream is stored. */
static mlc_code load_position(const mlc_link *link, mlc_position *out, mlc_error *err)
{
    position_read job = {.in_name = link->in_name};
    const mlc_code code = mlc_store_read(link->binding.store, read_position, &job, err);
    *out = job.position;
    return code;
}

mlc_code mlc_engine_open(mlc_engine **out, const mlc_engine_options *options, mlc_error *err)
{
    *out = NULL;
    mlc_session_config config = options->session;
    mlc_engine *e = calloc(1, sizeof(*e));
    if (e == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a connection");
    e->link = options->link;
    e->role = config.role;
    e->log = options->log;
    e->loop = options->loop;
    e->cb = options->callbacks;
    e->user = options->user;
    e->waiting.end = &e->waiting.first;
    e->parks_end = &e->parks;
    mlc_code code = mlc_random(config.nonce, sizeof(config.nonce), err);
    if (code == MLC_OK && e->link != NULL) {
        code = load_position(e->link, &config.received, err);
        e->stream = config.received;
    }
    if (code == MLC_OK)
        code = mlc_timer_open(&e->timer, options->loop, on_timer, e, err);
    if (code == MLC_OK)
        code = mlc_session_open(&e->session, &config, mlc_mono_ms(), err);
    if (code != MLC_OK) {
        mlc_engine_free(e);
        return code;
    }
    engine_pump(e);
    *out = e;
    return MLC_OK;
}

void mlc_engine_free(mlc_engine *e)
{
    if (e == NULL)
        return;
    if (e->pumping) { /* in one of its own callbacks: the pump frees it on its way out */
        e->dead = true;
        return;
    }
    engine_rx_free(e);
    engine_tx_free(e);
    mlc_session_free(e->session);
    mlc_timer_close(e->timer);
    free(e);
}

void mlc_engine_limit_frames(mlc_engine *engine, unsigned max_frames_per_s)
{
    mlc_session_limit_frames(engine->session, max_frames_per_s);
}

void mlc_engine_identify(mlc_engine *e, mlc_link *link, const mlc_identity *who)
{
    mlc_error err = {0};
    mlc_identity identity = *who;
    const mlc_code code = load_position(link, &identity.received, &err);
    if (code != MLC_OK) {
        engine_fail(e, &err);
        return;
    }
    e->link = link;
    e->stream = identity.received;
    mlc_session_identify(e->session, mlc_mono_ms(), &identity);
    engine_pump(e);
}

/* ---- what the session asks for ---- */

void engine_fail(mlc_engine *e, const mlc_error *err)
{
    char text[MLC_ERROR_MESSAGE_MAX + MLC_ERROR_CAUSE_MAX];
    mlc_log_error(e->log, "link", "the connection ends for a fault of this side",
                  MLC_S("error", mlc_error_text(err, text, sizeof(text))));
    mlc_session_shutdown(e->session, MLC_CLOSE_INTERNAL, 0, "a fault of this side; its log tells more");
}

static void carry_out(mlc_engine *e, const mlc_action *action)
{
    switch (action->type) {
    case MLC_ACTION_IDENTIFY:
        e->cb->on_identify(e->user, action->hello);
        break;
    case MLC_ACTION_RESUME:
        e->cb->on_open(e->user);
        if (!e->dead)
            engine_on_resume(e, &action->position);
        break;
    case MLC_ACTION_STARTED:
        engine_on_started(e, action);
        break;
    case MLC_ACTION_DELIVER:
        engine_on_message(e, &action->message);
        break;
    case MLC_ACTION_ACKED:
        engine_on_acked(e, action->seq, action->count);
        break;
    case MLC_ACTION_REFUSED:
        engine_on_refused(e, action->seq, action->notice.code, action->notice.text);
        break;
    case MLC_ACTION_PAUSED:
        mlc_log_info(e->log, "link", "the peer cannot store now and asks to wait",
                     MLC_S("peer", e->link->status.peer), MLC_S("reason", action->notice.text),
                     MLC_I("retryMs", action->notice.retry_ms));
        break;
    case MLC_ACTION_CONFIRMED:
        engine_on_confirmed(e, action->seq);
        break;
    case MLC_ACTION_CLOSED:
        e->closed = true;
        e->notice = action->notice;
        e->by_peer = action->by_peer;
        break;
    }
}

/* ---- time ---- */

static int64_t sooner(int64_t a, int64_t b)
{
    return b != 0 && b < a ? b : a;
}

static void set_timer(mlc_engine *e, int64_t now)
{
    int64_t at = mlc_session_deadline(e->session);
    if (e->closed) {
        mlc_timer_stop(e->timer);
        return;
    }
    at = sooner(at, e->ready_at);
    at = sooner(at, e->tx_retry_at);
    if (e->turn_over)
        at = now;
    if (e->reading_paused) {
        const int64_t pause = mlc_session_rx_pause(e->session, now);
        at = sooner(at, now + (pause > 0 ? pause : 1));
    }
    mlc_timer_start(e->timer, at - now, 0);
}

static void steer_reading(mlc_engine *e, int64_t now)
{
    const bool pause = !e->closed && mlc_session_rx_pause(e->session, now) > 0;
    if (pause == e->reading_paused)
        return;
    e->reading_paused = pause;
    e->cb->on_read(e->user, !pause);
}

static void on_timer(void *arg)
{
    mlc_engine *e = arg;
    const int64_t now = mlc_mono_ms();
    mlc_session_tick(e->session, now);
    engine_rx_tick(e, now);
    if (e->tx_retry_at != 0 && now >= e->tx_retry_at)
        e->tx_retry_at = 0;
    e->turn_over = false;
    e->tail = false; /* pokes make it quick, this makes it sure */
    engine_pump(e);
}

/* ---- the pump ---- */

static void pump_once(mlc_engine *e)
{
    mlc_action action;
    e->pump_again = false;
    while (!e->dead && mlc_session_next(e->session, &action))
        carry_out(e, &action);
    if (e->dead || e->closed)
        return;
    engine_tx_fill(e);
    engine_rx_submit(e);
    engine_tx_submit(e);
}

void engine_pump(mlc_engine *e)
{
    e->pump_again = true;
    if (e->pumping)
        return;
    e->pumping = true;
    do {
        while (e->pump_again && !e->dead)
            pump_once(e);
        if (!e->dead && mlc_session_has_output(e->session))
            e->cb->on_output(e->user);
        if (!e->dead && e->closed && !e->told_closed) {
            e->told_closed = true;
            e->cb->on_closed(e->user, &e->notice, e->by_peer);
        }
        if (!e->dead)
            steer_reading(e, mlc_mono_ms());
    } while (e->pump_again && !e->dead);
    e->pumping = false;
    if (e->dead)
        mlc_engine_free(e);
    else
        set_timer(e, mlc_mono_ms());
}

void mlc_engine_receive(mlc_engine *e, const void *data, size_t len, bool end)
{
    mlc_session_receive(e->session, mlc_mono_ms(), data, len, end);
    if (end || mlc_session_is_closed(e->session))
        engine_pump(e);
}

size_t mlc_engine_output(mlc_engine *e, void *buf, size_t size)
{
    return mlc_session_output(e->session, buf, size);
}

void mlc_engine_refill(mlc_engine *e)
{
    if (!e->closed)
        engine_pump(e);
}

bool mlc_engine_has_output(const mlc_engine *e)
{
    return mlc_session_has_output(e->session);
}

void mlc_engine_poke(mlc_engine *e)
{
    if (e->closed || !mlc_session_is_open(e->session))
        return;
    e->tail = false;
    engine_pump(e);
}

void mlc_engine_shutdown(mlc_engine *e, mlc_close_code code, int64_t retry_ms, const char *why)
{
    mlc_session_shutdown(e->session, code, retry_ms, why);
    engine_pump(e);
}

bool mlc_engine_is_closed(const mlc_engine *e)
{
    return e->closed;
}
