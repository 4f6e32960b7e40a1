/* ais_tables_test.h - a small AIS server on the test's own loop, over a real socket: log-in, and the data service (BROWSE with
 * pages, COUNT, AGGREGATION) on tables of rows that the test writes. Dates are texts "yyyy-MM-dd", so that they compare as
 * such; numbers compare as numbers. Include after cmocka.h and loop_store_test.h. */
#ifndef MLC_TESTS_AIS_TABLES_TEST_H
#define MLC_TESTS_AIS_TABLES_TEST_H

#include "agent/ais.h"
#include "net/http_server.h"

enum { AIS_TEST_SETS = 256, AIS_TEST_SEEN = 512 };

typedef struct ais_set {
    cJSON *rows;
    char table[16];
    int at, size;
} ais_set;

typedef struct ais_fix {
    lst_fix *s;
    cJSON *tables;
    mlc_lws *lws;
    mlc_http_server *server;
    mlc_http_client *http;
    mlc_ais *ais;
    ais_set sets[AIS_TEST_SETS];
    int set_count;
    int lose_next;             /* so many next pages are refused: the set timed out */
    int fail_reads;            /* so many first pages get a 503 */
    char *seen[AIS_TEST_SEEN]; /* bodies of data service requests */
    size_t seen_count;
    bool logged_out;
    mlc_http_route routes[4];
} ais_fix;

/* ---- rows ---- */

static inline cJSON *ais_table(ais_fix *f, const char *name)
{
    cJSON *const table = cJSON_GetObjectItemCaseSensitive(f->tables, name);
    return table != NULL ? table : cJSON_AddArrayToObject(f->tables, name);
}

/* Put a row (JSON) into a table; of an existing one with the same values of the first `keys` columns the values are
 * replaced. */
static inline void ais_put(ais_fix *f, const char *table, int keys, const char *json)
{
    cJSON *const rows = ais_table(f, table);
    cJSON *const row = cJSON_Parse(json);
    cJSON *old = NULL;
    int at = 0;
    assert_non_null(row);
    cJSON_ArrayForEach(old, rows)
    {
        const cJSON *key = row->child;
        bool same = true;
        for (int i = 0; i < keys; i++, key = key->next)
            same = same && cJSON_Compare(key, cJSON_GetObjectItemCaseSensitive(old, key->string), true);
        if (same) {
            assert_true(cJSON_ReplaceItemInArray(rows, at, row));
            return;
        }
        at++;
    }
    assert_true(cJSON_AddItemToArray(rows, row));
}

static inline int ais_compare(const cJSON *cell, const char *text)
{
    if (cJSON_IsNumber(cell)) {
        const double value = strtod(text, NULL);
        return cell->valuedouble < value ? -1 : cell->valuedouble > value;
    }
    return strcmp(cJSON_IsString(cell) ? cell->valuestring : "", text);
}

static inline const cJSON *ais_cell(const cJSON *row, const char *control)
{
    const char *const dot = strchr(control, '.');
    const cJSON *const cell = cJSON_GetObjectItemCaseSensitive(row, dot + 1);
    if (cell == NULL)
        fail_msg("the test's row has no %s: %s", control, cJSON_PrintUnformatted(row));
    return cell;
}

static inline bool ais_condition_fits(const cJSON *condition, const cJSON *row)
{
    const cJSON *const cell = ais_cell(row, mlc_json_str(condition, "controlId"));
    const char *const op = mlc_json_str(condition, "operator");
    const cJSON *value = NULL;
    int order = 0;
    cJSON_ArrayForEach(value, cJSON_GetObjectItem(condition, "value"))
    {
        order = ais_compare(cell, mlc_json_str(value, "content"));
        if (strcmp(op, "LIST") == 0 && order == 0)
            return true;
    }
    return (strcmp(op, "EQUAL") == 0 && order == 0) || (strcmp(op, "GREATER") == 0 && order > 0) ||
           (strcmp(op, "GREATER_EQUAL") == 0 && order >= 0) || (strcmp(op, "LESS") == 0 && order < 0) ||
           (strcmp(op, "LESS_EQUAL") == 0 && order <= 0);
}

