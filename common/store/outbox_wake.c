/* outbox_wake.c - what an entry waited for has come (outbox.h). */
#include "store/outbox_private.h"

mlc_code mlc_outbox_wake(mlc_txn *txn, mlc_outbox *ob, uint64_t seq, int64_t now_ms, mlc_error *err)
{
    stream_meta meta;
    entry_edit edit;
    mlc_code code = meta_load(txn, ob->name, &meta, err);
    if (code == MLC_OK)
        code = edit_load(txn, ob, seq, &edit, err);
    if (code != MLC_OK)
        return code == MLC_E_NOTFOUND ? MLC_OK : code;
    const mlc_entry_state from = edit.e.state;
    const int64_t old_next_ms = edit.e.next_attempt_ms;
    if (from == MLC_ENTRY_PARKED || (from == MLC_ENTRY_READY && old_next_ms > now_ms)) {
        edit.e.state = MLC_ENTRY_READY;
        edit.e.attempts = from == MLC_ENTRY_PARKED ? 0 : edit.e.attempts;
        edit.e.next_attempt_ms = now_ms;
        edit.e.ended_ms = 0;
        code = entry_move(txn, ob, &meta, &edit.e, from, old_next_ms, err);
        if (code == MLC_OK)
            code = meta_save(txn, ob->name, &meta, err);
    }
    edit_free(&edit);
    return code;
}
