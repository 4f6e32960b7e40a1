/* args.c - see args.h. */
#include "cli/args.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { POSITIONS_MAX = 3, TTL_DEFAULT_S = 3600, TTL_MAX_S = 7 * 24 * 3600 };

const char *mlctl_help(void)
{
    return "mlctl - look after a running ml-agent or ml-relay\n"
           "\n"
           "usage: mlctl [--socket PATH | --url http://127.0.0.1:PORT] [--json] COMMAND\n"
           "\n"
           "  status                                state of the program and its streams\n"
           "  parked [--store S] [--stream N]       entries that wait for a decision\n"
           "  show STORE STREAM SEQ                 one entry with payload and history\n"
           "  retry STORE STREAM SEQ                deliver a parked entry again\n"
           "  retry STORE STREAM --all              deliver all parked entries of a stream again\n"
           "  dismiss STORE STREAM SEQ --reason TEXT  end a parked entry without delivery\n"
           "  audit [--store S] [--key K] [--from N]  the audit trail, oldest first\n"
           "  audit verify [--store S]              check the chain of the audit trail\n"
           "\n"
           "on the agent:\n"
           "  flows                                 the flows from JDE: state, last and next run, progress\n"
           "  poll [FLOW]                           run a flow now, or all of them\n"
           "\n"
           "on the relay:\n"
           "  agents                                the agents it knows\n"
           "  enroll-token TENANT AGENT [--ttl 1h]  a token with which an agent enrols once\n"
           "  revoke TENANT AGENT                   shut an agent out\n"
           "  compare [KIND] [--store T] [--dry]    compare all records of JDE and Dynamics, and heal what "
           "differs\n"
           "  compare --report                      what the last comparison found\n"
           "\n"
           "without a running program:\n"
           "  map check FILE...                     say all that is wrong with mapping files\n"
           "  map test --map FILE | --kind KIND     map a record of a file and show what comes out\n"
           "  map show KIND                         print a built-in mapping\n"
           "\n"
           "options:\n"
           "  --socket PATH  admin socket; else $MLC_ADMIN_SOCKET, else " MLCTL_SOCKET_DEFAULT "\n"
           "  --url URL      loopback address of the admin port instead of a socket\n"
           "  --json         the program's answer as it came\n"
           "  --help, --version\n"
           "\n"
           "exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 the program cannot be reached\n"
           "Decisions are written into the audit trail under the name in $SUDO_USER or $USER.\n";
}

/* ---- commands ---- */

static const struct command_row {
    const char *word;
    mlctl_command command;
    unsigned positions; /* that must follow */
    const char *usage;
} commands[] = {
    {"status", MLCTL_STATUS, 0, "mlctl status"},
    {"parked", MLCTL_PARKED, 0, "mlctl parked [--store S] [--stream N]"},
    {"show", MLCTL_SHOW, 3, "mlctl show STORE STREAM SEQ"},
    {"retry", MLCTL_RETRY, 3, "mlctl retry STORE STREAM SEQ, or: mlctl retry STORE STREAM --all"},
    {"dismiss", MLCTL_DISMISS, 3, "mlctl dismiss STORE STREAM SEQ --reason TEXT"},
    {"audit", MLCTL_AUDIT, 0, "mlctl audit [--store S] [--key K] [--from N]"},
    {"verify", MLCTL_AUDIT_VERIFY, 0, "mlctl audit verify [--store S]"}, /* found as "audit verify" only */
    {"enroll-token", MLCTL_ENROLL_TOKEN, 2, "mlctl enroll-token TENANT AGENT [--ttl 1h]"},
    {"revoke", MLCTL_REVOKE, 2, "mlctl revoke TENANT AGENT"},
    {"agents", MLCTL_AGENTS, 0, "mlctl agents"},
    {"flows", MLCTL_FLOWS, 0, "mlctl flows"},
    {"poll", MLCTL_POLL, 0, "mlctl poll [FLOW]"}, /* one word may follow */
    {"compare", MLCTL_COMPARE, 0, "mlctl compare [KIND] [--store T] [--dry], or: mlctl compare --report"},
};

