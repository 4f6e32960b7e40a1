/* args.c - see args.h. */
#include "cli/args.h"

#include "base/clock.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POSITIONS_MAX = 3, TTL_DEFAULT_S = 3600, TTL_MAX_S = 7 * 24 * 3600, AGE_MAX_S = 3650 * 24 * 3600 };

/* ---- commands ---- */

static const struct command_row {
    const char *word, *second; /* `second`: of a command of two words, which stand before those of one */
    mlctl_command command;
    unsigned positions, positions_max; /* that must, and may, follow */
    const char *usage;
} commands[] = {
    {"audit", "verify", MLCTL_AUDIT_VERIFY, 0, 1,
     "mlctl audit verify [FILE | --dir STORE-FOLDER | --store S] [--head INDEX:HASH]"},
    {"audit", "export", MLCTL_AUDIT_EXPORT, 0, 0,
     "mlctl audit export --format jsonl|csv [--store S] [--from N|TIME] [--to N|TIME] [--key K | "
     "--correlation C] "
     "[--out FILE]"},
    {"audit", "redact", MLCTL_AUDIT_REDACT, 0, 0, "mlctl audit redact [--store S] --key K --reason TEXT"},
    {"xref", "rebuild", MLCTL_XREF_REBUILD, 0, 0, "mlctl xref rebuild [--store S]"},
    {"status", NULL, MLCTL_STATUS, 0, 0, "mlctl status"},
    {"parked", NULL, MLCTL_PARKED, 0, 0, "mlctl parked [--store S] [--stream N]"},
    {"show", NULL, MLCTL_SHOW, 3, 3, "mlctl show STORE STREAM SEQ"},
    {"retry", NULL, MLCTL_RETRY, 3, 3,
     "mlctl retry STORE STREAM SEQ [--refresh], or: mlctl retry STORE STREAM --all [--kind K] [--code C] "
     "[--older 1h] "
     "[--refresh]"},
    {"dismiss", NULL, MLCTL_DISMISS, 3, 3, "mlctl dismiss STORE STREAM SEQ --reason TEXT"},
    {"audit", NULL, MLCTL_AUDIT, 0, 0, "mlctl audit [--store S] [--key K | --correlation C] [--from N]"},
    {"xref", NULL, MLCTL_XREF, 1, 1, "mlctl xref SYSTEM/TABLE/ID [--store S]"},
    {"dry-run", NULL, MLCTL_DRY_RUN, 1, 1,
     "mlctl dry-run FLOW [--id ID,ID...] at the agent, mlctl dry-run KIND/ID [--store S] at the relay"},
    {"replay", NULL, MLCTL_REPLAY, 0, 0,
     "mlctl replay --audit N | --correlation C [--target URL] [--store S]"},
    {"enroll-token", NULL, MLCTL_ENROLL_TOKEN, 2, 2, "mlctl enroll-token TENANT AGENT [--ttl 1h]"},
    {"revoke", NULL, MLCTL_REVOKE, 2, 2, "mlctl revoke TENANT AGENT"},
    {"agents", NULL, MLCTL_AGENTS, 0, 0, "mlctl agents"},
    {"webhooks", NULL, MLCTL_WEBHOOKS, 1, 1, "mlctl webhooks TENANT [--verify|--repair]"},
    {"flows", NULL, MLCTL_FLOWS, 0, 0, "mlctl flows"},
    {"poll", NULL, MLCTL_POLL, 0, 1, "mlctl poll [FLOW]"},
    {"compare", NULL, MLCTL_COMPARE, 0, 1,
     "mlctl compare [KIND] [--store T] [--dry], or: mlctl compare --report"},
    {"backup", NULL, MLCTL_BACKUP, 1, 1, "mlctl backup FOLDER [--force], or: mlctl backup --verify FOLDER"},
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
    if (text == NULL)
        return mlc_fail(err, MLC_E_INVALID, "%s: its value is missing", name);
    errno = 0;
    *out = strtoull(text, &end, 10);
    if (text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && *out > 0)
        return MLC_OK;
    return mlc_fail(err, MLC_E_INVALID, "%s: \"%.40s\" is no number of an entry; give a whole number from 1",
                    name, text);
}

