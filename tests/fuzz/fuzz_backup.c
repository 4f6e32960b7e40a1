/* parts: cli */
/* Whatever the bytes: a backup.json that is accepted names only folders below its own, prints, and is accepted again, equal. */
#include "cli/backup_private.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mlctl_backup backup = {0};
    mlctl_backup again = {0};
    mlc_error err;
    if (mlctl_backup_parse(&backup, (const char *)data, size, &err) != MLC_OK) {
        must(backup.stores == NULL && mlc_utf8_valid(err.message, strlen(err.message)));
        return 0;
    }
    for (size_t i = 0; i < backup.count; i++) {
        const char *const folder = backup.stores[i].folder;
        must(folder[0] != '/' && folder[0] != '.' && strstr(folder, "/.") == NULL);
    }
    char *const text = mlctl_backup_text(&backup);
    must(text != NULL && mlctl_backup_parse(&again, text, strlen(text), &err) == MLC_OK);
    char *const twice = mlctl_backup_text(&again);
    must(twice != NULL && strcmp(text, twice) == 0);
    free(text);
    free(twice);
    mlctl_backup_free(&backup);
    mlctl_backup_free(&again);
    return 0;
}
