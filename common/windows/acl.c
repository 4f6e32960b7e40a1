/* acl.c - see acl.h. */
#include <winsock2.h>
/* before the rest of Windows */
#include <windows.h>

#include "windows/acl.h"

#include <aclapi.h>
#include <sddl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { SDDL_MAX = 512, SID_ROOM = 128 };

/* The user this process runs as. */
static bool own_sid(uint8_t room[SID_ROOM])
{
    union {
        TOKEN_USER user;
        uint8_t bytes[256];
    } info;
    HANDLE token = NULL;
    DWORD len = 0;
    if (!OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token))
        return false;
    const bool got = GetTokenInformation(token, TokenUser, &info, sizeof info, &len) &&
                     CopySid(SID_ROOM, (PSID)room, info.user.User.Sid);
    (void)CloseHandle(token);
    return got;
}

/* S-1-5-80-...: the account of a service. */
static bool is_service(PSID sid)
{
    static const SID_IDENTIFIER_AUTHORITY nt = {SECURITY_NT_AUTHORITY};
    return memcmp(GetSidIdentifierAuthority(sid), &nt, sizeof nt) == 0 && *GetSidSubAuthorityCount(sid) > 1 &&
           *GetSidSubAuthority(sid, 0) == SECURITY_SERVICE_ID_BASE_RID;
}

static bool is_trusted(PSID sid, PSID self)
{
    return IsWellKnownSid(sid, WinLocalSystemSid) || IsWellKnownSid(sid, WinBuiltinAdministratorsSid) ||
           IsWellKnownSid(sid, WinCreatorOwnerSid) || IsWellKnownSid(sid, WinCreatorOwnerRightsSid) ||
           is_service(sid) || EqualSid(sid, self);
}

static void name_of(PSID sid, char *out, size_t size)
{
    char *text = NULL;
    char name[100] = "";
    char domain[100] = "";
    DWORD name_len = sizeof name;
    DWORD domain_len = sizeof domain;
    SID_NAME_USE use;
    if (LookupAccountSidA(NULL, sid, name, &name_len, domain, &domain_len, &use))
        (void)snprintf(out, size, "%s", name);
    else if (ConvertSidToStringSidA(sid, &text))
        (void)snprintf(out, size, "%s", text);
    (void)LocalFree(text);
}

static bool list_is_private(PACL list, char *who, size_t size)
{
    uint8_t self[SID_ROOM];
    if (list == NULL || !own_sid(self)) {
        (void)snprintf(who, size, "everybody");
        return false;
    }
    for (DWORD i = 0; i < list->AceCount; i++) {
        ACCESS_ALLOWED_ACE *ace = NULL;
        if (!GetAce(list, i, (void **)&ace) || ace->Header.AceType != ACCESS_ALLOWED_ACE_TYPE)
            continue;
        PSID const sid = (PSID)&ace->SidStart;
        if ((ace->Mask & (FILE_READ_DATA | GENERIC_READ | GENERIC_ALL)) == 0 || is_trusted(sid, (PSID)self))
            continue;
        name_of(sid, who, size);
        return false;
    }
    return true;
}

bool mlc_acl_private(void *file, char *who, size_t size)
{
    PACL list = NULL;
    PSECURITY_DESCRIPTOR descriptor = NULL;
    (void)snprintf(who, size, "it is not known who");
    if (GetSecurityInfo(file, SE_FILE_OBJECT, DACL_SECURITY_INFORMATION, NULL, NULL, &list, NULL,
                        &descriptor) != 0)
        return false;
    const bool good = list_is_private(list, who, size);
    (void)LocalFree(descriptor);
    return good;
}

/* Is the folder that `path` lies in for nobody else? */
static bool parent_is_private(const char *path)
{
    char parent[MAX_PATH * 4];
    char who[128];
    (void)snprintf(parent, sizeof parent, "%s\\..", path);
    const HANDLE folder =
        CreateFileA(parent, READ_CONTROL, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
                    OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, NULL);
    if (folder == INVALID_HANDLE_VALUE)
        return false;
    const bool good = mlc_acl_private(folder, who, sizeof who);
    (void)CloseHandle(folder);
    return good;
}

bool mlc_acl_make_folder(const char *path, mlc_acl_folder kind)
{
    uint8_t self[SID_ROOM];
    char sddl[SDDL_MAX];
    char *text = NULL;
    SECURITY_ATTRIBUTES attributes = {.nLength = sizeof attributes};
    if (kind == MLC_ACL_INHERITED || parent_is_private(path))
        return CreateDirectoryA(path, NULL);
    if (!own_sid(self) || !ConvertSidToStringSidA((PSID)self, &text))
        return false;
    (void)snprintf(sddl, sizeof sddl, "D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;%s)", text);
    (void)LocalFree(text);
    if (!ConvertStringSecurityDescriptorToSecurityDescriptorA(sddl, SDDL_REVISION_1,
                                                              &attributes.lpSecurityDescriptor, NULL))
        return false;
    const bool made = CreateDirectoryA(path, &attributes);
    const DWORD why = GetLastError();
    (void)LocalFree(attributes.lpSecurityDescriptor);
    SetLastError(why);
    return made;
}

bool mlc_acl_protect_folder(const char *path, const char *account, bool write)
{
    char sddl[SDDL_MAX];
    PSECURITY_DESCRIPTOR descriptor = NULL;
    PACL list = NULL;
    BOOL present = FALSE;
    BOOL defaulted = FALSE;
    const char *const rights = write ? "FA" : "FRFX";
    (void)snprintf(sddl, sizeof sddl, "D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)");
    if (account != NULL)
        (void)snprintf(sddl, sizeof sddl, "D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;%s;;;%s)", rights,
                       account);
    if (!ConvertStringSecurityDescriptorToSecurityDescriptorA(sddl, SDDL_REVISION_1, &descriptor, NULL))
        return false;
    DWORD rc =
        GetSecurityDescriptorDacl(descriptor, &present, &list, &defaulted) ? ERROR_SUCCESS : GetLastError();
    /* Unlike SetFileSecurity this also reaches what lies in the folder. */
    if (rc == ERROR_SUCCESS)
        rc = SetNamedSecurityInfoA((char *)(uintptr_t)path, SE_FILE_OBJECT,
                                   DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION, NULL,
                                   NULL, list, NULL);
    (void)LocalFree(descriptor);
    SetLastError(rc);
    return rc == ERROR_SUCCESS;
}
