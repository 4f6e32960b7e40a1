/* service_setup.c - what the service needs on disk: folders that only it and administrators reach, a first configuration, the
 * enrolment token until it is used. */
#include <winsock2.h>
/* before the rest of Windows */
#include <windows.h>

#include "agent/enroll.h"
#include "agent/relay_url.h"
#include "agent/windows/service_private.h"
#include "base/buf.h"
#include "windows/acl.h"

#include <errno.h>
#include <sddl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TOKEN_MAX = 512 };

/* config: only read by the service. */
static const struct {
    const char *name;
    bool write;
} folders[] = {{"", false}, {"config", false}, {"data", true}, {"log", true}};

enum { FOLDERS = sizeof folders / sizeof folders[0] };

void service_folder(const char *below, char out[SERVICE_PATH_MAX])
{
    const char *const data = getenv("ProgramData");
    (void)snprintf(out, SERVICE_PATH_MAX, "%.700s\\ml-connector%s%s", data != NULL ? data : "C:\\ProgramData",
                   below[0] != '\0' ? "\\" : "", below);
}

/* In libconfig's strings a backslash begins an escape. */
static void with_slashes(char *path)
{
    for (char *p = path; *p != '\0'; p++)
        if (*p == '\\')
            *p = '/';
}

static bool is_plain(const char *text)
{
    return text == NULL || (strlen(text) < TOKEN_MAX && strpbrk(text, "\"\\\r\n") == NULL);
}

static mlc_code write_config(const service_args *args, const char *file, mlc_error *err)
{
    char root[SERVICE_PATH_MAX];
    /* One that is there stays. (fopen's mode "x" is not known to the library of this system, and would overwrite it.) */
    const int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    FILE *const out = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (out == NULL)
        return errno == EEXIST ? MLC_OK
                               : mlc_fail(err, MLC_E_IO, "%.300s cannot be made: %s", file, strerror(errno));
    service_folder("", root);
    with_slashes(root);
    (void)fprintf(
        out,
        "# ml-agent; \"ml-agent --help-config\" lists all settings. What is in <> is to be filled in.\n"
        "agent: {\n  id = \"%s\";\n  tenant = \"default\";\n  data_dir = \"%s/data\";\n"
        "  admin_socket = \"%s/data/admin.sock\";\n};\nlog: { file = \"%s/log/agent.log\"; };\n"
        "relay: { url = \"%s\"; };\nais: {\n  url = \"%s\";\n  username = \"<JDE user>\";\n"
        "  password = \"file:%s/config/ais-password\";\n  environment = \"<JDE environment, such as "
        "JPD920>\";\n};\n",
        args->agent_id != NULL ? args->agent_id : "site-1", root, root, root,
        args->relay_url != NULL ? args->relay_url : "<address of the relay>",
        args->ais_url != NULL ? args->ais_url : "<address of the AIS server>", root);
    return fclose(out) == 0 ? MLC_OK
                            : mlc_fail(err, MLC_E_IO, "%.300s cannot be written: %s", file, strerror(errno));
}

/* Editors of Windows put a mark in front of UTF-8; UTF-16 is refused by its zeros and marks. */
static bool take_line(FILE *in, char out[TOKEN_MAX])
{
    static const char mark[] = "\xEF\xBB\xBF";
    if (fgets(out, TOKEN_MAX, in) == NULL)
        return false;
    if (strncmp(out, mark, sizeof mark - 1) == 0)
        memmove(out, out + sizeof mark - 1, strlen(out + sizeof mark - 1) + 1);
    out[strcspn(out, "\r\n")] = '\0';
    for (const char *p = out; *p != '\0'; p++)
        if (*p <= ' ' || *p > '~')
            return false;
    return out[0] != '\0' && strlen(out) < TOKEN_MAX - 1;
}

/* The enrolment token, "" when none is given. It never stands on a command line. */
static mlc_code take_token(const service_args *args, char out[TOKEN_MAX], mlc_error *err)
{
    FILE *in = stdin;
    out[0] = '\0';
    if (args->token_file == NULL && !args->token_stdin)
        return MLC_OK;
    if (args->token_file != NULL && args->token_stdin)
        return mlc_fail(err, MLC_E_INVALID, "give the enrolment token once: as a file, or directly");
    if (args->token_file != NULL)
        in = fopen(args->token_file, "r");
    if (in == NULL)
        return mlc_fail(err, MLC_E_IO, "the file of the enrolment token, %.300s, cannot be read: %s",
                        args->token_file, strerror(errno));
    const bool good = take_line(in, out);
    if (args->token_file != NULL)
        (void)fclose(in);
    if (good)
        return MLC_OK;
    explicit_bzero(out, TOKEN_MAX);
    return mlc_fail(
        err, MLC_E_INVALID,
        "%.300s holds no enrolment token; it is one line of plain text (ANSI or UTF-8), made by the "
        "relay's operator with \"mlctl enroll-token\"",
        args->token_file != NULL ? args->token_file : "what was given");
}

