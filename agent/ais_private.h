/* ais_private.h - what the files of the AIS client share: the session (ais_session.c), one call (ais_call.c), reading
 * (ais_read.c, ais_page.c) and writing (ais_write.c). */
#ifndef MLC_AGENT_AIS_PRIVATE_H
#define MLC_AGENT_AIS_PRIVATE_H

#include "agent/ais.h"
#include "net/timer.h"

enum { AIS_URL_MAX = 2048, AIS_TOKEN_MAX = 1024, AIS_BODY_MAX = 16 * 1024 * 1024, AIS_DEPTH = 48 };

typedef enum ais_kind {
    AIS_READY, /* wants nothing but a session */
    AIS_CLOCK, /* a GET */
    AIS_READ,
    AIS_NEXT, /* a next link: bound to the session that gave it */
    AIS_WRITE
} ais_kind;

/* status 0: no HTTP answer. `body` may be NULL. */
typedef void (*ais_reply_fn)(void *user, mlc_code code, const mlc_error *err, int status, cJSON *body);

/* One call, from its queueing to its reply. */
typedef struct ais_call {
    struct ais_call *next;
    mlc_ais *ais;
    ais_kind kind;
    char *url;        /* NULL for AIS_READY */
    char *body;       /* JSON, NULL: none */
    bool again;       /* was repeated after a new log-in */
    uint64_t session; /* number of the session it was sent in */
    mlc_http_call *http;
    ais_reply_fn fn;
    void *user;
} ais_call;

typedef struct ais_call_list {
    ais_call *head, *tail;
} ais_call_list;

struct mlc_ais {
    mlc_ais_options opt;
    char *url, *username, *password, *environment, *role, *device, *date_format;
    mlc_timer *timer;    /* the next log-in may be tried */
    mlc_timer *deferred; /* cursors that end without a request */
    bool closing, logging_in;
    char token[AIS_TOKEN_MAX]; /* "" when there is none */
    uint64_t session;
    int64_t logged_in_at, not_before; /* monotonic */
    uint32_t refused;                 /* log-ins in a row */
    mlc_http_call *login_call;
    ais_call_list waiting, running;
    unsigned running_count;
    mlc_ais_cursor *cursors;
    mlc_ais_session_info info;
};

/* ais_call.c: take ownership of url and body, queue, send when there is a session. */
mlc_code ais_call_start(mlc_ais *ais, ais_kind kind, char *url, char *body, ais_reply_fn fn, void *user,
                        mlc_error *err);
void ais_pump(mlc_ais *ais);
void ais_fail_waiting(mlc_ais *ais, mlc_code code, const mlc_error *err);
void ais_cancel_all(mlc_ais *ais);
char *ais_join(const char *base, const char *path, const char *more, mlc_error *err);

/* ais_session.c */
bool ais_has_session(const mlc_ais *ais);
void ais_login(mlc_ais *ais);
/* The token of that session is refused. */
void ais_session_refused(mlc_ais *ais, uint64_t session);

/* ais_page.c, pure: turn an answer of the data service into rows with plain names, in place. */
typedef struct ais_rows {
    cJSON *rows; /* part of the answer */
    size_t count;
    bool more;
    const char *next; /* link, NULL when none; part of the answer */
} ais_rows;
mlc_code ais_page_read(cJSON *answer, const char *table, ais_rows *out, mlc_error *err);
/* The text of what went wrong in an answer: sysErrors, errors, message, exception. False when there is none. */
bool ais_errors_text(const cJSON *answer, char *out, size_t size);
mlc_code ais_query_print(const mlc_ais_query *query, char **out, mlc_error *err);
/* COUNT of the rows, or with `sum` the SUM of that column by the groups of another. */
mlc_code ais_total_print(const mlc_ais_query *query, const char *sum, const char *group_by, char **out,
                         mlc_error *err);

/* ais_read.c */
void ais_cursors_close(mlc_ais *ais);
void ais_on_deferred(void *arg);

#endif
