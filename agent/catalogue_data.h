/* catalogue_data.h - the built-in part of the field catalogue. */
#ifndef MLC_AGENT_CATALOGUE_DATA_H
#define MLC_AGENT_CATALOGUE_DATA_H

/* The catalogue in the form of its file (catalogue.h). */
extern const char mlc_catalogue_built_in[];

#endif
