/* metrics.c - GET /metrics in Prometheus text, GET /healthz. */
#include "admin/admin_private.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdlib.h>

/* One store, read once for all families. */
typedef struct room_sample {
    const mlc_admin_room *room;
    char label[2 * MLC_ADMIN_NAME_MAX]; /* name, escaped */
    mlc_store_info info;
    mlc_outbox_stats stats[MLC_ADMIN_STREAMS_MAX];
    bool good;
} room_sample;

/* Label values escape backslash, quote and newline. */
static void escape_label(const char *text, char *out, size_t size)
{
    size_t used = 0;
    for (; *text != '\0' && used + 3 < size; text++) {
        if (*text == '\\' || *text == '"' || *text == '\n')
            out[used++] = '\\';
        out[used] = *text;
        if (*text == '\n')
            out[used] = 'n';
        used++;
    }
    out[used] = '\0';
}

static mlc_code read_sample(mlc_txn *txn, void *arg, mlc_error *err)
{
    room_sample *const s = arg;
    for (size_t i = 0; i < s->room->row.stream_count; i++) {
        const mlc_code code = mlc_outbox_stats_get(txn, s->room->row.streams[i], &s->stats[i], err);
        if (code != MLC_OK)
            return code;
    }
    return MLC_OK;
}

static void take_sample(const mlc_admin_room *room, room_sample *s)
{
    s->room = room;
    escape_label(room->name, s->label, sizeof s->label);
    s->good = mlc_store_info_get(room->row.store, &s->info, NULL) == MLC_OK &&
              mlc_store_read(room->row.store, read_sample, s, NULL) == MLC_OK;
}

/* ---- families ---- */

typedef uint64_t (*store_value_fn)(const room_sample *s);
typedef uint64_t (*stream_value_fn)(const mlc_outbox_stats *stats, int64_t now_ms);

