/* setup.c - ml-setup.dll, the custom actions of the MSI (packaging/windows/ml-connector-agent.wxs).
 *
 * What is to be done is ml-agent.exe's own ("service install", "service uninstall"), so that it is the same without the MSI.
 * This is between the two: the enrolment token goes through a pipe and stands on no command line, and what the program says
 * gets into the installer's log, or onto the screen of who installs.
 *
 * CustomActionData is what the MSI's properties of the actions' names say: values with "|" between them.
 */
#include <winsock2.h>
/* before the rest of Windows */
#include <windows.h>

#include "setup_child.h"

#include <msi.h>
#include <msiquery.h>
#include <stdio.h>
#include <string.h>

#define SERVICE_KEY L"ml-agent"

enum { DATA_MAX = 4096, TOKEN_BYTES_MAX = 2048, TEXT_MAX = SETUP_OUTPUT_MAX + 512, OWN_ERROR = 25000 };

/* In the order of the MSI's property ServiceInstall. The token is last. */
enum { FOLDER, RELAY_URL, AIS_URL, AGENT_ID, START, TOKEN_FILE, TOKEN, FIELDS };

/* Of the installer: fixed names. */
UINT __stdcall ServiceLook(MSIHANDLE install);
UINT __stdcall ServiceInstall(MSIHANDLE install);
UINT __stdcall ServiceUninstall(MSIHANDLE install);

static void say(MSIHANDLE install, INSTALLMESSAGE kind, const wchar_t *text)
{
    const MSIHANDLE record = MsiCreateRecord(2);
    /* The text is a value, not the template: brackets in it mean nothing. */
    (void)MsiRecordSetStringW(record, 0, L"ml-connector: [2]");
    (void)MsiRecordSetInteger(record, 1, OWN_ERROR);
    (void)MsiRecordSetStringW(record, 2, text);
    (void)MsiProcessMessage(install, kind, record);
    (void)MsiCloseHandle(record);
}

static void say_bytes(MSIHANDLE install, INSTALLMESSAGE kind, const char *text)
{
    wchar_t wide[TEXT_MAX];
    const int len = MultiByteToWideChar(CP_UTF8, 0, text, -1, wide, TEXT_MAX);
    if (len > 1)
        say(install, kind, wide);
}

static void say_last_error(MSIHANDLE install, INSTALLMESSAGE kind, const char *what)
{
    char text[512];
    const DWORD why = GetLastError();
    char words[256] = "no words for it";
    (void)FormatMessageA(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, NULL, why, 0, words,
                         sizeof words, NULL);
    words[strcspn(words, "\r\n")] = '\0';
    (void)snprintf(text, sizeof text, "%s: %s (error %lu)", what, words, (unsigned long)why);
    say_bytes(install, kind, text);
}

/* The values of CustomActionData, cut in `data`; false unless there are `count`. */
static bool take_data(MSIHANDLE install, wchar_t data[DATA_MAX], wchar_t *fields[], size_t count)
{
    DWORD len = DATA_MAX;
    size_t n = 0;
    if (MsiGetPropertyW(install, L"CustomActionData", data, &len) != ERROR_SUCCESS)
        return false;
    for (wchar_t *p = data; p != NULL; n++) {
        if (n < count)
            fields[n] = p;
        p = wcschr(p, L'|');
        if (p != NULL)
            *p++ = L'\0';
    }
    return n == count;
}

/* "C:\Program Files\ml-connector\" + ml-agent.exe */
static bool program_in(const wchar_t *folder, wchar_t program[DATA_MAX])
{
    const size_t len = wcslen(folder);
    return len > 0 && swprintf(program, DATA_MAX, L"%ls%lsml-agent.exe", folder,
                               folder[len - 1] == L'\\' ? L"" : L"\\") > 0;
}

static void add_option(setup_command *command, const wchar_t *name, const wchar_t *value)
{
    if (value[0] == L'\0')
        return;
    setup_command_add(command, name);
    setup_command_add(command, value);
}

/* The agent's own words are the message, without the name it puts in front. */
static void tell_output(MSIHANDLE install, INSTALLMESSAGE kind, char *output)
{
    static const char name[] = "ml-agent: ";
    size_t len = strlen(output);
    while (len > 0 && (output[len - 1] == '\n' || output[len - 1] == '\r'))
        output[--len] = '\0';
    say_bytes(install, kind, strncmp(output, name, sizeof name - 1) == 0 ? output + sizeof name - 1 : output);
}