static const struct command_row *command_by(mlctl_command command)
{
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (commands[i].command == command)
            return &commands[i];
    return NULL;
}

static mlc_code wrong(const mlctl_args *args, const char *what, mlc_error *err)
{
    const struct command_row *const row = command_by(args->command);
    return mlc_fail(err, MLC_E_INVALID, "%s; usage: %s", what, row != NULL ? row->usage : "mlctl --help");
}

/* ---- values ---- */

static mlc_code take_number(const char *name, const char *text, uint64_t *out, mlc_error *err)
{
    char *end = NULL;
    errno = 0;
    *out = strtoull(text, &end, 10);
    if (text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && *out > 0)
        return MLC_OK;
    return mlc_fail(err, MLC_E_INVALID, "%s: \"%.40s\" is no number of an entry; give a whole number from 1",
                    name, text);
}

/* "90s" "30m" "1h" "2d"; a bare number means seconds. */
static mlc_code take_ttl(const char *text, int64_t *out, mlc_error *err)
{
    static const struct {
        const char *unit;
        int64_t seconds;
    } units[] = {{"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
    char *end = NULL;
    errno = 0;
    const long value = strtol(text, &end, 10);
    for (size_t i = 0; text[0] >= '0' && text[0] <= '9' && errno == 0 && i < sizeof units / sizeof units[0];
         i++) {
        if (strcmp(end, units[i].unit) != 0 || value < 1 || value > TTL_MAX_S / units[i].seconds)
            continue;
        *out = value * units[i].seconds;
        return MLC_OK;
    }
    return mlc_fail(err, MLC_E_INVALID, "--ttl: \"%.40s\" is no time from 1s to 7d; write it like 30m or 1h",
                    text);
}

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Plain HTTP goes no further than this machine. */
static mlc_code take_url(const char *text, mlctl_args *args, mlc_error *err)
{
    static const char *const allowed[] = {"http://127.0.0.1", "http://localhost", "http://[::1]"};
    args->url = text;
    /* "http://127.0.0.1:1@elsewhere" goes elsewhere. */
    if (strchr(text, '@') != NULL)
        return mlc_fail(err, MLC_E_INVALID, "--url: must not hold a user name");
    if (starts_with(text, "https://") && text[strlen("https://")] != '\0')
        return MLC_OK;
    for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++) {
        const char *const rest = text + strlen(allowed[i]);
        if (starts_with(text, allowed[i]) && (*rest == '\0' || *rest == ':' || *rest == '/'))
            return MLC_OK;
    }
    return mlc_fail(err, MLC_E_INVALID, "--url: must be http://127.0.0.1:PORT (or an https:// address)");
}

/* ---- options ---- */

typedef enum option_id {
    OPT_SOCKET,
    OPT_URL,
    OPT_STORE,
    OPT_STREAM,
    OPT_KEY,
    OPT_FROM,
    OPT_REASON,
    OPT_TTL
} option_id;

static unsigned bit(mlctl_command command)
{
    return 1U << (unsigned)command;
}

/* Commands an option with a value belongs to. */
static unsigned commands_of(option_id id)
{
    switch (id) {
    case OPT_STORE:
        return bit(MLCTL_PARKED) | bit(MLCTL_AUDIT) | bit(MLCTL_AUDIT_VERIFY) | bit(MLCTL_COMPARE);
    case OPT_STREAM:
        return bit(MLCTL_PARKED);
    case OPT_KEY:
    case OPT_FROM:
        return bit(MLCTL_AUDIT);
    case OPT_REASON:
        return bit(MLCTL_DISMISS);
    case OPT_TTL:
        return bit(MLCTL_ENROLL_TOKEN);
    default:
        return ~0U;
    }
}

typedef struct parse_state {
    mlctl_args *args;
    unsigned given; /* option ids */
    const char *words[POSITIONS_MAX + 2];
    size_t word_count;
    bool help, version;
} parse_state;

static mlc_code take_option(parse_state *p, option_id id, const char *value, mlc_error *err)
{
    mlctl_args *const args = p->args;
    p->given |= 1U << (unsigned)id;
    switch (id) {
    case OPT_SOCKET:
        args->socket = value;
        return MLC_OK;
    case OPT_URL:
        return take_url(value, args, err);
    case OPT_STORE:
        args->store = value;
        return MLC_OK;
    case OPT_STREAM:
        args->stream = value;
        return MLC_OK;
    case OPT_KEY:
        args->key = value;
        return MLC_OK;
    case OPT_FROM:
        return take_number("--from", value, &args->from, err);
    case OPT_REASON:
        args->reason = value;
        return MLC_OK;
    case OPT_TTL:
        return take_ttl(value, &args->ttl_s, err);
    }
    return MLC_OK;
}

static const char *const option_names[] = {
    [OPT_SOCKET] = "--socket", [OPT_URL] = "--url",   [OPT_STORE] = "--store",   [OPT_STREAM] = "--stream",
    [OPT_KEY] = "--key",       [OPT_FROM] = "--from", [OPT_REASON] = "--reason", [OPT_TTL] = "--ttl"};
enum { OPTION_COUNT = sizeof option_names / sizeof option_names[0] };

static bool take_flag(parse_state *p, const char *word)
{
    if (strcmp(word, "--json") == 0)
        p->args->json = true;
    else if (strcmp(word, "--all") == 0)
        p->args->all = true;
    else if (strcmp(word, "--dry") == 0)
        p->args->dry = true;
    else if (strcmp(word, "--report") == 0)
        p->args->report = true;
    else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
        p->help = true;
    else if (strcmp(word, "--version") == 0)
        p->version = true;
    else
        return false;
    return true;
}

/* One word and, for an option, its value. *at moves on. */
static mlc_code take_word(parse_state *p, int argc, char *const *argv, int *at, mlc_error *err)
{
    const char *const word = argv[(*at)++];
    if (take_flag(p, word))
        return MLC_OK;
    if (!starts_with(word, "-") || word[1] == '\0') {
        if (p->word_count >= sizeof p->words / sizeof p->words[0])
            return mlc_fail(err, MLC_E_INVALID, "too many words from \"%.40s\" on; see mlctl --help", word);
        p->words[p->word_count++] = word;
        return MLC_OK;
    }
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const size_t len = strlen(option_names[i]);
        if (!starts_with(word, option_names[i]) || (word[len] != '\0' && word[len] != '='))
            continue;
        const char *value = word[len] == '=' ? word + len + 1 : NULL;
        if (value == NULL && *at < argc)
            value = argv[(*at)++];
        if (value == NULL || value[0] == '\0')
            return mlc_fail(err, MLC_E_INVALID, "%s: its value is missing", option_names[i]);
        return take_option(p, (option_id)i, value, err);
    }
    return mlc_fail(err, MLC_E_INVALID, "option \"%.40s\" is not known; see mlctl --help", word);
}

