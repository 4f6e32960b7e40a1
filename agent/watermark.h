/* watermark.h - how far a JDE table was read: the pure part of a flow.
 *
 * A cycle reads the rows whose stamp (UPMJ with UPMT or TDAY) is at or after a lower bound, in the order (stamp, key). The
 * position moves with each page, in the same job as the entries made of that page, so that a killed agent goes on behind
 * the last row it stored, also inside a run of rows that share one stamp.
 * The next cycle begins at
 *     min( watermark - overlap, smallest local stamp of [start of the last cycle - overlap, now] )
 * The overlap catches rows that became visible later than their stamp says, and rows changed twice within one second.
 * The second term is by the JDE server's clock, the skew of which is told: it catches the local hour that occurs twice when
 * daylight saving ends, and the stamps of a clock that was set back. A clock that was set right again has left stamps of the
 * smaller skew, so the smaller one of this cycle's and the last one's counts. Rows read again are silent by their fingerprint.
 *
 * A watermark of days (effective dates) has stamps without time: a cycle reads the days after the last one it went
 * through, up to a given day. Pure; any thread.
 */
#ifndef MLC_AGENT_WATERMARK_H
#define MLC_AGENT_WATERMARK_H

#include "agent/ais.h"
#include "base/buf.h"
#include "base/jdedate.h"

enum { MLC_POLL_KEY_MAX = 128, MLC_POLL_KEYS_MAX = 6, MLC_POLL_KEY_SEPARATOR = '\x1f' };

typedef struct mlc_watermark {
    bool known;          /* a cycle was completed */
    mlc_jde_stamp stamp; /* greatest stamp seen in completed cycles; of days: the last day gone through */
    int64_t started_ms;  /* wall time when the last completed cycle began */
    bool active;         /* a cycle is under way */
    int64_t cycle_ms;    /* wall time when it began */
    int64_t skew_ms;     /* the server's clock minus ours at that time */
    bool bounded;        /* it has a lower bound; false: first load, all rows */
    mlc_jde_stamp lower; /* inclusive */
    int32_t upper;       /* of days: the last one to go through; else 0 */
    bool positioned;     /* at least one row was stored */
    mlc_jde_stamp at;    /* last row stored */
    char key[MLC_POLL_KEY_MAX]; /* values of its key columns, joined by the separator */
    int64_t rows;               /* stored in this cycle */
} mlc_watermark;

/* Text form for a cursor (cursor.h), and back. MLC_E_CORRUPT. */
mlc_code mlc_watermark_print(const mlc_watermark *w, mlc_buf *out, mlc_error *err);
mlc_code mlc_watermark_parse(const char *text, size_t len, mlc_watermark *out, mlc_error *err);

/* Begin a cycle now, or go on with the one that was interrupted. `zone`: of the server; NULL: unknown, only the overlap counts.
 * skew_ms: the server's clock minus ours. */
void mlc_watermark_begin(mlc_watermark *w, const mlc_zone *zone, int64_t overlap_ms, int64_t now_ms,
                         int64_t skew_ms);
/* The same for days, up to and including `through`. False: there is none to go through, nothing was begun. */
bool mlc_watermark_begin_days(mlc_watermark *w, int32_t through, int64_t now_ms);
/* A row was stored. */
void mlc_watermark_advance(mlc_watermark *w, mlc_jde_stamp stamp, const char *key);
/* The set was read to its end. */
void mlc_watermark_complete(mlc_watermark *w);

typedef struct mlc_watermark_columns {
    const char *date, *time; /* time NULL: days */
    const char *const *keys;
    size_t key_count; /* at most MLC_POLL_KEYS_MAX */
} mlc_watermark_columns;

/* The condition "behind the position, or at or after the lower bound" (and not after the upper one) as groups of terms for a
 * query. Strings point into the struct itself: it must stay where it is while they are used. */
typedef struct mlc_watermark_query {
    char date[32], upper[32], hms[16], key[MLC_POLL_KEY_MAX];
    mlc_ais_term terms[MLC_POLL_KEYS_MAX + 2][MLC_POLL_KEYS_MAX + 3];
    mlc_ais_group groups[MLC_POLL_KEYS_MAX + 2];
    size_t group_count;
} mlc_watermark_query;
/* `date` and `upper` are the days of mlc_watermark_from and w->upper in the user's format. */
void mlc_watermark_groups(const mlc_watermark *w, const char *date, const char *upper,
                          const mlc_watermark_columns *columns, mlc_watermark_query *out);
/* The stamp whose day the query needs in the user's format: the position, or else the lower bound. */
mlc_jde_stamp mlc_watermark_from(const mlc_watermark *w);

#endif
