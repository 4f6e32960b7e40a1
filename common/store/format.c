/* format.c - the number of the store's format (META "format"), and how a store of an older one becomes one of the present.
 * Everything happens in the transaction that opens the store: a store is brought forward whole, or stays as it was. */
#include "store/store_inner.h"

typedef struct migration {
    mlc_code (*run)(mlc_txn *txn, mlc_error *err);
} migration;

/* The first makes format 2 of format 1, and so on; the present format is the one after the last. Never changed, only added to. */
static const migration migrations[] = {
    {store_audit_migrate}, /* 2: the head of the audit trail is on record, personal texts stand beside the chain */
};

enum { FORMAT_VERSION = sizeof migrations / sizeof *migrations + 1 };

static const char format_key[] = "format";
static const char epoch_key[] = "epoch";

static mlc_code put_number(mlc_txn *txn, const char *key, size_t key_len, uint64_t number, mlc_error *err)
{
    uint8_t bytes[8];
    store_be64(bytes, number);
    return store_put(txn, DB_META, key, key_len, bytes, sizeof bytes, err);
}

static mlc_code make_new(mlc_store *s, mlc_txn *txn, mlc_error *err)
{
    mlc_code code = put_number(txn, format_key, sizeof format_key, FORMAT_VERSION, err);
    while (code == MLC_OK && s->epoch == 0)
        code = mlc_random(&s->epoch, sizeof s->epoch, err);
    return code == MLC_OK ? put_number(txn, epoch_key, sizeof epoch_key, s->epoch, err) : code;
}

static mlc_code check_number(const mlc_store *s, const MDB_val *value, uint64_t *format, mlc_error *err)
{
    *format = value->mv_size == 8 ? store_get_be64(value->mv_data) : 0;
    if (*format == 0)
        return mlc_fail(err, MLC_E_CORRUPT,
                        "store %s has a format that is no number; restore it from a backup", s->dir);
    if (*format > FORMAT_VERSION)
        return mlc_fail(err, MLC_E_CORRUPT,
                        "store %s has format %llu, this program knows %d; use the newer program", s->dir,
                        (unsigned long long)*format, (int)FORMAT_VERSION);
    return MLC_OK;
}

static mlc_code bring_forward(mlc_store *s, mlc_txn *txn, uint64_t format, mlc_error *err)
{
    mlc_code code = MLC_OK;
    if (format == FORMAT_VERSION)
        return MLC_OK;
    for (uint64_t at = format; code == MLC_OK && at < FORMAT_VERSION; at++)
        code = migrations[at - 1].run(txn, err);
    if (code == MLC_OK)
        code = put_number(txn, format_key, sizeof format_key, FORMAT_VERSION, err);
    if (code != MLC_OK)
        return mlc_wrap(err, code, "store %s cannot be brought from format %llu to %d", s->dir,
                        (unsigned long long)format, (int)FORMAT_VERSION);
    s->migrated_from = format;
    return MLC_OK;
}

mlc_code format_check(mlc_store *s, mlc_txn *txn, mlc_error *err)
{
    MDB_val value;
    uint64_t format;
    mlc_code code = store_get(txn, DB_META, format_key, sizeof format_key, &value, err);
    if (code == MLC_E_NOTFOUND)
        return make_new(s, txn, err);
    if (code == MLC_OK)
        code = check_number(s, &value, &format, err);
    if (code == MLC_OK)
        code = bring_forward(s, txn, format, err);
    if (code != MLC_OK)
        return code;
    code = store_get(txn, DB_META, epoch_key, sizeof epoch_key, &value, err);
    if (code != MLC_OK || value.mv_size != 8)
        return mlc_fail(err, MLC_E_CORRUPT, "store %s has lost its identity", s->dir);
    s->epoch = store_get_be64(value.mv_data);
    return MLC_OK;
}

mlc_code format_look(const mlc_store *s, mlc_txn *txn, mlc_error *err)
{
    MDB_val value;
    uint64_t format;
    const mlc_code code = store_get(txn, DB_META, format_key, sizeof format_key, &value, err);
    if (code == MLC_E_NOTFOUND)
        return mlc_fail(err, MLC_E_CORRUPT, "%s holds no store of this program", s->dir);
    return code == MLC_OK ? check_number(s, &value, &format, err) : code;
}

void format_tell(const mlc_store *s)
{
    if (s->migrated_from > 0)
        mlc_log_info(s->log, "store", "store brought to the present format", MLC_S("dir", s->dir),
                     MLC_I("from", s->migrated_from), MLC_I("to", FORMAT_VERSION));
}
