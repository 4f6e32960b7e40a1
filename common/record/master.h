/* master.h - the canonical master record: all that JDE holds of one record now, on its way to Dynamics.
 *
 * It is a full snapshot of rows, not yet of columns of the target: what becomes of it is the mapping's to say (map/map.h).
 * As JSON: {"kind":"customer","id":"6001","source":"JDE/F0101/6001","version":"1764.126327.143005","gone":false,
 *   "rows":{"F0101":{"AN8":"6001","ALPH":"Acme"},"F03012":{"TRAR":"N30"},"F0115":[{"PHTP":"","PH1":"555"}]}}
 *
 * Kinds and their ids (sources: contracts/ais.md, section Data):
 *   customer  AN8                                 F0101 F0116 F03012 objects; F0115 F01151 lists
 *   supplier  AN8                                 F0101 F0116 F0401 objects; F0115 F01151 lists
 *   contact   AN8/IDLN                            F0111 object; F0101 of the address number; F0115 F01151 lists of that line
 *   item      ITM                                 F4101 object
 *   price     ITM/MCU/AN8/CPGP/CRCD/UOM, trimmed  F4106 the row in effect, F4101 its item; gone when none is in effect
 * Every value is a text: numbers by their lexeme, texts trimmed on the right, dates "yyyy-mm-dd", blank "". A table whose
 * row does not exist is absent. `gone`: the record was deleted or left the selection (another search type, no price in
 * effect); rows may then be old or absent, and the target is deactivated, never deleted.
 */
#ifndef MLC_RECORD_MASTER_H
#define MLC_RECORD_MASTER_H

#include "base/buf.h"
#include "base/json.h"

enum { MLC_MASTER_MAX = 1 << 20, MLC_MASTER_FINGERPRINT_LEN = 16 };

/* Strings and rows are borrowed from the caller, or from `tree` after parse. */
typedef struct mlc_master {
    cJSON *tree;         /* owner after parse, else NULL */
    const char *kind;    /* one of the five above */
    const char *id;      /* see above; at most 100 characters */
    const char *source;  /* "JDE/TABLE/ID" of the leading table, of suppliers F0401; at most 120 characters */
    const char *version; /* "EMISSION.UPMJ.UPMT" (agent/poller.h); digits and points */
    bool gone;
    const cJSON *rows; /* object by table name */
} mlc_master;

/* True for the five kinds. */
bool mlc_master_is_kind(const char *kind);
/* Append the JSON text. Checked as parse does it: MLC_E_INVALID names every fault. */
mlc_code mlc_master_print(const mlc_master *master, mlc_buf *out, mlc_error *err);
/* Read and check shape: members, lengths, values all texts. MLC_E_INVALID names every fault. */
mlc_code mlc_master_parse(const char *text, size_t len, mlc_master *out, mlc_error *err);
/* Frees the tree. */
void mlc_master_free(mlc_master *master);
/* Of the content without version: equal content gives equal fingerprints. The audit columns USER, PID, JOBN, UPMJ, UPMT and
 * TDAY do not count, so that a touch without a change is silent; nor do the order of tables and columns, nor the rows of a
 * record that is gone. */
mlc_code mlc_master_fingerprint(const mlc_master *master, uint8_t out[MLC_MASTER_FINGERPRINT_LEN],
                                mlc_error *err);

#endif
