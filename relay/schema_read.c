/* schema_read.c - see schema_read.h. */
#include "relay/schema_read.h"

#include "relay/schema_table.h"

#include <stdio.h>
#include <stdlib.h>

/* The option sets, by the kinds of columns that have them. */
static const char *const casts[] = {"PicklistAttributeMetadata", "StateAttributeMetadata",
                                    "StatusAttributeMetadata"};
enum { CASTS = sizeof casts / sizeof casts[0] };

typedef struct schema_reading {
    mlc_odata *odata;
    const char *table;
    mlc_schema_read_fn fn;
    void *user;
    cJSON *compact;
    size_t step; /* casts read */
} schema_reading;

static mlc_code ask_next(schema_reading *r, mlc_error *err);

static void reading_end(schema_reading *r, mlc_code code, const mlc_error *err)
{
    cJSON *compact = r->compact;
    if (code != MLC_OK) {
        cJSON_Delete(compact);
        compact = NULL;
    }
    r->fn(r->user, code, code == MLC_OK ? NULL : err, compact);
    free(r);
}

static void on_answer(void *user, const mlc_odata_answer *answer)
{
    schema_reading *const r = user;
    mlc_error err = answer->err;
    mlc_code code = answer->code;
    if (code == MLC_OK && r->compact == NULL) {
        code = mlc_schema_compact(answer->body, &r->compact, &err);
    } else if (code == MLC_OK) {
        code = mlc_schema_add_options(r->compact, answer->body, &err);
        r->step++;
    }
    if (code == MLC_OK && r->step < CASTS) {
        code = ask_next(r, &err);
        if (code == MLC_OK)
            return;
    }
    reading_end(r, code, &err);
}

static mlc_code ask_next(schema_reading *r, mlc_error *err)
{
    char path[320];
    if (r->compact == NULL)
        (void)snprintf(path, sizeof path,
                       "EntityDefinitions(LogicalName='%s')?$select=LogicalName,EntitySetName,"
                       "PrimaryIdAttribute,PrimaryNameAttribute,DisplayName&$expand=Attributes,Keys",
                       r->table);
    else
        (void)snprintf(path, sizeof path,
                       "EntityDefinitions(LogicalName='%s')/Attributes/Microsoft.Dynamics.CRM.%s"
                       "?$select=LogicalName&$expand=OptionSet",
                       r->table, casts[r->step]);
    const mlc_odata_request request = {.method = "GET", .path = path};
    return mlc_odata_send(r->odata, &request, on_answer, r, err);
}

mlc_code mlc_schema_read(mlc_odata *odata, const char *table, mlc_schema_read_fn fn, void *user,
                         mlc_error *err)
{
    schema_reading *const r = calloc(1, sizeof *r);
    if (r == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory to read metadata");
    *r = (schema_reading){.odata = odata, .table = table, .fn = fn, .user = user};
    const mlc_code code = ask_next(r, err);
    if (code != MLC_OK)
        free(r);
    return code;
}
