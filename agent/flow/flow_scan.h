/* flow_scan.h - goes through the records of a flow as JDE has them now, in order of their keys, and makes each of them: for the
 * comparison of both sides. Nothing is stored. A page is asked for by the key of the last one, so no set of rows is held open at
 * AIS however long it takes. Memory is that of one page. Thread rule: loop's thread only. */
#ifndef MLC_AGENT_FLOW_SCAN_H
#define MLC_AGENT_FLOW_SCAN_H

#include "agent/flow/flow_page.h"

typedef struct mlc_flow_scan mlc_flow_scan;

typedef struct mlc_flow_scan_options {
    mlc_ais *ais;
    const mlc_zone *zone; /* of the JDE server; NULL: as AIS tells */
    const mlc_flow_spec *spec;
    const mlc_flow_settings *settings; /* kept by the caller */
    unsigned page_size;                /* 0: 500 */
    int64_t from, to;                  /* first key column: from <= it < to */
    /* Records of a page. An error ends the scan. */
    mlc_code (*on_items)(void *user, const mlc_flow_item *items, size_t count, mlc_error *err);
    /* Once, from the loop; the scan is released. */
    void (*on_end)(void *user, mlc_code code, const mlc_error *err);
    void *user;
} mlc_flow_scan_options;

mlc_code mlc_flow_scan_start(const mlc_flow_scan_options *options, mlc_error *err);

/* The JDE server's date (Julian), by the clock that its last answer told. `zone` as above. */
int32_t mlc_flow_today(const mlc_ais *ais, const mlc_zone *zone);

#endif
