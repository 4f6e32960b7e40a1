/* webhook_steps.c - see webhook_steps.h. */
#include "relay/webhook_steps.h"

#include "relay/odata.h"
#include "relay/webhook.h"
#include "relay/webhook_event.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* contracts/dataverse.md, Webhooks. */
enum {
    CONTRACT_WEBHOOK = 8,
    AUTH_HEADER = 5,
    STAGE_AFTER = 40,
    MODE_ASYNC = 1,
    ENABLED = 0,
    ENABLED_STATUS = 1
};

#define ADDRESS_COLUMNS                                                                                      \
    "address1_line1,address1_line2,address1_line3,address1_city,address1_stateorprovince,"                   \
    "address1_postalcode,address1_country"

static const struct wanted_step {
    const char *message, *table;
    const char *attributes; /* NULL: any change */
} wanted[MLC_HOOK_STEPS] = {{"ConvertQuoteToSalesOrder", "quote", NULL},
                            {"GenerateInvoiceFromOrder", "salesorder", NULL},
                            {"Update", "account", "name," ADDRESS_COLUMNS},
                            {"Update", "contact", ADDRESS_COLUMNS}};
enum { STEPS_WITHOUT_ADDRESSES = 2 };

const char *mlc_hook_state_name(mlc_hook_state state)
{
    static const char *const names[] = {"ok", "missing", "differs", "double", "unknown"};
    return names[state];
}

void mlc_hook_check_begin(const mlc_hook_plan *plan, mlc_hook_check *out)
{
    memset(out, 0, sizeof *out);
    out->count = 1 + (size_t)(plan->addresses ? MLC_HOOK_STEPS : STEPS_WITHOUT_ADDRESSES);
    (void)snprintf(out->items[0].name, MLC_HOOK_NAME_MAX, "%.100s", plan->name);
    for (size_t i = 1; i < out->count; i++)
        (void)snprintf(out->items[i].name, MLC_HOOK_NAME_MAX, "%.100s: %s of %s", plan->name,
                       wanted[i - 1].message, wanted[i - 1].table);
    for (size_t i = 0; i < out->count; i++)
        out->items[i].state = MLC_HOOK_MISSING;
}

/* ---- questions ---- */

/* A text in a filter, quotes doubled. */
static mlc_code put_literal(mlc_buf *out, const char *text, mlc_error *err)
{
    mlc_buf quoted = {0};
    mlc_code code = mlc_buf_puts(&quoted, "'", err);
    for (const char *p = text; code == MLC_OK && *p != '\0'; p++)
        code = mlc_buf_append(&quoted, *p == '\'' ? "''" : p, *p == '\'' ? 2 : 1, err);
    if (code == MLC_OK)
        code = mlc_buf_puts(&quoted, "'", err);
    if (code == MLC_OK)
        code = mlc_odata_escape(out, mlc_buf_text(&quoted), err);
    mlc_buf_free(&quoted);
    return code;
}

mlc_code mlc_hook_endpoints_path(const mlc_hook_plan *plan, mlc_buf *out, mlc_error *err)
{
    const mlc_code code = mlc_buf_puts(
        out, "serviceendpoints?$select=serviceendpointid,name,url,contract,authtype&$filter=name%20eq%20",
        err);
    return code == MLC_OK ? put_literal(out, plan->name, err) : code;
}

mlc_code mlc_hook_filters_path(const mlc_hook_plan *plan, mlc_buf *out, mlc_error *err)
{
    const size_t steps = plan->addresses ? MLC_HOOK_STEPS : STEPS_WITHOUT_ADDRESSES;
    mlc_code code =
        mlc_buf_puts(out,
                     "sdkmessagefilters?$select=sdkmessagefilterid,primaryobjecttypecode,_sdkmessageid_value"
                     "&$expand=sdkmessageid($select=name)&$filter=",
                     err);
    for (size_t i = 0; code == MLC_OK && i < steps; i++)
        code = mlc_buf_printf(
            out, err, "%s(sdkmessageid/name%%20eq%%20'%s'%%20and%%20primaryobjecttypecode%%20eq%%20'%s')",
            i > 0 ? "%20or%20" : "", wanted[i].message, wanted[i].table);
    return code;
}

