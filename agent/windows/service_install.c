/* service_install.c - the service as Windows has it on record: account, start, recovery, pre-shutdown time, event source. */
#include <winsock2.h>
/* before the rest of Windows */
#include <windows.h>

#include "agent/windows/service_private.h"

#include <stdio.h>

enum {
    PRESHUTDOWN_MS = 120000,
    RESTART_FIRST_MS = 5000,
    RESTART_LATER_MS = 60000,
    FAILURES_FORGOTTEN_S = 86400,
    SERVICE_ACCESS = SERVICE_CHANGE_CONFIG | SERVICE_START | SERVICE_STOP | DELETE | SERVICE_QUERY_STATUS
};

static const char EVENT_KEY[] = "SYSTEM\\CurrentControlSet\\Services\\EventLog\\Application\\" SERVICE_KEY;

/* Texts of events come from a file of Windows whose message is the text itself. */
static void register_events(void)
{
    static const char file[] = "%SystemRoot%\\System32\\EventCreate.exe";
    const DWORD types = EVENTLOG_ERROR_TYPE | EVENTLOG_WARNING_TYPE | EVENTLOG_INFORMATION_TYPE;
    HKEY key = NULL;
    if (RegCreateKeyExA(HKEY_LOCAL_MACHINE, EVENT_KEY, 0, NULL, 0, KEY_SET_VALUE, NULL, &key, NULL) !=
        ERROR_SUCCESS)
        return;
    (void)RegSetValueExA(key, "EventMessageFile", 0, REG_EXPAND_SZ, (const BYTE *)file, sizeof file);
    (void)RegSetValueExA(key, "TypesSupported", 0, REG_DWORD, (const BYTE *)&types, sizeof types);
    (void)RegCloseKey(key);
}

static mlc_code configure(SC_HANDLE handle, mlc_error *err)
{
    SC_ACTION actions[] = {{SC_ACTION_RESTART, RESTART_FIRST_MS},
                           {SC_ACTION_RESTART, RESTART_LATER_MS},
                           {SC_ACTION_RESTART, RESTART_LATER_MS}};
    char words[] =
        "Keeps JD Edwards EnterpriseOne and Dynamics 365 Sales in step, through the ml-connector relay.";
    SERVICE_DESCRIPTIONA description = {.lpDescription = words};
    SERVICE_FAILURE_ACTIONSA failure = {.dwResetPeriod = FAILURES_FORGOTTEN_S,
                                        .cActions = sizeof actions / sizeof actions[0],
                                        .lpsaActions = actions};
    SERVICE_FAILURE_ACTIONS_FLAG also_errors = {.fFailureActionsOnNonCrashFailures = TRUE};
    SERVICE_DELAYED_AUTO_START_INFO delayed = {.fDelayedAutostart = TRUE};
    SERVICE_PRESHUTDOWN_INFO preshutdown = {.dwPreshutdownTimeout = PRESHUTDOWN_MS};
    SERVICE_SID_INFO sid = {.dwServiceSidType = SERVICE_SID_TYPE_UNRESTRICTED};
    if (!ChangeServiceConfig2A(handle, SERVICE_CONFIG_FAILURE_ACTIONS, &failure))
        return service_fail(err, "the recovery actions of the service cannot be set");
    /* The rest is good to have: older systems and wine lack some of it. */
    (void)ChangeServiceConfig2A(handle, SERVICE_CONFIG_DESCRIPTION, &description);
    (void)ChangeServiceConfig2A(handle, SERVICE_CONFIG_FAILURE_ACTIONS_FLAG, &also_errors);
    (void)ChangeServiceConfig2A(handle, SERVICE_CONFIG_DELAYED_AUTO_START_INFO, &delayed);
    (void)ChangeServiceConfig2A(handle, SERVICE_CONFIG_PRESHUTDOWN_INFO, &preshutdown);
    (void)ChangeServiceConfig2A(handle, SERVICE_CONFIG_SERVICE_SID_INFO, &sid);
    return MLC_OK;
}

static SC_HANDLE create(SC_HANDLE manager, const char *command)
{
    return CreateServiceA(manager, SERVICE_KEY, SERVICE_TITLE, SERVICE_ACCESS, SERVICE_WIN32_OWN_PROCESS,
                          SERVICE_AUTO_START, SERVICE_ERROR_NORMAL, command, NULL, NULL, "Tcpip\0Dnscache\0",
                          SERVICE_USER, NULL);
}

