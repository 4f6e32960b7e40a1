/* table.h - aligned columns on a terminal.
 *
 * Texts come from other systems: control characters are shown as "?", so that no record can steer the terminal.
 */
#ifndef MLC_CLI_TABLE_H
#define MLC_CLI_TABLE_H

#include "base/buf.h"

#include <stdio.h>

enum { MLCTL_COLUMNS_MAX = 16 };

typedef struct mlctl_table {
    size_t columns;
    char **cells; /* rows of `columns` texts; the first is the heading */
    size_t count; /* cells in use */
    size_t cap;
    bool failed; /* out of memory: the print says so */
} mlctl_table;

/* Headings, NULL-terminated. */
void mlctl_table_init(mlctl_table *table, const char *const *headings);
/* The next cell of the present row; NULL is shown as "-". */
void mlctl_table_cell(mlctl_table *table, const char *text);
void mlctl_table_number(mlctl_table *table, int64_t number);
size_t mlctl_table_rows(const mlctl_table *table); /* without the heading */
/* Print; afterwards it is empty. */
void mlctl_table_print(mlctl_table *table, FILE *out);
void mlctl_table_free(mlctl_table *table);

/* Print a text with its control characters replaced; line breaks and tabs are kept with `lines`. */
void mlctl_print_safe(FILE *out, const char *text, bool lines);

#endif
