/* map_cmd.h - "mlctl map": checks and tries mapping files (docs/mapping.md). Works without any running program. */
#ifndef MLC_CLI_MAP_CMD_H
#define MLC_CLI_MAP_CMD_H

#include "cli/args.h"

#include <stdio.h>

/* The words after "map". 0: good; 1: the mapping or the record has faults; 2: wrong usage. */
mlctl_exit mlctl_map_main(int argc, char *const *argv, FILE *out, FILE *err_out);

#endif
