/* map_lua_lib.c - the functions that expressions may use; docs/mapping.md lists them.
 *
 * Of Lua's own library only what ends in a time bound to its input: no patterns, no rep, no format, and nothing whose
 * answer depends on addresses or the order of a hash table.
 */
#include "map/map_lua_private.h"

#include <ctype.h>
#include <lauxlib.h>
#include <lualib.h>
#include <string.h>

enum { PAD_MAX = 4000, PIECES_MAX = 1000 };

/* ---- dec: exact decimals as texts ---- */

static mlc_decimal check_decimal(lua_State *state, int arg)
{
    mlc_decimal value = {0};
    mlc_error err;
    mlc_error_clear(&err);
    if (lua_type(state, arg) == LUA_TNUMBER && !lua_isinteger(state, arg))
        (void)luaL_error(state, "a number with a point is not exact; write it in quotes");
    if (mlc_decimal_parse(luaL_checkstring(state, arg), &value, &err) != MLC_OK)
        (void)luaL_error(state, "%s", err.message);
    return value;
}

static int push_decimal(lua_State *state, mlc_decimal value)
{
    char text[MLC_DECIMAL_TEXT_MAX];
    lua_pushstring(state, mlc_decimal_text(value, text));
    return 1;
}

typedef mlc_code (*decimal_fn)(mlc_decimal a, mlc_decimal b, mlc_decimal *out, mlc_error *err);

static int calculate(lua_State *state, decimal_fn fn)
{
    mlc_decimal result = {0};
    mlc_error err;
    mlc_error_clear(&err);
    if (fn(check_decimal(state, 1), check_decimal(state, 2), &result, &err) != MLC_OK)
        return luaL_error(state, "%s", err.message);
    return push_decimal(state, result);
}

static int dec_add(lua_State *state)
{
    return calculate(state, mlc_decimal_add);
}

static int dec_sub(lua_State *state)
{
    return calculate(state, mlc_decimal_sub);
}

static int dec_mul(lua_State *state)
{
    return calculate(state, mlc_decimal_mul);
}

static int dec_cmp(lua_State *state)
{
    lua_pushinteger(state, mlc_decimal_cmp(check_decimal(state, 1), check_decimal(state, 2)));
    return 1;
}

/* dec.round(a, decimals [, "half-up" | "half-even" | "fault"]) */
static int dec_round(lua_State *state)
{
    static const char *const names[] = {"fault", "half-up", "half-even", NULL};
    const lua_Integer scale = luaL_checkinteger(state, 2);
    const int how = luaL_checkoption(state, 3, "half-up", names);
    mlc_decimal result = {0};
    mlc_error err;
    mlc_error_clear(&err);
    luaL_argcheck(state, scale >= 0 && scale <= MLC_DECIMAL_SCALE_MAX, 2, "0 to 18 decimals");
    if (mlc_decimal_rescale(check_decimal(state, 1), (unsigned)scale, (mlc_rounding)how, &result, &err) !=
        MLC_OK)
        return luaL_error(state, "%s", err.message);
    return push_decimal(state, result);
}

static int dec_plain(lua_State *state)
{
    return push_decimal(state, mlc_decimal_normalize(check_decimal(state, 1)));
}

static const luaL_Reg dec_functions[] = {{"add", dec_add}, {"sub", dec_sub},     {"mul", dec_mul},
                                         {"cmp", dec_cmp}, {"round", dec_round}, {"plain", dec_plain},
                                         {NULL, NULL}};

/* ---- texts ---- */

/* trim(text): without blanks on either side; nil gives "". */
static int fn_trim(lua_State *state)
{
    size_t len = 0;
    const char *text = luaL_optlstring(state, 1, "", &len);
    while (len > 0 && isspace((unsigned char)text[0])) {
        text++;
        len--;
    }
    while (len > 0 && isspace((unsigned char)text[len - 1]))
        len--;
    lua_pushlstring(state, text, len);
    return 1;
}

/* blank(text): nil, or nothing but blanks. */
static int fn_blank(lua_State *state)
{
    const char *const text = luaL_optstring(state, 1, "");
    lua_pushboolean(state, text[strspn(text, " \t\r\n")] == '\0');
    return 1;
}

