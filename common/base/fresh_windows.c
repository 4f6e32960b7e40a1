/* fresh_windows.c - see fresh.h. Who has such a file open shares it with nobody, so that opening it tells whether it is in use. */
#include <winsock2.h>
/* before the rest of Windows */
#include <windows.h>

#include "base/fresh.h"

#include "base/fresh_name.h"
#include "base/os.h"

#include <errno.h>
#include <stdbool.h>

mlc_code mlc_fresh_open(const char *file, char path[MLC_FRESH_PATH_MAX], int *fd, mlc_error *err)
{
    *fd = -1;
    const int len = snprintf(path, MLC_FRESH_PATH_MAX, "%s" MLC_FRESH_MARK "XXXXXX", file);
    if (len < 0 || len >= MLC_FRESH_PATH_MAX)
        return mlc_fail(err, MLC_E_INVALID, "the path %.100s... is too long", file);
    *fd = mlc_posix_new_file(path, 0, 0);
    return *fd >= 0 ? MLC_OK : mlc_fail(err, MLC_E_IO, "%s", strerror(errno));
}

static bool clear_one(const char *path)
{
    const HANDLE file = CreateFileA(path, DELETE, 0, NULL, OPEN_EXISTING,
                                    FILE_FLAG_DELETE_ON_CLOSE | FILE_FLAG_OPEN_REPARSE_POINT, NULL);
    if (file == INVALID_HANDLE_VALUE)
        return false;
    (void)CloseHandle(file);
    return true;
}

size_t mlc_fresh_clear(const char *file)
{
    char path[MLC_FRESH_PATH_MAX];
    WIN32_FIND_DATAA found;
    size_t count = 0;
    const char *const slash = mlc_os_last_slash(file);
    const int folder = slash != NULL ? (int)(slash - file) + 1 : 0;
    const int len = snprintf(path, sizeof path, "%s" MLC_FRESH_MARK "*", file);
    if (len < 0 || (size_t)len >= sizeof path)
        return 0;
    const HANDLE search = FindFirstFileA(path, &found);
    if (search == INVALID_HANDLE_VALUE)
        return 0;
    do {
        const int end = snprintf(path, sizeof path, "%.*s%s", folder, file, found.cFileName);
        if (end > 0 && (size_t)end < sizeof path && mlc_fresh_is_name(found.cFileName, file + folder) &&
            clear_one(path))
            count++;
    } while (FindNextFileA(search, &found));
    (void)FindClose(search);
    return count;
}
