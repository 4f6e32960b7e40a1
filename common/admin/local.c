/* local.c - see local.h. The certificates: certificate.c. */
#include "admin/local.h"

#include "base/buf.h"
#include "base/os.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { REMEDY_MAX = 512 };
static const uint64_t MIB = UINT64_C(1024) * 1024, WARN_MIB = 1024, FAIL_MIB = 64;

/* ---- the folder ---- */

/* The folder, or the one it would be made in. Caller frees. */
static char *nearest_folder(const char *dir)
{
    struct stat st;
    char *const path = mlc_strdup(dir);
    while (path != NULL && stat(path, &st) != 0 && errno == ENOENT) {
        char *const slash = strrchr(path, '/');
        if (slash == NULL || slash == path)
            break;
        *slash = '\0';
    }
    return path;
}

static void judge_folder(mlc_checkup *checkup, unsigned token, const char *dir, const char *found,
                         const char *setting)
{
    char remedy[REMEDY_MAX];
    char user[128];
    struct stat st;
    struct statvfs disk;
    if (stat(found, &st) != 0 || !S_ISDIR(st.st_mode) || access(found, W_OK | X_OK) != 0) {
        const char *const why = errno != 0 ? strerror(errno) : "it is no folder";
        mlc_os_user(user, sizeof user);
        (void)snprintf(
            remedy, sizeof remedy,
            "make the folder for the user the service runs as (this check runs as %s), or correct %s", user,
            setting);
        mlc_checkup_fail(checkup, token, remedy, "%s cannot be written: %s", found, why);
        return;
    }
    if (statvfs(found, &disk) != 0) {
        mlc_checkup_warn(checkup, token, "look at the disk", "%s: %s", found, strerror(errno));
        return;
    }
    const uint64_t free_mib = (uint64_t)disk.f_bavail * disk.f_frsize / MIB;
    const char *const made = strcmp(dir, found) == 0 ? "" : " (it will be made at the first start)";
    (void)snprintf(remedy, sizeof remedy, "free room on the disk of %s, or move it", dir);
    if (free_mib < FAIL_MIB)
        mlc_checkup_fail(checkup, token, remedy, "%s has %llu MiB of room left", dir,
                         (unsigned long long)free_mib);
    else if (free_mib < WARN_MIB)
        mlc_checkup_warn(checkup, token, remedy, "%s has %llu MiB of room left", dir,
                         (unsigned long long)free_mib);
    else
        mlc_checkup_ok(checkup, token, "%s, %llu MiB of room%s", dir, (unsigned long long)free_mib, made);
}

void mlc_local_folder(mlc_checkup *checkup, unsigned token, const char *dir, const char *setting)
{
    char *const found = nearest_folder(dir);
    errno = 0;
    if (found != NULL)
        judge_folder(checkup, token, dir, found, setting);
    else
        mlc_checkup_fail(checkup, token, NULL, "out of memory");
    free(found);
}