mlc_code mlc_hook_steps_path(const mlc_hook_plan *plan, mlc_buf *out, mlc_error *err)
{
    char start[MLC_HOOK_NAME_MAX];
    (void)snprintf(start, sizeof start, "%.100s: ", plan->name);
    mlc_code code =
        mlc_buf_puts(out,
                     "sdkmessageprocessingsteps?$select=sdkmessageprocessingstepid,name,stage,mode,statecode,"
                     "filteringattributes,_eventhandler_value,_sdkmessageid_value,_sdkmessagefilterid_value"
                     "&$filter=startswith(name,",
                     err);
    if (code == MLC_OK)
        code = put_literal(out, start, err);
    return code == MLC_OK ? mlc_buf_puts(out, ")", err) : code;
}

/* ---- answers ---- */

static void differs(mlc_hook_item *item, const char *what)
{
    const size_t used = strlen(item->detail);
    (void)snprintf(item->detail + used, sizeof item->detail - used, "%s%.120s", used > 0 ? "; " : "", what);
    (void)mlc_utf8_mend(item->detail);
    item->state = MLC_HOOK_DIFFERS;
}

static bool number_is(const cJSON *row, const char *column, int64_t value)
{
    int64_t found = -1;
    return mlc_json_int64(row, column, &found, NULL) == MLC_OK && found == value;
}

static void compare_endpoint(const mlc_hook_plan *plan, const cJSON *row, mlc_hook_item *item)
{
    char text[120];
    const char *const url = mlc_json_str(row, "url");
    if (url == NULL || strcmp(url, plan->url) != 0) {
        (void)snprintf(text, sizeof text, "url is \"%.90s\"", url != NULL ? url : "");
        differs(item, text);
    }
    if (!number_is(row, "contract", CONTRACT_WEBHOOK))
        differs(item, "is no webhook");
    if (!number_is(row, "authtype", AUTH_HEADER))
        differs(item, "does not send the secret in a header");
    if (!plan->secret_known)
        differs(item, "the secret there is perhaps not the present one");
}

void mlc_hook_take_endpoints(const mlc_hook_plan *plan, const cJSON *rows, mlc_hook_check *check)
{
    mlc_hook_item *const item = &check->items[0];
    const cJSON *row = NULL;
    const cJSON *first = NULL;
    size_t count = 0;
    cJSON_ArrayForEach(row, rows)
    {
        char id[MLC_UUID_TEXT_MAX];
        if (!mlc_uuid_copy(mlc_json_str(row, "serviceendpointid"), id))
            continue;
        count++;
        /* Of several always the same one, whatever order they come in. */
        if (first != NULL && strcmp(id, item->id) > 0)
            continue;
        first = row;
        memcpy(item->id, id, sizeof id);
    }
    if (first == NULL)
        return;
    item->state = MLC_HOOK_OK;
    compare_endpoint(plan, first, item);
    if (count > 1 && item->state == MLC_HOOK_OK) {
        item->state = MLC_HOOK_DOUBLE;
        (void)snprintf(item->detail, sizeof item->detail,
                       "%zu endpoints have this name; delete all but %s in Dynamics", count, item->id);
    }
}

void mlc_hook_take_filters(const cJSON *rows, mlc_hook_check *check)
{
    const cJSON *row = NULL;
    for (size_t i = 1; i < check->count; i++) {
        mlc_hook_item *const item = &check->items[i];
        cJSON_ArrayForEach(row, rows)
        {
            const char *const message = mlc_json_str(mlc_json_get(row, "sdkmessageid"), "name");
            const char *const table = mlc_json_str(row, "primaryobjecttypecode");
            if (message == NULL || table == NULL || strcmp(message, wanted[i - 1].message) != 0 ||
                strcmp(table, wanted[i - 1].table) != 0)
                continue;
            (void)mlc_uuid_copy(mlc_json_str(row, "sdkmessagefilterid"), item->filter_id);
            (void)mlc_uuid_copy(mlc_json_str(row, "_sdkmessageid_value"), item->message_id);
        }
        if (item->filter_id[0] != '\0' && item->message_id[0] != '\0')
            continue;
        item->state = MLC_HOOK_UNKNOWN;
        (void)snprintf(item->detail, sizeof item->detail, "Dynamics has no message %s of %s",
                       wanted[i - 1].message, wanted[i - 1].table);
    }
}

/* Is `name` in the list, which is parted by commas and perhaps blanks? */
static bool has_attribute(const char *list, const char *name, size_t len)
{
    for (const char *at = list; *at != '\0';) {
        at += strspn(at, ", ");
        const size_t found = strcspn(at, ", ");
        if (found == len && len > 0 && strncmp(at, name, len) == 0)
            return true;
        at += found;
    }
    return false;
}