/* "90s" "30m" "1h" "2d"; a bare number means seconds. */
static mlc_code take_span(const char *name, const char *text, int64_t max, const char *most, int64_t *out,
                          mlc_error *err)
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
        if (strcmp(end, units[i].unit) != 0 || value < 1 || value > max / units[i].seconds)
            continue;
        *out = value * units[i].seconds;
        return MLC_OK;
    }
    return mlc_fail(err, MLC_E_INVALID, "%s: \"%.40s\" is no time from 1s to %s; write it like 30m or 1h",
                    name, text, most);
}

/* A number of an entry, or a time. */
static mlc_code take_place(const char *name, const char *text, uint64_t *index, const char **time,
                           mlc_error *err)
{
    int64_t ms = 0;
    if (strchr(text, '-') == NULL)
        return take_number(name, text, index, err);
    *time = text;
    if (mlc_iso_parse(text, &ms, err) == MLC_OK)
        return MLC_OK;
    return mlc_wrap(err, MLC_E_INVALID, "%s: \"%.40s\" is no time like 2026-11-23 or 2026-11-23T21:00:00Z",
                    name, text);
}

static mlc_code take_format(const char *text, bool *csv, mlc_error *err)
{
    *csv = strcmp(text, "csv") == 0;
    if (*csv || strcmp(text, "jsonl") == 0)
        return MLC_OK;
    return mlc_fail(err, MLC_E_INVALID, "--format: \"%.40s\" is not known; give jsonl or csv", text);
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
    OPT_TO,
    OPT_REASON,
    OPT_TTL,
    OPT_FORMAT,
    OPT_OUT,
    OPT_CORRELATION,
    OPT_HEAD,
    OPT_DIR,
    OPT_KIND,
    OPT_CODE,
    OPT_OLDER,
    OPT_ID,
    OPT_AUDIT,
    OPT_TARGET,
    OPTION_COUNT
} option_id;

#define BIT(command) (1U << (unsigned)(command))
#define TEXT(member) offsetof(mlctl_args, member)
enum { AUDITS = BIT(MLCTL_AUDIT) | BIT(MLCTL_AUDIT_EXPORT), TRIALS = BIT(MLCTL_DRY_RUN) | BIT(MLCTL_REPLAY) };

/* Each option with a value, and the commands it belongs to. */
static const struct option_row {
    const char *name;
    unsigned commands;
    size_t text; /* where its text goes in mlctl_args; 0: it is taken otherwise */
} options[OPTION_COUNT] = {
    [OPT_SOCKET] = {"--socket", ~0U, TEXT(socket)},
    [OPT_URL] = {"--url", ~0U, 0},
    [OPT_STORE] = {"--store",
                   AUDITS | BIT(MLCTL_PARKED) | BIT(MLCTL_AUDIT_VERIFY) | BIT(MLCTL_AUDIT_REDACT) |
                       BIT(MLCTL_XREF) | BIT(MLCTL_XREF_REBUILD) | BIT(MLCTL_COMPARE) | TRIALS,
                   TEXT(store)},
    [OPT_STREAM] = {"--stream", BIT(MLCTL_PARKED), TEXT(stream)},
    [OPT_KEY] = {"--key", AUDITS | BIT(MLCTL_AUDIT_REDACT), TEXT(key)},
    [OPT_FROM] = {"--from", AUDITS, 0},
    [OPT_TO] = {"--to", BIT(MLCTL_AUDIT_EXPORT), 0},
    [OPT_REASON] = {"--reason", BIT(MLCTL_DISMISS) | BIT(MLCTL_AUDIT_REDACT), TEXT(reason)},
    [OPT_TTL] = {"--ttl", BIT(MLCTL_ENROLL_TOKEN), 0},
    [OPT_FORMAT] = {"--format", BIT(MLCTL_AUDIT_EXPORT), 0},
    [OPT_OUT] = {"--out", BIT(MLCTL_AUDIT_EXPORT), TEXT(out_file)},
    [OPT_CORRELATION] = {"--correlation", AUDITS | BIT(MLCTL_REPLAY), TEXT(correlation)},
    [OPT_HEAD] = {"--head", BIT(MLCTL_AUDIT_VERIFY), TEXT(head)},
    [OPT_DIR] = {"--dir", BIT(MLCTL_AUDIT_VERIFY), TEXT(dir)},
    [OPT_KIND] = {"--kind", BIT(MLCTL_RETRY), TEXT(kind)},
    [OPT_CODE] = {"--code", BIT(MLCTL_RETRY), TEXT(code)},
    [OPT_OLDER] = {"--older", BIT(MLCTL_RETRY), 0},
    [OPT_ID] = {"--id", BIT(MLCTL_DRY_RUN), TEXT(ids)},
    [OPT_AUDIT] = {"--audit", BIT(MLCTL_REPLAY), 0},
    [OPT_TARGET] = {"--target", BIT(MLCTL_REPLAY), TEXT(target)},
};

