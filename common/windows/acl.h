/* acl.h - who may read files and folders on Windows. Private to what is only built there. Thread rule: any thread. */
#ifndef MLC_WINDOWS_ACL_H
#define MLC_WINDOWS_ACL_H

#include <stdbool.h>
#include <stddef.h>

typedef enum mlc_acl_folder {
    MLC_ACL_INHERITED, /* as the folder it is in says */
    MLC_ACL_OWN /* for the system, administrators and this user; inherits when its own folder is already like that */
} mlc_acl_folder;

/* `file`: a HANDLE with READ_CONTROL. True when nobody may read it but the system, administrators, this user and accounts
 * of services (NT SERVICE\...), which administrators let in by name. Else `who` gets one of the others. */
bool mlc_acl_private(void *file, char *who, size_t size);

/* False with GetLastError. */
bool mlc_acl_make_folder(const char *path, mlc_acl_folder kind);

/* Let the system, administrators and the account (text of a SID, NULL: none) into the folder and all in it, and nobody
 * else. `write`: the account may also change what is there. False with GetLastError. */
bool mlc_acl_protect_folder(const char *path, const char *account, bool write);

#endif
