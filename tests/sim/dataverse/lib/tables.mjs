/*
 * The tables of the simulated environment, with the columns of a stock Dynamics
 * 365 Sales that an ERP connector is likely to touch, and the connector's own
 * columns under the given publisher prefix.
 */

import {
  choice, date, decimal, defineTable, flag, integer, lookup, memo, money, states, text,
} from './columns.mjs';

const address = (start) => [
  text(`${start}_line1`, 250), text(`${start}_line2`, 250), text(`${start}_line3`, 250),
  text(`${start}_city`, 80), text(`${start}_stateorprovince`, 50),
  text(`${start}_postalcode`, 20), text(`${start}_country`, 80),
];
// Documents call their addresses shipto_* and billto_*, with a name of their own.
const documentAddress = (start) => [text(`${start}_name`, 200), ...address(start)];

const ACTIVE_INACTIVE = states({ 0: ['Active', { 1: 'Active' }], 1: ['Inactive', { 2: 'Inactive' }] });
const PAYMENT_TERMS = { 1: 'Net 30', 2: '2% 10, Net 30', 3: 'Net 45', 4: 'Net 60' };
const CUSTOMER = { customerid_account: 'account', customerid_contact: 'contact' };
const CURRENCY = lookup('transactioncurrencyid', { transactioncurrencyid: 'transactioncurrency' });
const OWNER = lookup('ownerid', { ownerid: 'systemuser' });

const tracing = (prefix) => [text(`${prefix}sourcerecordid`, 100), text(`${prefix}sourceversion`, 100)];
const key = (name, ...columns) => ({ name, columns });

/** The totals of a quote, an order or an invoice; the simulator computes the read-only ones. */
const headerAmounts = [
  money('totallineitemamount', { readOnly: true }), money('discountamount'), money('freightamount'),
  money('totaltax', { readOnly: true }), money('totalamount', { readOnly: true }),
  decimal('discountpercentage', { min: 0n, maxValue: 100n }),
  money('totaldiscountamount', { readOnly: true }),
];

const line = (logical, header, number) => [
  lookup(header, { [header]: header.slice(0, -2) }, { indexed: true, systemRequired: true }),
  lookup('productid', { productid: 'product' }), lookup('uomid', { uomid: 'uom' }), CURRENCY,
  flag('isproductoverridden'), flag('ispriceoverridden'),
  text('productdescription', 500), memo('description', 2000), text(number, 100),
  decimal('quantity'), money('priceperunit'),
  money('baseamount', { readOnly: true }), money('manualdiscountamount', { min: 0n }),
  money('volumediscountamount', { readOnly: true }), money('tax'),
  money('extendedamount', { readOnly: true }),
  integer('lineitemnumber', { min: 0, maxValue: 1000000000 }), integer('sequencenumber', { min: 0 }),
  date('requestdeliveryby'),
  ...documentAddress('shipto'),
];

function accountsAndContacts(prefix) {
  const account = defineTable({
    logical: 'account', set: 'accounts', pk: 'accountid', primaryName: 'name',
    keys: [key(`${prefix}accountnumber_key`, 'accountnumber')],
    columns: [
      text('name', 160, { required: true }), text('accountnumber', 20),
      text('telephone1', 50), text('telephone2', 50), text('fax', 50), text('emailaddress1', 100), text('websiteurl', 200),
      address('address1'), address('address2'), memo('description', 2000),
      money('creditlimit', { min: 0n, maxValue: 100000000000000n }), flag('creditonhold'),
      choice('paymenttermscode', PAYMENT_TERMS),
      choice('customertypecode', {
        1: 'Competitor', 2: 'Consultant', 3: 'Customer', 4: 'Investor', 5: 'Partner', 6: 'Influencer',
        7: 'Press', 8: 'Prospect', 9: 'Reseller', 10: 'Supplier', 11: 'Vendor', 12: 'Other',
      }),
      choice('accountcategorycode', { 1: 'Preferred Customer', 2: 'Standard' }),
      lookup('primarycontactid', { primarycontactid: 'contact' }),
      lookup('parentaccountid', { parentaccountid: 'account' }),
      lookup('defaultpricelevelid', { defaultpricelevelid: 'pricelevel' }), CURRENCY, OWNER,
      ACTIVE_INACTIVE, tracing(prefix), money(`${prefix}openbalance`),
    ],
    many: {
      contact_customer_accounts: ['contact', 'parentcustomerid'],
      quote_customer_accounts: ['quote', 'customerid'],
      order_customer_accounts: ['salesorder', 'customerid'],
      invoice_customer_accounts: ['invoice', 'customerid'],
    },
  });
  const contact = defineTable({
    logical: 'contact', set: 'contacts', pk: 'contactid', primaryName: 'fullname',
    keys: [key(`${prefix}contact_source_key`, `${prefix}sourcerecordid`)],
    columns: [
      text('firstname', 50), text('lastname', 50, { required: true }), text('fullname', 160, { readOnly: true }),
      text('jobtitle', 100), text('emailaddress1', 100), text('telephone1', 50), text('mobilephone', 50), text('fax', 50),
      address('address1'), memo('description', 2000),
      lookup('parentcustomerid', { parentcustomerid_account: 'account', parentcustomerid_contact: 'contact' }, { indexed: true }),
      CURRENCY, OWNER, ACTIVE_INACTIVE, tracing(prefix),
    ],
  });
  return [account, contact];
}

