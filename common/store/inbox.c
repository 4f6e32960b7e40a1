/* inbox.c - see inbox.h. A row holds the time of receipt before the answer. */
#include "store/inbox.h"

#include "base/buf.h"
#include "store/store_private.h"

#include <string.h>

enum { KEY_LEN = MLC_SHA256_LEN, AGE_KEY_LEN = 8 + KEY_LEN, TIME_LEN = 8 };

mlc_code mlc_inbox_get(mlc_txn *txn, const char *source, const char *idem, const void **answer, size_t *len,
                       mlc_error *err)
{
    uint8_t key[KEY_LEN];
    MDB_val value;
    mlc_code code = store_hash(source, idem, key, sizeof key, err);
    if (code == MLC_OK)
        code = store_get(txn, DB_INBOX, key, sizeof key, &value, err);
    if (code == MLC_OK && value.mv_size < TIME_LEN)
        code = mlc_fail(err, MLC_E_CORRUPT, "inbox: the row of \"%.100s\" is cut", idem);
    if (code != MLC_OK)
        return code;
    *answer = (const uint8_t *)value.mv_data + TIME_LEN;
    *len = value.mv_size - TIME_LEN;
    return MLC_OK;
}

mlc_code mlc_inbox_put(mlc_txn *txn, const char *source, const char *idem, const void *answer, size_t len,
                       int64_t now_ms, mlc_error *err)
{
    uint8_t key[KEY_LEN];
    uint8_t age[AGE_KEY_LEN];
    MDB_val value;
    mlc_buf row = {0};
    mlc_code code = store_hash(source, idem, key, sizeof key, err);
    if (code != MLC_OK)
        return code;
    code = store_get(txn, DB_INBOX, key, sizeof key, &value, err);
    if (code == MLC_OK)
        return mlc_fail(err, MLC_E_EXISTS, "inbox: \"%.100s\" was received before", idem);
    if (code != MLC_E_NOTFOUND)
        return code;
    store_be64(age, (uint64_t)now_ms);
    memcpy(age + 8, key, sizeof key);
    code = mlc_buf_append(&row, age, TIME_LEN, err);
    if (code == MLC_OK && len > 0)
        code = mlc_buf_append(&row, answer, len, err);
    if (code == MLC_OK)
        code = store_put(txn, DB_INBOX, key, sizeof key, row.data, row.len, err);
    if (code == MLC_OK)
        code = store_put(txn, DB_INBOX_AGE, age, sizeof age, "", 0, err);
    mlc_buf_free(&row);
    return code;
}

mlc_code mlc_inbox_prune(mlc_txn *txn, int64_t before_ms, size_t max_work, size_t *pruned, mlc_error *err)
{
    size_t count = 0;
    mlc_code code = MLC_OK;
    while (code == MLC_OK && count < max_work) {
        uint8_t age[AGE_KEY_LEN];
        store_walk walk;
        code = store_walk_open(&walk, txn, DB_INBOX_AGE, "", 0, 0, err);
        if (code == MLC_OK && walk.key.mv_size != sizeof age)
            code = mlc_fail(err, MLC_E_CORRUPT, "inbox: a time of receipt cannot be read");
        if (code == MLC_OK)
            memcpy(age, walk.key.mv_data, sizeof age);
        store_walk_close(&walk);
        if (code != MLC_OK || (int64_t)store_get_be64(age) >= before_ms)
            break;
        code = store_del(txn, DB_INBOX, age + 8, KEY_LEN, err);
        if (code == MLC_OK)
            code = store_del(txn, DB_INBOX_AGE, age, sizeof age, err);
        count++;
    }
    if (pruned != NULL)
        *pruned = count;
    return code == MLC_E_NOTFOUND ? MLC_OK : code;
}
