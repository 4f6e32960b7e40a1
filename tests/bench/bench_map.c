/* Records per second of each built-in mapping, one thread. Usage: bench_map [RUNS] */
#include "map/map.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now_s(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static const struct {
    const char *kind, *record;
} samples[] = {
    {"customer", "{\"id\":\"6001\",\"rows\":{\"F0101\":{\"AN8\":\"6001\",\"ALPH\":\"Acme "
                 "GmbH\"},\"F0116\":{\"ADD1\":\"Street 12\","
                 "\"ADD2\":\"\",\"ADDZ\":\"8001\",\"CTY1\":\"City\",\"ADDS\":\"\",\"CTR\":\"CH\"},\"F03012\":"
                 "{\"TRAR\":\"N30\","
                 "\"CRCD\":\"USD\",\"ACL\":\"50000.00\",\"HOLD\":\"\"},\"F0115\":[{\"PHTP\":\"\",\"AR1\":"
                 "\"555\",\"PH1\":\"1234567\"}],"
                 "\"F01151\":[{\"ETP\":\"E\",\"EMAL\":\"office@example.com\"}]}}"},
    {"item",
     "{\"rows\":{\"F4101\":{\"LITM\":\"ITEM-00001\",\"DSC1\":\"Bearing\",\"DSC2\":\"\",\"UOM1\":\"EA\"}}}"},
    {"price", "{\"rows\":{\"F4106\":{\"LITM\":\"ITEM-00001\",\"AN8\":\"0\",\"CPGP\":\"\",\"CRCD\":\"USD\","
              "\"UOM\":\"EA\","
              "\"UPRC\":\"12.3456\"}}}"},
};

static bool measure(const char *kind, const char *text, unsigned long runs)
{
    mlc_map *map = NULL;
    cJSON *record = NULL;
    mlc_error err;
    mlc_error_clear(&err);
    bool good = mlc_map_load_default(kind, &map, &err) == MLC_OK &&
                mlc_json_parse(text, strlen(text), 0, 0, &record, &err) == MLC_OK;
    const double start = now_s();
    for (unsigned long i = 0; good && i < runs; i++) {
        mlc_map_result result;
        good = mlc_map_run(map, record, false, kind, NULL, NULL, &result, &err) == MLC_OK;
        mlc_map_result_free(&result);
    }
    if (good)
        (void)printf("%-10s %10.0f records/s\n", kind, (double)runs / (now_s() - start));
    else
        (void)fprintf(stderr, "%s: %s\n", kind, err.message);
    cJSON_Delete(record);
    mlc_map_free(map);
    return good;
}

int main(int argc, char **argv)
{
    const unsigned long runs = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000;
    bool good = true;
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++)
        good = measure(samples[i].kind, samples[i].record, runs > 0 ? runs : 1) && good;
    return good ? 0 : 1;
}