function catalogue(prefix) {
  return [
    defineTable({
      logical: 'product', set: 'products', pk: 'productid', primaryName: 'name',
      keys: [key(`${prefix}productnumber_key`, 'productnumber')],
      columns: [
        text('name', 100, { required: true }), text('productnumber', 100, { required: true }), memo('description', 2000),
        money('price'), money('standardcost'), decimal('quantityonhand'), integer('quantitydecimal', { min: 0, maxValue: 5 }),
        choice('productstructure', { 1: 'Product', 2: 'Product Family', 3: 'Product Bundle' }, { initial: 1 }),
        lookup('defaultuomid', { defaultuomid: 'uom' }), lookup('defaultuomscheduleid', { defaultuomscheduleid: 'uomschedule' }),
        lookup('pricelevelid', { pricelevelid: 'pricelevel' }), CURRENCY,
        states({
          0: ['Active', { 1: 'Active' }], 1: ['Retired', { 2: 'Retired' }],
          2: ['Draft', { 0: 'Draft' }], 3: ['Under Revision', { 3: 'Under Revision' }],
        }),
        tracing(prefix),
      ],
    }),
    defineTable({
      logical: 'pricelevel', set: 'pricelevels', pk: 'pricelevelid', primaryName: 'name',
      columns: [
        text('name', 100, { required: true }), memo('description', 2000), date('begindate'), date('enddate'), CURRENCY,
        states({ 0: ['Active', { 100001: 'Active' }], 1: ['Inactive', { 100002: 'Inactive' }] }),
      ],
      many: { price_level_product_price_levels: ['productpricelevel', 'pricelevelid'] },
    }),
    defineTable({
      logical: 'productpricelevel', set: 'productpricelevels', pk: 'productpricelevelid', primaryName: 'productnumber',
      keys: [key(`${prefix}productpricelevel_source_key`, `${prefix}sourcerecordid`)],
      columns: [
        lookup('pricelevelid', { pricelevelid: 'pricelevel' }, { indexed: true, systemRequired: true }),
        lookup('productid', { productid: 'product' }, { indexed: true, systemRequired: true }),
        lookup('uomid', { uomid: 'uom' }, { systemRequired: true }), CURRENCY,
        text('productnumber', 100, { readOnly: true }), money('amount', { min: 0n }), decimal('percentage'),
        choice('pricingmethodcode', { 1: 'Currency Amount', 2: 'Percent of List' }, { initial: 1 }),
        choice('quantitysellingcode', { 1: 'No Control', 2: 'Whole', 3: 'Whole and Fractional' }, { initial: 1 }),
        tracing(prefix),
      ],
    }),
    defineTable({
      logical: 'uomschedule', set: 'uomschedules', pk: 'uomscheduleid', primaryName: 'name',
      columns: [text('name', 200, { required: true }), text('baseuomname', 100), ACTIVE_INACTIVE],
    }),
    defineTable({
      logical: 'uom', set: 'uoms', pk: 'uomid', primaryName: 'name',
      columns: [
        text('name', 100, { required: true }), decimal('quantity'), flag('isschedulebaseuom'),
        lookup('uomscheduleid', { uomscheduleid: 'uomschedule' }), lookup('baseuom', { baseuom: 'uom' }),
      ],
    }),
    defineTable({
      logical: 'transactioncurrency', set: 'transactioncurrencies', pk: 'transactioncurrencyid', primaryName: 'currencyname',
      columns: [
        text('currencyname', 100, { required: true }), text('isocurrencycode', 5, { required: true }),
        text('currencysymbol', 13), integer('currencyprecision', { min: 0, maxValue: 4 }), decimal('exchangerate'), ACTIVE_INACTIVE,
      ],
    }),
  ];
}

