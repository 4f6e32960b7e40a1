/* parts: base */
/* Dates and times of the data service, time zone names, rules and TZif files. The first byte chooses. */
#include "base/buf.h"
#include "base/zone_private.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth)
{
    if (!truth)
        abort();
}

/* "format|date": a date that was read and is written again in an unambiguous format must stay itself. */
static void try_date(char *text)
{
    char *bar = strchr(text, '|');
    int32_t julian;
    int32_t again;
    char out[64];
    if (bar == NULL)
        return;
    *bar = '\0';
    if (mlc_jde_date_parse(bar + 1, text, &julian, NULL) != MLC_OK || julian == 0)
        return;
    require(mlc_jde_date_format(julian, "dd/MM/yyyy", out, sizeof out, NULL) == MLC_OK);
    require(mlc_jde_date_parse(out, "dd/MM/yyyy", &again, NULL) == MLC_OK && again == julian);
    (void)mlc_jde_date_format(julian, text, out, sizeof out, NULL);
}

static void try_stamps(const mlc_zone *zone)
{
    for (int64_t ms = -INT64_C(3000000000000); ms < INT64_C(6000000000000); ms += INT64_C(977777777777)) {
        const mlc_jde_stamp stamp = mlc_zone_stamp(zone, ms);
        const mlc_jde_stamp least = mlc_zone_min_stamp(zone, ms, ms + 40000000);
        require(stamp.hms >= 0 && stamp.hms <= 235959 && stamp.julian > 0);
        require(mlc_jde_stamp_cmp(least, stamp) <= 0);
    }
    (void)mlc_zone_min_stamp(zone, INT64_MIN, INT64_MAX);
    (void)mlc_zone_min_stamp(zone, INT64_MAX, INT64_MAX);
}

static void try_rule(const char *text)
{
    mlc_posix_rule rule;
    if (mlc_posix_rule_parse(text, &rule, NULL) != MLC_OK)
        return;
    for (int64_t at = -INT64_C(3000000000); at < INT64_C(6000000000); at += 98765432) {
        const int32_t offset = mlc_posix_offset(&rule, at);
        require(offset == rule.std_offset || (rule.has_dst && offset == rule.dst_offset));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    mlc_zone *zone = NULL;
    int32_t hms;
    char *text = mlc_strndup((const char *)data + 1, size - 1);
    require(text != NULL);
    switch (data[0]) {
    case 'd':
        try_date(text);
        break;
    case 't':
        if (mlc_jde_time_parse(text, &hms, NULL) == MLC_OK)
            require(hms >= 0 && hms <= 235959);
        break;
    case 'r':
        try_rule(text);
        break;
    case 'n':
        if (mlc_zone_open(&zone, text, NULL) == MLC_OK)
            (void)mlc_zone_stamp(zone, 0);
        break;
    default:
        if (mlc_zone_parse(&zone, "fuzz", data + 1, size - 1, NULL) == MLC_OK)
            try_stamps(zone);
        break;
    }
    mlc_zone_close(zone);
    free(text);
    return 0;
}
