/* records_private.h - what the files of the delivery of master records share.
 *
 *   deliver -> prepare: metadata? -> map -> lookups? -> check -> address? -> ready -> [guard] -> [look] -> write
 *     -> [activate] -> done
 *
 * records.c          life, groups, how a record ends
 * records_prepare.c  from the record to a checked body and an address
 * records_address.c  guarding edits of addresses: what is left out, what is read before the write
 * records_write.c    looking, writing, what the answers mean
 * records_gone.c     records that are no more
 * records_wait.c     waiting for another record
 */
#ifndef MLC_RELAY_RECORDS_PRIVATE_H
#define MLC_RELAY_RECORDS_PRIVATE_H

#include "record/master.h"
#include "relay/address_shown.h"
#include "relay/records.h"
#include "relay/sent.h"
#include "relay/webhook_event.h"

enum {
    MLC_RECORD_GROUP_MAX = 1000,
    MLC_RECORD_TARGET_MAX = 200,
    MLC_RECORD_NAME_MAX = 128,
    MLC_RECORD_USED_MAX = 16 /* lookups of one record */
};

typedef struct mlc_record_flow {
    const char *kind;
    mlc_map *map;
    char set[MLC_RECORD_NAME_MAX]; /* of the target, prefix filled in */
    char key[MLC_RECORD_NAME_MAX];
} mlc_record_flow;

struct mlc_records {
    mlc_records_options opt;
    char *prefix;
    char source_column[MLC_RECORD_NAME_MAX], version_column[MLC_RECORD_NAME_MAX];
    mlc_record_flow flows[MLC_MAPPINGS_MAX];
    size_t flow_count;
    bool stopping;
    struct mlc_record_task *tasks; /* all under way */
};

typedef struct mlc_record_group mlc_record_group;

/* A row that the record points to. */
typedef struct mlc_record_lookup {
    char *set, *key, *value;
    bool absent; /* Dynamics has none */
} mlc_record_lookup;

/* One record under way. */
typedef struct mlc_record_task {
    struct mlc_record_task *prev, *next;
    mlc_records *records;
    mlc_deliverer *deliverer;
    mlc_delivery *item;
    mlc_record_group *group; /* it is counted there as not ready yet; NULL: it is on its own */
    const mlc_record_flow *flow;
    mlc_master master;
    cJSON *body;
    char *key_value;    /* of the alternate key */
    char *path;         /* "accounts(accountnumber='6001')" */
    bool found_version; /* a write that holds only for the row as it was found */
    bool by_new_id;     /* the path has an id that follows from the key: the row may exist under another */
    char target[MLC_RECORD_TARGET_MAX]; /* "accounts(guid)" once it is known, else the path */
    mlc_record_lookup used[MLC_RECORD_USED_MAX];
    size_t used_count;
    size_t open_asks;  /* lookups under way */
    mlc_error ask_err; /* the first that failed; code MLC_OK: none */
    unsigned rounds;
    /* of a record with an address that people may edit; records_address.c */
    bool guarded;
    mlc_address_shown written;      /* the address columns of the whole body */
    cJSON *left_out;                /* address columns that stay as they are; NULL: the body is whole */
    cJSON *row;                     /* as it was read before the write; NULL: not ours, or none */
    char *etag;                     /* of that row, the condition of the write; NULL: none */
    char row_id[MLC_UUID_TEXT_MAX]; /* likewise */
    unsigned reads;
    bool edit_saved;
    bool kept_address;  /* it was written without its address */
    cJSON *differences; /* of a dry run: what the last write would have changed; NULL: none */
} mlc_record_task;

/* ---- records.c ---- */
/* The one way out. Frees the task. */
void mlc_record_finish(mlc_record_task *task, const mlc_delivery_result *result);
void mlc_record_fail(mlc_record_task *task, const mlc_error *err);
/* Words of an end that mean something. */
extern const char mlc_record_superseded[], mlc_record_deactivated[];
/* Done; `words` may be "". Whoever waits for this record is woken, and what was written is noted (sent.h), in the same job. */
void mlc_record_done(mlc_record_task *task, int status, const char *words);
/* Of a dry client's answer: keep the differences for the result. */
void mlc_record_differ(mlc_record_task *task, const mlc_odata_answer *answer);
/* "accounts(ID)" is what the task is about. */
void mlc_record_set_target(mlc_record_task *task, const char *id);
/* It is not written with the others of its group. */
void mlc_record_leave_group(mlc_record_task *task);
/* Body and path are set: write it, with others of its group when there are any. */
void mlc_record_ready(mlc_record_task *task);

/* ---- records_prepare.c ---- */
/* Ends in mlc_record_ready, mlc_record_gone or a failure, now or later. */
void mlc_record_prepare(mlc_record_task *task);
/* Check the body and add the connector's own columns to it. */
mlc_code mlc_record_complete(mlc_record_task *task, bool whole, mlc_error *err);

/* ---- records_address.c ---- */
typedef enum mlc_record_way {
    MLC_RECORD_AS_IT_IS, /* the body may be written, perhaps without its address */
    MLC_RECORD_TAKEN     /* the task is read first, or was ended */
} mlc_record_way;
/* Is it a record whose address people may edit in Dynamics, and are edits taken to JDE? */
bool mlc_record_has_address(const mlc_record_task *task);
/* Of a task whose body and path are set. */
mlc_record_way mlc_record_guard(mlc_record_task *task);
/* If-Match of the write; NULL: none. */
const char *mlc_record_condition(const mlc_record_task *task);
/* A write was refused because the row is not as it was taken to be: true when it is read once more. */
bool mlc_record_read_again(mlc_record_task *task, const mlc_odata_answer *answer);
/* The path is another row's now. */
void mlc_record_write_elsewhere(mlc_record_task *task);
/* The body has all its columns again. */
void mlc_record_whole(mlc_record_task *task);

/* ---- records_write.c ---- */
void mlc_record_look(mlc_record_task *task);
void mlc_record_write_one(mlc_record_task *task);
void mlc_record_write_group(mlc_records *records, mlc_record_task *const *tasks, size_t count);
/* What to do about a version that is there already: true when the task was ended. */
bool mlc_record_settled(mlc_record_task *task, int status, const char *there, const char *id,
                        bool same_is_done);
/* A failed answer to a write: the verdict, and what is to be forgotten. */
void mlc_record_refused(mlc_record_task *task, const mlc_odata_answer *answer);

/* ---- records_gone.c ---- */
void mlc_record_gone(mlc_record_task *task);

/* ---- records_wait.c ---- */
/* Remember durably that the entry of this task waits for a row; then end the attempt. */
void mlc_record_wait(mlc_record_task *task, const mlc_record_lookup *missing);
/* Job: the row is there, wake all that wait for it. */
mlc_code mlc_record_wake(mlc_txn *txn, mlc_outbox *stream, const char *set, const char *key,
                         const char *value, int64_t now_ms, mlc_error *err);
/* Forget the waits of entries that are no more. For start-up. */
mlc_code mlc_record_tidy_waits(mlc_records *records, mlc_error *err);

#endif
