/* id_cache.c - see id_cache.h: chained buckets, and a list in the order of use. */
#include "relay/id_cache.h"

#include "base/buf.h"

#include <stdlib.h>
#include <string.h>

enum { KEY_MAX = 1024 };

typedef struct item {
    struct item *chain;         /* of its bucket */
    struct item *newer, *older; /* of the whole */
    size_t bucket;
    char id[MLC_UUID_TEXT_MAX];
    char key[]; /* set, column, value, a line feed between them */
} item;

struct mlc_id_cache {
    item **buckets;
    size_t bucket_count, count, max;
    item *newest, *oldest;
};

static bool make_key(char out[KEY_MAX], const char *set, const char *key, const char *value)
{
    const size_t set_len = strlen(set);
    const size_t key_len = strlen(key);
    const size_t value_len = strlen(value);
    if (set_len + key_len + value_len + 3 > KEY_MAX)
        return false;
    memcpy(out, set, set_len);
    out[set_len] = '\n';
    memcpy(out + set_len + 1, key, key_len);
    out[set_len + key_len + 1] = '\n';
    memcpy(out + set_len + key_len + 2, value, value_len + 1);
    return true;
}

/* FNV-1a */
static size_t bucket_of(const mlc_id_cache *c, const char *key)
{
    uint64_t hash = 0xcbf29ce484222325U;
    for (const char *p = key; *p != '\0'; p++)
        hash = (hash ^ (unsigned char)*p) * 0x100000001b3U;
    return (size_t)(hash % c->bucket_count);
}

static item *find(const mlc_id_cache *c, const char *key)
{
    item *it = c->buckets[bucket_of(c, key)];
    while (it != NULL && strcmp(it->key, key) != 0)
        it = it->chain;
    return it;
}

static void unlist(mlc_id_cache *c, item *it)
{
    *(it->newer != NULL ? &it->newer->older : &c->newest) = it->older;
    *(it->older != NULL ? &it->older->newer : &c->oldest) = it->newer;
}

static void list_newest(mlc_id_cache *c, item *it)
{
    it->newer = NULL;
    it->older = c->newest;
    *(c->newest != NULL ? &c->newest->newer : &c->oldest) = it;
    c->newest = it;
}

static void drop(mlc_id_cache *c, item *it)
{
    item **at = &c->buckets[it->bucket];
    while (*at != it)
        at = &(*at)->chain;
    *at = it->chain;
    unlist(c, it);
    free(it);
    c->count--;
}

mlc_code mlc_id_cache_open(mlc_id_cache **out, size_t max, mlc_error *err)
{
    *out = NULL;
    mlc_id_cache *const c = calloc(1, sizeof *c);
    if (c != NULL) {
        c->max = max > 0 ? max : 1;
        c->bucket_count = c->max + c->max / 4 + 1;
        c->buckets = calloc(c->bucket_count, sizeof(item *));
    }
    if (c == NULL || c->buckets == NULL) {
        free(c);
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a cache of ids");
    }
    *out = c;
    return MLC_OK;
}

void mlc_id_cache_close(mlc_id_cache *cache)
{
    if (cache == NULL)
        return;
    while (cache->oldest != NULL)
        drop(cache, cache->oldest);
    free((void *)cache->buckets);
    free(cache);
}

void mlc_id_cache_put(mlc_id_cache *cache, const char *set, const char *key, const char *value,
                      const char *id)
{
    char whole[KEY_MAX];
    if (strlen(id) != MLC_UUID_TEXT_MAX - 1 || !make_key(whole, set, key, value))
        return;
    item *const old = find(cache, whole);
    if (old != NULL)
        drop(cache, old);
    else if (cache->count >= cache->max)
        drop(cache, cache->oldest);
    item *const it = calloc(1, sizeof *it + strlen(whole) + 1);
    if (it == NULL)
        return;
    mlc_strlcpy(it->id, id, sizeof it->id);
    memcpy(it->key, whole, strlen(whole) + 1);
    it->bucket = bucket_of(cache, whole);
    it->chain = cache->buckets[it->bucket];
    cache->buckets[it->bucket] = it;
    list_newest(cache, it);
    cache->count++;
}

const char *mlc_id_cache_get(mlc_id_cache *cache, const char *set, const char *key, const char *value)
{
    char whole[KEY_MAX];
    item *const it = make_key(whole, set, key, value) ? find(cache, whole) : NULL;
    if (it == NULL)
        return NULL;
    unlist(cache, it);
    list_newest(cache, it);
    return it->id;
}

void mlc_id_cache_forget(mlc_id_cache *cache, const char *set, const char *key, const char *value)
{
    char whole[KEY_MAX];
    item *const it = make_key(whole, set, key, value) ? find(cache, whole) : NULL;
    if (it != NULL)
        drop(cache, it);
}

void mlc_id_cache_forget_id(mlc_id_cache *cache, const char *id)
{
    item *next = NULL;
    for (item *it = cache->newest; it != NULL; it = next) {
        next = it->older;
        if (strcmp(it->id, id) == 0)
            drop(cache, it);
    }
}

size_t mlc_id_cache_count(const mlc_id_cache *cache)
{
    return cache->count;
}
