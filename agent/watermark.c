/* watermark.c - see watermark.h. */
#include "agent/watermark.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
        code = mlc_json_add_bool(obj, "bounded", w->bounded, err);
    if (code == MLC_OK)
        code = add_stamp(obj, "lower", w->lower, err);
    if (code == MLC_OK)
        code = mlc_json_add_bool(obj, "positioned", w->positioned, err);
    if (code == MLC_OK)
        code = add_stamp(obj, "at", w->at, err);
    if (code == MLC_OK)
        code = mlc_json_add_str(obj, "key", w->key, err);
    if (code == MLC_OK && (text = mlc_json_print(obj)) == NULL)
        code = mlc_fail(err, MLC_E_NOMEM, "no memory for a watermark");
    if (code == MLC_OK)
        code = mlc_buf_puts(out, text, err);
    cJSON_free(text);
    cJSON_Delete(obj);
    return code;
}

mlc_code mlc_watermark_parse(const char *text, size_t len, mlc_watermark *out, mlc_error *err)
{
    cJSON *obj = NULL;
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
    key = mlc_json_str(obj, "key");
    if (code == MLC_OK && (key == NULL || strlen(key) >= sizeof out->key))
        code = mlc_fail(err, MLC_E_CORRUPT, "stored watermark: member key is missing or too long");
    if (code == MLC_OK && key != NULL)
        (void)snprintf(out->key, sizeof out->key, "%s", key);
    cJSON_Delete(obj);
    return code == MLC_OK ? MLC_OK : mlc_wrap(err, MLC_E_CORRUPT, "stored watermark cannot be read");
}

void mlc_watermark_begin(mlc_watermark *w, const mlc_zone *zone, int64_t overlap_ms, int64_t now_ms)
{
    if (w->active)
        return;
    w->active = true;
    w->cycle_ms = now_ms;
    w->positioned = false;
    w->at = (mlc_jde_stamp){0};
    w->key[0] = '\0';
    w->bounded = w->known && w->stamp.julian > 0;
    if (!w->bounded)
        return;
    w->lower = mlc_jde_stamp_minus(w->stamp, (overlap_ms + 999) / 1000);
    if (zone == NULL)
        return;
    /* A cycle start in the future (the clock was set back since) says nothing about what was read. */
    const int64_t from = w->started_ms < now_ms ? w->started_ms : now_ms;
    const mlc_jde_stamp twice = mlc_zone_min_stamp(zone, from - overlap_ms, now_ms);
    if (mlc_jde_stamp_cmp(twice, w->lower) < 0)
        w->lower = twice;
}

void mlc_watermark_advance(mlc_watermark *w, mlc_jde_stamp stamp, const char *key)
{
    w->positioned = true;
    w->at = stamp;
    (void)snprintf(w->key, sizeof w->key, "%s", key);
}

void mlc_watermark_complete(mlc_watermark *w)
{
    if (w->positioned && mlc_jde_stamp_cmp(w->at, w->stamp) > 0)
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

void mlc_watermark_groups(const mlc_watermark *w, const char *date, const char *key_column,
                          mlc_watermark_query *out)
{
    const mlc_jde_stamp from = mlc_watermark_from(w);
    memset(out, 0, sizeof *out);
    /* Nothing to compare with: a first load, or rows without a date at its very beginning. */
    if ((!w->positioned && !w->bounded) || from.julian == 0)
        return;
    (void)snprintf(out->date, sizeof out->date, "%s", date);
    (void)snprintf(out->hms, sizeof out->hms, "%" PRId32, from.hms);
    (void)snprintf(out->key, sizeof out->key, "%s", w->key);
    out->after[0] = (mlc_ais_term){"UPMJ", MLC_AIS_GT, out->date};
    out->same_day[0] = (mlc_ais_term){"UPMJ", MLC_AIS_EQ, out->date};
    out->same_day[1] = (mlc_ais_term){"UPMT", w->positioned ? MLC_AIS_GT : MLC_AIS_GE, out->hms};
    out->groups[0] = (mlc_ais_group){out->after, 1};
    out->groups[1] = (mlc_ais_group){out->same_day, 2};
    out->group_count = 2;
    if (!w->positioned)
        return;
    out->same_stamp[0] = (mlc_ais_term){"UPMJ", MLC_AIS_EQ, out->date};
    out->same_stamp[1] = (mlc_ais_term){"UPMT", MLC_AIS_EQ, out->hms};
    out->same_stamp[2] = (mlc_ais_term){key_column, MLC_AIS_GT, out->key};
    out->groups[2] = (mlc_ais_group){out->same_stamp, 3};
    out->group_count = 3;
}
