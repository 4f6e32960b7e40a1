/* zone.c - local time of a zone: a fixed offset, or an IANA zone from the system's TZif files.
 *
 * A TZif file is a table of changes (when, and to which offset) followed by a POSIX rule for all later
 * times. Abbreviations and leap seconds are of no use here and are skipped. */
#include "base/buf.h"
#include "base/clock.h"
#include "base/os.h"
#include "base/zone_private.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    HEADER_LEN = 44,
    FILE_MAX = 1 << 20,
    NAME_MAX_LEN = 64,
    RULE_MAX = 128,
    TYPES_MAX = 256,
    OFFSET_MAX = 26 * 3600, /* no zone was ever further from Greenwich (RFC 8536 says 25 hours) */
    FIXED_HOURS_MAX = 18,
    DAY = 86400
};

struct mlc_zone {
    int64_t *at;     /* UTC seconds of the changes, ascending */
    int32_t *offset; /* offset that begins with each */
    size_t count;
    int32_t first; /* offset before the first change; of fixed zones: the offset */
    bool has_rule; /* for times at or after the last change */
    mlc_posix_rule rule;
};

void mlc_zone_close(mlc_zone *zone)
{
    if (zone == NULL)
        return;
    free(zone->at);
    free(zone->offset);
    free(zone);
}

static mlc_zone *zone_new(mlc_error *err)
{
    mlc_zone *zone = calloc(1, sizeof *zone);
    if (zone == NULL)
        (void)mlc_fail(err, MLC_E_NOMEM, "no memory for a time zone");
    return zone;
}

/* ---- TZif ---- */

typedef struct tzif_counts {
    size_t isut, isstd, leap, time, type, chars;
} tzif_counts;

static bool read_header(const uint8_t *p, tzif_counts *out)
{
    if (memcmp(p, "TZif", 4) != 0)
        return false;
    p += 20;
    *out = (tzif_counts){.isut = mlc_get_u32(p),
                         .isstd = mlc_get_u32(p + 4),
                         .leap = mlc_get_u32(p + 8),
                         .time = mlc_get_u32(p + 12),
                         .type = mlc_get_u32(p + 16),
                         .chars = mlc_get_u32(p + 20)};
    return true;
}

static size_t body_len(const tzif_counts *n, size_t time_len)
{
    return n->time * (time_len + 1) + n->type * 6 + n->chars + n->leap * (time_len + 4) + n->isstd + n->isut;
}

