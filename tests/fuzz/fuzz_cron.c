/* parts: schedule */
/* Whatever the text: an expression that is accepted is due after the instant asked for, and a plan lies not in the past. */
#include "base/clock.h"
#include "schedule/cron.h"
#include "schedule/window.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { TEXT_MAX = 200 };
    static mlc_zone *zone;
    char text[TEXT_MAX + 1];
    mlc_cron cron;
    mlc_window window;
    int64_t seconds = 0;
    if (zone == NULL)
        must(mlc_zone_open(&zone, "America/Denver", NULL) == MLC_OK);
    if (size < sizeof seconds)
        return 0;
    memcpy(&seconds, data, sizeof seconds);
    const int64_t after = (seconds % INT64_C(4000000000)) * 1000;
    const size_t len = size - sizeof seconds < TEXT_MAX ? size - sizeof seconds : TEXT_MAX;
    memcpy(text, data + sizeof seconds, len);
    text[len] = '\0';
    if (mlc_window_parse(text, &window, NULL) == MLC_OK && after >= 0)
        must(mlc_window_next(&window, zone, after) >= after);
    if (mlc_cron_parse(text, &cron, NULL) != MLC_OK)
        return 0;
    must(mlc_cron_next(&cron, zone, after) > after);
    must(mlc_cron_plan(&cron, zone, after - 1000000, after, 60000, (uint64_t)seconds, (seconds & 1) != 0) >=
         after);
    return 0;
}