/* starts(text, with), ends(text, with), has(text, part): true or false. */
static int fn_starts(lua_State *state)
{
    const char *const with = luaL_checkstring(state, 2);
    lua_pushboolean(state, strncmp(luaL_optstring(state, 1, ""), with, strlen(with)) == 0);
    return 1;
}

static int fn_ends(lua_State *state)
{
    size_t len = 0;
    size_t with_len = 0;
    const char *const text = luaL_optlstring(state, 1, "", &len);
    const char *const with = luaL_checklstring(state, 2, &with_len);
    lua_pushboolean(state, with_len <= len && memcmp(text + len - with_len, with, with_len) == 0);
    return 1;
}

static int fn_has(lua_State *state)
{
    lua_pushboolean(state, strstr(luaL_optstring(state, 1, ""), luaL_checkstring(state, 2)) != NULL);
    return 1;
}

/* digits(text): only its digits. */
static int fn_digits(lua_State *state)
{
    luaL_Buffer out;
    const char *const text = luaL_optstring(state, 1, "");
    luaL_buffinit(state, &out);
    for (const char *p = text; *p != '\0'; p++)
        if (*p >= '0' && *p <= '9')
            luaL_addchar(&out, *p);
    luaL_pushresult(&out);
    return 1;
}

/* replace(text, part, with): every occurrence, as it is written. */
static int fn_replace(lua_State *state)
{
    luaL_Buffer out;
    const char *text = luaL_optstring(state, 1, "");
    const char *const part = luaL_checkstring(state, 2);
    const char *const with = luaL_checkstring(state, 3);
    const char *hit = NULL;
    luaL_argcheck(state, *part != '\0', 2, "must not be empty");
    luaL_buffinit(state, &out);
    while ((hit = strstr(text, part)) != NULL) {
        luaL_addlstring(&out, text, (size_t)(hit - text));
        luaL_addstring(&out, with);
        text = hit + strlen(part);
    }
    luaL_addstring(&out, text);
    luaL_pushresult(&out);
    return 1;
}

/* split(text, separator): a list of the pieces; without a separator, of the words. */
static int fn_split(lua_State *state)
{
    const char *text = luaL_optstring(state, 1, "");
    const char *const separator = luaL_optstring(state, 2, " ");
    const bool words = lua_isnoneornil(state, 2);
    luaL_argcheck(state, *separator != '\0', 2, "must not be empty");
    lua_newtable(state);
    for (lua_Integer n = 1; n <= PIECES_MAX;) {
        const char *const hit = strstr(text, separator);
        const size_t len = hit != NULL ? (size_t)(hit - text) : strlen(text);
        if (!words || len > 0) {
            lua_pushlstring(state, text, len);
            lua_rawseti(state, -2, n++);
        }
        if (hit == NULL)
            return 1;
        text = hit + strlen(separator);
    }
    return luaL_error(state, "more than %d pieces", PIECES_MAX);
}

/* pad(text, width [, with [, "left" | "right"]]) */
static int fn_pad(lua_State *state)
{
    static const char *const sides[] = {"left", "right", NULL};
    luaL_Buffer out;
    size_t len = 0;
    const char *const text = luaL_optlstring(state, 1, "", &len);
    const lua_Integer width = luaL_checkinteger(state, 2);
    const char *const with = luaL_optstring(state, 3, " ");
    const bool left = luaL_checkoption(state, 4, "left", sides) == 0;
    luaL_argcheck(state, width >= 0 && width <= PAD_MAX, 2, "0 to 4000 characters");
    luaL_argcheck(state, strlen(with) == 1, 3, "a single plain character");
    luaL_buffinit(state, &out);
    if (!left)
        luaL_addlstring(&out, text, len);
    for (size_t n = len; n < (size_t)width; n++)
        luaL_addchar(&out, with[0]);
    if (left)
        luaL_addlstring(&out, text, len);
    luaL_pushresult(&out);
    return 1;
}

/* Only what prints the same on every run. */
static int fn_tostring(lua_State *state)
{
    const int type = lua_type(state, 1);
    if (type == LUA_TTABLE || type == LUA_TFUNCTION || type == LUA_TUSERDATA || type == LUA_TTHREAD)
        return luaL_error(state, "a %s has no text", lua_typename(state, type));
    (void)luaL_tolstring(state, 1, NULL);
    return 1;
}

/* ---- the record ---- */

