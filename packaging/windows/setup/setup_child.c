/* setup_child.c - see setup_child.h. */
#include <winsock2.h>
/* before the rest of Windows */
#include <windows.h>

#include "setup_child.h"

#include <stdlib.h>
#include <string.h>

/* The pipes hold all that goes through them, so that nobody waits for the other: a child that says more than that is ended. */
enum { PIPE_BYTES = 65536, CHILD_MS = 120000 };

typedef struct pipes {
    HANDLE child_in, own_in; /* read end, write end */
    HANDLE own_out, child_out;
} pipes;

static void add_char(setup_command *command, wchar_t c)
{
    if (command->len + 1 < SETUP_COMMAND_MAX)
        command->text[command->len++] = c;
    else
        command->overflow = true;
}

/* Between quotes a backslash is itself, but not in front of a quote: there each is written twice. */
void setup_command_add(setup_command *command, const wchar_t *argument)
{
    size_t backslashes = 0;
    if (command->len > 0)
        add_char(command, L' ');
    add_char(command, L'"');
    for (const wchar_t *p = argument; *p != L'\0'; p++) {
        for (size_t i = 0; *p == L'"' && i < backslashes + 1; i++)
            add_char(command, L'\\');
        backslashes = *p == L'\\' ? backslashes + 1 : 0;
        add_char(command, *p);
    }
    for (size_t i = 0; i < backslashes; i++)
        add_char(command, L'\\');
    add_char(command, L'"');
}

static void close_handle(HANDLE *handle)
{
    if (*handle != NULL)
        (void)CloseHandle(*handle);
    *handle = NULL;
}

static bool make_pipes(pipes *p)
{
    SECURITY_ATTRIBUTES inherited = {.nLength = sizeof inherited, .bInheritHandle = TRUE};
    return CreatePipe(&p->child_in, &p->own_in, &inherited, PIPE_BYTES) &&
           CreatePipe(&p->own_out, &p->child_out, &inherited, PIPE_BYTES) &&
           SetHandleInformation(p->own_in, HANDLE_FLAG_INHERIT, 0) &&
           SetHandleInformation(p->own_out, HANDLE_FLAG_INHERIT, 0);
}

/* The child inherits its three handles and none of the installer's. */
static bool start(const wchar_t *program, setup_command *command, const pipes *p, PROCESS_INFORMATION *child)
{
    STARTUPINFOEXW info = {.StartupInfo = {.cb = sizeof info,
                                           .dwFlags = STARTF_USESTDHANDLES,
                                           .hStdInput = p->child_in,
                                           .hStdOutput = p->child_out,
                                           .hStdError = p->child_out}};
    HANDLE kept[] = {p->child_in, p->child_out};
    SIZE_T size = 0;
    bool started = false;
    (void)InitializeProcThreadAttributeList(NULL, 1, 0, &size);
    info.lpAttributeList = malloc(size);
    if (info.lpAttributeList == NULL || !InitializeProcThreadAttributeList(info.lpAttributeList, 1, 0, &size))
        goto done;
    if (UpdateProcThreadAttribute(info.lpAttributeList, 0, PROC_THREAD_ATTRIBUTE_HANDLE_LIST, (void *)kept,
                                  sizeof kept, NULL, NULL))
        started = CreateProcessW(program, command->text, NULL, NULL, TRUE,
                                 CREATE_NO_WINDOW | EXTENDED_STARTUPINFO_PRESENT, NULL, NULL,
                                 &info.StartupInfo, child);
    const DWORD why = GetLastError();
    DeleteProcThreadAttributeList(info.lpAttributeList);
    SetLastError(why);
done:
    free(info.lpAttributeList);
    return started;
}

static bool finish(const PROCESS_INFORMATION *child, unsigned long *status)
{
    if (WaitForSingleObject(child->hProcess, CHILD_MS) == WAIT_OBJECT_0)
        return GetExitCodeProcess(child->hProcess, status);
    (void)TerminateProcess(child->hProcess, 1);
    (void)WaitForSingleObject(child->hProcess, INFINITE);
    SetLastError(WAIT_TIMEOUT);
    return false;
}

static void read_all(HANDLE from, char output[SETUP_OUTPUT_MAX])
{
    DWORD got = 0;
    DWORD len = 0;
    while (len < SETUP_OUTPUT_MAX - 1 &&
           ReadFile(from, output + len, SETUP_OUTPUT_MAX - 1 - len, &got, NULL) && got > 0)
        len += got;
    output[len] = '\0';
}

bool setup_child_run(const wchar_t *program, setup_command *command, const char *input,
                     char output[SETUP_OUTPUT_MAX], unsigned long *status)
{
    pipes p = {0};
    PROCESS_INFORMATION child = {0};
    DWORD written = 0;
    const size_t len = strlen(input);
    output[0] = '\0';
    command->text[command->len] = L'\0';
    bool good = !command->overflow && len < PIPE_BYTES;
    if (!good)
        SetLastError(ERROR_FILENAME_EXCED_RANGE);
    good = good && make_pipes(&p) && WriteFile(p.own_in, input, (DWORD)len, &written, NULL) &&
           start(program, command, &p, &child);
    DWORD why = good ? ERROR_SUCCESS : GetLastError();
    /* An end of the child's that stays open here would keep it, or the reader below, waiting. */
    close_handle(&p.own_in);
    close_handle(&p.child_in);
    close_handle(&p.child_out);
    if (good) {
        good = finish(&child, status);
        why = good ? ERROR_SUCCESS : GetLastError();
        read_all(p.own_out, output);
    }
    close_handle(&child.hThread);
    close_handle(&child.hProcess);
    close_handle(&p.own_out);
    SetLastError(why);
    return good;
}
