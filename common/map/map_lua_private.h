/* map_lua_private.h - what map_lua.c and map_lua_lib.c share. */
#ifndef MLC_MAP_MAP_LUA_PRIVATE_H
#define MLC_MAP_MAP_LUA_PRIVATE_H

#include "map/map_private.h"

#include <lua.h>

enum {
    MAP_LUA_MEMORY_MAX = 2 << 20, /* bytes of one mapping's state */
    MAP_LUA_CHURN_MAX =
        32 << 20, /* bytes asked for by one expression, also when given back: bounds the time of copying */
    MAP_LUA_STEP = 1000,              /* instructions between two looks at the counter */
    MAP_LUA_INSTRUCTIONS_MAX = 50000, /* of one expression */
    MAP_LUA_EXPRESSION_MAX = 1 << 16
};

struct map_lua {
    lua_State *state;
    const mlc_map *map;
    size_t used;         /* bytes */
    unsigned long spent; /* instructions and, as churn, bytes asked for by the present expression */
    size_t churn;
    const map_scope *scope; /* of the run; NULL while none */
};

/* The context of a state. */
map_lua *map_lua_of(lua_State *state);
/* Leaves the environment of all expressions on the stack: the only names that they see, and read-only. */
void map_lua_push_environment(lua_State *state);

#endif