static inline bool ais_query_fits(const cJSON *query, const cJSON *row)
{
    const cJSON *item = NULL;
    const cJSON *const groups = cJSON_GetObjectItem(query, "complexQuery");
    cJSON_ArrayForEach(item, cJSON_GetObjectItem(query, "condition"))
    {
        if (!ais_condition_fits(item, row))
            return false;
    }
    cJSON_ArrayForEach(item, groups)
    {
        if (ais_query_fits(cJSON_GetObjectItem(item, "query"), row))
            return true;
    }
    return cJSON_GetArraySize(groups) == 0;
}

/* qsort has no argument of its own. */
static const cJSON *ais_order_by;

static inline int ais_row_order(const void *a, const void *b)
{
    const cJSON *key = NULL;
    cJSON_ArrayForEach(key, ais_order_by)
    {
        const char *const column = mlc_json_str(key, "column");
        const cJSON *const x = ais_cell(*(cJSON *const *)a, column);
        const cJSON *const y = ais_cell(*(cJSON *const *)b, column);
        const int order = cJSON_IsNumber(x)
                              ? (x->valuedouble > y->valuedouble) - (x->valuedouble < y->valuedouble)
                              : strcmp(x->valuestring, y->valuestring);
        if (order != 0)
            return order;
    }
    return 0;
}

static inline cJSON *ais_matching(ais_fix *f, const cJSON *request)
{
    cJSON *const table = ais_table(f, mlc_json_str(request, "targetName"));
    cJSON **const hits = calloc((size_t)cJSON_GetArraySize(table) + 1, sizeof *hits);
    size_t count = 0;
    cJSON *row = NULL;
    cJSON *const out = cJSON_CreateArray();
    cJSON_ArrayForEach(row, table)
    {
        if (ais_query_fits(cJSON_GetObjectItem(request, "query"), row))
            hits[count++] = row;
    }
    ais_order_by = cJSON_GetObjectItem(cJSON_GetObjectItem(request, "aggregation"), "orderBy");
    if (ais_order_by != NULL)
        qsort(hits, count, sizeof *hits, ais_row_order);
    for (size_t i = 0; i < count; i++)
        cJSON_AddItemToArray(out, cJSON_Duplicate(hits[i], true));
    free(hits);
    return out;
}

/* ---- answers ---- */

static inline void ais_reply(mlc_http_req *req, int status, cJSON *tree)
{
    char *const text = cJSON_PrintUnformatted(tree);
    mlc_http_reply(req, status, NULL, text, strlen(text));
    cJSON_free(text);
    cJSON_Delete(tree);
}

static inline void ais_give_page(ais_fix *f, mlc_http_req *req, int number)
{
    ais_set *const set = &f->sets[number];
    char name[64];
    cJSON *const answer = cJSON_CreateObject();
    (void)snprintf(name, sizeof name, "fs_DATABROWSE_%s", set->table);
    cJSON *const data = cJSON_AddObjectToObject(cJSON_AddObjectToObject(answer, name), "data");
    cJSON *const grid = cJSON_AddObjectToObject(data, "gridData");
    cJSON *const rowset = cJSON_AddArrayToObject(grid, "rowset");
    for (int end = set->at + set->size; set->at < end; set->at++) {
        const cJSON *cell = NULL;
        const cJSON *const row = cJSON_GetArrayItem(set->rows, set->at);
        if (row == NULL)
            break;
        cJSON *const out = cJSON_CreateObject();
        cJSON_ArrayForEach(cell, row)
        {
            (void)snprintf(name, sizeof name, "%s_%s", set->table, cell->string);
            cJSON_AddItemToObject(out, name, cJSON_Duplicate(cell, false));
        }
        cJSON_AddItemToArray(rowset, out);
    }
    const bool more = set->at < cJSON_GetArraySize(set->rows);
    cJSON_AddBoolToObject(cJSON_AddObjectToObject(grid, "summary"), "moreRecords", more);
    if (more) {
        char href[128];
        cJSON *const link = cJSON_CreateObject();
        (void)snprintf(href, sizeof href, "http://127.0.0.1:%d/jderest/v2/dataservice/next?rid=%d",
                       mlc_http_server_port(f->server), number);
        cJSON_AddStringToObject(link, "rel", "next");
        cJSON_AddStringToObject(link, "href", href);
        cJSON_AddItemToArray(cJSON_AddArrayToObject(answer, "links"), link);
    }
    ais_reply(req, 200, answer);
}