typedef struct parse_state {
    mlctl_args *args;
    unsigned given; /* option ids */
    const char *words[POSITIONS_MAX + 2];
    size_t word_count;
    bool help, version;
} parse_state;

/* Options whose value is taken as it is. */
static const char **text_of(mlctl_args *args, option_id id)
{
    char *const base = (char *)args;
    return options[id].text > 0 ? (const char **)(void *)(base + options[id].text) : NULL;
}

static mlc_code take_option(parse_state *p, option_id id, const char *value, mlc_error *err)
{
    mlctl_args *const args = p->args;
    const char **const text = text_of(args, id);
    p->given |= 1U << (unsigned)id;
    if (text != NULL)
        *text = value;
    switch (id) {
    case OPT_URL:
        return take_url(value, args, err);
    case OPT_FROM:
        return take_place("--from", value, &args->from, &args->from_time, err);
    case OPT_TO:
        return take_place("--to", value, &args->to, &args->to_time, err);
    case OPT_TTL:
        return take_span("--ttl", value, TTL_MAX_S, "7d", &args->ttl_s, err);
    case OPT_AUDIT:
        return take_number("--audit", value, &args->seq, err);
    case OPT_OLDER:
        return take_span("--older", value, AGE_MAX_S, "3650d", &args->older_s, err);
    case OPT_FORMAT:
        return take_format(value, &args->csv, err);
    default:
        return MLC_OK;
    }
}

static bool take_flag(parse_state *p, const char *word)
{
    if (strcmp(word, "--json") == 0)
        p->args->json = true;
    else if (strcmp(word, "--all") == 0)
        p->args->all = true;
    else if (strcmp(word, "--repair") == 0)
        p->args->repair = true;
    else if (strcmp(word, "--verify") == 0)
        p->args->verify = true;
    else if (strcmp(word, "--force") == 0)
        p->args->force = true;
    else if (strcmp(word, "--refresh") == 0)
        p->args->refresh = true;
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
        const size_t len = strlen(options[i].name);
        if (!starts_with(word, options[i].name) || (word[len] != '\0' && word[len] != '='))
            continue;
        const char *value = word[len] == '=' ? word + len + 1 : NULL;
        if (value == NULL && *at < argc)
            value = argv[(*at)++];
        if (value == NULL || value[0] == '\0')
            return mlc_fail(err, MLC_E_INVALID, "%s: its value is missing", options[i].name);
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
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        const struct command_row *const row = &commands[i];
        if (strcmp(p->words[0], row->word) != 0 ||
            (row->second != NULL && (p->word_count < 2 || strcmp(p->words[1], row->second) != 0)))
            continue;
        p->args->command = row->command;
        *used = row->second != NULL ? 2 : 1;
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
    if ((args->all || args->refresh) && args->command != MLCTL_RETRY)
        return wrong(args, args->all ? "--all does not belong here" : "--refresh does not belong here", err);
    if ((args->dry || args->report) && args->command != MLCTL_COMPARE)
        return wrong(args, args->dry ? "--dry does not belong here" : "--report does not belong here", err);
    if (args->command == MLCTL_COMPARE && given == 1 && !args->report) {
        args->kind = p->words[used];
        return MLC_OK;
    }
    if (args->command == MLCTL_COMPARE && given > 0)
        return wrong(args, "there is too much", err);
    if (given < needed)
        return wrong(args, "something is missing", err);
    if (given > (args->all ? needed : row->positions_max))
        return wrong(args, args->all ? "give either an entry's number or --all" : "there is too much", err);
    if (given == 0)
        return MLC_OK;
    const char *const *const words = p->words + used;
    if (args->command == MLCTL_BACKUP) {
        args->dir = words[0];
        return MLC_OK;
    }
    if (args->command == MLCTL_WEBHOOKS || args->command == MLCTL_POLL) {
        *(args->command == MLCTL_POLL ? &args->flow : &args->tenant) = words[0];
        return MLC_OK;
    }
    if (args->command == MLCTL_ENROLL_TOKEN || args->command == MLCTL_REVOKE) {
        args->tenant = words[0];
        args->agent = words[1];
        return MLC_OK;
    }
    if (args->command == MLCTL_AUDIT_VERIFY || args->command == MLCTL_XREF ||
        args->command == MLCTL_DRY_RUN) {
        *(args->command == MLCTL_AUDIT_VERIFY ? &args->file : &args->ref) = words[0];
        return MLC_OK;
    }
    args->store = words[0];
    args->stream = words[1];
    return args->all ? MLC_OK : take_number("SEQ", words[2], &args->seq, err);
}