/* ---- the whole ---- */

static mlc_code take_command(parse_state *p, size_t *used, mlc_error *err)
{
    if (p->help || p->version) {
        p->args->command = p->help ? MLCTL_HELP : MLCTL_VERSION;
        return MLC_OK;
    }
    if (p->word_count == 0)
        return mlc_fail(err, MLC_E_INVALID, "what is to be done? see mlctl --help");
    *used = 1;
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(p->words[0], commands[i].word) != 0 || commands[i].command == MLCTL_AUDIT_VERIFY)
            continue;
        p->args->command = commands[i].command;
        if (p->args->command == MLCTL_AUDIT && p->word_count > 1 && strcmp(p->words[1], "verify") == 0) {
            p->args->command = MLCTL_AUDIT_VERIFY;
            *used = 2;
        }
        return MLC_OK;
    }
    return mlc_fail(err, MLC_E_INVALID, "command \"%.40s\" is not known; see mlctl --help", p->words[0]);
}

static mlc_code take_positions(parse_state *p, size_t used, mlc_error *err)
{
    mlctl_args *const args = p->args;
    const struct command_row *const row = command_by(args->command);
    const size_t given = p->word_count - used;
    const size_t needed = row->positions - (args->all ? 1 : 0);
    if (args->all && args->command != MLCTL_RETRY)
        return wrong(args, "--all does not belong here", err);
    if ((args->dry || args->report) && args->command != MLCTL_COMPARE)
        return wrong(args, args->dry ? "--dry does not belong here" : "--report does not belong here", err);
    if (args->command == MLCTL_POLL && given == 1) {
        args->flow = p->words[used];
        return MLC_OK;
    }
    if (args->command == MLCTL_COMPARE && given == 1 && !args->report) {
        args->kind = p->words[used];
        return MLC_OK;
    }
    if (given < needed)
        return wrong(args, "something is missing", err);
    if (given > needed)
        return wrong(args, args->all ? "give either an entry's number or --all" : "there is too much", err);
    if (needed == 0)
        return MLC_OK;
    const char *const *const words = p->words + used;
    if (args->command == MLCTL_ENROLL_TOKEN || args->command == MLCTL_REVOKE) {
        args->tenant = words[0];
        args->agent = words[1];
        return MLC_OK;
    }
    args->store = words[0];
    args->stream = words[1];
    return args->all ? MLC_OK : take_number("SEQ", words[2], &args->seq, err);
}

