/* table.c - see table.h. */
#include "cli/table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Replace what a terminal would act upon, in place: C0, DEL, and C1 (0xC2 0x80..0x9F). */
static void make_safe(char *text, bool lines)
{
    for (char *p = text; *p != '\0'; p++) {
        const unsigned char c = (unsigned char)*p;
        if (lines && (c == '\n' || c == '\t'))
            continue;
        if (c < 0x20 || c == 0x7f)
            *p = '?';
        if (c == 0xc2 && (unsigned char)p[1] >= 0x80 && (unsigned char)p[1] <= 0x9f) {
            p[0] = '?';
            p[1] = '?';
        }
    }
}

void mlctl_print_safe(FILE *out, const char *text, bool lines)
{
    char *const copy = mlc_strdup(text != NULL ? text : "-");
    if (copy == NULL)
        return;
    make_safe(copy, lines);
    (void)fputs(copy, out);
    free(copy);
}

void mlctl_table_cell(mlctl_table *table, const char *text)
{
    if (table->failed)
        return;
    if (table->count == table->cap) {
        const size_t cap = table->cap > 0 ? table->cap * 2 : 64;
        char **const cells = realloc((void *)table->cells, cap * sizeof(char *));
        if (cells == NULL) {
            table->failed = true;
            return;
        }
        table->cells = cells;
        table->cap = cap;
    }
    char *const copy = mlc_strdup(text != NULL && text[0] != '\0' ? text : "-");
    if (copy == NULL) {
        table->failed = true;
        return;
    }
    make_safe(copy, false);
    table->cells[table->count++] = copy;
}

void mlctl_table_init(mlctl_table *table, const char *const *headings)
{
    *table = (mlctl_table){0};
    while (table->columns < MLCTL_COLUMNS_MAX && headings[table->columns] != NULL)
        mlctl_table_cell(table, headings[table->columns++]);
}

void mlctl_table_number(mlctl_table *table, int64_t number)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%" PRId64, number);
    mlctl_table_cell(table, text);
}

size_t mlctl_table_rows(const mlctl_table *table)
{
    return table->count > 0 ? table->count / table->columns - 1 : 0;
}

/* Characters, not bytes. */
static size_t width_of(const char *text)
{
    size_t width = 0;
    for (; *text != '\0'; text++)
        if (((unsigned char)*text & 0xc0) != 0x80)
            width++;
    return width;
}

void mlctl_table_print(mlctl_table *table, FILE *out)
{
    size_t widths[MLCTL_COLUMNS_MAX] = {0};
    const size_t columns = table->columns > 0 ? table->columns : 1;
    for (size_t i = 0; i < table->count; i++) {
        const size_t width = width_of(table->cells[i]);
        if (width > widths[i % columns])
            widths[i % columns] = width;
    }
    for (size_t i = 0; i < table->count; i++) {
        const bool last = i % columns == columns - 1;
        (void)fputs(table->cells[i], out);
        for (size_t pad = width_of(table->cells[i]); !last && pad < widths[i % columns] + 2; pad++)
            (void)fputc(' ', out);
        if (last)
            (void)fputc('\n', out);
    }
    if (table->failed)
        (void)fputs("... (out of memory)\n", out);
    mlctl_table_free(table);
}

void mlctl_table_free(mlctl_table *table)
{
    for (size_t i = 0; i < table->count; i++)
        free(table->cells[i]);
    free((void *)table->cells);
    *table = (mlctl_table){0};
}
