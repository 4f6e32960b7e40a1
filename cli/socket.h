/* socket.h - which program mlctl means when no socket is named: the one that is there. */
#ifndef MLC_CLI_SOCKET_H
#define MLC_CLI_SOCKET_H

#include "base/error.h"

enum { MLCTL_SOCKET_MAX = 256 };

#define MLCTL_SOCKET_DIR "/run/ml-connector"

/* The only admin socket below `dir` at the places where the programs and their packages have it; names for one socket count once.
 * When none is there: where the packages would have it. MLC_E_INVALID when there are several: it names them. */
mlc_code mlctl_socket_find(const char *dir, char out[MLCTL_SOCKET_MAX], mlc_error *err);

#endif