static inline void ais_give_sums(const cJSON *request, const cJSON *rows, cJSON *part)
{
    const cJSON *const by =
        cJSON_GetObjectItem(cJSON_GetObjectItem(request, "aggregation"), "groupBy")->child;
    const cJSON *const what =
        cJSON_GetObjectItem(cJSON_GetObjectItem(request, "aggregation"), "aggregations")->child;
    cJSON *const output = cJSON_AddArrayToObject(part, "output");
    char name[64];
    const cJSON *row = NULL;
    (void)snprintf(name, sizeof name, "%s_SUM", mlc_json_str(what, "column"));
    cJSON_ArrayForEach(row, rows)
    {
        const double key = ais_cell(row, mlc_json_str(by, "column"))->valuedouble;
        cJSON *group = NULL;
        cJSON_ArrayForEach(group, output)
        {
            if (cJSON_GetObjectItem(group, "groupBy")->child->valuedouble == key)
                break;
        }
        if (group == NULL) {
            group = cJSON_CreateObject();
            cJSON_AddNumberToObject(cJSON_AddObjectToObject(group, "groupBy"), mlc_json_str(by, "column"),
                                    key);
            cJSON_AddNumberToObject(group, name, 0);
            cJSON_AddItemToArray(output, group);
        }
        cJSON *const sum = cJSON_GetObjectItemCaseSensitive(group, name);
        cJSON_SetNumberValue(sum,
                             sum->valuedouble + ais_cell(row, mlc_json_str(what, "column"))->valuedouble);
    }
}

static inline void ais_on_read(mlc_http_req *req, void *user)
{
    ais_fix *const f = user;
    size_t len = 0;
    const char *const body = mlc_http_req_body(req, &len);
    cJSON *const request = cJSON_Parse(body);
    assert_non_null(request);
    assert_in_range(f->seen_count, 0, AIS_TEST_SEEN - 1);
    f->seen[f->seen_count++] = mlc_strdup(body);
    const char *const table = mlc_json_str(request, "targetName");
    const char *const service = mlc_json_str(request, "dataServiceType");
    char name[64];
    if (f->fail_reads > 0) {
        f->fail_reads--;
        ais_reply(req, 503, cJSON_CreateObject());
    } else if (strcmp(service, "BROWSE") == 0) {
        assert_in_range(f->set_count, 0, AIS_TEST_SETS - 1);
        ais_set *const set = &f->sets[f->set_count];
        set->rows = ais_matching(f, request);
        set->size = (int)strtol(mlc_json_str(request, "maxPageSize"), NULL, 10);
        (void)snprintf(set->table, sizeof set->table, "%s", table);
        ais_give_page(f, req, f->set_count++);
    } else {
        cJSON *const rows = ais_matching(f, request);
        cJSON *const answer = cJSON_CreateObject();
        (void)snprintf(name, sizeof name, "ds_%s", table);
        cJSON *const part = cJSON_AddObjectToObject(answer, name);
        if (strcmp(service, "COUNT") == 0)
            cJSON_AddNumberToObject(part, "count", cJSON_GetArraySize(rows));
        else
            ais_give_sums(request, rows, part);
        cJSON_Delete(rows);
        ais_reply(req, 200, answer);
    }
    cJSON_Delete(request);
}

