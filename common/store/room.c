/* room.c - keeps room for the writing that frees space, when the map or the disk has no more to give (store.h).
 *
 * LMDB copies a page before it changes it, so that a store that is full to its last page could not even delete. So
 * new entries are refused some way before the end, other writing that grows the store a little later, and what does
 * not grow it may use all. Counted are live pages: those that hold data; the others can be written again.
 * On the disk the room is there because the file is made longer ahead of its use. */
#include "store/disk.h"
#include "store/store_inner.h"

/* How far the file reaches beyond its last used page: at least, and when it is made longer. */
static const size_t DISK_RESERVE = (size_t)1 << 20;
static const size_t DISK_STEP = (size_t)4 << 20;
static const size_t MAP_RESERVE_MIN = (size_t)1 << 19;
static const size_t MAP_RESERVE_MAX = (size_t)64 << 20;

static size_t map_reserve(const mlc_store *s)
{
    const size_t share = s->map_max / 8;
    if (share < MAP_RESERVE_MIN)
        return MAP_RESERVE_MIN;
    return share < MAP_RESERVE_MAX ? share : MAP_RESERVE_MAX;
}

/* Make the file reach `bytes`. False when the disk (or a limit on files) does not allow it. */
static bool reach(mlc_store *s, size_t bytes)
{
    if (bytes <= s->allocated)
        return true;
    const disk_end end = disk_reach(s->env, bytes);
    if (end != DISK_NO_ROOM)
        s->allocated = end == DISK_DONE ? bytes : SIZE_MAX;
    return end != DISK_NO_ROOM;
}

static size_t used_bytes(const mlc_store *s)
{
    MDB_envinfo info;
    MDB_stat stat;
    if (mdb_env_info(s->env, &info) != 0 || mdb_env_stat(s->env, &stat) != 0)
        return 0;
    return (info.me_last_pgno + 1) * stat.ms_psize;
}

void room_reserve(mlc_store *s)
{
    const size_t used = used_bytes(s);
    s->disk_short = false;
    if (s->allocated >= used && s->allocated - used >= DISK_RESERVE)
        return;
    s->disk_short = !reach(s, used + DISK_STEP) && !reach(s, used + DISK_RESERVE);
}

bool room_disk_full(mlc_store *s)
{
    const size_t now = s->allocated > used_bytes(s) ? s->allocated : used_bytes(s);
    return now < SIZE_MAX - DISK_STEP && !reach(s, now + DISK_STEP);
}

void room_mark_now(mlc_txn *txn, room_mark *mark)
{
    *mark = (room_mark){.page_bytes = 4096};
    for (size_t i = 0; i < DB_COUNT; i++) {
        MDB_stat stat;
        if (mdb_stat(txn->mdb, store_dbi(txn->store, (store_db)i), &stat) != 0)
            continue;
        mark->page_bytes = stat.ms_psize;
        mark->pages += stat.ms_branch_pages + stat.ms_leaf_pages + stat.ms_overflow_pages;
        if (i == DB_ENTRY)
            mark->entries = stat.ms_entries;
    }
}

static bool below(const room_mark *mark, size_t total, size_t reserve)
{
    return total > reserve && mark->pages <= (total - reserve) / mark->page_bytes;
}

bool room_allows(const mlc_store *s, const room_mark *before, const room_mark *after)
{
    const bool adds = after->entries > before->entries;
    const size_t map = map_reserve(s);
    if (after->pages <= before->pages)
        return true;
    if (s->map_size >= s->map_max && !below(after, s->map_size, adds ? map : map / 2))
        return false;
    return !s->disk_short || below(after, s->allocated, adds ? DISK_RESERVE : DISK_RESERVE / 2);
}