function documents(prefix) {
  const common = [
    text('name', 300, { required: true }), memo('description', 2000),
    lookup('customerid', CUSTOMER, { indexed: true, systemRequired: true }),
    lookup('pricelevelid', { pricelevelid: 'pricelevel' }), CURRENCY, OWNER,
    ...headerAmounts, ...documentAddress('shipto'), ...documentAddress('billto'),
    choice('paymenttermscode', PAYMENT_TERMS), date('requestdeliveryby'),
  ];
  return [
    defineTable({
      logical: 'quote', set: 'quotes', pk: 'quoteid', primaryName: 'name',
      columns: [
        text('quotenumber', 100), integer('revisionnumber', { min: 0 }), common,
        date('effectivefrom'), date('effectiveto'), date('closedon'),
        states({
          0: ['Draft', { 1: 'In Progress' }],
          1: ['Active', { 2: 'In Progress', 3: 'Open' }],
          2: ['Won', { 4: 'Won' }],
          3: ['Closed', { 5: 'Lost', 6: 'Canceled', 7: 'Revised' }],
        }),
      ],
      many: { quote_details: ['quotedetail', 'quoteid'], quote_orders: ['salesorder', 'quoteid'] },
    }),
    defineTable({
      logical: 'quotedetail', set: 'quotedetails', pk: 'quotedetailid', primaryName: 'quotedetailname',
      columns: line('quotedetail', 'quoteid', 'quotedetailname'),
    }),
    defineTable({
      logical: 'salesorder', set: 'salesorders', pk: 'salesorderid', primaryName: 'name',
      columns: [
        text('ordernumber', 100), common,
        lookup('quoteid', { quoteid: 'quote' }, { indexed: true }),
        integer('submitstatus', { min: 0, maxValue: 1000000000 }), memo('submitstatusdescription', 2000), date('submitdate'),
        date('datefulfilled'), flag('ispricelocked'), date('lastbackofficesubmit'),
        states({
          0: ['Active', { 1: 'New', 2: 'Pending' }],
          1: ['Submitted', { 3: 'In Progress' }],
          2: ['Canceled', { 4: 'No Money' }],
          3: ['Fulfilled', { 100001: 'Complete', 100002: 'Partial' }],
          4: ['Invoiced', { 100003: 'Invoiced' }],
        }),
        text(`${prefix}jdeordernumber`, 50), text(`${prefix}jdeorderstatus`, 50),
        text(`${prefix}jdeordertype`, 10), text(`${prefix}jdeordercompany`, 10),
        memo(`${prefix}jdeordermessage`, 2000), text(`${prefix}jdestatusversion`, 100),
      ],
      many: { order_details: ['salesorderdetail', 'salesorderid'], order_invoices: ['invoice', 'salesorderid'] },
    }),
    defineTable({
      logical: 'salesorderdetail', set: 'salesorderdetails', pk: 'salesorderdetailid', primaryName: 'salesorderdetailname',
      columns: [
        line('salesorderdetail', 'salesorderid', 'salesorderdetailname'), flag('iscopied'),
        lookup('quotedetailid', { quotedetailid: 'quotedetail' }),
        text(`${prefix}jdelinestatus`, 20), decimal(`${prefix}jdequantityshipped`), decimal(`${prefix}jdequantitybackordered`),
      ],
    }),
    defineTable({
      logical: 'invoice', set: 'invoices', pk: 'invoiceid', primaryName: 'name',
      columns: [
        text('invoicenumber', 100), common, lookup('salesorderid', { salesorderid: 'salesorder' }, { indexed: true }),
        date('duedate'), date('datedelivered'),
        states({
          0: ['Active', { 1: 'New', 2: 'Partially Shipped', 4: 'Billed', 5: 'Booked', 6: 'Installed' }],
          1: ['Closed', { 3: 'Canceled', 7: 'Paid in Full' }],
          2: ['Paid', { 100001: 'Complete', 100002: 'Partial' }],
          3: ['Canceled', { 100003: 'Canceled' }],
        }),
      ],
      many: { invoice_details: ['invoicedetail', 'invoiceid'] },
    }),
    defineTable({
      logical: 'invoicedetail', set: 'invoicedetails', pk: 'invoicedetailid', primaryName: 'invoicedetailname',
      columns: [line('invoicedetail', 'invoiceid', 'invoicedetailname'), lookup('salesorderdetailid', { salesorderdetailid: 'salesorderdetail' })],
    }),
  ];
}