/* get(path): the text there; nil when there is none. */
static int fn_get(lua_State *state)
{
    const char *const text = luaL_checkstring(state, 1);
    const map_lua *const lua = map_lua_of(state);
    char reason[MLC_CFG_REASON_MAX];
    map_path path;
    const cJSON *node = NULL;
    const bool good = map_path_parse(&path, text, reason);
    const map_presence presence =
        good && lua->scope != NULL ? map_path_find(&path, lua->scope, &node) : MAP_ABSENT;
    map_path_free(&path); /* before anything that may jump out */
    if (!good)
        return luaL_error(state, "%s", reason);
    lua_pushstring(state, presence == MAP_HERE ? map_node_text(node) : NULL);
    return 1;
}

/* code(table, text): its value in a code table of the file; nil when it has none. */
static int fn_code(lua_State *state)
{
    const char *const name = luaL_checkstring(state, 1);
    const map_table *const table = map_table_by_name(map_lua_of(state)->map, name);
    if (table == NULL)
        return luaL_error(state, "table \"%s\" is not defined", name);
    lua_pushstring(state, map_table_find(table, luaL_optstring(state, 2, "")));
    return 1;
}

static const luaL_Reg own_functions[] = {
    {"trim", fn_trim}, {"blank", fn_blank},       {"starts", fn_starts},   {"ends", fn_ends},
    {"has", fn_has},   {"digits", fn_digits},     {"replace", fn_replace}, {"split", fn_split},
    {"pad", fn_pad},   {"tostring", fn_tostring}, {"get", fn_get},         {"code", fn_code},
    {NULL, NULL}};

/* ---- the environment ---- */

static int refuse_write(lua_State *state)
{
    return luaL_error(state, "names outside of an expression cannot be set; write local before it");
}

/* Replaces the table on the top by an empty one that shows it and refuses changes. */
static void make_read_only(lua_State *state)
{
    lua_newtable(state);
    lua_createtable(state, 0, 2);
    lua_pushvalue(state, -3);
    lua_setfield(state, -2, "__index");
    lua_pushcfunction(state, refuse_write);
    lua_setfield(state, -2, "__newindex");
    (void)lua_setmetatable(state, -2);
    lua_remove(state, -2);
}

/* Copies members of the table at -1 by name into a new table, which takes its place. */
static void keep_only(lua_State *state, const char *const *names)
{
    lua_newtable(state);
    for (size_t i = 0; names[i] != NULL; i++) {
        lua_getfield(state, -2, names[i]);
        lua_setfield(state, -2, names[i]);
    }
    lua_remove(state, -2);
}

void map_lua_push_environment(lua_State *state)
{
    static const char *const strings[] = {"byte", "char", "len", "lower", "reverse", "sub", "upper", NULL};
    static const char *const maths[] = {"abs",  "max",        "min",        "tointeger",
                                        "type", "maxinteger", "mininteger", NULL};
    static const char *const tables[] = {"insert", "remove", "sort", NULL};
    static const char *const basics[] = {"assert", "error", "ipairs", "select", "tonumber", "type", NULL};

    /* luaopen_string also gives texts their methods: those are replaced by what is kept. */
    luaL_requiref(state, LUA_GNAME, luaopen_base, 0);
    keep_only(state, basics);
    luaL_setfuncs(state, own_functions, 0);
    luaL_requiref(state, LUA_STRLIBNAME, luaopen_string, 0);
    keep_only(state, strings);
    lua_pushliteral(state, "");
    (void)lua_getmetatable(state, -1);
    lua_pushvalue(state, -3);
    lua_setfield(state, -2, "__index");
    lua_pop(state, 2);
    make_read_only(state);
    lua_setfield(state, -2, LUA_STRLIBNAME);
    luaL_requiref(state, LUA_MATHLIBNAME, luaopen_math, 0);
    keep_only(state, maths);
    make_read_only(state);
    lua_setfield(state, -2, LUA_MATHLIBNAME);
    luaL_requiref(state, LUA_TABLIBNAME, luaopen_table, 0);
    keep_only(state, tables);
    make_read_only(state);
    lua_setfield(state, -2, LUA_TABLIBNAME);
    luaL_newlib(state, dec_functions);
    make_read_only(state);
    lua_setfield(state, -2, "dec");
    make_read_only(state);
}
