/* key_wrap_windows.c - see key_wrap.h. Sealed for the machine and not for a user: an administrator enrols the agent, and
 * the service's account, which nobody can sign in as, opens it. Which users may is the file's access list. */
#include <winsock2.h>
/* before the rest of Windows */
#include <windows.h>

#include "crypto/key_wrap.h"

#include <dpapi.h>
#include <string.h>

static DATA_BLOB entropy(void)
{
    /* Part of the format: another program's DPAPI value does not pass for ours, nor ours for theirs. */
    static BYTE text[] = "ml-connector root key 1";
    return (DATA_BLOB){.cbData = sizeof text - 1, .pbData = text};
}

mlc_code mlc_key_wrap(const uint8_t key[MLC_KEY_LEN], mlc_buf *out, mlc_error *err)
{
    uint8_t copy[MLC_KEY_LEN];
    DATA_BLOB in = {.cbData = MLC_KEY_LEN, .pbData = copy};
    DATA_BLOB bound = entropy();
    DATA_BLOB sealed = {0};
    memcpy(copy, key, MLC_KEY_LEN);
    const BOOL good = CryptProtectData(&in, L"ml-connector", &bound, NULL, NULL,
                                       CRYPTPROTECT_LOCAL_MACHINE | CRYPTPROTECT_UI_FORBIDDEN, &sealed);
    const unsigned long why = GetLastError();
    mlc_wipe(copy, sizeof copy);
    if (!good)
        return mlc_fail(err, MLC_E_IO, "Windows cannot seal the root key (error %lu)", why);
    const mlc_code code = mlc_buf_append(out, sealed.pbData, sealed.cbData, err);
    (void)LocalFree(sealed.pbData);
    return code;
}

mlc_code mlc_key_unwrap(const uint8_t *data, size_t len, const char *path, uint8_t out[MLC_KEY_LEN],
                        mlc_error *err)
{
    uint8_t copy[MLC_KEY_WRAP_MAX];
    DATA_BLOB in = {.cbData = (DWORD)len, .pbData = copy};
    DATA_BLOB bound = entropy();
    DATA_BLOB plain = {0};
    if (len == 0 || len > sizeof copy)
        return mlc_fail(err, MLC_E_INVALID, "root key %s holds no key; restore it from its backup", path);
    memcpy(copy, data, len);
    if (!CryptUnprotectData(&in, NULL, &bound, NULL, NULL, CRYPTPROTECT_UI_FORBIDDEN, &plain))
        return mlc_fail(err, MLC_E_AUTH,
                        "root key %s does not open on this machine (error %lu); it is bound to the machine "
                        "it was made on: "
                        "enrol the agent anew",
                        path, (unsigned long)GetLastError());
    const bool fits = plain.cbData == MLC_KEY_LEN;
    if (fits)
        memcpy(out, plain.pbData, MLC_KEY_LEN);
    mlc_wipe(plain.pbData, plain.cbData);
    (void)LocalFree(plain.pbData);
    return fits ? MLC_OK : mlc_fail(err, MLC_E_INVALID, "root key %s holds no key of this program", path);
}