static UINT run(MSIHANDLE install, INSTALLMESSAGE on_failure, const wchar_t *folder, setup_command *command,
                const char *input)
{
    wchar_t program[DATA_MAX];
    char output[SETUP_OUTPUT_MAX];
    unsigned long status = 0;
    if (!program_in(folder, program) || !setup_child_run(program, command, input, output, &status)) {
        say_last_error(install, on_failure, "ml-agent.exe cannot be run");
        return ERROR_INSTALL_FAILURE;
    }
    tell_output(install, status == 0 ? INSTALLMESSAGE_INFO : on_failure, output);
    if (status != 0 && output[0] == '\0')
        say(install, on_failure, L"ml-agent.exe ended with an error and said nothing");
    return status == 0 ? ERROR_SUCCESS : ERROR_INSTALL_FAILURE;
}

/* Not a failure of the installation: it is installed, and the event log tells why it does not run. */
static void start_service(MSIHANDLE install)
{
    const SC_HANDLE manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_CONNECT);
    const SC_HANDLE service = manager != NULL ? OpenServiceW(manager, SERVICE_KEY, SERVICE_START) : NULL;
    if (service == NULL || !StartServiceW(service, 0, NULL))
        say_last_error(install, INSTALLMESSAGE_INFO, "the service ml-agent is installed, but does not start");
    if (service != NULL)
        (void)CloseServiceHandle(service);
    if (manager != NULL)
        (void)CloseServiceHandle(manager);
}

/* Before an older version is removed: what ran is to run again afterwards. */
UINT __stdcall ServiceLook(MSIHANDLE install)
{
    SERVICE_STATUS status = {0};
    const SC_HANDLE manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_CONNECT);
    const SC_HANDLE service =
        manager != NULL ? OpenServiceW(manager, SERVICE_KEY, SERVICE_QUERY_STATUS) : NULL;
    if (service != NULL && QueryServiceStatus(service, &status) &&
        (status.dwCurrentState == SERVICE_RUNNING || status.dwCurrentState == SERVICE_START_PENDING))
        (void)MsiSetPropertyW(install, L"STARTSERVICE", L"1");
    if (service != NULL)
        (void)CloseServiceHandle(service);
    if (manager != NULL)
        (void)CloseServiceHandle(manager);
    return ERROR_SUCCESS;
}

UINT __stdcall ServiceInstall(MSIHANDLE install)
{
    wchar_t data[DATA_MAX] = L"";
    wchar_t *field[FIELDS] = {0};
    char token[TOKEN_BYTES_MAX] = "";
    setup_command command = {0};
    UINT result = ERROR_INSTALL_FAILURE;
    if (!take_data(install, data, field, FIELDS)) {
        say(install, INSTALLMESSAGE_ERROR,
            L"RELAYURL, AISURL, AGENTID, ENROLTOKEN and ENROLTOKENFILE must not hold the sign | and must be "
            L"shorter than 4000 characters together");
        goto done;
    }
    setup_command_add(&command, L"ml-agent");
    setup_command_add(&command, L"service");
    setup_command_add(&command, L"install");
    add_option(&command, L"--relay-url", field[RELAY_URL]);
    add_option(&command, L"--ais-url", field[AIS_URL]);
    add_option(&command, L"--agent", field[AGENT_ID]);
    add_option(&command, L"--token-file", field[TOKEN_FILE]);
    if (field[TOKEN][0] != L'\0') {
        setup_command_add(&command, L"--token-stdin");
        if (WideCharToMultiByte(CP_UTF8, 0, field[TOKEN], -1, token, sizeof token, NULL, NULL) == 0) {
            say(install, INSTALLMESSAGE_ERROR, L"ENROLTOKEN is too long to be an enrolment token");
            goto done;
        }
    }
    result = run(install, INSTALLMESSAGE_ERROR, field[FOLDER], &command, token);
    if (result == ERROR_SUCCESS && field[START][0] != L'\0')
        start_service(install);
done:
    SecureZeroMemory(data, sizeof data);
    SecureZeroMemory(token, sizeof token);
    return result;
}

/* Also what takes an installation back that failed. A program that is to go goes, whatever is left behind: only told. */
UINT __stdcall ServiceUninstall(MSIHANDLE install)
{
    wchar_t data[DATA_MAX] = L"";
    wchar_t *folder = NULL;
    setup_command command = {0};
    if (!take_data(install, data, &folder, 1))
        return ERROR_SUCCESS;
    setup_command_add(&command, L"ml-agent");
    setup_command_add(&command, L"service");
    setup_command_add(&command, L"uninstall");
    (void)run(install, INSTALLMESSAGE_INFO, folder, &command, "");
    return ERROR_SUCCESS;
}
