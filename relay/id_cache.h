/* id_cache.h - remembers the ids of rows by what they are looked up by; the longest unused is forgotten first. Pure; one
 * thread at a time.
 */
#ifndef MLC_RELAY_ID_CACHE_H
#define MLC_RELAY_ID_CACHE_H

#include "base/error.h"
#include "crypto/crypto.h"

#include <stddef.h>

typedef struct mlc_id_cache mlc_id_cache;

mlc_code mlc_id_cache_open(mlc_id_cache **out, size_t max, mlc_error *err);
void mlc_id_cache_close(mlc_id_cache *cache);
/* Without memory nothing is remembered. An id that is no UUID's length is not taken. */
void mlc_id_cache_put(mlc_id_cache *cache, const char *set, const char *key, const char *value,
                      const char *id);
/* Borrowed until the next call; NULL: not known. */
const char *mlc_id_cache_get(mlc_id_cache *cache, const char *set, const char *key, const char *value);
void mlc_id_cache_forget(mlc_id_cache *cache, const char *set, const char *key, const char *value);
/* Forget the row with this id, whatever it was looked up by. */
void mlc_id_cache_forget_id(mlc_id_cache *cache, const char *id);
size_t mlc_id_cache_count(const mlc_id_cache *cache);

#endif
