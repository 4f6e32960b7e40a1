/* watermark.h - how far a JDE table was read: the pure part of a poller.
 *
 * A poll ("cycle") reads the rows whose stamp (UPMJ, UPMT) is at or after a lower bound, in the order
 * (UPMJ, UPMT, key). The position moves with each page, in the same job as the entries made of that page, so that a
 * killed agent goes on behind the last row it stored, also inside a run of rows that share one stamp.
 * The next cycle begins at
 *     min( watermark - overlap, smallest local stamp of [start of the last cycle - overlap, now] )
 * The overlap catches rows that became visible later than their stamp says, and rows changed twice within one second;
 * the second term catches the local hour that occurs twice when daylight saving ends. Rows read again are silent by
 * their fingerprint. Pure; any thread.
 */
#ifndef MLC_AGENT_WATERMARK_H
#define MLC_AGENT_WATERMARK_H

#include "agent/ais.h"
#include "base/buf.h"
#include "base/jdedate.h"

enum { MLC_POLL_KEY_MAX = 32 };

typedef struct mlc_watermark {
    bool known;          /* a cycle was completed */
    mlc_jde_stamp stamp; /* greatest stamp seen in completed cycles */
    int64_t started_ms;  /* wall time when the last completed cycle began */
    bool active;         /* a cycle is under way */
    int64_t cycle_ms;    /* wall time when it began */
    bool bounded;        /* it has a lower bound; false: first load, all rows */
    mlc_jde_stamp lower; /* inclusive */
    bool positioned;     /* at least one row was stored */
    mlc_jde_stamp at;    /* last row stored */
    char key[MLC_POLL_KEY_MAX];
} mlc_watermark;

/* Text form for a cursor (cursor.h), and back. MLC_E_CORRUPT. */
mlc_code mlc_watermark_print(const mlc_watermark *w, mlc_buf *out, mlc_error *err);
mlc_code mlc_watermark_parse(const char *text, size_t len, mlc_watermark *out, mlc_error *err);

/* Begin a cycle now, or go on with the one that was interrupted. `zone` may be NULL (no daylight saving known). */
void mlc_watermark_begin(mlc_watermark *w, const mlc_zone *zone, int64_t overlap_ms, int64_t now_ms);
/* A row was stored. */
void mlc_watermark_advance(mlc_watermark *w, mlc_jde_stamp stamp, const char *key);
/* The set was read to its end. */
void mlc_watermark_complete(mlc_watermark *w);

/* The condition "behind the position, or at or after the lower bound" as groups of terms for a query. Strings point into the
 * struct itself: it must stay where it is while they are used. */
typedef struct mlc_watermark_query {
    char date[32], hms[16], key[MLC_POLL_KEY_MAX];
    mlc_ais_term after[1], same_day[2], same_stamp[3];
    mlc_ais_group groups[3];
    size_t group_count;
} mlc_watermark_query;
/* `date` is the lower stamp's day in the user's format. `key_column`: "AN8". */
void mlc_watermark_groups(const mlc_watermark *w, const char *date, const char *key_column,
                          mlc_watermark_query *out);
/* The stamp whose day the query needs in the user's format: the position, or else the lower bound. */
mlc_jde_stamp mlc_watermark_from(const mlc_watermark *w);

#endif