/** What registering a webhook needs: end points, steps, and the messages and filters they point to. */
function eventFramework() {
  return [
    defineTable({
      logical: 'serviceendpoint', set: 'serviceendpoints', pk: 'serviceendpointid', primaryName: 'name',
      columns: [
        text('name', 160, { systemRequired: true }), memo('description', 2000),
        text('url', 2000), text('authvalue', 2000, { secret: true }), text('path', 160), text('solutionnamespace', 160),
        choice('contract', {
          1: 'OneWay', 2: 'Queue', 3: 'Rest', 4: 'TwoWay', 5: 'Topic', 6: 'Queue (Persistent)', 7: 'Event Hub', 8: 'Webhook',
        }, { systemRequired: true }),
        choice('authtype', {
          0: 'ACS', 1: 'SAS Key', 2: 'SAS Token', 3: 'Connection String', 4: 'WebhookKey', 5: 'HttpHeader', 6: 'HttpQueryString',
        }),
        choice('connectionmode', { 1: 'Normal', 2: 'Federated' }), choice('messageformat', { 1: 'Binary XML', 2: 'Json', 3: 'Text XML' }),
        choice('userclaim', { 1: 'None', 2: 'User Id' }),
      ],
    }),
    defineTable({
      logical: 'sdkmessage', set: 'sdkmessages', pk: 'sdkmessageid', primaryName: 'name', columns: [text('name', 256)],
    }),
    defineTable({
      logical: 'sdkmessagefilter', set: 'sdkmessagefilters', pk: 'sdkmessagefilterid', primaryName: 'primaryobjecttypecode',
      columns: [text('primaryobjecttypecode', 100), lookup('sdkmessageid', { sdkmessageid: 'sdkmessage' }, { indexed: true })],
    }),
    defineTable({
      logical: 'sdkmessageprocessingstep', set: 'sdkmessageprocessingsteps', pk: 'sdkmessageprocessingstepid', primaryName: 'name',
      columns: [
        text('name', 256), memo('description', 256), memo('configuration', 100000), text('filteringattributes', 100000),
        choice('stage', { 10: 'Pre-validation', 20: 'Pre-operation', 40: 'Post-operation' }, { systemRequired: true }),
        choice('mode', { 0: 'Synchronous', 1: 'Asynchronous' }, { systemRequired: true }),
        choice('supporteddeployment', { 0: 'Server Only', 1: 'Client Only', 2: 'Both' }),
        choice('invocationsource', { '-1': 'Internal', 0: 'Parent', 1: 'Child' }),
        integer('rank', { initial: 1 }), flag('asyncautodelete'),
        lookup('sdkmessageid', { sdkmessageid: 'sdkmessage' }, { systemRequired: true }),
        lookup('sdkmessagefilterid', { sdkmessagefilterid: 'sdkmessagefilter' }),
        lookup('eventhandler', { eventhandler_serviceendpoint: 'serviceendpoint' }, { systemRequired: true }),
        states({ 0: ['Enabled', { 1: 'Enabled' }], 1: ['Disabled', { 2: 'Disabled' }] }),
      ],
    }),
    defineTable({
      logical: 'systemuser', set: 'systemusers', pk: 'systemuserid', primaryName: 'fullname',
      columns: [text('fullname', 200), text('domainname', 1024), text('internalemailaddress', 100), text('applicationid', 36), flag('isdisabled')],
    }),
  ];
}

/** prefix: "ml_" -> { byLogical: Map, bySet: Map } */
export function buildSchema(prefix) {
  const tables = [...accountsAndContacts(prefix), ...catalogue(prefix), ...documents(prefix), ...eventFramework()];
  return {
    prefix,
    byLogical: new Map(tables.map((table) => [table.logical, table])),
    bySet: new Map(tables.map((table) => [table.set, table])),
  };
}
