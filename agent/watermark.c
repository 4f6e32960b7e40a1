/* watermark.c - see watermark.h. */
#include "agent/watermark.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int64_t SKEW_MAX_MS = INT64_C(100) * 366 * 86400 * 1000;

static mlc_code add_stamp(cJSON *obj, const char *name, mlc_jde_stamp stamp, mlc_error *err)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%" PRId32 ".%" PRId32, stamp.julian, stamp.hms);
    return mlc_json_add_str(obj, name, text, err);
}

static mlc_code read_stamp(const cJSON *obj, const char *name, mlc_jde_stamp *out, mlc_error *err)
{
    const char *const text = mlc_json_str(obj, name);
    char *dot = NULL;
    char *end = NULL;
    const long julian = text != NULL ? strtol(text, &dot, 10) : -1;
    const long hms = dot != NULL && *dot == '.' ? strtol(dot + 1, &end, 10) : -1;
    if (end == NULL || *end != '\0' || julian < 0 || julian > INT32_MAX || hms < 0 || hms > INT32_MAX)
        return mlc_fail(err, MLC_E_CORRUPT, "stored watermark: member %s is not a stamp", name);
    *out = (mlc_jde_stamp){(int32_t)julian, (int32_t)hms};
    return MLC_OK;
}

mlc_code mlc_watermark_print(const mlc_watermark *w, mlc_buf *out, mlc_error *err)
{
    mlc_code code = MLC_OK;
    char *text = NULL;
    cJSON *obj = cJSON_CreateObject();
    if (obj == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a watermark");
    code = mlc_json_add_bool(obj, "known", w->known, err);
    if (code == MLC_OK)
        code = add_stamp(obj, "stamp", w->stamp, err);
    if (code == MLC_OK)
        code = mlc_json_add_int(obj, "started", w->started_ms, err);
    if (code == MLC_OK)
        code = mlc_json_add_bool(obj, "active", w->active, err);
    if (code == MLC_OK)
        code = mlc_json_add_int(obj, "cycle", w->cycle_ms, err);
    if (code == MLC_OK)
        code = mlc_json_add_int(obj, "skew", w->skew_ms, err);
    if (code == MLC_OK)
        code = mlc_json_add_bool(obj, "bounded", w->bounded, err);
    if (code == MLC_OK)
        code = add_stamp(obj, "lower", w->lower, err);
    if (code == MLC_OK)
        code = mlc_json_add_bool(obj, "positioned", w->positioned, err);
    if (code == MLC_OK)
        code = add_stamp(obj, "at", w->at, err);
    if (code == MLC_OK)
        code = mlc_json_add_str(obj, "key", w->key, err);
    if (code == MLC_OK)
        code = mlc_json_add_int(obj, "upper", w->upper, err);
    if (code == MLC_OK)
        code = mlc_json_add_int(obj, "rows", w->rows, err);
    if (code == MLC_OK && (text = mlc_json_print(obj)) == NULL)
        code = mlc_fail(err, MLC_E_NOMEM, "no memory for a watermark");
    if (code == MLC_OK)
        code = mlc_buf_puts(out, text, err);
    cJSON_free(text);
    cJSON_Delete(obj);
    return code;
}

/* Absent in what older versions stored. */
static mlc_code read_skew(const cJSON *obj, int64_t *out, mlc_error *err)
{
    *out = 0;
    if (mlc_json_get(obj, "skew") == NULL)
        return MLC_OK;
    const mlc_code code = mlc_json_int64(obj, "skew", out, err);
    if (code == MLC_OK && (*out < -SKEW_MAX_MS || *out > SKEW_MAX_MS))
        return mlc_fail(err, MLC_E_CORRUPT, "stored watermark: member skew is out of range");
    return code;
}

static mlc_code read_count(const cJSON *obj, const char *name, int64_t max, int64_t *out, mlc_error *err)
{
    const mlc_code code = mlc_json_int64(obj, name, out, err);
    if (code == MLC_OK && (*out < 0 || *out > max))
        return mlc_fail(err, MLC_E_CORRUPT, "stored watermark: member %s is out of range", name);
    return code;
}

mlc_code mlc_watermark_parse(const char *text, size_t len, mlc_watermark *out, mlc_error *err)
{
    cJSON *obj = NULL;
    int64_t upper = 0;
    const char *key = NULL;
    memset(out, 0, sizeof *out);
    if (mlc_json_parse(text, len, 4096, 4, &obj, err) != MLC_OK)
        return mlc_wrap(err, MLC_E_CORRUPT, "stored watermark cannot be read");
    out->known = mlc_json_bool(obj, "known", false);
    out->active = mlc_json_bool(obj, "active", false);
    out->bounded = mlc_json_bool(obj, "bounded", false);
    out->positioned = mlc_json_bool(obj, "positioned", false);
    mlc_code code = read_stamp(obj, "stamp", &out->stamp, err);
    if (code == MLC_OK)
        code = read_stamp(obj, "lower", &out->lower, err);
    if (code == MLC_OK)
        code = read_stamp(obj, "at", &out->at, err);
    if (code == MLC_OK)
        code = mlc_json_int64(obj, "started", &out->started_ms, err);
    if (code == MLC_OK)
        code = mlc_json_int64(obj, "cycle", &out->cycle_ms, err);
    if (code == MLC_OK)
        code = read_skew(obj, &out->skew_ms, err);
    if (code == MLC_OK)
        code = read_count(obj, "upper", INT32_MAX, &upper, err);
    if (code == MLC_OK)
        code = read_count(obj, "rows", INT64_MAX, &out->rows, err);
    out->upper = (int32_t)upper;
    key = mlc_json_str(obj, "key");
    if (code == MLC_OK && (key == NULL || strlen(key) >= sizeof out->key))
        code = mlc_fail(err, MLC_E_CORRUPT, "stored watermark: member key is missing or too long");
    if (code == MLC_OK && key != NULL)
        (void)snprintf(out->key, sizeof out->key, "%s", key);
    cJSON_Delete(obj);
    return code == MLC_OK ? MLC_OK : mlc_wrap(err, MLC_E_CORRUPT, "stored watermark cannot be read");
}

static void begin(mlc_watermark *w, int64_t now_ms)
{
    w->active = true;
    w->cycle_ms = now_ms;
    w->positioned = false;
    w->at = (mlc_jde_stamp){0};
    w->key[0] = '\0';
    w->upper = 0;
    w->rows = 0;
}

/* Beyond this it is no clock but nonsense. */
static int64_t sane_skew(int64_t skew_ms)
{
    if (skew_ms < -SKEW_MAX_MS)
        return -SKEW_MAX_MS;
    return skew_ms > SKEW_MAX_MS ? SKEW_MAX_MS : skew_ms;
}

void mlc_watermark_begin(mlc_watermark *w, const mlc_zone *zone, int64_t overlap_ms, int64_t now_ms,
                         int64_t skew_ms)
{
    if (w->active)
        return;
    const int64_t skew = sane_skew(skew_ms);
    const int64_t least = w->known && w->skew_ms < skew ? w->skew_ms : skew;
    begin(w, now_ms);
    w->skew_ms = skew;
    w->bounded = w->known && w->stamp.julian > 0;
    if (!w->bounded)
        return;
    w->lower = mlc_jde_stamp_minus(w->stamp, (overlap_ms + 999) / 1000);
    if (zone == NULL)
        return;
    /* A cycle start in the future (the clock was set back since) says nothing about what was read. */
    const int64_t from = w->started_ms < now_ms ? w->started_ms : now_ms;
    const mlc_jde_stamp since = mlc_zone_min_stamp(zone, from + least - overlap_ms, now_ms + skew);
    if (mlc_jde_stamp_cmp(since, w->lower) < 0)
        w->lower = since;
}

bool mlc_watermark_begin_days(mlc_watermark *w, int32_t through, int64_t now_ms)
{
    enum { DAY_S = 86400 };
    if (w->active)
        return true;
    if (w->known && w->stamp.julian >= through)
        return false;
    begin(w, now_ms);
    w->bounded = true;
    w->upper = through;
    w->lower = (mlc_jde_stamp){through, 0};
    if (w->known)
        w->lower = mlc_jde_stamp_minus((mlc_jde_stamp){w->stamp.julian, 0}, -DAY_S);
    return true;
}

void mlc_watermark_advance(mlc_watermark *w, mlc_jde_stamp stamp, const char *key)
{
    w->positioned = true;
    w->at = stamp;
    (void)snprintf(w->key, sizeof w->key, "%s", key);
}

void mlc_watermark_complete(mlc_watermark *w)
{
    if (w->upper > 0)
        w->stamp = (mlc_jde_stamp){w->upper, 0};
    else if (w->positioned && mlc_jde_stamp_cmp(w->at, w->stamp) > 0)
        w->stamp = w->at;
    w->known = true;
    w->started_ms = w->cycle_ms;
    w->active = false;
    w->positioned = false;
}

mlc_jde_stamp mlc_watermark_from(const mlc_watermark *w)
{
    return w->positioned ? w->at : w->lower;
}

/* ---- the condition ---- */

typedef struct group_maker {
    const mlc_watermark_columns *columns;
    mlc_watermark_query *out;
    bool upper;
} group_maker;

/* "date OP"; further terms are added by the caller. */
static mlc_ais_group *open_group(group_maker *m, mlc_ais_op op)
{
    mlc_watermark_query *const q = m->out;
    mlc_ais_term *const terms = q->terms[q->group_count];
    mlc_ais_group *const group = &q->groups[q->group_count++];
    *group = (mlc_ais_group){terms, 0};
    terms[group->count++] = (mlc_ais_term){m->columns->date, op, q->date};
    if (m->upper && op != MLC_AIS_EQ)
        terms[group->count++] = (mlc_ais_term){m->columns->date, MLC_AIS_LE, q->upper};
    return group;
}

static void add_term(group_maker *m, mlc_ais_group *group, const char *column, mlc_ais_op op,
                     const char *value)
{
    mlc_ais_term *const terms = m->out->terms[group - m->out->groups];
    terms[group->count++] = (mlc_ais_term){column, op, value};
}

/* Cut the position's key into its values; how many. */
static size_t split_key(char *key, const char *values[MLC_POLL_KEYS_MAX])
{
    size_t count = 0;
    values[count++] = key;
    for (char *p = key; *p != '\0'; p++) {
        if (*p != MLC_POLL_KEY_SEPARATOR)
            continue;
        *p = '\0';
        if (count == MLC_POLL_KEYS_MAX)
            break;
        values[count++] = p + 1;
    }
    return count;
}

/* Same stamp, and behind the key: (k1 > a) or (k1 = a and k2 > b) ... */
static void add_key_groups(group_maker *m)
{
    const char *values[MLC_POLL_KEYS_MAX];
    const mlc_watermark_columns *const c = m->columns;
    const size_t given = split_key(m->out->key, values);
    for (size_t i = 0; i < c->key_count && i < given; i++) {
        mlc_ais_group *const group = open_group(m, MLC_AIS_EQ);
        if (c->time != NULL)
            add_term(m, group, c->time, MLC_AIS_EQ, m->out->hms);
        for (size_t k = 0; k < i; k++)
            add_term(m, group, c->keys[k], MLC_AIS_EQ, values[k]);
        add_term(m, group, c->keys[i], MLC_AIS_GT, values[i]);
    }
}

void mlc_watermark_groups(const mlc_watermark *w, const char *date, const char *upper,
                          const mlc_watermark_columns *columns, mlc_watermark_query *out)
{
    const mlc_jde_stamp from = mlc_watermark_from(w);
    memset(out, 0, sizeof *out);
    group_maker m = {.columns = columns, .out = out, .upper = w->upper > 0};
    /* Nothing to compare with: a first load, or rows without a date at its very beginning. */
    if ((!w->positioned && !w->bounded) || from.julian == 0)
        return;
    (void)snprintf(out->date, sizeof out->date, "%s", date);
    (void)snprintf(out->upper, sizeof out->upper, "%s", upper != NULL ? upper : "");
    (void)snprintf(out->hms, sizeof out->hms, "%" PRId32, from.hms);
    (void)snprintf(out->key, sizeof out->key, "%s", w->key);
    (void)open_group(&m, columns->time == NULL && !w->positioned ? MLC_AIS_GE : MLC_AIS_GT);
    if (columns->time != NULL)
        add_term(&m, open_group(&m, MLC_AIS_EQ), columns->time, w->positioned ? MLC_AIS_GT : MLC_AIS_GE,
                 out->hms);
    if (w->positioned)
        add_key_groups(&m);
}
