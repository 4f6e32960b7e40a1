/* entry.h - an outbox entry as bytes. Reading trusts nothing: what does not add up is MLC_E_CORRUPT. Pure. */
#ifndef MLC_STORE_ENTRY_H
#define MLC_STORE_ENTRY_H

#include "base/buf.h"
#include "store/outbox.h"

enum { ENTRY_TEXT_MAX = 1024 };

/* Append. Texts longer than they may be are MLC_E_INVALID; last_error and outcome are cut. */
mlc_code entry_write(const mlc_entry *entry, mlc_buf *out, mlc_error *err);
/* Pointers of `out` borrow from data. seq is the caller's. */
mlc_code entry_read(const void *data, size_t len, uint64_t seq, mlc_entry *out, mlc_error *err);
/* What it counts against a stream's limit of bytes. */
uint64_t entry_size(const mlc_entry *entry);

#endif
