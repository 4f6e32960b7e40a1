/* backup_private.h - what the files of backup.h share. */
#ifndef MLC_CLI_BACKUP_PRIVATE_H
#define MLC_CLI_BACKUP_PRIVATE_H

#include "cli/backup.h"

#define MLCTL_BACKUP_FILE "backup.json"
enum { MLCTL_BACKUP_JSON_MAX = 32 * 1024 * 1024 };

/* backup_json.c */
/* "", "control", "tenants/acme": stays below the folder it is put into, and is not hidden. */
bool backup_folder_good(const char *folder);
/* NULL: out of memory. */
mlctl_backup_store *backup_new_store(mlctl_backup *backup);

/* backup_make.c */
/* "DIR/FOLDER/NAME"; FOLDER may be "". MLC_E_INVALID: too long. */
mlc_code backup_path(char out[MLCTL_BACKUP_PATH_MAX], const char *dir, const char *folder, const char *name,
                     mlc_error *err);

#endif