static void family(mlc_buf *out, const char *name, const char *type, const char *help)
{
    (void)mlc_buf_printf(out, NULL, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void store_family(mlc_buf *out, const room_sample *samples, size_t count, const char *name,
                         const char *type, const char *help, store_value_fn value)
{
    family(out, name, type, help);
    for (size_t i = 0; i < count; i++)
        if (samples[i].good)
            (void)mlc_buf_printf(out, NULL, "%s{store=\"%s\"} %" PRIu64 "\n", name, samples[i].label,
                                 value(&samples[i]));
}

static void stream_family(mlc_buf *out, const room_sample *samples, size_t count, const char *name,
                          const char *help, int64_t now_ms, stream_value_fn value)
{
    family(out, name, "gauge", help);
    for (size_t i = 0; i < count; i++) {
        const mlc_admin_store *const row = &samples[i].room->row;
        for (size_t k = 0; samples[i].good && k < row->stream_count; k++)
            (void)mlc_buf_printf(out, NULL, "%s{store=\"%s\",stream=\"%s\"} %" PRIu64 "\n", name,
                                 samples[i].label, mlc_outbox_name(row->streams[k]),
                                 value(&samples[i].stats[k], now_ms));
    }
}

static void entries_family(mlc_buf *out, const room_sample *samples, size_t count)
{
    static const char name[] = "ml_outbox_entries";
    family(out, name, "gauge", "Entries of a stream by state.");
    for (size_t i = 0; i < count; i++) {
        const mlc_admin_store *const row = &samples[i].room->row;
        for (size_t k = 0; samples[i].good && k < row->stream_count; k++) {
            const mlc_outbox_stats *const s = &samples[i].stats[k];
            const uint64_t by_state[] = {[MLC_ENTRY_READY] = s->ready,
                                         [MLC_ENTRY_INFLIGHT] = s->inflight,
                                         [MLC_ENTRY_PARKED] = s->parked,
                                         [MLC_ENTRY_DONE] = s->done};
            for (mlc_entry_state st = MLC_ENTRY_READY; st <= MLC_ENTRY_DONE; st++)
                (void)mlc_buf_printf(out, NULL, "%s{store=\"%s\",stream=\"%s\",state=\"%s\"} %" PRIu64 "\n",
                                     name, samples[i].label, mlc_outbox_name(row->streams[k]),
                                     mlc_entry_state_name(st), by_state[st]);
        }
    }
}

static uint64_t live_bytes(const mlc_outbox_stats *s, int64_t now_ms)
{
    (void)now_ms;
    return s->live_bytes;
}

static uint64_t max_bytes(const mlc_outbox_stats *s, int64_t now_ms)
{
    (void)now_ms;
    return s->max_bytes;
}

static uint64_t oldest_seconds(const mlc_outbox_stats *s, int64_t now_ms)
{
    return s->oldest_live_ms > 0 && s->oldest_live_ms < now_ms ? (uint64_t)(now_ms - s->oldest_live_ms) / 1000
                                                               : 0;
}

static uint64_t map_bytes(const room_sample *s)
{
    return s->info.map_bytes;
}

static uint64_t map_max(const room_sample *s)
{
    return s->info.map_max;
}

static uint64_t used_bytes(const room_sample *s)
{
    return s->info.used_bytes;
}

static uint64_t readers(const room_sample *s)
{
    return s->info.readers;
}

static uint64_t commits(const room_sample *s)
{
    return s->info.commits;
}

static uint64_t jobs(const room_sample *s)
{
    return s->info.jobs;
}

static void write_all(const mlc_admin *admin, const room_sample *samples, size_t count, mlc_buf *out)
{
    const int64_t now = mlc_wall_ms();
    char program[2 * MLC_ADMIN_NAME_MAX];
    escape_label(admin->opt.program, program, sizeof program);
    family(out, "ml_build_info", "gauge", "The running program.");
    (void)mlc_buf_printf(out, NULL, "ml_build_info{program=\"%s\"} 1\n", program);
    entries_family(out, samples, count);
    stream_family(out, samples, count, "ml_outbox_bytes", "Bytes of entries that are not done.", now,
                  live_bytes);
    stream_family(out, samples, count, "ml_outbox_max_bytes", "Limit of ml_outbox_bytes.", now, max_bytes);
    stream_family(out, samples, count, "ml_outbox_oldest_seconds",
                  "Age of the oldest entry that is not done.", now, oldest_seconds);
    store_family(out, samples, count, "ml_store_map_bytes", "gauge", "Present size of the map.", map_bytes);
    store_family(out, samples, count, "ml_store_map_max_bytes", "gauge", "Limit of ml_store_map_bytes.",
                 map_max);
    store_family(out, samples, count, "ml_store_used_bytes", "gauge", "Bytes of pages in use.", used_bytes);
    store_family(out, samples, count, "ml_store_readers", "gauge", "Reader slots in use.", readers);
    store_family(out, samples, count, "ml_store_commits_total", "counter", "Synced commits since start.",
                 commits);
    store_family(out, samples, count, "ml_store_jobs_total", "counter", "Jobs since start.", jobs);
}

void mlc_admin_get_metrics(mlc_http_req *req, void *user)
{
    mlc_admin *const admin = user;
    mlc_buf out = {0};
    if (!mlc_admin_exact(req, "/metrics"))
        return;
    room_sample *const samples = calloc(admin->room_count + 1, sizeof *samples);
    if (samples == NULL) {
        mlc_http_reply_json(req, 200, NULL);
        return;
    }
    for (size_t i = 0; i < admin->room_count; i++)
        take_sample(admin->rooms[i], &samples[i]);
    write_all(admin, samples, admin->room_count, &out);
    if (admin->opt.metrics != NULL)
        admin->opt.metrics(admin->opt.user, &out);
    mlc_http_reply(req, 200, "text/plain; version=0.0.4; charset=utf-8", mlc_buf_text(&out), out.len);
    mlc_buf_free(&out);
    free(samples);
}

void mlc_admin_get_health(mlc_http_req *req, void *user)
{
    mlc_admin *const admin = user;
    char why[256] = "";
    if (!mlc_admin_exact(req, "/healthz"))
        return;
    const bool good = admin->opt.healthy == NULL || admin->opt.healthy(admin->opt.user, why, sizeof why);
    cJSON *const obj = cJSON_CreateObject();
    bool ok = obj != NULL && mlc_json_add_bool(obj, "ok", good, NULL) == MLC_OK;
    if (ok && !good)
        ok = mlc_json_add_str(obj, "why", why, NULL) == MLC_OK;
    if (!ok)
        cJSON_Delete(obj);
    mlc_http_reply_json(req, good ? 200 : 503, ok ? obj : NULL);
}
