/* account_map.c - see account_map.h. */
#include "relay/account_map.h"

#include <stdio.h>
#include <string.h>

enum { COLUMN_MAX = 96, BIND_MAX = 96 };

/* ---- versions ---- */

bool mlc_account_version_valid(const char *version)
{
    return version != NULL && strpbrk(version, "0123456789") != NULL &&
           version[strspn(version, "0123456789.")] == '\0';
}

/* One number of a version without leading zeros; steps over it and what parts it from the next. */
static size_t take_number(const char **at, const char **digits)
{
    *at += strspn(*at, "0");
    *digits = *at;
    const size_t len = strspn(*at, "0123456789");
    *at += len;
    if (**at != '\0')
        (*at)++;
    return len;
}

int mlc_account_version_cmp(const char *a, const char *b)
{
    while (*a != '\0' || *b != '\0') {
        const char *a_digits = NULL;
        const char *b_digits = NULL;
        const size_t a_len = take_number(&a, &a_digits);
        const size_t b_len = take_number(&b, &b_digits);
        if (a_len != b_len)
            return a_len < b_len ? -1 : 1;
        const int diff = memcmp(a_digits, b_digits, a_len);
        if (diff != 0)
            return diff < 0 ? -1 : 1;
    }
    return 0;
}

/* ---- columns ---- */

static mlc_code add_text(cJSON *body, const char *column, const char *text, mlc_error *err)
{
    if (text == NULL)
        return MLC_OK;
    return mlc_json_add_str(body, column, *text != '\0' ? text : NULL, err);
}

static mlc_code add_own(cJSON *body, const char *prefix, const char *column, const char *text, mlc_error *err)
{
    char name[COLUMN_MAX];
    (void)snprintf(name, sizeof name, "%.60s%s", prefix, column);
    return mlc_json_add_str(body, name, text, err);
}

static mlc_code add_money(cJSON *body, const char *column, const char *text, mlc_error *err)
{
    mlc_decimal value;
    if (text == NULL)
        return MLC_OK;
    if (*text == '\0')
        return mlc_json_add_str(body, column, NULL, err);
    const mlc_code code = mlc_decimal_parse(text, &value, err);
    return code == MLC_OK ? mlc_json_add_decimal(body, column, value, err) : code;
}

static mlc_code add_terms(cJSON *body, const mlc_account_map *map, const char *terms, mlc_error *err)
{
    static const char column[] = "paymenttermscode";
    if (terms == NULL || map->terms_count == 0)
        return MLC_OK;
    if (*terms == '\0')
        return mlc_json_add_str(body, column, NULL, err);
    for (size_t i = 0; i < map->terms_count; i++)
        if (strcmp(map->terms[i].terms, terms) == 0)
            return mlc_json_add_int(body, column, map->terms[i].option, err);
    return MLC_OK;
}

static mlc_code add_currency(cJSON *body, const mlc_account_map *map, const char *currency, mlc_error *err)
{
    char bind[BIND_MAX];
    for (size_t i = 0; currency != NULL && i < map->currency_count; i++) {
        if (strcmp(map->currencies[i].code, currency) != 0)
            continue;
        (void)snprintf(bind, sizeof bind, "/transactioncurrencies(%.36s)", map->currencies[i].id);
        return mlc_json_add_str(body, "transactioncurrencyid@odata.bind", bind, err);
    }
    return MLC_OK;
}

static mlc_code fill(cJSON *body, const mlc_account_map *map, const mlc_customer *c, mlc_error *err)
{
    mlc_code code = add_text(body, "name", c->name, err);
    if (code == MLC_OK)
        code = add_money(body, "creditlimit", c->credit_limit, err);
    if (code == MLC_OK && c->has_hold)
        code = mlc_json_add_bool(body, "creditonhold", c->on_hold, err);
    if (code == MLC_OK)
        code = add_terms(body, map, c->terms, err);
    if (code == MLC_OK)
        code = add_currency(body, map, c->currency, err);
    if (code == MLC_OK)
        code = add_own(body, map->prefix, "sourcerecordid", c->source, err);
    if (code == MLC_OK)
        code = add_own(body, map->prefix, "sourceversion", c->version, err);
    return code;
}

mlc_code mlc_account_body(const mlc_account_map *map, const mlc_customer *customer, cJSON **out,
                          mlc_error *err)
{
    cJSON *const body = cJSON_CreateObject();
    if (body == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for an account");
    const mlc_code code = fill(body, map, customer, err);
    if (code != MLC_OK) {
        cJSON_Delete(body);
        return code;
    }
    *out = body;
    return MLC_OK;
}