/* The table: `time` 8-byte times, `time` 1-byte types, then 6 bytes for each type. */
static mlc_code read_table(mlc_zone *zone, const uint8_t *body, const tzif_counts *n, mlc_error *err)
{
    const uint8_t *const types = body + n->time * 9;
    int32_t offsets[TYPES_MAX] = {0};
    for (size_t i = 0; i < n->type; i++) {
        offsets[i] = (int32_t)mlc_get_u32(types + 6 * i);
        if (offsets[i] > OFFSET_MAX || offsets[i] < -OFFSET_MAX)
            return mlc_fail(err, MLC_E_CORRUPT, "offset out of range");
    }
    zone->first = offsets[0];
    if (n->time == 0)
        return MLC_OK;
    zone->at = calloc(n->time, sizeof *zone->at);
    zone->offset = calloc(n->time, sizeof *zone->offset);
    if (zone->at == NULL || zone->offset == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a time zone");
    for (size_t i = 0; i < n->time; i++) {
        const uint8_t type = body[n->time * 8 + i];
        zone->at[i] = (int64_t)mlc_get_u64(body + 8 * i);
        if (type >= n->type || (i > 0 && zone->at[i] <= zone->at[i - 1]))
            return mlc_fail(err, MLC_E_CORRUPT, "table of changes out of order");
        zone->offset[i] = offsets[type];
    }
    zone->count = n->time;
    return MLC_OK;
}

/* "\n" rule "\n"; an empty rule means that the last offset stays. */
static mlc_code read_footer(mlc_zone *zone, const uint8_t *p, size_t len, mlc_error *err)
{
    const uint8_t *const end = len > 1 ? memchr(p + 1, '\n', len - 1) : NULL;
    if (end == NULL || p[0] != '\n' || (size_t)(end - p) > RULE_MAX)
        return mlc_fail(err, MLC_E_CORRUPT, "rule at the end missing");
    char text[RULE_MAX];
    const size_t rule_len = (size_t)(end - p) - 1;
    memcpy(text, p + 1, rule_len);
    text[rule_len] = '\0';
    if (rule_len == 0)
        return MLC_OK;
    zone->has_rule = true;
    return mlc_posix_rule_parse(text, &zone->rule, err);
}

static mlc_code read_tzif(mlc_zone *zone, const uint8_t *data, size_t len, mlc_error *err)
{
    tzif_counts n;
    if (len < HEADER_LEN || !read_header(data, &n))
        return mlc_fail(err, MLC_E_CORRUPT, "not a TZif file");
    if (data[4] < '2')
        return mlc_fail(err, MLC_E_CORRUPT, "TZif version 1 has no rule for times to come");
    const size_t second = HEADER_LEN + body_len(&n, 4);
    if (second > len || len - second < HEADER_LEN || !read_header(data + second, &n))
        return mlc_fail(err, MLC_E_CORRUPT, "cut short");
    const size_t body = second + HEADER_LEN;
    if (body_len(&n, 8) > len - body || n.type == 0 || n.type > TYPES_MAX)
        return mlc_fail(err, MLC_E_CORRUPT, "counts do not fit the file");
    const mlc_code code = read_table(zone, data + body, &n, err);
    if (code != MLC_OK)
        return code;
    const size_t footer = body + body_len(&n, 8);
    return read_footer(zone, data + footer, len - footer, err);
}

mlc_code mlc_zone_parse(mlc_zone **out, const char *name, const uint8_t *data, size_t len, mlc_error *err)
{
    *out = NULL;
    mlc_zone *zone = zone_new(err);
    if (zone == NULL)
        return MLC_E_NOMEM;
    const mlc_code code = read_tzif(zone, data, len, err);
    if (code != MLC_OK) {
        mlc_zone_close(zone);
        return mlc_wrap(err, code == MLC_E_NOMEM ? code : MLC_E_CORRUPT, "time zone data of %s is damaged",
                        name);
    }
    *out = zone;
    return MLC_OK;
}

/* ---- opening by name ---- */

/* "UTC", "Z", "UTC-05:00", "+01:00", "UTC+1", "-0330". False when the name is not of that form. */
static bool parse_fixed(const char *name, int32_t *offset)
{
    const char *p = name;
    if (strncmp(p, "UTC", 3) == 0 || strncmp(p, "GMT", 3) == 0)
        p += 3;
    *offset = 0;
    if (*p == '\0' || strcmp(p, "Z") == 0)
        return p != name || *p == 'Z';
    if (*p != '+' && *p != '-')
        return false;
    const int32_t sign = *p++ == '-' ? -1 : 1;
    int digits[4];
    size_t n = 0;
    for (; *p != '\0'; p++) {
        if (*p == ':' && (n == 1 || n == 2) && isdigit((unsigned char)p[1]) && isdigit((unsigned char)p[2]) &&
            p[3] == '\0') {
            digits[1] = n == 1 ? digits[0] : digits[1]; /* "+1:30" is "+01:30" */
            digits[0] = n == 1 ? 0 : digits[0];
            n = 2;
            continue;
        }
        if (!isdigit((unsigned char)*p) || n == 4)
            return false;
        digits[n++] = *p - '0';
    }
    if (n == 0 || n == 3)
        return false;
    const int hours = n == 1 ? digits[0] : digits[0] * 10 + digits[1];
    const int minutes = n == 4 ? digits[2] * 10 + digits[3] : 0;
    *offset = sign * (hours * 3600 + minutes * 60);
    return minutes < 60 && (hours < FIXED_HOURS_MAX || (hours == FIXED_HOURS_MAX && minutes == 0));
}

/* A name must not lead out of the zone folder: names come from configuration and from servers. */
static bool name_is_safe(const char *name)
{
    const size_t len = strlen(name);
    if (len == 0 || len > NAME_MAX_LEN || !isalpha((unsigned char)name[0]))
        return false;
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)name[i]) && strchr("_+-/", name[i]) == NULL)
            return false;
    return true;
}

/* Windows does not open folders, and says no more than that. */
static bool is_no_file(const char *path)
{
    struct stat st;
    return stat(path, &st) != 0 ? errno == ENOENT || errno == ENOTDIR : !S_ISREG(st.st_mode);
}

static mlc_code read_zone_file(int fd, mlc_buf *data, mlc_error *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return mlc_fail(err, MLC_E_NOTFOUND, "not a file");
    for (;;) {
        uint8_t block[4096];
        const ssize_t n = read(fd, block, sizeof block);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return mlc_fail(err, MLC_E_IO, "%s", strerror(errno));
        if (n == 0)
            return MLC_OK;
        const mlc_code code = mlc_buf_append(data, block, (size_t)n, err);
        if (code != MLC_OK)
            return code;
    }
}

static mlc_code open_named(mlc_zone **out, const char *name, mlc_error *err)
{
    char path[MLC_OS_PATH_MAX];
    mlc_os_zone_file(name, path);
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    const int why = errno;
    if (fd < 0)
        return mlc_fail(err, is_no_file(path) ? MLC_E_NOTFOUND : MLC_E_IO,
                        "time zone \"%s\" is unknown here (%s: %s); use an IANA name such as America/Denver "
                        "or an offset such as UTC-07:00",
                        name, path, strerror(why));
    mlc_buf data = {.max = FILE_MAX};
    mlc_code code = read_zone_file(fd, &data, err);
    (void)close(fd);
    if (code != MLC_OK)
        code = mlc_wrap(err, code, "cannot read time zone \"%s\" from %s", name, path);
    else
        code = mlc_zone_parse(out, name, data.data, data.len, err);
    mlc_buf_free(&data);
    return code;
}

