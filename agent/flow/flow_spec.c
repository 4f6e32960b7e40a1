/* flow_spec.c - see flow_spec.h. Tables and columns: contracts/ais.md, section Data. */
#include "agent/flow/flow_spec.h"

#include "agent/order_rows.h"

#include <string.h>

/* All prices of an item, all contacts of an address number are read at once: so many of these at a time keep a page small. */
enum { FEW_ITEMS = 20, FEW_ADDRESSES = 100 };

/* clang-format off */
#define CHANGED(table, time, keys)         {table, table, MLC_FLOW_CHANGED, "UPMJ", time, keys, 0, false}
#define CHANGED_OF_MANY(table, time, few)  {table, table, MLC_FLOW_CHANGED, "UPMJ", time, 1, few, false}
#define BEGUN(table, column, keys)         {table "." column, table, MLC_FLOW_BEGUN, column, NULL, keys, 0, false}
#define ENDED(table, column, keys)         {table "." column, table, MLC_FLOW_ENDED, column, NULL, keys, 0, false}
#define LEDGER                             {"F0911", "F0911", MLC_FLOW_CHANGED, "UPMJ", "UPMT", 1, 0, true}

#define ADDRESS_BOOK \
    {.table = "F0101", .key_count = 1, .date_column = "UPMJ", .time_column = "UPMT", \
     .columns = {"AN8", "ALKY", "TAX", "ALPH", "AT1", "MCU", "PA8", "AC01", "AC02", "AC03", "UPMJ", "UPMT"}}
#define ADDRESS_IN_FORCE \
    {.table = "F0116", .key_count = 1, .date_column = "UPMJ", .time_column = "UPMT", .from = "EFTB", \
     .columns = {"AN8", "EFTB", "ADD1", "ADD2", "ADD3", "ADD4", "ADDZ", "CTY1", "COUN", "ADDS", "CTR", "UPMJ", "UPMT"}}
/* Line 0 is the address number itself; further lines are its contacts. */
#define OWN_PHONES \
    {.table = "F0115", .key_count = 1, .list = true, .date_column = "UPMJ", .time_column = "UPMT", .order = "RCK7", \
     .columns = {"AN8", "IDLN", "RCK7", "PHTP", "AR1", "PH1", "UPMJ", "UPMT"}, \
     .terms = {{"IDLN", MLC_AIS_EQ, "0", MLC_FLOW_NO_LIST}}}
#define OWN_ADDRESSES \
    {.table = "F01151", .key_count = 1, .list = true, .date_column = "UPMJ", .time_column = "UPMT", .order = "RCK7", \
     .columns = {"AN8", "IDLN", "RCK7", "ETP", "EMAL", "UPMJ", "UPMT"}, \
     .terms = {{"IDLN", MLC_AIS_EQ, "0", MLC_FLOW_NO_LIST}}}