static inline void ais_on_next(mlc_http_req *req, void *user)
{
    ais_fix *const f = user;
    static const char lost[] = "{\"sysErrors\":[{\"TITLE\":\"JAS_MSG347: result set has timed out\"}]}";
    if (f->lose_next > 0) {
        f->lose_next--;
        mlc_http_reply(req, 500, NULL, lost, sizeof lost - 1);
        return;
    }
    ais_give_page(f, req, (int)strtol(mlc_http_req_query(req, "rid"), NULL, 10));
}

static inline void ais_on_token(mlc_http_req *req, void *user)
{
    (void)user;
    static const char token[] = "{\"username\":\"ML\",\"environment\":\"E\",\"userInfo\":{\"token\":\"t\","
                                "\"simpleDateFormat\":\"yyyy-MM-dd\",\"timeZoneOffset\":\"UTC+00:00\"}}";
    mlc_http_reply(req, 200, NULL, token, sizeof token - 1);
}

/* ---- life ---- */

static inline void ais_fix_client(ais_fix *f)
{
    char url[64];
    mlc_error err;
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d", mlc_http_server_port(f->server));
    const mlc_http_client_options http = {.loop = &f->s->loop};
    lst_check(mlc_http_client_open(&f->http, &http, &err), &err);
    const mlc_ais_options ais = {.loop = &f->s->loop,
                                 .http = f->http,
                                 .url = url,
                                 .username = "ML",
                                 .password = "x",
                                 .environment = "E",
                                 .role = "*ALL"};
    lst_check(mlc_ais_open(&f->ais, &ais, &err), &err);
}

static inline void ais_fix_open(ais_fix *f, lst_fix *s)
{
    mlc_error err;
    f->s = s;
    f->tables = cJSON_CreateObject();
    f->routes[0] = (mlc_http_route){.prefix = "/jderest/v2/tokenrequest", .handler = ais_on_token, .user = f};
    f->routes[1] = (mlc_http_route){
        .prefix = "/jderest/v2/dataservice", .max_body = 1 << 20, .handler = ais_on_read, .user = f};
    f->routes[2] =
        (mlc_http_route){.prefix = "/jderest/v2/dataservice/next", .handler = ais_on_next, .user = f};
    const mlc_http_server_options server = {
        .name = "ais", .host = "127.0.0.1", .routes = f->routes, .route_count = 3};
    lst_check(mlc_lws_open(&f->lws, &s->loop, NULL, &err), &err);
    lst_check(mlc_http_server_open(&f->server, f->lws, &server, &err), &err);
    ais_fix_client(f);
}

static inline void ais_on_closed(void *user)
{
    ((ais_fix *)user)->logged_out = true;
}

static inline bool ais_is_closed(void *user)
{
    return ((ais_fix *)user)->logged_out;
}

/* The client only; running requests end. */
static inline void ais_fix_close_client(ais_fix *f)
{
    f->logged_out = false;
    mlc_ais_close(f->ais, ais_on_closed, f);
    assert_true(lst_run(f->s, ais_is_closed, f, LST_PATIENCE_MS));
    mlc_http_client_close(f->http);
}

static inline void ais_fix_close(ais_fix *f)
{
    ais_fix_close_client(f);
    mlc_http_server_close(f->server);
    mlc_lws_close(f->lws);
    for (int i = 0; i < f->set_count; i++)
        cJSON_Delete(f->sets[i].rows);
    for (size_t i = 0; i < f->seen_count; i++)
        free(f->seen[i]);
    cJSON_Delete(f->tables);
}

/* How many data service requests hold all of these words. */
static inline size_t ais_seen(const ais_fix *f, const char *a, const char *b)
{
    size_t count = 0;
    for (size_t i = 0; i < f->seen_count; i++)
        count += strstr(f->seen[i], a) != NULL && strstr(f->seen[i], b) != NULL ? 1 : 0;
    return count;
}

#endif
