/* proxy_system_windows.c - see proxy_system.h. WinHTTP runs the scripts; what it says is "[scheme=]host:port", several with ";" or
 * blanks between. */
#include <winsock2.h>
/* before the rest of Windows */
#include <windows.h>

#include "net/proxy_system.h"

#include "base/buf.h"
#include "net/host.h"

#include <shlwapi.h>
#include <stdlib.h>
#include <string.h>
#include <winhttp.h>

enum { DETECT = WINHTTP_AUTO_DETECT_TYPE_DHCP | WINHTTP_AUTO_DETECT_TYPE_DNS_A, URL_CHARS = 2048 };

/* What Windows has on record; texts are Windows' (GlobalFree). */
typedef struct system_proxy {
    wchar_t *script, *named, *except;
    bool detect;
} system_proxy;

const char *mlc_proxy_system_fault(void)
{
    return NULL;
}

static void free_text(wchar_t **text)
{
    if (*text != NULL)
        (void)GlobalFree(*text);
    *text = NULL;
}

static system_proxy look_up(void)
{
    WINHTTP_PROXY_INFO machine = {0};
    WINHTTP_CURRENT_USER_IE_PROXY_CONFIG user = {0};
    if (WinHttpGetDefaultProxyConfiguration(&machine) &&
        machine.dwAccessType == WINHTTP_ACCESS_TYPE_NAMED_PROXY)
        return (system_proxy){.named = machine.lpszProxy, .except = machine.lpszProxyBypass};
    free_text(&machine.lpszProxy);
    free_text(&machine.lpszProxyBypass);
    if (!WinHttpGetIEProxyConfigForCurrentUser(&user))
        return (system_proxy){0};
    return (system_proxy){.script = user.lpszAutoConfigUrl,
                          .named = user.lpszProxy,
                          .except = user.lpszProxyBypass,
                          .detect = user.fAutoDetect};
}

/* The caller frees; NULL: no memory, or no text. */
static char *narrow(const wchar_t *text)
{
    const int len = text != NULL ? WideCharToMultiByte(CP_UTF8, 0, text, -1, NULL, 0, NULL, NULL) : 0;
    char *const out = len > 0 ? malloc((size_t)len) : NULL;
    if (out != NULL)
        (void)WideCharToMultiByte(CP_UTF8, 0, text, -1, out, len, NULL, NULL);
    return out;
}

/* The first that serves https: "https=host:port", or one without a scheme. NULL: none. The caller frees. */
static char *choose(const wchar_t *list)
{
    static const char https[] = "https=";
    char *const text = narrow(list);
    char *rest = text;
    char *found = NULL;
    for (char *one = text != NULL ? strtok_r(text, "; \t", &rest) : NULL; one != NULL && found == NULL;
         one = strtok_r(NULL, "; \t", &rest)) {
        const bool ours = _strnicmp(one, https, sizeof https - 1) == 0;
        const char *const name = ours ? one + sizeof https - 1 : one;
        if (ours || strchr(one, '=') == NULL)
            found = mlc_strdup(_strnicmp(name, "http://", 7) == 0 ? name + 7 : name);
    }
    free(text);
    return found;
}

/* "<local>": names without a dot. The others are patterns with "*". */
static bool is_excepted(const wchar_t *list, const char *host)
{
    char *const text = narrow(list);
    char *rest = text;
    bool found = false;
    for (char *one = text != NULL ? strtok_r(text, "; \t", &rest) : NULL; one != NULL && !found;
         one = strtok_r(NULL, "; \t", &rest))
        found = strcmp(one, "<local>") == 0 ? strchr(host, '.') == NULL && strchr(host, ':') == NULL
                                            : PathMatchSpecA(host, one);
    free(text);
    return found;
}

/* Automatic detection and scripts. False: Windows has no answer; *info is to be freed when true. */
static bool run_script(const system_proxy *system, const wchar_t *url, WINHTTP_PROXY_INFO *info)
{
    WINHTTP_AUTOPROXY_OPTIONS options = {.fAutoLogonIfChallenged = TRUE};
    const HINTERNET session = WinHttpOpen(L"ml-connector", WINHTTP_ACCESS_TYPE_NO_PROXY,
                                          WINHTTP_NO_PROXY_NAME, WINHTTP_NO_PROXY_BYPASS, 0);
    if (session == NULL)
        return false;
    if (system->script != NULL) {
        options.dwFlags |= WINHTTP_AUTOPROXY_CONFIG_URL;
        options.lpszAutoConfigUrl = system->script;
    }
    if (system->detect) {
        options.dwFlags |= WINHTTP_AUTOPROXY_AUTO_DETECT;
        options.dwAutoDetectFlags = DETECT;
    }
    const bool got = WinHttpGetProxyForUrl(session, url, &options, info);
    (void)WinHttpCloseHandle(session);
    return got;
}

/* The script is asked for https, whatever the tunnel calls itself. */
static bool ask_script(const system_proxy *system, const char *host, char **proxy)
{
    WINHTTP_PROXY_INFO info = {0};
    wchar_t url[URL_CHARS];
    char text[URL_CHARS];
    (void)snprintf(text, sizeof text, strchr(host, ':') != NULL ? "https://[%.1000s]/" : "https://%.1000s/",
                   host);
    if ((system->script == NULL && !system->detect) ||
        MultiByteToWideChar(CP_UTF8, 0, text, -1, url, URL_CHARS) == 0 || !run_script(system, url, &info))
        return false;
    if (info.dwAccessType == WINHTTP_ACCESS_TYPE_NAMED_PROXY && !is_excepted(info.lpszProxyBypass, host))
        *proxy = choose(info.lpszProxy);
    free_text(&info.lpszProxy);
    free_text(&info.lpszProxyBypass);
    return true;
}

static mlc_code host_of(const char *url, char **host, mlc_error *err)
{
    const char *const at = url != NULL ? strstr(url, "://") : NULL;
    int port = 443;
    if (at == NULL || !mlc_host_split(at + 3, strcspn(at + 3, "/?#"), host, &port))
        return mlc_fail(
            err, MLC_E_INVALID,
            "proxy: from_system needs the address that the way leads to; set url in the same group");
    return MLC_OK;
}

mlc_code mlc_proxy_system(const char *url, char **proxy, mlc_error *err)
{
    char *host = NULL;
    *proxy = NULL;
    const mlc_code code = host_of(url, &host, err);
    if (code != MLC_OK)
        return code;
    system_proxy system = look_up();
    const bool asked = ask_script(&system, host, proxy);
    if (!asked && system.named != NULL && !is_excepted(system.except, host))
        *proxy = choose(system.named);
    const bool lost = !asked && system.script != NULL && system.named == NULL;
    const unsigned long why = GetLastError();
    free_text(&system.script);
    free_text(&system.named);
    free_text(&system.except);
    free(host);
    /* To go on without a proxy would be another way than the administrator's. */
    return lost
               ? mlc_fail(
                     err, MLC_E_UNREACHABLE,
                     "proxy: Windows cannot run the proxy script of its settings (error %lu); name the proxy",
                     why)
               : MLC_OK;
}
