/* ais.h - client of the JD Edwards AIS server (contracts/ais.md).
 *
 * One session, kept: log-in on the first request, a new one before the token's life ends and once after 401, 403
 * or 444; requests that wait for a log-in are queued, one log-in runs at a time. Log-out at close.
 * The token and links that hold it never reach a log. Everything is asynchronous on the loop; callbacks run
 * from the loop, never inside the call that started the request.
 *
 * Codes given to callbacks: those of http_client.h for the network; MLC_E_AUTH when the log-in is refused;
 * MLC_E_DENIED, THROTTLED, UNAVAILABLE by HTTP status; MLC_E_REJECTED when AIS or the application
 * refuses the content (also with HTTP 200: "errors" of a form, "sysErrors"); MLC_E_PROTOCOL when the
 * answer is not what the contract says (for a write that counts as uncertain: it was sent). An answer without end, or none
 * after the request was sent, is UNAVAILABLE of a read and UNCERTAIN of a write.
 * Thread rule: loop's thread only.
 */
#ifndef MLC_AGENT_AIS_H
#define MLC_AGENT_AIS_H

#include "base/jdedate.h"
#include "base/json.h"
#include "net/http_client.h"

typedef struct mlc_ais mlc_ais;

typedef struct mlc_ais_options {
    uv_loop_t *loop;
    mlc_http_client *http;
    mlc_log *log;
    const char *url; /* "https://ais.example.com:9300", without /jderest */
    const char *username, *password, *environment, *role;
    const char *device;      /* NULL: "ml-connector" */
    const char *date_format; /* NULL: as the log-in answer tells (userInfo.simpleDateFormat) */
    int64_t token_life_ms;   /* log in again after this; 0: 25 min */
    int64_t timeout_ms;      /* of one request; 0: 60 s */
    unsigned max_parallel;   /* requests at once, so that JDE is not flooded; 0: 4 */
    size_t answer_max;       /* bytes of an answer; 0: 16 MiB */
} mlc_ais_options;

mlc_code mlc_ais_open(mlc_ais **out, const mlc_ais_options *options, mlc_error *err);
/* Ends running requests with MLC_E_CLOSED, sends the log-out (best effort: `done` is called when it is
 * answered or after 3 s), then releases. NULL done is allowed. */
void mlc_ais_close(mlc_ais *ais, void (*done)(void *user), void *user);

/* What the log-in told. zone_name: "UTC-05:00" (its present offset) or "". Empty before the first log-in. */
typedef struct mlc_ais_session_info {
    bool logged_in;
    char date_format[32];
    char zone_offset[32];
    char environment[32];
    uint64_t logins;
    int64_t server_clock_skew_ms; /* server's Date header minus our clock, at the last answer */
    char last_error[256];
} mlc_ais_session_info;
void mlc_ais_info(const mlc_ais *ais, mlc_ais_session_info *out);

/* ---- reading ---- */

typedef enum mlc_ais_op { MLC_AIS_EQ, MLC_AIS_GT, MLC_AIS_GE, MLC_AIS_LT, MLC_AIS_LE, MLC_AIS_IN } mlc_ais_op;

/* One comparison. For MLC_AIS_IN `value` is a list joined by '|'. Dates are given as text in the user's format:
 * use mlc_ais_date. */
typedef struct mlc_ais_term {
    const char *column; /* "UPMJ", without table */
    mlc_ais_op op;
    const char *value;
} mlc_ais_term;

/* Terms of a group are joined by AND, groups by OR: (UPMJ > d) OR (UPMJ = d AND UPMT >= t). */
typedef struct mlc_ais_group {
    const mlc_ais_term *terms;
    size_t count;
} mlc_ais_group;

typedef struct mlc_ais_query {
    const char *table;           /* "F0101" */
    const char *const *columns;  /* "AN8", ...; NULL-terminated */
    const mlc_ais_group *groups; /* none: all rows */
    size_t group_count;
    const char *const *order_by; /* ascending; NULL-terminated, may be NULL */
    unsigned page_size;          /* 0: 500 */
} mlc_ais_query;

/* One page of rows: an array of objects with plain column names ("AN8": node; numbers by their lexeme,
 * strings with blanks on the right trimmed). `more` tells whether further rows exist (moreRecords), whether or
 * not a next link was given. The tree is valid during the callback. */
typedef struct mlc_ais_page {
    const cJSON *rows;
    size_t count;
    bool more;
} mlc_ais_page;

/* What to do after a page. */
typedef struct mlc_ais_cursor mlc_ais_cursor;

/* Called for each page and finally with page == NULL (code tells how the set ended: MLC_OK after the
 * last page; MLC_E_CONFLICT when the result set timed out (JAS_MSG347) or no next link was given
 * although more rows exist: start a new query from the last key). After a page with more rows the
 * receiver calls mlc_ais_next or mlc_ais_stop, now or later (back pressure); never after the final call. */
typedef void (*mlc_ais_page_fn)(void *user, mlc_ais_cursor *cursor, const mlc_ais_page *page, mlc_code code,
                                const mlc_error *err);
mlc_code mlc_ais_browse(mlc_ais *ais, const mlc_ais_query *query, mlc_ais_page_fn fn, void *user,
                        mlc_ais_cursor **cursor, mlc_error *err);
void mlc_ais_next(mlc_ais_cursor *cursor);
/* No further callback; the cursor is released. */
void mlc_ais_stop(mlc_ais_cursor *cursor);

/* A Julian date in the user's format, for terms; MLC_E_CONFLICT before the first log-in when no format is
 * configured (ask again after mlc_ais_ready). */
mlc_code mlc_ais_date(const mlc_ais *ais, int32_t julian, char *out, size_t size, mlc_error *err);
/* The date of a row's column (NULL node gives 0), by format, Julian or ISO. */
mlc_code mlc_ais_row_date(const mlc_ais *ais, const cJSON *row, const char *column, int32_t *julian,
                          mlc_error *err);
/* Log in if need be; fn tells when the session can be used, or why not. */
mlc_code mlc_ais_ready(mlc_ais *ais, void (*fn)(void *user, mlc_code code, const mlc_error *err), void *user,
                       mlc_error *err);
/* The same, and server_clock_skew_ms is of now: a small call (GET v2/defaultconfig) is answered with the server's Date. Does the
 * server not answer that one, the skew known before stays, and the session counts. */
mlc_code mlc_ais_clock(mlc_ais *ais, void (*fn)(void *user, mlc_code code, const mlc_error *err), void *user,
                       mlc_error *err);

/* ---- writing ---- */

/* The answer of an orchestration or form service; tree valid during the callback, NULL unless MLC_OK. `err`
 * carries AIS's or the application's own words. */
typedef void (*mlc_ais_answer_fn)(void *user, mlc_code code, const mlc_error *err, const cJSON *answer);

/* POST {url}/jderest/v{2|3}/orchestrator/{name} with `inputs` (kept by the caller). `name` was checked against the
 * configuration by the caller. */
mlc_code mlc_ais_orchestrate(mlc_ais *ais, unsigned version, const char *name, const cJSON *inputs,
                             mlc_ais_answer_fn fn, void *user, mlc_error *err);
/* POST {url}/jderest/v2/formservice with a whole request body but the token. */
mlc_code mlc_ais_form(mlc_ais *ais, const cJSON *request, mlc_ais_answer_fn fn, void *user, mlc_error *err);

#endif