static mlc_code check_options(const parse_state *p, mlc_error *err)
{
    const mlctl_args *const args = p->args;
    char text[80];
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if ((p->given & (1U << i)) == 0 || (commands_of((option_id)i) & bit(args->command)) != 0)
            continue;
        mlc_strlcpy(text, option_names[i], sizeof text);
        mlc_strlcpy(text + strlen(text), " does not belong here", sizeof text - strlen(text));
        return wrong(args, text, err);
    }
    if (args->command == MLCTL_DISMISS && args->reason == NULL)
        return wrong(args, "--reason is missing: say why it needs not be delivered", err);
    if (args->command == MLCTL_PARKED && args->stream != NULL && args->store == NULL)
        return wrong(args, "--stream needs --store as well", err);
    if (args->socket != NULL && args->url != NULL)
        return mlc_fail(err, MLC_E_INVALID, "give either --socket or --url");
    return MLC_OK;
}

static bool is_set(const char *text)
{
    return text != NULL && text[0] != '\0';
}

mlc_code mlctl_args_parse(int argc, char *const *argv, const mlctl_env *env, mlctl_args *out, mlc_error *err)
{
    *out = (mlctl_args){.command = MLCTL_HELP, .from = 1, .ttl_s = TTL_DEFAULT_S};
    parse_state p = {.args = out};
    size_t used = 0;
    for (int at = 1; at < argc;) {
        const mlc_code code = take_word(&p, argc, argv, &at, err);
        if (code != MLC_OK)
            return code;
    }
    mlc_code code = take_command(&p, &used, err);
    if (code != MLC_OK || out->command == MLCTL_HELP || out->command == MLCTL_VERSION)
        return code;
    code = take_positions(&p, used, err);
    if (code == MLC_OK)
        code = check_options(&p, err);
    if (out->socket == NULL && out->url == NULL)
        out->socket = is_set(env->socket) ? env->socket : MLCTL_SOCKET_DEFAULT;
    out->person = is_set(env->sudo_user) ? env->sudo_user : is_set(env->user) ? env->user : "unknown";
    return code;
}