mlc_code mlc_zone_open(mlc_zone **out, const char *name, mlc_error *err)
{
    *out = NULL;
    if (name == NULL)
        return mlc_fail(err, MLC_E_INVALID, "no time zone given");
    int32_t offset;
    if (parse_fixed(name, &offset)) {
        mlc_zone *zone = zone_new(err);
        if (zone == NULL)
            return MLC_E_NOMEM;
        zone->first = offset;
        *out = zone;
        return MLC_OK;
    }
    if (!name_is_safe(name))
        return mlc_fail(
            err, MLC_E_NOTFOUND,
            "\"%.64s\" is no time zone; use an IANA name such as America/Denver or an offset such "
            "as UTC-07:00",
            name);
    return open_named(out, name, err);
}

/* ---- local time ---- */

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0 ? 1 : 0);
}

static int32_t offset_at(const mlc_zone *zone, int64_t utc)
{
    if (zone->has_rule && (zone->count == 0 || utc >= zone->at[zone->count - 1]))
        return mlc_posix_offset(&zone->rule, utc);
    size_t low = 0; /* changes before `low` are at or before utc */
    size_t high = zone->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (zone->at[middle] <= utc)
            low = middle + 1;
        else
            high = middle;
    }
    return low == 0 ? zone->first : zone->offset[low - 1];
}

static mlc_jde_stamp stamp_at(const mlc_zone *zone, int64_t utc)
{
    /* Held to years that JDE dates can express, whatever the offset; also keeps the sums below in range. */
    const int64_t least = mlc_days_from_civil(1900, 1, 3) * DAY;
    const int64_t most = mlc_days_from_civil(2899, 12, 29) * DAY;
    const int64_t held = utc < least ? least : utc > most ? most : utc;
    const int64_t local = held + offset_at(zone, held);
    const int64_t days = floor_div(local, DAY);
    const int32_t second = (int32_t)(local - days * DAY);
    int year;
    unsigned month;
    unsigned day;
    mlc_civil_from_days(days, &year, &month, &day);
    mlc_jde_stamp stamp = {.hms = second / 3600 * 10000 + second / 60 % 60 * 100 + second % 60};
    (void)mlc_julian_from_civil(year, month, day, &stamp.julian, NULL);
    return stamp;
}

mlc_jde_stamp mlc_zone_stamp(const mlc_zone *zone, int64_t wall_ms)
{
    return stamp_at(zone, floor_div(wall_ms, 1000));
}

/* The first change after `utc`; INT64_MAX when there is none. */
static int64_t next_change(const mlc_zone *zone, int64_t utc)
{
    for (size_t i = 0; i < zone->count; i++)
        if (zone->at[i] > utc)
            return zone->at[i];
    if (!zone->has_rule || !zone->rule.has_dst)
        return INT64_MAX;
    int year;
    unsigned month;
    unsigned day;
    mlc_civil_from_days(floor_div(utc, DAY), &year, &month, &day);
    int64_t next = INT64_MAX;
    for (int y = year - 1; y <= year + 1; y++) {
        const int64_t start = mlc_posix_dst_start(&zone->rule, y);
        const int64_t end = mlc_posix_dst_end(&zone->rule, y);
        next = start > utc && start < next ? start : next;
        next = end > utc && end < next ? end : next;
    }
    return next;
}

mlc_jde_stamp mlc_zone_min_stamp(const mlc_zone *zone, int64_t from_ms, int64_t to_ms)
{
    const int64_t from = floor_div(from_ms, 1000);
    const int64_t last = floor_div(to_ms, 1000);
    mlc_jde_stamp least = stamp_at(zone, from);
    /* Between changes local time only grows, so the minimum is at `from` or at a change. No change sets
     * the clock back by more than two days: later ones cannot matter, however long the range is. */
    const int64_t days = (int64_t)3 * DAY;
    const int64_t reach = from > INT64_MAX - days ? INT64_MAX : from + days;
    const int64_t to = last < reach ? last : reach;
    for (int64_t at = next_change(zone, from); at <= to && at != INT64_MAX; at = next_change(zone, at)) {
        const mlc_jde_stamp stamp = stamp_at(zone, at);
        if (mlc_jde_stamp_cmp(stamp, least) < 0)
            least = stamp;
    }
    return least;
}

int64_t mlc_zone_local(const mlc_zone *zone, int64_t utc_s)
{
    return utc_s + offset_at(zone, utc_s);
}

int64_t mlc_zone_instant(const mlc_zone *zone, int64_t local_s)
{
    /* No offset is larger, so the local clock shows less at the beginning. Between changes it only grows. */
    int64_t from = local_s - OFFSET_MAX - 1;
    for (;;) {
        const int64_t change = next_change(zone, from);
        const int64_t match = local_s - offset_at(zone, from);
        const int64_t at = match > from ? match : from;
        if (at < change)
            return at;
        from = change;
    }
}
