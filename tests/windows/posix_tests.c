/* posix_tests.c - see posix_tests.h. */
#include <winsock2.h>
/* before the rest of Windows */
#include <windows.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

int setenv(const char *name, const char *value, int overwrite)
{
    return overwrite != 0 || getenv(name) == NULL ? _putenv_s(name, value) : 0;
}

int unsetenv(const char *name)
{
    return _putenv_s(name, "");
}

static bool remove_all(const char *path)
{
    char inner[MAX_PATH];
    WIN32_FIND_DATAA found;
    (void)snprintf(inner, sizeof inner, "%.200s\\*", path);
    const HANDLE search = FindFirstFileA(inner, &found);
    if (search == INVALID_HANDLE_VALUE)
        return DeleteFileA(path) != 0;
    do {
        if (strcmp(found.cFileName, ".") == 0 || strcmp(found.cFileName, "..") == 0)
            continue;
        (void)snprintf(inner, sizeof inner, "%.120s\\%.120s", path, found.cFileName);
        if ((found.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0)
            (void)remove_all(inner);
        else
            (void)DeleteFileA(inner);
    } while (FindNextFileA(search, &found));
    (void)FindClose(search);
    return RemoveDirectoryA(path) != 0;
}

int mlc_tests_system(const char *command)
{
    static const char known[] = "rm -rf ";
    if (strncmp(command, known, sizeof known - 1) != 0)
        return -1;
    return remove_all(command + sizeof known - 1) ? 0 : 1;
}