static bool covers(const char *list, const char *other)
{
    for (const char *at = other; *at != '\0';) {
        at += strspn(at, ", ");
        const size_t len = strcspn(at, ", ");
        if (len > 0 && !has_attribute(list, at, len))
            return false;
        at += len;
    }
    return true;
}

static bool id_is(const cJSON *row, const char *column, const char *id)
{
    char found[MLC_UUID_TEXT_MAX];
    return mlc_uuid_copy(mlc_json_str(row, column), found) && strcmp(found, id) == 0;
}

static void compare_step(const mlc_hook_item *endpoint, const struct wanted_step *want, const cJSON *row,
                         mlc_hook_item *item)
{
    const char *const there = mlc_json_str(row, "filteringattributes");
    const char *const list = there != NULL ? there : "";
    const char *const wish = want->attributes != NULL ? want->attributes : "";
    if (!number_is(row, "statecode", ENABLED))
        differs(item, "is disabled");
    if (endpoint->id[0] == '\0' || !id_is(row, "_eventhandler_value", endpoint->id))
        differs(item, "leads to another endpoint");
    if (!id_is(row, "_sdkmessageid_value", item->message_id) ||
        !id_is(row, "_sdkmessagefilterid_value", item->filter_id))
        differs(item, "is of another message or table");
    if (!number_is(row, "stage", STAGE_AFTER) || !number_is(row, "mode", MODE_ASYNC))
        differs(item, "does not run asynchronously after the operation");
    if (!covers(list, wish) || !covers(wish, list))
        differs(item, "has other filtering attributes");
}

static void take_step(const cJSON *rows, const mlc_hook_item *endpoint, const struct wanted_step *want,
                      mlc_hook_item *item)
{
    const cJSON *row = NULL;
    const cJSON *first = NULL;
    cJSON_ArrayForEach(row, rows)
    {
        char id[MLC_UUID_TEXT_MAX];
        const char *const name = mlc_json_str(row, "name");
        if (name == NULL || strcmp(name, item->name) != 0 ||
            !mlc_uuid_copy(mlc_json_str(row, "sdkmessageprocessingstepid"), id))
            continue;
        const bool before = first == NULL || strcmp(id, item->id) < 0;
        memcpy(item->extra_id, before ? item->id : id, sizeof id);
        if (!before)
            continue;
        first = row;
        memcpy(item->id, id, sizeof id);
    }
    if (first == NULL)
        return;
    item->state = MLC_HOOK_OK;
    compare_step(endpoint, want, first, item);
    if (item->state == MLC_HOOK_OK && item->extra_id[0] != '\0') {
        item->state = MLC_HOOK_DOUBLE;
        (void)snprintf(item->detail, sizeof item->detail, "there is another step of this name, %s",
                       item->extra_id);
    }
}

void mlc_hook_take_steps(const cJSON *rows, mlc_hook_check *check)
{
    for (size_t i = 1; i < check->count; i++)
        if (check->items[i].state != MLC_HOOK_UNKNOWN)
            take_step(rows, &check->items[0], &wanted[i - 1], &check->items[i]);
}

bool mlc_hook_all_well(const mlc_hook_check *check)
{
    for (size_t i = 0; i < check->count; i++)
        if (check->items[i].state != MLC_HOOK_OK)
            return false;
    return true;
}

/* ---- changes ---- */

