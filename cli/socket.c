/* socket.c - see socket.h. */
#include "cli/socket.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* The link of the packages, the programs' defaults, the packages' settings. */
static const char *const places[] = {"admin.sock", "agent.sock", "relay.sock", "agent/admin.sock",
                                     "relay/admin.sock"};
enum { PLACES = sizeof places / sizeof places[0] };

typedef struct found_socket {
    const char *place;
    dev_t dev;
    ino_t ino;
} found_socket;

/* The link tells less than what it leads to. */
static bool is_new(found_socket *found, size_t count, const struct stat *st, const char *place)
{
    for (size_t i = 0; i < count; i++) {
        if (found[i].dev != st->st_dev || found[i].ino != st->st_ino)
            continue;
        found[i].place = place;
        return false;
    }
    return true;
}

mlc_code mlctl_socket_find(const char *dir, char out[MLCTL_SOCKET_MAX], mlc_error *err)
{
    found_socket found[PLACES];
    const char *shut = NULL; /* in a folder that this user may not look into */
    size_t count = 0;
    for (size_t i = 0; i < PLACES; i++) {
        struct stat st;
        (void)snprintf(out, MLCTL_SOCKET_MAX, "%s/%s", dir, places[i]);
        if (stat(out, &st) != 0)
            shut = shut == NULL && errno == EACCES ? places[i] : shut;
        else if (S_ISSOCK(st.st_mode) && is_new(found, count, &st, places[i]))
            found[count++] = (found_socket){places[i], st.st_dev, st.st_ino};
    }
    if (count > 1)
        return mlc_fail(err, MLC_E_INVALID,
                        "several programs run here: say which one with --socket %s/%s or --socket %s/%s", dir,
                        found[0].place, dir, found[1].place);
    (void)snprintf(out, MLCTL_SOCKET_MAX, "%s/%s", dir,
                   count == 1     ? found[0].place
                   : shut != NULL ? shut
                                  : places[0]);
    return MLC_OK;
}
