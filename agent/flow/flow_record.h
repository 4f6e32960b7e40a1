/* flow_record.h - rows that were read to one canonical master record (record/master.h). Pure; any thread. */
#ifndef MLC_AGENT_FLOW_RECORD_H
#define MLC_AGENT_FLOW_RECORD_H

#include "agent/flow/flow_read.h"
#include "record/master.h"

typedef struct mlc_flow_record_maker {
    const mlc_ais *ais; /* for dates */
    const mlc_flow_spec *spec;
    const mlc_flow_settings *settings;
    const mlc_flow_data *data;
    int32_t today; /* Julian, of the JDE server */
} mlc_flow_record_maker;

typedef struct mlc_flow_record {
    char id[MLC_POLL_KEY_MAX];
    char source[MLC_POLL_KEY_MAX + 16];
    bool gone;           /* the leading row is absent or not in effect, or the selection leaves it out */
    mlc_jde_stamp stamp; /* newest of its rows */
    cJSON *rows;         /* owner */
} mlc_flow_record;

/* MLC_E_INVALID names table, record and column; id, source and rows (as far as they were made, in AIS' own form) are set then
 * as well. Free with mlc_flow_record_clear in any case. */
mlc_code mlc_flow_record_make(const mlc_flow_record_maker *maker, const char *key, mlc_flow_record *out,
                              mlc_error *err);
void mlc_flow_record_clear(mlc_flow_record *record);

/* Stamp of a row: its date column with its time column (NULL: 0). */
mlc_code mlc_flow_row_stamp(const mlc_ais *ais, const cJSON *row, const char *date_column,
                            const char *time_column, mlc_jde_stamp *out, mlc_error *err);

#endif