/* What belongs together, or not. NULL: well. */
static const char *clash_of(const parse_state *p)
{
    const mlctl_args *const args = p->args;
    if (args->command == MLCTL_DISMISS && args->reason == NULL)
        return "--reason is missing: say why it needs not be delivered";
    if (args->command == MLCTL_AUDIT_REDACT && args->reason == NULL)
        return "--reason is missing: say why the texts are taken away";
    if (args->command == MLCTL_AUDIT_REDACT && args->key == NULL)
        return "--key is missing: name the record, such as customer/6001";
    if (args->command == MLCTL_AUDIT_EXPORT && (p->given & BIT(OPT_FORMAT)) == 0)
        return "--format is missing";
    if (args->command == MLCTL_AUDIT && args->from_time != NULL)
        return "--from must be the number of an entry here";
    if (args->key != NULL && args->correlation != NULL)
        return "give either --key or --correlation";
    if (args->command == MLCTL_PARKED && args->stream != NULL && args->store == NULL)
        return "--stream needs --store as well";
    if (args->command == MLCTL_RETRY && !args->all &&
        (args->kind != NULL || args->code != NULL || args->older_s > 0))
        return "--kind, --code and --older choose among --all";
    if ((args->file != NULL) + (args->dir != NULL) +
            (args->store != NULL && args->command == MLCTL_AUDIT_VERIFY) >
        1)
        return "give one of FILE, --dir and --store";
    return NULL;
}

static mlc_code check_options(const parse_state *p, mlc_error *err)
{
    const mlctl_args *const args = p->args;
    char text[80];
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if ((p->given & BIT(i)) == 0 || (options[i].commands & BIT(args->command)) != 0)
            continue;
        (void)snprintf(text, sizeof text, "%s does not belong here", options[i].name);
        return wrong(args, text, err);
    }
    if (args->repair && args->command != MLCTL_WEBHOOKS)
        return wrong(args, "--repair does not belong here", err);
    if (args->verify && args->command != MLCTL_WEBHOOKS && args->command != MLCTL_BACKUP)
        return wrong(args, "--verify does not belong here", err);
    if (args->force && args->command != MLCTL_BACKUP)
        return wrong(args, "--force does not belong here", err);
    if (args->verify && (args->repair || args->force))
        return wrong(
            args, args->repair ? "give either --verify or --repair" : "give either --verify or --force", err);
    const char *const clash = clash_of(p);
    if (clash != NULL)
        return wrong(args, clash, err);
    if (args->command == MLCTL_REPLAY && (args->seq == 0) == (args->correlation == NULL))
        return wrong(args, "give either --audit or --correlation", err);
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
    *out = (mlctl_args){.command = MLCTL_HELP, .from = 1, .to = UINT64_MAX, .ttl_s = TTL_DEFAULT_S};
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
    if (out->socket == NULL && out->url == NULL && is_set(env->socket))
        out->socket = env->socket;
    out->person = is_set(env->sudo_user) ? env->sudo_user : is_set(env->user) ? env->user : "unknown";
    return code;
}
