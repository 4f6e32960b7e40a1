/* webhook_steps.h - what must be registered in Dynamics so that its events reach this relay, and how what is there
 * differs (contracts/dataverse.md, section Webhooks).
 *
 * One service endpoint (contract 8, the shared secret in a header), and a step for each event the relay acts on: after the
 * operation, asynchronous. Ours are known by their names, "NAME" and "NAME: Update of account": several relays may share
 * one Dynamics under different names. Pure; any thread.
 */
#ifndef MLC_RELAY_WEBHOOK_STEPS_H
#define MLC_RELAY_WEBHOOK_STEPS_H

#include "base/json.h"
#include "crypto/crypto.h"

enum { MLC_HOOK_STEPS = 4, MLC_HOOK_ITEMS = MLC_HOOK_STEPS + 1, MLC_HOOK_NAME_MAX = 160 };

typedef struct mlc_hook_plan {
    const char *name;   /* at most 100 characters */
    const char *url;    /* where Dynamics sends to, with the tenant: "https://relay/v1/webhook/acme" */
    const char *secret; /* of the header x-ml-webhook-secret; never printed */
    bool secret_known;  /* the present secret was written by us: it cannot be read back */
    bool addresses;     /* steps for Update of accounts and contacts are wanted */
} mlc_hook_plan;

typedef enum mlc_hook_state {
    MLC_HOOK_OK,
    MLC_HOOK_MISSING,
    MLC_HOOK_DIFFERS, /* `detail` names each difference */
    MLC_HOOK_DOUBLE,  /* there is more than one of this name */
    MLC_HOOK_UNKNOWN  /* Dynamics has no such message for this table */
} mlc_hook_state;
const char *mlc_hook_state_name(mlc_hook_state state);

/* The endpoint (first) or one step. */
typedef struct mlc_hook_item {
    char name[MLC_HOOK_NAME_MAX];
    mlc_hook_state state;
    char detail[256];
    char id[MLC_UUID_TEXT_MAX];       /* of the row; "" when missing */
    char extra_id[MLC_UUID_TEXT_MAX]; /* of one double of a step */
    char message_id[MLC_UUID_TEXT_MAX], filter_id[MLC_UUID_TEXT_MAX];
} mlc_hook_item;

typedef struct mlc_hook_check {
    size_t count; /* items in use: without addresses the last two are not wanted */
    mlc_hook_item items[MLC_HOOK_ITEMS];
} mlc_hook_check;

/* All that is wanted, as missing. */
void mlc_hook_check_begin(const mlc_hook_plan *plan, mlc_hook_check *out);

/* Append the paths of the three questions, in their order. */
mlc_code mlc_hook_endpoints_path(const mlc_hook_plan *plan, mlc_buf *out, mlc_error *err);
mlc_code mlc_hook_filters_path(const mlc_hook_plan *plan, mlc_buf *out, mlc_error *err);
mlc_code mlc_hook_steps_path(const mlc_hook_plan *plan, mlc_buf *out, mlc_error *err);
/* Their answers ("value" arrays), in the same order: each sets states and ids. */
void mlc_hook_take_endpoints(const mlc_hook_plan *plan, const cJSON *rows, mlc_hook_check *check);
void mlc_hook_take_filters(const cJSON *rows, mlc_hook_check *check);
void mlc_hook_take_steps(const cJSON *rows, mlc_hook_check *check);
bool mlc_hook_all_well(const mlc_hook_check *check);

/* One change that brings an item nearer to what is wanted. `path` and `body` are the caller's (mlc_buf_free, cJSON_Delete);
 * body NULL: none. MLC_E_NOTFOUND: nothing can be done about it here. A step needs the endpoint's id. */
typedef struct mlc_hook_change {
    const char *method; /* POST, PATCH, DELETE */
    mlc_buf path;
    cJSON *body;
} mlc_hook_change;
mlc_code mlc_hook_change_make(const mlc_hook_plan *plan, const mlc_hook_check *check, size_t at,
                              mlc_hook_change *out, mlc_error *err);

#endif
