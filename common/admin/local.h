/* local.h - checks of what lies on this machine: folder, root key, certificate files. Each ends the check at once.
 * Thread rule: loop's thread only. */
#ifndef MLC_ADMIN_LOCAL_H
#define MLC_ADMIN_LOCAL_H

#include "admin/checkup.h"
#include "crypto/key_place.h"

/* The folder of the store can be written and its disk has room. Absent: it can be made. `setting` names it in the remedies. */
void mlc_local_folder(mlc_checkup *checkup, unsigned token, const char *dir, const char *setting);

/* The root key opens. Only with a token set, which is asked: a wrong PIN counts there. */
void mlc_local_root_key(mlc_checkup *checkup, unsigned token, const mlc_key_owner *owner, const mlc_cfg *cfg);

typedef struct mlc_local_cert {
    const char *cert_file, *key_file;       /* key_file NULL: only the certificate is looked at */
    const char *cert_setting, *key_setting; /* for the remedies */
} mlc_local_cert;
/* Both are readable, the key fits, the certificate is in force; warns when it ends soon. */
void mlc_local_certificate(mlc_checkup *checkup, unsigned token, const mlc_local_cert *files);

#endif
