/* map_lua.c - expressions of a mapping, in Lua inside a sandbox.
 *
 * Every call into Lua that may raise an error runs under lua_pcall, so that lack of memory, too many instructions or a
 * mistake in an expression is an answer and never the end of the program. Expressions have no globals to write to and see
 * nothing that differs from run to run (no clock, no addresses, no order of hash tables): equal records give equal output.
 */
#include "map/map_lua_private.h"

#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

map_lua *map_lua_of(lua_State *state)
{
    return *(map_lua **)lua_getextraspace(state);
}

/* Lua's allocator, with a ceiling. Freeing and shrinking never fail. */
static void *allocate(void *user, void *old, size_t old_size, size_t new_size)
{
    map_lua *const lua = user;
    const size_t had = old != NULL ? old_size : 0;
    if (new_size == 0) {
        free(old);
        lua->used -= had;
        return NULL;
    }
    if (new_size > had && lua->used + (new_size - had) > MAP_LUA_MEMORY_MAX)
        return NULL;
    void *const memory = realloc(old, new_size);
    if (memory != NULL) {
        lua->used = lua->used - had + new_size;
        lua->churn += new_size;
    }
    return memory;
}

static void count_instructions(lua_State *state, lua_Debug *debug)
{
    (void)debug;
    map_lua *const lua = map_lua_of(state);
    lua->spent += MAP_LUA_STEP;
    if (lua->spent > MAP_LUA_INSTRUCTIONS_MAX)
        (void)luaL_error(state, "runs too long: more than %d steps", MAP_LUA_INSTRUCTIONS_MAX);
    if (lua->churn > MAP_LUA_CHURN_MAX)
        (void)luaL_error(state, "runs too long: it makes more than %d bytes of text", MAP_LUA_CHURN_MAX);
}

static int open_environment(lua_State *state)
{
    map_lua_push_environment(state);
    lua_rawsetp(state, LUA_REGISTRYINDEX, map_lua_of(state));
    return 0;
}

map_lua *map_lua_new(const mlc_map *map)
{
    map_lua *const lua = calloc(1, sizeof *lua);
    if (lua == NULL)
        return NULL;
    lua->map = map;
    lua->state = lua_newstate(allocate, lua);
    if (lua->state == NULL) {
        free(lua);
        return NULL;
    }
    *(map_lua **)lua_getextraspace(lua->state) = lua;
    lua_pushcfunction(lua->state, open_environment);
    if (lua_pcall(lua->state, 0, 0, 0) != LUA_OK) {
        map_lua_free(lua);
        return NULL;
    }
    lua_sethook(lua->state, count_instructions, LUA_MASKCOUNT, MAP_LUA_STEP);
    return lua;
}

void map_lua_free(map_lua *lua)
{
    if (lua == NULL)
        return;
    lua_close(lua->state);
    free(lua);
}

/* Lua's own words without the chunk's name; `line` from "expression:3:". Pops the message. */
static void take_message(lua_State *state, char reason[MLC_CFG_REASON_MAX], unsigned *line)
{
    static const char chunk[] = "expression:";
    const char *text =
        lua_type(state, -1) == LUA_TSTRING ? lua_tostring(state, -1) : "an error without a text";
    *line = 1;
    if (strncmp(text, chunk, sizeof chunk - 1) == 0) {
        char *end = NULL;
        *line = (unsigned)strtoul(text + sizeof chunk - 1, &end, 10);
        text = *end == ':' ? end + 1 : end;
        text += *text == ' ' ? 1 : 0;
    }
    mlc_strlcpy(reason, text, MLC_CFG_REASON_MAX);
    reason[mlc_utf8_prefix(reason, strlen(reason))] = '\0';
    lua_pop(state, 1);
}

/* ---- compiling ---- */

typedef struct compiling {
    const char *text;
    int chunk;
} compiling;