const mlc_flow_spec mlc_flow_specs[] = {
    {.name = "customers", .kind = "customer", .keys = {"AN8"}, .ledger = true,
     .drivers = {CHANGED("F0101", "UPMT", 1), CHANGED("F03012", "UPMT", 1), CHANGED("F0116", "UPMT", 1),
                 CHANGED("F0115", "UPMT", 1), CHANGED("F01151", "UPMT", 1), LEDGER, BEGUN("F0116", "EFTB", 1)},
     .parts = {ADDRESS_BOOK,
               {.table = "F03012", .key_count = 1, .date_column = "UPMJ", .time_column = "UPMT",
                .columns = {"AN8", "CO", "ARC", "TRAR", "CRCD", "ACL", "HOLD", "CPGP", "TSTA", "UPMJ", "UPMT"},
                .terms = {{"CO", MLC_AIS_IN, NULL, MLC_FLOW_COMPANY}}},
               ADDRESS_IN_FORCE, OWN_PHONES, OWN_ADDRESSES},
     .rules = {{0, "AT1", MLC_FLOW_SEARCH_TYPES, false}}},

    {.name = "suppliers", .kind = "supplier", .source = "F0401", .keys = {"AN8"},
     .drivers = {CHANGED("F0101", "UPMT", 1), CHANGED("F0401", "UPMT", 1), CHANGED("F0116", "UPMT", 1),
                 CHANGED("F0115", "UPMT", 1), CHANGED("F01151", "UPMT", 1), BEGUN("F0116", "EFTB", 1)},
     .parts = {ADDRESS_BOOK,
               {.table = "F0401", .key_count = 1, .date_column = "UPMJ", .time_column = "UPMT",
                .columns = {"AN8", "APC", "TRAP", "CRRP", "PYIN", "UPMJ", "UPMT"}},
               ADDRESS_IN_FORCE, OWN_PHONES, OWN_ADDRESSES},
     .rules = {{0, "AT1", MLC_FLOW_SEARCH_TYPES, false}}},

    {.name = "contacts", .kind = "contact", .keys = {"AN8", "IDLN"},
     .drivers = {CHANGED("F0111", "UPMT", 2), CHANGED("F0115", "UPMT", 2), CHANGED("F01151", "UPMT", 2),
                 CHANGED_OF_MANY("F0101", "UPMT", FEW_ADDRESSES)},
     .parts = {{.table = "F0111", .key_count = 2, .date_column = "UPMJ", .time_column = "UPMT",
                .columns = {"AN8", "IDLN", "MLNM", "ALPH", "GNNM", "SRNM", "ATTL", "TYC", "UPMJ", "UPMT"},
                .terms = {{"IDLN", MLC_AIS_GT, "0", MLC_FLOW_NO_LIST}}},
               {.table = "F0101", .key_count = 1, .date_column = "UPMJ", .time_column = "UPMT",
                .columns = {"AN8", "ALPH", "AT1", "UPMJ", "UPMT"}},
               {.table = "F0115", .key_count = 2, .list = true, .date_column = "UPMJ", .time_column = "UPMT",
                .order = "RCK7", .columns = {"AN8", "IDLN", "RCK7", "PHTP", "AR1", "PH1", "UPMJ", "UPMT"}},
               {.table = "F01151", .key_count = 2, .list = true, .date_column = "UPMJ", .time_column = "UPMT",
                .order = "RCK7", .columns = {"AN8", "IDLN", "RCK7", "ETP", "EMAL", "UPMJ", "UPMT"}}},
     .rules = {{1, "AT1", MLC_FLOW_SEARCH_TYPES, false}}},

    {.name = "items", .kind = "item", .keys = {"ITM"},
     .drivers = {CHANGED("F4101", "TDAY", 1)},
     .parts = {{.table = "F4101", .key_count = 1, .date_column = "UPMJ", .time_column = "TDAY",
                .columns = {"ITM", "LITM", "AITM", "DSC1", "DSC2", "UOM1", "STKT", "UPMJ", "TDAY"}}},
     .rules = {{0, "STKT", MLC_FLOW_INACTIVE_TYPES, true}}},

    {.name = "prices", .kind = "price", .keys = {"ITM", "MCU", "AN8", "CPGP", "CRCD", "UOM"},
     .drivers = {CHANGED("F4106", "TDAY", 6), BEGUN("F4106", "EFTJ", 6), ENDED("F4106", "EXDJ", 6),
                 CHANGED_OF_MANY("F4101", "TDAY", FEW_ITEMS)},
     .parts = {{.table = "F4106", .key_count = 6, .exact = true, .date_column = "UPMJ", .time_column = "TDAY",
                .from = "EFTJ", .to = "EXDJ",
                .columns = {"ITM", "LITM", "MCU", "AN8", "CPGP", "CRCD", "UOM", "EFTJ", "EXDJ", "UPRC", "UPMJ", "TDAY"}},
               {.table = "F4101", .key_count = 1, .date_column = "UPMJ", .time_column = "TDAY",
                .columns = {"ITM", "LITM", "UOM1", "STKT", "UPMJ", "TDAY"}}},
     .rules = {{1, "STKT", MLC_FLOW_INACTIVE_TYPES, true}}},

    {.name = "orders", .kind = "order.status", .keys = {"DOCO", "DCTO", "KCOO"}, .shape = mlc_order_rows_shape,
     .drivers = {CHANGED("F4211", "TDAY", 3), CHANGED("F4201", "TDAY", 3)},
     .parts = {{.table = "F4201", .key_count = 3, .date_column = "UPMJ", .time_column = "TDAY",
                .columns = {"DOCO", "DCTO", "KCOO", "VR01", "HOLD", "UPMJ", "TDAY"}},
               {.table = "F4211", .key_count = 3, .list = true, .date_column = "UPMJ", .time_column = "TDAY",
                .order = "LNID",
                .columns = {"DOCO", "DCTO", "KCOO", "LNID", "LITM", "LTTR", "NXTR", "UORG", "SOQS", "SOBK", "SOCN", "DRQJ",
                            "ADDJ", "UPMJ", "TDAY"}}}},

    {.name = "purchase_orders", .kind = "order.status", .keys = {"DOCO", "DCTO", "KCOO"},
     .shape = mlc_order_rows_shape,
     .drivers = {CHANGED("F4311", "TDAY", 3), CHANGED("F4301", "TDAY", 3)},
     .parts = {{.table = "F4301", .key_count = 3, .date_column = "UPMJ", .time_column = "TDAY",
                .columns = {"DOCO", "DCTO", "KCOO", "VR01", "UPMJ", "TDAY"}},
               {.table = "F4311", .key_count = 3, .list = true, .date_column = "UPMJ", .time_column = "TDAY",
                .order = "LNID",
                .columns = {"DOCO", "DCTO", "KCOO", "LNID", "LITM", "LTTR", "NXTR", "UORG", "UREC", "DRQJ", "UPMJ",
                            "TDAY"}}}},
};
/* clang-format on */

size_t mlc_flow_spec_count(void)
{
    return sizeof mlc_flow_specs / sizeof mlc_flow_specs[0];
}

size_t mlc_flow_key_count(const mlc_flow_spec *spec)
{
    size_t count = 0;
    while (count < MLC_FLOW_KEYS_MAX && spec->keys[count] != NULL)
        count++;
    return count;
}

size_t mlc_flow_driver_count(const mlc_flow_spec *spec)
{
    size_t count = 0;
    while (count < MLC_FLOW_DRIVERS_MAX && spec->drivers[count].table != NULL)
        count++;
    return count;
}

size_t mlc_flow_part_count(const mlc_flow_spec *spec)
{
    size_t count = 0;
    while (count < MLC_FLOW_PARTS_MAX && spec->parts[count].table != NULL)
        count++;
    return count;
}

bool mlc_flow_is_date(const char *column)
{
    static const char *const dates[] = {"UPMJ", "EFTB", "EFTJ", "EXDJ", "TRDJ", "DRQJ", "ADDJ", "DGJ"};
    for (size_t i = 0; i < sizeof dates / sizeof dates[0]; i++)
        if (strcmp(column, dates[i]) == 0)
            return true;
    return false;
}
