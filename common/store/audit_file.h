/* audit_file.h - the audit trail outside of a store: lines of an export, as JSON lines or CSV, and their proof. Pure.
 *
 * A file is a head, an entry a line, and an end:
 *   {"export":{"format":1,"store":S,"from":N,"filtered":false,"toHead":true,"at":T}}
 *   {"index":N,"hash":H,"previous":H,"event":{..}[,"personal":{..}]}
 *   {"end":{"entries":N,"index":N,"hash":H}}         index and hash of the last entry in the file
 * The event is the very text that was hashed. In CSV a line begins with columns for a person, and ends with event and
 * personal part; head and end have their JSON in the column "event". Each record is one line.
 */
#ifndef MLC_STORE_AUDIT_FILE_H
#define MLC_STORE_AUDIT_FILE_H

#include "store/audit_check.h"

enum { MLC_AUDIT_LINE_MAX = 256 * 1024 };

/* Append a line with its line break. */
mlc_code mlc_audit_line_json(const mlc_audit_item *item, mlc_buf *out, mlc_error *err);
mlc_code mlc_audit_line_csv(const mlc_audit_item *item, mlc_buf *out, mlc_error *err);
/* The heading of the columns. */
const char *mlc_audit_csv_heading(void);
/* Head and end are JSON already; the same as a row of CSV. `name`: "export" or "end". */
mlc_code mlc_audit_csv_frame(const char *name, const char *json, mlc_buf *out, mlc_error *err);

/* A line that was read: the item's pointers lead into it. Zero-initialise; free with mlc_audit_line_free. */
typedef struct mlc_audit_line {
    mlc_audit_item item; /* index 0: it is head or end, in `event` */
    uint8_t hash[MLC_AUDIT_HASH_LEN], previous[MLC_AUDIT_HASH_LEN];
    char *event, *personal;
} mlc_audit_line;
/* One line without its line break, of either form. MLC_E_INVALID says what is wrong with it. */
mlc_code mlc_audit_line_parse(const char *text, size_t len, bool csv, mlc_audit_line *out, mlc_error *err);
void mlc_audit_line_free(mlc_audit_line *line);

/* ---- proof of a file, line by line ---- */

typedef struct mlc_audit_file {
    const mlc_audit_head *known; /* a head noted elsewhere, or NULL */
    bool csv, filtered, to_head, ended, met_known;
    uint64_t lines, from;
    char store[64];
    mlc_audit_check check;
} mlc_audit_file;

/* Zero-initialise, set `known`; free in any case. Errors name the line: MLC_E_INVALID it is no such file, MLC_E_CORRUPT it
 * was altered. */
mlc_code mlc_audit_file_next(mlc_audit_file *file, const char *text, size_t len, mlc_error *err);
/* After the last line. MLC_E_CORRUPT also when the end is missing: the file was cut. */
mlc_code mlc_audit_file_end(mlc_audit_file *file, mlc_error *err);
void mlc_audit_file_free(mlc_audit_file *file);

#endif
