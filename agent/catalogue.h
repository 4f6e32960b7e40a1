/* catalogue.h - the field catalogue of JDE: what the data items behind an orchestration's inputs take.
 *
 * JDE's data dictionary is not asked: the fields in use are few, and a site that uses more, or changed a length, adds a file.
 * Built in (catalogue_data.c, after contracts/ais.md, section Data): the inputs of orders and addresses. An input that no table
 * names is not checked. File, one definition a line, # begins a comment; a later line replaces an earlier one and what is built in:
 *
 *     item  VR02 text 25               data item: text and its length, number with digits and decimals, date
 *     item  CRCD text 3 USD EUR        ... and the values it takes, when they are fixed
 *     item  UPRC number 15 4
 *     input CustomerPO VR02            an input of an orchestration holds this data item
 *
 * Read once, unchanged then; any thread.
 */
#ifndef MLC_AGENT_CATALOGUE_H
#define MLC_AGENT_CATALOGUE_H

#include "base/buf.h"
#include "base/faults.h"
#include "base/json.h"

enum { MLC_CATALOGUE_FILE_MAX = 256 * 1024, MLC_CATALOGUE_ROWS_MAX = 4096 };

typedef struct mlc_catalogue mlc_catalogue;

/* What is built in, and a file (NULL: none). Faults of the file are all reported, "file:line: reason" each (report may be
 * NULL); err holds the first. *out: mlc_catalogue_free. */
mlc_code mlc_catalogue_open(mlc_catalogue **out, const char *file, mlc_buf *report, mlc_error *err);
/* The same from bytes; `name` stands for the file in faults. */
mlc_code mlc_catalogue_read(mlc_catalogue **out, const char *name, const char *text, size_t len,
                            mlc_buf *report, mlc_error *err);
void mlc_catalogue_free(mlc_catalogue *catalogue);

/* Add a fault for each value that its field does not take: too long, no number or date, too many digits or decimals, not one of
 * the values. Objects in lists are called "line N" by their LineNumber. */
void mlc_catalogue_check(const mlc_catalogue *catalogue, const cJSON *inputs, mlc_faults *faults);

#endif