/* As an expression, or else as statements that end with `return`; on the first line, so that Lua counts lines rightly. */
static int compile_protected(lua_State *state)
{
    compiling *const job = lua_touserdata(state, 1);
    const char *const heads[] = {"local value = ...; return ", "local value = ...; "};
    lua_settop(state, 1);
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        lua_pushfstring(state, "%s%s", heads[i], job->text);
        size_t len = 0;
        const char *const source = lua_tolstring(state, -1, &len);
        if (luaL_loadbufferx(state, source, len, "=expression", "t") != LUA_OK)
            continue; /* its message stays on the stack, at 3 for the first try */
        lua_rawgetp(state, LUA_REGISTRYINDEX, map_lua_of(state));
        (void)lua_setupvalue(state, -2, 1); /* _ENV */
        job->chunk = luaL_ref(state, LUA_REGISTRYINDEX);
        return 0;
    }
    const bool statements = strstr(job->text, "return") != NULL;
    lua_pushvalue(state, statements ? -1 : 3);
    return lua_error(state);
}

int map_lua_compile(map_lua *lua, const char *expression, char reason[MLC_CFG_REASON_MAX], unsigned *line)
{
    compiling job = {.text = expression};
    *line = 1;
    if (strlen(expression) > MAP_LUA_EXPRESSION_MAX || strspn(expression, " \t\r\n") == strlen(expression)) {
        (void)snprintf(reason, MLC_CFG_REASON_MAX, "it is %s",
                       *expression != '\0' ? "too long or blank" : "empty");
        return 0;
    }
    lua->spent = 0;
    lua->churn = 0;
    lua_pushcfunction(lua->state, compile_protected);
    lua_pushlightuserdata(lua->state, &job);
    if (lua_pcall(lua->state, 1, 0, 0) == LUA_OK)
        return job.chunk;
    take_message(lua->state, reason, line);
    return 0;
}

/* ---- running ---- */

typedef struct running {
    int chunk;
    const char *value;
    map_lua_kind kind;
    mlc_buf *out;
} running;

/* Numbers go out as exact texts: what has a part behind the point passed through binary and is not exact. */
static int take_number(lua_State *state, running *job)
{
    if (lua_isinteger(state, -1) == 0)
        return luaL_error(
            state,
            "gives a number that is not whole and so not exact; calculate with dec.add, dec.mul and the "
            "like, on texts");
    if (mlc_buf_printf(job->out, NULL, "%lld", (long long)lua_tointeger(state, -1)) != MLC_OK)
        return luaL_error(state, "no memory for the result");
    job->kind = MAP_LUA_TEXT;
    return 0;
}

static int take_text(lua_State *state, running *job)
{
    size_t len = 0;
    const char *const text = lua_tolstring(state, -1, &len);
    if (!mlc_utf8_valid(text, len))
        return luaL_error(state, "gives a text that is not UTF-8");
    if (mlc_buf_append(job->out, text, len, NULL) != MLC_OK)
        return luaL_error(state, "gives a text that is too long");
    job->kind = MAP_LUA_TEXT;
    return 0;
}

static int run_protected(lua_State *state)
{
    running *const job = lua_touserdata(state, 1);
    lua_rawgeti(state, LUA_REGISTRYINDEX, job->chunk);
    lua_pushstring(state, job->value); /* NULL: nil */
    lua_call(state, 1, 1);
    switch (lua_type(state, -1)) {
    case LUA_TNIL:
        job->kind = MAP_LUA_NIL;
        return 0;
    case LUA_TBOOLEAN:
        job->kind = lua_toboolean(state, -1) != 0 ? MAP_LUA_TRUE : MAP_LUA_FALSE;
        return 0;
    case LUA_TNUMBER:
        return take_number(state, job);
    case LUA_TSTRING:
        return take_text(state, job);
    default:
        return luaL_error(state, "gives a %s; it must give a text, a whole number, true, false or nil",
                          luaL_typename(state, -1));
    }
}

bool map_lua_run(map_lua *lua, int chunk, const char *value, const map_scope *scope, map_lua_kind *kind,
                 mlc_buf *out, char reason[MLC_CFG_REASON_MAX])
{
    running job = {.chunk = chunk, .value = value, .out = out};
    unsigned line = 0;
    lua->spent = 0;
    lua->churn = 0;
    lua->scope = scope;
    out->max = MLC_MAP_VALUE_MAX;
    mlc_buf_clear(out);
    lua_pushcfunction(lua->state, run_protected);
    lua_pushlightuserdata(lua->state, &job);
    const int status = lua_pcall(lua->state, 1, 0, 0);
    lua->scope = NULL;
    *kind = job.kind;
    if (status == LUA_OK)
        return true;
    take_message(lua->state, reason, &line);
    return false;
}
