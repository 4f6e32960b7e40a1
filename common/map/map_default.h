/* map_default.h - the texts of common/map/defaults as CMake compiles them in (cmake/embed.cmake). */
#ifndef MLC_MAP_MAP_DEFAULT_H
#define MLC_MAP_MAP_DEFAULT_H

#include <stddef.h>

typedef struct map_default {
    const char *kind; /* NULL ends the list */
    const unsigned char *text;
    size_t len;
} map_default;

extern const map_default map_defaults[];

#endif
