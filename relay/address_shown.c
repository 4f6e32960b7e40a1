/* address_shown.c - see address_shown.h. Under "shown/SOURCE": format, state, mask, hash, told, told hash, version (text). */
#include "relay/address_shown.h"

#include "store/cursor.h"

#include <stdio.h>
#include <string.h>

enum { FORMAT = 1, NAME_LEN = 160, HEAD = 3 + MLC_ADDRESS_HASH_LEN + 1 + MLC_ADDRESS_HASH_LEN };

static const char *name_of(const char *source, char out[NAME_LEN])
{
    (void)snprintf(out, NAME_LEN, "shown/%.140s", source);
    return out;
}

/* ---- pure ---- */

static mlc_address_fields masked(const mlc_address_fields *fields, uint8_t mask)
{
    mlc_address_fields out = {{NULL}};
    for (size_t i = 0; i < MLC_ADDRESS_FIELDS; i++)
        if (((unsigned)mask >> i & 1U) != 0)
            out.text[i] = fields->text[i];
    return out;
}

mlc_code mlc_address_shown_fill(mlc_address_shown *out, mlc_shown_state state,
                                const mlc_address_fields *written, const char *version, mlc_error *err)
{
    *out = (mlc_address_shown){.state = state};
    for (size_t i = 0; i < MLC_ADDRESS_FIELDS; i++)
        if (written->text[i] != NULL)
            out->mask = (uint8_t)(out->mask | 1U << i);
    mlc_strlcpy(out->version, version, sizeof out->version);
    return mlc_address_hash(written, out->hash, err);
}

bool mlc_address_shown_same(const mlc_address_shown *shown, const mlc_address_fields *row)
{
    uint8_t hash[MLC_ADDRESS_HASH_LEN];
    const mlc_address_fields fields = masked(row, shown->mask);
    return (shown->state == MLC_SHOWN_KNOWN || shown->state == MLC_SHOWN_WRITING) &&
           mlc_address_hash(&fields, hash, NULL) == MLC_OK && memcmp(hash, shown->hash, sizeof hash) == 0;
}

/* ---- in the store ---- */

mlc_code mlc_address_shown_get(mlc_txn *txn, const char *source, mlc_address_shown *out, mlc_error *err)
{
    char name[NAME_LEN];
    const void *value = NULL;
    size_t len = 0;
    *out = (mlc_address_shown){.state = MLC_SHOWN_NEVER};
    const mlc_code code = mlc_cursor_get(txn, name_of(source, name), &value, &len, err);
    if (code != MLC_OK)
        return code == MLC_E_NOTFOUND ? MLC_OK : code;
    const uint8_t *at = value;
    if (len < HEAD || len - HEAD >= sizeof out->version || at[0] != FORMAT || at[1] > MLC_SHOWN_UNKNOWN)
        return mlc_fail(err, MLC_E_CORRUPT, "the note of a written address is damaged");
    out->state = (mlc_shown_state)at[1];
    out->mask = at[2];
    at += 3;
    memcpy(out->hash, at, sizeof out->hash);
    at += sizeof out->hash;
    out->told = *at++ != 0;
    memcpy(out->told_hash, at, sizeof out->told_hash);
    memcpy(out->version, (const uint8_t *)value + HEAD, len - HEAD);
    return MLC_OK;
}

mlc_code mlc_address_shown_put(mlc_txn *txn, const char *source, const mlc_address_shown *shown,
                               mlc_error *err)
{
    char name[NAME_LEN];
    uint8_t bytes[HEAD + MLC_SHOWN_VERSION_MAX];
    uint8_t *at = bytes;
    const size_t version_len = strlen(shown->version);
    *at++ = FORMAT;
    *at++ = (uint8_t)shown->state;
    *at++ = shown->mask;
    memcpy(at, shown->hash, sizeof shown->hash);
    at += sizeof shown->hash;
    *at++ = shown->told ? 1 : 0;
    memcpy(at, shown->told_hash, sizeof shown->told_hash);
    memcpy(bytes + HEAD, shown->version, version_len);
    return mlc_cursor_put(txn, name_of(source, name), bytes, HEAD + version_len, err);
}

mlc_code mlc_address_shown_confirm(mlc_txn *txn, const char *source, const mlc_address_shown *written,
                                   mlc_error *err)
{
    mlc_address_shown there;
    const mlc_code code = mlc_address_shown_get(txn, source, &there, err);
    if (code != MLC_OK)
        return code;
    const bool mine = there.state == MLC_SHOWN_WRITING && strcmp(there.version, written->version) == 0;
    if (!mine && there.state != MLC_SHOWN_NEVER)
        return MLC_OK;
    mlc_address_shown known = *written;
    known.state = MLC_SHOWN_KNOWN;
    /* An edit may have been read after the write and before its confirmation. */
    known.told = there.told;
    memcpy(known.told_hash, there.told_hash, sizeof known.told_hash);
    return mlc_address_shown_put(txn, source, &known, err);
}

mlc_code mlc_address_shown_tell(mlc_txn *txn, const char *source, const uint8_t hash[MLC_ADDRESS_HASH_LEN],
                                mlc_error *err)
{
    mlc_address_shown shown;
    const mlc_code code = mlc_address_shown_get(txn, source, &shown, err);
    if (code != MLC_OK)
        return code;
    /* A record that somebody edits is there: whatever wrote it, this store has forgotten it. */
    if (shown.state == MLC_SHOWN_NEVER)
        shown.state = MLC_SHOWN_UNKNOWN;
    shown.told = true;
    memcpy(shown.told_hash, hash, sizeof shown.told_hash);
    return mlc_address_shown_put(txn, source, &shown, err);
}

mlc_code mlc_address_shown_forget(mlc_txn *txn, const char *source, mlc_error *err)
{
    mlc_address_shown shown;
    const mlc_code code = mlc_address_shown_get(txn, source, &shown, err);
    if (code != MLC_OK)
        return code;
    shown.state = MLC_SHOWN_UNKNOWN;
    return mlc_address_shown_put(txn, source, &shown, err);
}
