/* address_decide.c - see address_decide.h. */
#include "agent/address_decide.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DAY_S = 86400, HOUR_S = 3600, MINUTE_S = 60 };

bool mlc_address_rule_of(const char *name, mlc_address_rule *out)
{
    static const char *const names[] = {"jde", "dynamics", "newest", "review"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i]) == 0) {
            *out = (mlc_address_rule)i;
            return true;
        }
    }
    return false;
}

mlc_address_fields mlc_address_wanted(const mlc_address *change, const mlc_address_fields *present)
{
    mlc_address_fields out;
    for (size_t i = 0; i < MLC_ADDRESS_FIELDS; i++)
        out.text[i] = change->now.text[i] != NULL ? change->now.text[i] : present->text[i];
    return out;
}

/* The stamp in "EMISSION.UPMJ.UPMT". */
static mlc_jde_stamp stamp_of_version(const char *version)
{
    mlc_jde_stamp stamp = {0, 0};
    const char *const date = version != NULL ? strchr(version, '.') : NULL;
    const char *const time = date != NULL ? strchr(date + 1, '.') : NULL;
    if (date != NULL)
        stamp.julian = (int32_t)strtol(date + 1, NULL, 10);
    if (time != NULL)
        stamp.hms = (int32_t)strtol(time + 1, NULL, 10);
    return stamp;
}

/* Which rows were changed by others since the version that the editor saw? */
static void changed_since(const mlc_address_case *in, bool *book, bool *address)
{
    const mlc_address *const c = in->change;
    const bool named = c->now.text[MLC_ADDRESS_NAME] != NULL;
    *book = *address = false;
    if (in->ours)
        return;
    if (!c->has_base) {
        const mlc_jde_stamp seen = stamp_of_version(c->version);
        *book = named && mlc_jde_stamp_cmp(in->book_stamp, seen) > 0;
        *address = mlc_jde_stamp_cmp(in->address_stamp, seen) > 0;
        return;
    }
    for (size_t i = 0; i < MLC_ADDRESS_FIELDS; i++) {
        if (c->base.text[i] == NULL || mlc_address_same_field(&c->base, in->present, (mlc_address_field)i))
            continue;
        if (i != MLC_ADDRESS_NAME)
            *address = true;
        else if (named)
            *book = true;
    }
}

/* Server-local wall time to milliseconds of UTC; the later one of a time that occurs twice is not known. */
static int64_t stamp_ms(mlc_jde_stamp stamp, const mlc_zone *zone)
{
    int year = 0;
    unsigned month = 0;
    unsigned day = 0;
    if (mlc_julian_to_civil(stamp.julian, &year, &month, &day, NULL) != MLC_OK)
        return 0;
    const int64_t hms = stamp.hms;
    const int64_t local_s = mlc_days_from_civil(year, month, day) * DAY_S + hms / 10000 * HOUR_S +
                            hms / 100 % 100 * MINUTE_S + hms % 100;
    return (zone != NULL ? mlc_zone_instant(zone, local_s) : local_s) * 1000;
}

static mlc_address_verdict conflict(const mlc_address_case *in, mlc_jde_stamp changed)
{
    mlc_address_verdict out = {.action = MLC_ADDRESS_KEEP, .conflict = true};
    int64_t edited_ms = 0;
    switch (in->rule) {
    case MLC_ADDRESS_JDE_WINS:
        (void)snprintf(out.why, sizeof out.why, "JDE wins");
        return out;
    case MLC_ADDRESS_DYNAMICS_WINS:
        out.action = MLC_ADDRESS_WRITE;
        (void)snprintf(out.why, sizeof out.why, "Dynamics wins");
        return out;
    case MLC_ADDRESS_NEWEST_WINS:
        /* JDE's stamps have seconds: within one second JDE wins. */
        if (mlc_iso_parse(in->change->modified, &edited_ms, NULL) == MLC_OK &&
            edited_ms / 1000 > stamp_ms(changed, in->zone) / 1000)
            out.action = MLC_ADDRESS_WRITE;
        (void)snprintf(out.why, sizeof out.why, "%s is newer",
                       out.action == MLC_ADDRESS_WRITE ? "Dynamics" : "JDE");
        return out;
    case MLC_ADDRESS_REVIEW:
        out.action = in->reviewed ? MLC_ADDRESS_WRITE : MLC_ADDRESS_PARK;
        (void)snprintf(out.why, sizeof out.why, "%s",
                       in->reviewed ? "released by an operator" : "for review");
        return out;
    }
    return out;
}

mlc_address_verdict mlc_address_decide(const mlc_address_case *in)
{
    bool book = false;
    bool address = false;
    const mlc_address_fields wanted = mlc_address_wanted(in->change, in->present);
    if (mlc_address_same(&wanted, in->present, NULL))
        return (mlc_address_verdict){.action = MLC_ADDRESS_NOTHING};
    changed_since(in, &book, &address);
    if (!book && !address)
        return (mlc_address_verdict){.action = MLC_ADDRESS_WRITE};
    mlc_jde_stamp changed = address ? in->address_stamp : in->book_stamp;
    if (book && mlc_jde_stamp_cmp(in->book_stamp, changed) > 0)
        changed = in->book_stamp;
    return conflict(in, changed);
}
