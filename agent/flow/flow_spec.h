/* flow_spec.h - what the flows from JDE are made of: one table for all of them.
 *
 * A flow reads records of one kind. Its drivers are tables whose changed rows name the records to look at; its parts are the
 * tables whose present rows make up a record (record/master.h). The first part leads: without its row there is no record.
 * A new flow is a new row here and its settings in agent/config.c; no code.
 */
#ifndef MLC_AGENT_FLOW_SPEC_H
#define MLC_AGENT_FLOW_SPEC_H

#include "agent/ais.h"
#include "base/buf.h"

enum {
    MLC_FLOW_KEYS_MAX = 6,
    MLC_FLOW_DRIVERS_MAX = 9,
    MLC_FLOW_PARTS_MAX = 6,
    MLC_FLOW_COLUMNS_MAX = 20,
    MLC_FLOW_TERMS_MAX = 2,
    MLC_FLOW_RULES_MAX = 2
};

/* Lists of texts that come from the configuration. */
typedef enum mlc_flow_list {
    MLC_FLOW_NO_LIST,
    MLC_FLOW_COMPANY,        /* F03012.CO */
    MLC_FLOW_SEARCH_TYPES,   /* F0101.AT1 values that are taken */
    MLC_FLOW_INACTIVE_TYPES, /* F4101.STKT values that are not */
    MLC_FLOW_LIST_COUNT
} mlc_flow_list;

/* Why a row of a driver makes its record be looked at. */
typedef enum mlc_flow_why {
    MLC_FLOW_CHANGED, /* it was changed: date and time column are its stamp */
    MLC_FLOW_BEGUN,   /* the day of its date column has come */
    MLC_FLOW_ENDED    /* the day of its date column is over */
} mlc_flow_why;

typedef struct mlc_flow_driver {
    const char *name; /* of its watermark: "F0101", "F4106.EFTJ" */
    const char *table;
    mlc_flow_why why;
    const char *date_column, *time_column; /* UPMJ with UPMT or TDAY; time NULL unless MLC_FLOW_CHANGED */
    size_t key_count;  /* of the flow's keys, so many are columns of this table; when fewer than all, a
                                              row stands for every record that begins with them */
    unsigned page_max; /* 0: as configured; less where a row stands for many records */
    bool ledger;       /* only when the flow reads the ledger */
} mlc_flow_driver;

/* A further condition on rows of a part: a literal, or a list of the configuration. */
typedef struct mlc_flow_term {
    const char *column; /* NULL: no more */
    mlc_ais_op op;
    const char *value;
    mlc_flow_list list;
} mlc_flow_term;

typedef struct mlc_flow_part {
    const char *table;
    const char *columns[MLC_FLOW_COLUMNS_MAX + 1]; /* keys and stamp among them */
    size_t key_count; /* its rows belong to records by so many of the flow's keys */
    bool list;        /* all rows, else one */
    bool exact;       /* its rows are asked for by all keys, since one first key has very many */
    const char *date_column, *time_column; /* stamp */
    const char *from, *to; /* not NULL: of an object, the row in effect today by these dates */
    const char *order;     /* further column that orders a list, NULL: none */
    mlc_flow_term terms[MLC_FLOW_TERMS_MAX];
} mlc_flow_part;

/* The record is selected when a column of a part's row has one of the values; with `not_in`: has none of them. */
typedef struct mlc_flow_rule {
    size_t part;
    const char *column; /* NULL: no more */
    mlc_flow_list list;
    bool not_in;
} mlc_flow_rule;

/* What is sent of a record's rows, when that is not a master record (record/master.h): appended to `out`, unless `silent` is set:
 * then nothing is sent. MLC_E_INVALID: the record is parked. */
typedef mlc_code (*mlc_flow_shape_fn)(const char *id, const cJSON *rows, bool gone, const char *version,
                                      mlc_buf *out, bool *silent, mlc_error *err);

typedef struct mlc_flow_spec {
    const char *name; /* of the flow: settings flows.NAME */
    const char *kind; /* of its records */
    /* Table of the source record id when it is not the leading one. Customers and suppliers share F0101 and, in Dynamics, the
     * account: by ids of their own a record that is gone deactivates only what is still its own. NULL: the leading one. */
    const char *source;
    const char *keys[MLC_FLOW_KEYS_MAX + 1];
    mlc_flow_driver drivers
        [MLC_FLOW_DRIVERS_MAX]; /* the first is of the leading table and loads all; ends with table NULL */
    mlc_flow_part parts[MLC_FLOW_PARTS_MAX]; /* ends with table NULL */
    mlc_flow_rule rules[MLC_FLOW_RULES_MAX];
    bool ledger;             /* rows.ledger.openBalance can be read */
    mlc_flow_shape_fn shape; /* NULL: a master record */
} mlc_flow_spec;

/* All flows, in the order in which they run when several are due. */
extern const mlc_flow_spec mlc_flow_specs[];
size_t mlc_flow_spec_count(void);

size_t mlc_flow_key_count(const mlc_flow_spec *spec);
size_t mlc_flow_driver_count(const mlc_flow_spec *spec);
size_t mlc_flow_part_count(const mlc_flow_spec *spec);
/* Columns whose values are dates, whatever the table. */
bool mlc_flow_is_date(const char *column);

#endif
