/* lookups_make.c - makes a price list that is absent: first its currency is found, then the row is inserted under an id that
 * follows from its name, so that a second insertion, from here or from anywhere, meets the first. */
#include "relay/lookups_private.h"

#include "relay/row_id.h"

#include <stdio.h>
#include <string.h>

static const char list_set[] = "pricelevels";
static const char currency_set[] = "transactioncurrencies";
static const char currency_key[] = "isocurrencycode";

bool mlc_lookup_makeable(const mlc_lookup_ask *ask)
{
    return strcmp(ask->set, list_set) == 0 && strcmp(ask->key, "name") == 0 && ask->currency[0] != '\0';
}

static void on_made(void *user, const mlc_odata_answer *answer)
{
    mlc_lookup_ask *const ask = user;
    mlc_lookups *const l = ask->lookups;
    /* 412: it is there already; somebody gave it another name since. */
    if (answer->code != MLC_OK && answer->status != 412) {
        mlc_error err = answer->err;
        (void)mlc_wrap(&err, answer->code, "price list \"%.100s\" cannot be made", ask->value);
        mlc_lookup_end(ask, answer->code, &err, false);
        return;
    }
    if (answer->code == MLC_OK)
        mlc_log_info(l->opt.log, "lookups", "price list made", MLC_S("name", ask->value),
                     MLC_S("currency", ask->currency));
    mlc_id_cache_put(l->cache, ask->set, ask->key, ask->value, ask->new_id);
    mlc_lookup_end(ask, MLC_OK, NULL, true);
}

static mlc_code fill_body(const mlc_lookup_ask *ask, const char *currency_id, cJSON *body, mlc_error *err)
{
    char bind[80];
    (void)snprintf(bind, sizeof bind, "/%s(%s)", currency_set, currency_id);
    mlc_code code = mlc_json_add_str(body, "name", ask->value, err);
    if (code == MLC_OK)
        code = mlc_json_add_str(body, "description", "Prices from JD Edwards, kept by ml-connector", err);
    if (code == MLC_OK)
        code = mlc_json_add_str(body, "transactioncurrencyid@odata.bind", bind, err);
    return code;
}

static mlc_code insert(mlc_lookup_ask *ask, const char *currency_id, mlc_error *err)
{
    char path[80];
    cJSON *const body = cJSON_CreateObject();
    mlc_code code = body != NULL ? mlc_row_id(ask->set, ask->key, ask->value, ask->new_id, err)
                                 : mlc_fail(err, MLC_E_NOMEM, "no memory for a price list");
    if (code == MLC_OK)
        code = fill_body(ask, currency_id, body, err);
    if (code == MLC_OK) {
        (void)snprintf(path, sizeof path, "%s(%s)", ask->set, ask->new_id);
        const mlc_odata_request request = {
            .method = "PATCH", .path = path, .body = body, .if_none_match = "*"};
        code = mlc_odata_send(ask->lookups->opt.odata, &request, on_made, ask, err);
    }
    cJSON_Delete(body);
    return code;
}

static void on_currency(void *user, mlc_code code, const mlc_error *why, bool found)
{
    mlc_lookup_ask *const ask = user;
    mlc_error err;
    const char *const id = mlc_lookups_known(ask->lookups, currency_set, currency_key, ask->currency);
    if (code != MLC_OK)
        err = *why;
    else if (!found || id == NULL)
        code = mlc_fail(
            &err, MLC_E_INVALID,
            "price list \"%.100s\" cannot be made: Dynamics has no currency \"%.10s\"; add the currency "
            "in Dynamics, then retry",
            ask->value, ask->currency);
    else
        code = insert(ask, id, &err);
    if (code != MLC_OK)
        mlc_lookup_end(ask, code, &err, false);
}

void mlc_lookup_make(mlc_lookup_ask *ask)
{
    mlc_error err;
    if (mlc_lookups_known(ask->lookups, currency_set, currency_key, ask->currency) != NULL) {
        on_currency(ask, MLC_OK, NULL, true);
        return;
    }
    const mlc_code code = mlc_lookups_ask(ask->lookups, currency_set, currency_key, ask->currency, NULL,
                                          on_currency, ask, &err);
    if (code != MLC_OK)
        mlc_lookup_end(ask, code, &err, false);
}
