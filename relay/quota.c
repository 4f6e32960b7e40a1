/* quota.c - see quota.h. */
#include "relay/quota.h"

#include <stddef.h>

enum { TOKEN = 1000 };

void mlc_quota_init(mlc_quota *quota, int64_t per_s, int64_t burst, int64_t now_ms)
{
    *quota = (mlc_quota){.per_s = per_s, .burst = burst, .tokens = burst * TOKEN, .at_ms = now_ms};
}

/* One token a second is one thousandth a millisecond. */
static void refill(mlc_quota *quota, int64_t now_ms)
{
    const int64_t full = quota->burst * TOKEN;
    const int64_t passed = now_ms > quota->at_ms ? now_ms - quota->at_ms : 0;
    quota->at_ms += passed;
    /* Compared by division: a long pause must not overflow the product. */
    if (passed > (full - quota->tokens) / quota->per_s)
        quota->tokens = full;
    else
        quota->tokens += passed * quota->per_s;
}

bool mlc_quota_take(mlc_quota *quota, int64_t now_ms, int *wait_s)
{
    refill(quota, now_ms);
    if (quota->tokens >= TOKEN) {
        quota->tokens -= TOKEN;
        quota->taken++;
        return true;
    }
    quota->refused++;
    if (wait_s != NULL) {
        const int64_t wait_ms = (TOKEN - quota->tokens + quota->per_s - 1) / quota->per_s;
        *wait_s = (int)((wait_ms + 999) / 1000);
    }
    return false;
}