static mlc_code keep_token(const char *token, mlc_error *err)
{
    char file[SERVICE_PATH_MAX];
    service_folder("data\\enrol-token", file);
    FILE *const out = fopen(file, "w");
    if (out == NULL)
        return mlc_fail(err, MLC_E_IO, "%.300s cannot be made: %s", file, strerror(errno));
    const bool written = fprintf(out, "%s\n", token) > 0;
    return fclose(out) == 0 && written ? MLC_OK : mlc_fail(err, MLC_E_IO, "%.300s cannot be written", file);
}

mlc_code service_setup(const service_args *args, char config[SERVICE_PATH_MAX], mlc_error *err)
{
    char path[SERVICE_PATH_MAX];
    char token[TOKEN_MAX];
    if (!is_plain(args->relay_url) || !is_plain(args->ais_url) || !is_plain(args->agent_id))
        return mlc_fail(err, MLC_E_INVALID,
                        "an address or the agent's name holds a quote, a backslash or is too long");
    mlc_code code = take_token(args, token, err);
    if (code != MLC_OK)
        return code;
    for (size_t i = 0; code == MLC_OK && i < FOLDERS; i++) {
        service_folder(folders[i].name, path);
        /* Somebody else may have made it before: nobody keeps a foot in the door. */
        if ((!mlc_acl_make_folder(path, MLC_ACL_OWN) && GetLastError() != ERROR_ALREADY_EXISTS) ||
            !mlc_acl_protect_folder(path, NULL, false))
            code = service_fail(err, path);
    }
    service_folder("config\\agent.conf", config);
    if (args->config != NULL)
        (void)snprintf(config, SERVICE_PATH_MAX, "%s", args->config);
    if (code == MLC_OK && args->config == NULL)
        code = write_config(args, config, err);
    if (code == MLC_OK && token[0] != '\0')
        code = keep_token(token, err);
    explicit_bzero(token, sizeof token);
    return code;
}

/* wine runs services as its own user: there is no account to let in. On Windows a missing one is an error. */
static bool under_wine(void)
{
    const HMODULE ntdll = GetModuleHandleA("ntdll.dll");
    return ntdll != NULL && GetProcAddress(ntdll, "wine_get_version") != NULL;
}

mlc_code service_protect(mlc_error *err)
{
    union {
        SID sid;
        BYTE bytes[SECURITY_MAX_SID_SIZE];
    } account;
    char domain[256];
    char path[SERVICE_PATH_MAX];
    char *text = NULL;
    DWORD sid_len = sizeof account;
    DWORD domain_len = sizeof domain;
    SID_NAME_USE use;
    const bool known =
        LookupAccountNameA(NULL, SERVICE_USER, &account, &sid_len, domain, &domain_len, &use) &&
        ConvertSidToStringSidA(&account, &text);
    if (!known && !(GetLastError() == ERROR_NONE_MAPPED && under_wine()))
        return service_fail(err, "the service's account " SERVICE_USER " is not known");
    mlc_code code = MLC_OK;
    for (size_t i = 0; code == MLC_OK && i < FOLDERS; i++) {
        service_folder(folders[i].name, path);
        if (!mlc_acl_protect_folder(path, text, folders[i].write))
            code = service_fail(err, path);
    }
    (void)LocalFree(text);
    return code;
}

mlc_code mlc_agent_service_enroll(const mlc_program_context *context, mlc_error *err)
{
    char token[TOKEN_MAX] = "";
    char url[MLC_RELAY_URL_MAX];
    char *const file = mlc_asprintf("%s/enrol-token", mlc_cfg_str(context->cfg, "agent.data_dir"));
    FILE *const in = file != NULL ? fopen(file, "r") : NULL;
    mlc_code code = MLC_OK;
    if (in == NULL)
        goto done;
    const bool got = fgets(token, sizeof token, in) != NULL;
    (void)fclose(in);
    token[strcspn(token, "\r\n")] = '\0';
    if (!got || token[0] == '\0')
        goto forget;
    code = mlc_log_add_secret(context->log, token, err);
    if (code == MLC_OK)
        code = mlc_relay_url(context->cfg, url, err);
    if (code == MLC_OK)
        code = mlc_enroll(context->cfg, context->log, url, token, context->software, NULL, err);
forget:
    if (code == MLC_OK)
        (void)unlink(file);
done:
    explicit_bzero(token, sizeof token);
    free(file);
    return code;
}
