#include "net/backoff.h"

#include "base/clock.h"

#include <string.h>

enum { RETRY_AFTER_MAX_MS = 3600 * 1000 };

int64_t mlc_backoff_delay(const mlc_backoff *policy, uint32_t attempt, int64_t retry_after_ms,
                          uint64_t random)
{
    int64_t ceiling = policy->base_ms;
    for (uint32_t i = 1; i < attempt && ceiling < policy->cap_ms; i++)
        ceiling = ceiling > policy->cap_ms / 2 ? policy->cap_ms : ceiling * 2;
    if (ceiling > policy->cap_ms)
        ceiling = policy->cap_ms;
    if (ceiling < 0)
        ceiling = 0;
    int64_t delay = (int64_t)(random % ((uint64_t)ceiling + 1));
    return delay < retry_after_ms ? retry_after_ms : delay;
}

static int64_t capped(int64_t ms)
{
    if (ms < 0)
        return 0;
    return ms > RETRY_AFTER_MAX_MS ? RETRY_AFTER_MAX_MS : ms;
}

/* "120" with blanks around it; false when the text is anything else. */
static bool parse_seconds(const char *text, int64_t *ms)
{
    const char *p = text + strspn(text, " \t");
    const char *end = p + strspn(p, "0123456789");
    if (end == p || end[strspn(end, " \t")] != '\0')
        return false;
    int64_t seconds = 0;
    for (; p < end && seconds <= RETRY_AFTER_MAX_MS; p++)
        seconds = seconds * 10 + (*p - '0');
    *ms = capped(seconds * 1000);
    return true;
}

int64_t mlc_retry_after_ms(const char *value, int64_t now_wall_ms)
{
    if (value == NULL)
        return 0;
    int64_t ms = 0;
    if (parse_seconds(value, &ms))
        return ms;
    int64_t at = 0;
    if (mlc_http_date_parse(value, &at, NULL) != MLC_OK || at <= now_wall_ms)
        return 0;
    return capped(at - now_wall_ms);
}

void mlc_breaker_init(mlc_breaker *b, uint32_t threshold, int64_t open_ms, int64_t open_max_ms)
{
    *b = (mlc_breaker){.threshold = threshold > 0 ? threshold : 1,
                       .open_ms = open_ms,
                       .open_max_ms = open_max_ms < open_ms ? open_ms : open_max_ms};
}

bool mlc_breaker_allow(mlc_breaker *b, int64_t now_ms)
{
    if (!b->open)
        return true;
    if (now_ms < b->open_until_ms)
        return false;
    /* A trial whose outcome is never reported (cancelled) must not shut the breaker for good, so the
     * next trial may be asked for one open time later. */
    b->trial = true;
    b->open_until_ms = now_ms + b->open_now_ms;
    return true;
}

int64_t mlc_breaker_when(const mlc_breaker *b, int64_t now_ms)
{
    return b->open && b->open_until_ms > now_ms ? b->open_until_ms : now_ms;
}

void mlc_breaker_success(mlc_breaker *b)
{
    b->failures = 0;
    b->open = false;
    b->trial = false;
    b->open_now_ms = 0;
    b->open_until_ms = 0;
}

void mlc_breaker_failure(mlc_breaker *b, int64_t now_ms)
{
    if (b->failures < UINT32_MAX)
        b->failures++;
    if (b->open) {
        /* Without a trial out this is a straggler sent before the breaker opened: no news. */
        if (!b->trial)
            return;
        b->trial = false;
        b->open_now_ms = b->open_now_ms > b->open_max_ms / 2 ? b->open_max_ms : b->open_now_ms * 2;
    } else if (b->failures >= b->threshold) {
        b->open = true;
        b->open_now_ms = b->open_ms;
    } else {
        return;
    }
    b->open_until_ms = now_ms + b->open_now_ms;
}