static SC_HANDLE create_or_change(SC_HANDLE manager, const char *command)
{
    SC_HANDLE handle = create(manager, command);
    /* The one that an upgrade has just removed stays until whoever looks at it has let go. */
    for (int tries = 0; handle == NULL && GetLastError() == ERROR_SERVICE_MARKED_FOR_DELETE && tries < 100;
         tries++) {
        Sleep(100);
        handle = create(manager, command);
    }
    if (handle != NULL || GetLastError() != ERROR_SERVICE_EXISTS)
        return handle;
    handle = OpenServiceA(manager, SERVICE_KEY, SERVICE_ACCESS);
    if (handle != NULL &&
        !ChangeServiceConfigA(handle, SERVICE_WIN32_OWN_PROCESS, SERVICE_AUTO_START, SERVICE_ERROR_NORMAL,
                              command, NULL, NULL, NULL, SERVICE_USER, NULL, SERVICE_TITLE)) {
        const DWORD why = GetLastError();
        (void)CloseServiceHandle(handle);
        SetLastError(why);
        handle = NULL;
    }
    return handle;
}

static mlc_code with_service(SC_HANDLE handle, const service_args *args, mlc_error *err)
{
    mlc_code code = configure(handle, err);
    if (code == MLC_OK)
        code = service_protect(err);
    register_events();
    if (code == MLC_OK && args->start && !StartServiceA(handle, 0, NULL) &&
        GetLastError() != ERROR_SERVICE_ALREADY_RUNNING)
        code = service_fail(err, "the service is installed, but does not start");
    return code;
}

mlc_code service_install(const service_args *args, mlc_error *err)
{
    char config[SERVICE_PATH_MAX];
    char program[SERVICE_PATH_MAX] = "";
    char command[2 * SERVICE_PATH_MAX + 64];
    mlc_code code = service_setup(args, config, err);
    if (code != MLC_OK)
        return code;
    if (GetModuleFileNameA(NULL, program, sizeof program - 1) == 0)
        return service_fail(err, "the program does not find itself");
    (void)snprintf(command, sizeof command, "\"%s\" service run --config \"%s\"", program, config);
    const SC_HANDLE manager = OpenSCManagerA(NULL, NULL, SC_MANAGER_CONNECT | SC_MANAGER_CREATE_SERVICE);
    if (manager == NULL)
        return service_fail(err, "the service manager");
    const SC_HANDLE handle = create_or_change(manager, command);
    const char *const hint =
        handle == NULL && GetLastError() == ERROR_SERVICE_MARKED_FOR_DELETE
            ? "the service cannot be registered; close the list of services (services.msc)"
            : "the service cannot be registered";
    code = handle != NULL ? with_service(handle, args, err) : service_fail(err, hint);
    if (handle != NULL)
        (void)CloseServiceHandle(handle);
    (void)CloseServiceHandle(manager);
    if (code == MLC_OK)
        (void)printf("service %s is installed; configuration: %s\n", SERVICE_KEY, config);
    return code;
}

/* Wait until the process is gone, so that its files can be replaced. */
static void stop(SC_HANDLE handle)
{
    SERVICE_STATUS status;
    if (!ControlService(handle, SERVICE_CONTROL_STOP, &status))
        return;
    for (int tries = 0; tries < 300 && status.dwCurrentState != SERVICE_STOPPED; tries++) {
        Sleep(100);
        if (!QueryServiceStatus(handle, &status))
            return;
    }
}

mlc_code service_uninstall(mlc_error *err)
{
    const SC_HANDLE manager = OpenSCManagerA(NULL, NULL, SC_MANAGER_CONNECT);
    if (manager == NULL)
        return service_fail(err, "the service manager");
    const SC_HANDLE handle = OpenServiceA(manager, SERVICE_KEY, SERVICE_STOP | DELETE | SERVICE_QUERY_STATUS);
    mlc_code code = MLC_OK;
    if (handle != NULL) {
        stop(handle);
        if (!DeleteService(handle))
            code = service_fail(err, "the service cannot be removed");
        (void)CloseServiceHandle(handle);
    } else if (GetLastError() != ERROR_SERVICE_DOES_NOT_EXIST) {
        code = service_fail(err, "the service cannot be opened");
    }
    (void)CloseServiceHandle(manager);
    if (code == MLC_OK)
        (void)RegDeleteKeyA(HKEY_LOCAL_MACHINE, EVENT_KEY);
    return code;
}
