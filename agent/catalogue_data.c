/* catalogue_data.c - see catalogue_data.h. Lengths and decimals: contracts/ais.md, section Data, and the tables of a stock
 * EnterpriseOne. The columns stand beside their meaning so that a site can compare them with its data dictionary. */
#include "agent/catalogue_data.h"

const char mlc_catalogue_built_in[] =
    /* keys and parties */
    "item DOCO number 8 0\n" /* order number */
    "item DCTO text 2\n"     /* order type */
    "item KCOO text 5\n"     /* order company */
    "item MCU text 12\n"     /* business unit */
    "item AN8 number 8 0\n"  /* address number */
    "item SHAN number 8 0\n" /* ship to */
    "item VR01 text 25\n"    /* reference */
    "item VR02 text 25\n"    /* reference 2 */
    "item CRCD text 3\n"     /* currency */
    "item TRDJ date\n"       /* order date */
    "item DRQJ date\n"       /* requested date */
    /* lines */
    "item LNID number 6 3\n"  /* line number */
    "item LITM text 25\n"     /* second item number */
    "item DSC1 text 30\n"     /* description */
    "item LNTY text 2\n"      /* line type */
    "item UORG number 15 4\n" /* quantity ordered */
    "item UOM text 2\n"       /* unit of measure */
    "item UPRC number 15 4\n" /* unit price */
    "item PRRC number 15 4\n" /* unit cost */
    "item FVTR number 15 4\n" /* factor of a price adjustment */
    "item AEXP number 15 2\n" /* extended amount */
    /* addresses */
    "item ALPH text 40\n" /* alpha name */
    "item TAX text 20\n"  /* tax id */
    "item AT1 text 3\n"   /* search type */
    "item MLNM text 40\n" /* mailing name */
    "item ADD1 text 40\n"
    "item ADD2 text 40\n"
    "item ADD3 text 40\n"
    "item ADD4 text 40\n"
    "item ADDZ text 12\n" /* postal code */
    "item CTY1 text 25\n" /* city */
    "item COUN text 25\n" /* county */
    "item ADDS text 3\n"  /* state */
    "item CTR text 3\n"   /* country */
    "item EFTB date\n"    /* beginning effective date */
    /* ML_CreateSalesOrder, ML_CreatePurchaseOrder */
    "input Reference VR01\n"
    "input Reference2 VR02\n"
    "input OrderType DCTO\n"
    "input OrderCompany KCOO\n"
    "input BranchPlant MCU\n"
    "input SoldTo AN8\n"
    "input Supplier AN8\n"
    "input ShipTo SHAN\n"
    "input CurrencyCode CRCD\n"
    "input OrderDate TRDJ\n"
    "input RequestedDate DRQJ\n"
    "input ShipToName MLNM\n"
    "input ShipToAddress1 ADD1\n"
    "input ShipToAddress2 ADD2\n"
    "input ShipToAddress3 ADD3\n"
    "input ShipToPostalCode ADDZ\n"
    "input ShipToCity CTY1\n"
    "input ShipToState ADDS\n"
    "input ShipToCountry CTR\n"
    "input LineNumber LNID\n"
    "input ItemNumber LITM\n"
    "input Quantity UORG\n"
    "input UnitOfMeasure UOM\n"
    "input UnitPrice UPRC\n"
    "input UnitCost PRRC\n"
    "input DiscountAmount FVTR\n"
    "input ExtendedPrice AEXP\n"
    "input ExtendedCost AEXP\n"
    "input LineType LNTY\n"
    "input Description DSC1\n"
    /* ML_UpdateAddress */
    "input AddressNumber AN8\n"
    "input Name ALPH\n"
    "input TaxId TAX\n"
    "input SearchType AT1\n"
    "input AddressLine1 ADD1\n"
    "input AddressLine2 ADD2\n"
    "input AddressLine3 ADD3\n"
    "input AddressLine4 ADD4\n"
    "input PostalCode ADDZ\n"
    "input City CTY1\n"
    "input County COUN\n"
    "input State ADDS\n"
    "input Country CTR\n"
    "input EffectiveDate EFTB\n";