/* The settings of an endpoint are a small XML document. */
static mlc_code put_xml(mlc_buf *out, const char *text, mlc_error *err)
{
    static const struct {
        char plain;
        const char *escaped;
    } map[] = {{'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&apos;"}, {'&', "&amp;"}};
    mlc_code code = MLC_OK;
    for (const char *p = text; code == MLC_OK && *p != '\0'; p++) {
        const char *escaped = NULL;
        for (size_t i = 0; i < sizeof map / sizeof map[0]; i++)
            if (map[i].plain == *p)
                escaped = map[i].escaped;
        code = escaped != NULL ? mlc_buf_puts(out, escaped, err) : mlc_buf_append(out, p, 1, err);
    }
    return code;
}

static mlc_code endpoint_body(const mlc_hook_plan *plan, cJSON *body, mlc_error *err)
{
    mlc_buf value = {0};
    mlc_code code =
        mlc_buf_puts(&value, "<settings><setting name=\"" MLC_WEBHOOK_SECRET_HEADER "\" value=\"", err);
    if (code == MLC_OK)
        code = put_xml(&value, plan->secret, err);
    if (code == MLC_OK)
        code = mlc_buf_puts(&value, "\" /></settings>", err);
    if (code == MLC_OK)
        code = mlc_json_add_str(body, "name", plan->name, err);
    if (code == MLC_OK)
        code = mlc_json_add_str(body, "url", plan->url, err);
    if (code == MLC_OK)
        code = mlc_json_add_int(body, "contract", CONTRACT_WEBHOOK, err);
    if (code == MLC_OK)
        code = mlc_json_add_int(body, "authtype", AUTH_HEADER, err);
    if (code == MLC_OK)
        code = mlc_json_add_str(body, "authvalue", mlc_buf_text(&value), err);
    mlc_buf_wipe(&value);
    return code;
}

static mlc_code add_bind(cJSON *body, const char *property, const char *set, const char *id, mlc_error *err)
{
    char name[80];
    char target[80];
    (void)snprintf(name, sizeof name, "%s@odata.bind", property);
    (void)snprintf(target, sizeof target, "/%s(%s)", set, id);
    return mlc_json_add_str(body, name, target, err);
}

static mlc_code step_body(const mlc_hook_check *check, size_t at, cJSON *body, mlc_error *err)
{
    const mlc_hook_item *const item = &check->items[at];
    mlc_code code = mlc_json_add_str(body, "name", item->name, err);
    if (code == MLC_OK)
        code = mlc_json_add_int(body, "stage", STAGE_AFTER, err);
    if (code == MLC_OK)
        code = mlc_json_add_int(body, "mode", MODE_ASYNC, err);
    if (code == MLC_OK)
        code = mlc_json_add_int(body, "rank", 1, err);
    if (code == MLC_OK)
        code = mlc_json_add_bool(body, "asyncautodelete", true, err);
    if (code == MLC_OK)
        code = mlc_json_add_str(body, "filteringattributes", wanted[at - 1].attributes, err);
    if (code == MLC_OK)
        code = add_bind(body, "sdkmessageid", "sdkmessages", item->message_id, err);
    if (code == MLC_OK)
        code = add_bind(body, "sdkmessagefilterid", "sdkmessagefilters", item->filter_id, err);
    if (code == MLC_OK)
        code = add_bind(body, "eventhandler_serviceendpoint", "serviceendpoints", check->items[0].id, err);
    /* The state of a new step is the service's to set. */
    if (code == MLC_OK && item->id[0] != '\0')
        code = mlc_json_add_int(body, "statecode", ENABLED, err);
    if (code == MLC_OK && item->id[0] != '\0')
        code = mlc_json_add_int(body, "statuscode", ENABLED_STATUS, err);
    return code;
}

mlc_code mlc_hook_change_make(const mlc_hook_plan *plan, const mlc_hook_check *check, size_t at,
                              mlc_hook_change *out, mlc_error *err)
{
    const mlc_hook_item *const item = &check->items[at];
    const char *const set = at == 0 ? "serviceendpoints" : "sdkmessageprocessingsteps";
    *out = (mlc_hook_change){.method = item->id[0] != '\0' ? "PATCH" : "POST"};
    if (item->state == MLC_HOOK_OK || item->state == MLC_HOOK_UNKNOWN ||
        (at == 0 && item->state == MLC_HOOK_DOUBLE))
        return mlc_fail(err, MLC_E_NOTFOUND, "%s: %s", item->name,
                        item->detail[0] != '\0' ? item->detail : "nothing to repair");
    if (at > 0 && check->items[0].id[0] == '\0')
        return mlc_fail(err, MLC_E_INTERNAL, "%s: its endpoint is not there", item->name);
    if (item->state == MLC_HOOK_DOUBLE) {
        out->method = "DELETE";
        return mlc_buf_printf(&out->path, err, "%s(%s)", set, item->extra_id);
    }
    mlc_code code = item->id[0] != '\0' ? mlc_buf_printf(&out->path, err, "%s(%s)", set, item->id)
                                        : mlc_buf_puts(&out->path, set, err);
    if (code == MLC_OK && (out->body = cJSON_CreateObject()) == NULL)
        code = mlc_fail(err, MLC_E_NOMEM, "no memory for a webhook step");
    if (code == MLC_OK)
        code = at == 0 ? endpoint_body(plan, out->body, err) : step_body(check, at, out->body, err);
    return code;
}
