/*
 * The simulated tables: the columns of the contract sheet and those that an order
 * or an address needs besides.
 */

import { audit, date, defineTable, number, text, unit } from './columns.mjs';

const an8 = number('AN8', 0, 'Address Number');
const addressBookCodes = Array.from({ length: 30 }, (_, at) => text(`AC${String(at + 1).padStart(2, '0')}`, 3, `Category Code ${at + 1}`));
const orderKey = [number('DOCO', 0, 'Order Number'), text('DCTO', 2, 'Order Type'), text('KCOO', 5, 'Order Company')];
const references = [text('VR01', 25, 'Reference'), text('VR02', 25, 'Reference 2')];
const parties = [unit('MCU', 'Business Unit'), an8, number('SHAN', 0, 'Address Number - Ship To'), number('PA8', 0, 'Parent Number')];
const orderDates = [date('DRQJ', 'Requested Date'), date('TRDJ', 'Order Date')];
const line = [
  number('LNID', 3, 'Line Number'), number('ITM', 0, 'Item Number - Short'), text('LITM', 25, '2nd Item Number'), text('DSC1', 30, 'Description'),
  text('LNTY', 2, 'Line Type'), text('LTTR', 3, 'Last Status'), text('NXTR', 3, 'Next Status'), number('UORG', 4, 'Quantity Ordered'),
  text('UOM', 2, 'Unit of Measure'),
];

const ADDRESS_BOOK = [
  {
    name: 'F0101', title: 'Address Book Master', key: ['AN8'],
    columns: [
      an8, text('ALKY', 20, 'Long Address'), text('TAX', 20, 'Tax ID'), text('ALPH', 40, 'Alpha Name'), text('DC', 40, 'Compressed Name'),
      unit('MCU', 'Business Unit'), text('SIC', 10, 'Industry Class'), text('LNGP', 2, 'Language'), text('AT1', 3, 'Search Type'),
      text('CM', 2, 'Credit Message'), text('TAXC', 1, 'Person/Corporation'), text('AT2', 1, 'Suspended'), number('PA8', 0, 'Parent Number'),
      number('AN81', 0, '1st Address Number'), addressBookCodes, text('RMK', 30, 'Remark'), audit(),
    ],
  },
  {
    name: 'F0111', title: "Address Book - Who's Who", key: ['AN8', 'IDLN'], index: ['AN8'],
    columns: [
      an8, number('IDLN', 0, 'Line Number ID'), text('DSS5', 3, 'Display Sequence'), text('MLNM', 40, 'Mailing Name'), text('ALPH', 40, 'Alpha Name'),
      text('GNNM', 25, 'Given Name'), text('SRNM', 25, 'Surname'), text('ATTL', 40, 'Title'), text('TYC', 1, 'Type Code'), audit(),
    ],
  },
  {
    name: 'F0115', title: 'Address Book - Phone Numbers', key: ['AN8', 'IDLN', 'RCK7'], index: ['AN8'],
    columns: [
      an8, number('IDLN', 0, 'Line Number ID'), number('RCK7', 0, 'Sequence Number'), text('PHTP', 4, 'Phone Type'), text('AR1', 6, 'Prefix'),
      text('PH1', 20, 'Phone Number'), audit(),
    ],
  },
  {
    name: 'F01151', title: 'Electronic Address', key: ['AN8', 'IDLN', 'RCK7'], index: ['AN8'],
    columns: [
      an8, number('IDLN', 0, 'Line Number ID'), number('RCK7', 0, 'Sequence Number'), text('ETP', 4, 'Electronic Address Type'),
      text('EMAL', 256, 'Electronic Address'), audit(),
    ],
  },
  {
    name: 'F0116', title: 'Address by Date', key: ['AN8', 'EFTB'], index: ['AN8'],
    columns: [
      an8, date('EFTB', 'Beginning Effective Date'), text('ADD1', 40, 'Address Line 1'), text('ADD2', 40, 'Address Line 2'),
      text('ADD3', 40, 'Address Line 3'), text('ADD4', 40, 'Address Line 4'), text('ADDZ', 12, 'Postal Code'), text('CTY1', 25, 'City'),
      text('COUN', 25, 'County'), text('ADDS', 3, 'State'), text('CTR', 3, 'Country'), audit(),
    ],
  },
  {
    name: 'F03012', title: 'Customer Master by Line of Business', key: ['AN8', 'CO'], index: ['AN8'],
    columns: [
      an8, text('CO', 5, 'Company'), text('ARC', 4, 'G/L Offset'), text('TRAR', 3, 'Payment Terms'), text('CRCD', 3, 'Currency Code'),
      number('ACL', 0, 'Credit Limit'), text('HOLD', 2, 'Hold Orders Code'), text('CPGP', 8, 'Customer Price Group'), text('TSTA', 2, 'Temporary Credit Message'),
      audit(),
    ],
  },
  {
    name: 'F0401', title: 'Supplier Master', key: ['AN8'],
    columns: [
      an8, text('APC', 4, 'G/L Class'), text('TRAP', 3, 'Payment Terms'), text('CRRP', 3, 'Currency Code'), text('PYIN', 1, 'Payment Instrument'), audit(),
    ],
  },
];

const ITEMS = [
  {
    name: 'F4101', title: 'Item Master', key: ['ITM'], index: ['LITM'],
    columns: [
      number('ITM', 0, 'Item Number - Short'), text('LITM', 25, '2nd Item Number'), text('AITM', 25, '3rd Item Number'), text('DSC1', 30, 'Description'),
      text('DSC2', 30, 'Description - Line 2'), text('UOM1', 2, 'Primary UOM'), text('STKT', 1, 'Stocking Type'), audit('TDAY'),
    ],
  },
  {
    name: 'F4106', title: 'Item Base Price File', key: ['ITM', 'MCU', 'AN8', 'CPGP', 'CRCD', 'UOM', 'EXDJ'], index: ['LITM'],
    columns: [
      number('ITM', 0, 'Item Number - Short'), text('LITM', 25, '2nd Item Number'), unit('MCU', 'Business Unit'), an8,
      text('CPGP', 8, 'Customer Price Group'), text('CRCD', 3, 'Currency Code'), text('UOM', 2, 'Unit of Measure'), date('EFTJ', 'Effective Date'),
      date('EXDJ', 'Expired Date'), number('UPRC', 4, 'Unit Price'), audit('TDAY'),
    ],
  },
];

const ORDERS = [
  {
    name: 'F4201', title: 'Sales Order Header File', key: ['DOCO', 'DCTO', 'KCOO'], index: ['VR01', 'AN8'],
    columns: [
      orderKey, parties, orderDates, references, text('CRCD', 3, 'Currency Code'), text('HOLD', 2, 'Hold Orders Code'),
      number('OTOT', 2, 'Amount - Order Gross'), text('ORBY', 10, 'Ordered By'), audit('TDAY'),
    ],
  },
  {
    name: 'F4211', title: 'Sales Order Detail File', key: ['DOCO', 'DCTO', 'KCOO', 'LNID'], index: ['DOCO', 'VR01'],
    columns: [
      orderKey, line, parties, orderDates, references, date('ADDJ', 'Actual Ship Date'), number('SOQS', 4, 'Quantity Shipped'),
      number('SOBK', 4, 'Quantity Backordered'), number('SOCN', 4, 'Quantity Canceled'), number('UPRC', 4, 'Unit Price'), number('AEXP', 2, 'Extended Price'),
      text('CRCD', 3, 'Currency Code'), audit('TDAY'),
    ],
  },
  {
    name: 'F4301', title: 'Purchase Order Header', key: ['DOCO', 'DCTO', 'KCOO'], index: ['VR01', 'AN8'],
    columns: [orderKey, parties, orderDates, references, text('CRCD', 3, 'Currency Code'), number('OTOT', 2, 'Amount - Order Gross'), audit('TDAY')],
  },
  {
    name: 'F4311', title: 'Purchase Order Detail File', key: ['DOCO', 'DCTO', 'KCOO', 'LNID'], index: ['DOCO'],
    columns: [
      orderKey, line, parties, orderDates, references, number('UREC', 4, 'Quantity Received'), number('PRRC', 4, 'Unit Cost'), number('AEXP', 2, 'Extended Price'), text('CRCD', 3, 'Currency Code'),
      audit('TDAY'),
    ],
  },
  {
    name: 'F4006', title: 'Order Address Information', key: ['DOCO', 'DCTO', 'KCOO', 'ANTY'], index: ['DOCO'],
    columns: [
      orderKey, text('ANTY', 1, 'Address Type'), text('MLNM', 40, 'Mailing Name'), text('ADD1', 40, 'Address Line 1'), text('ADD2', 40, 'Address Line 2'),
      text('ADD3', 40, 'Address Line 3'), text('ADDZ', 12, 'Postal Code'), text('CTY1', 25, 'City'), text('ADDS', 3, 'State'), text('CTR', 3, 'Country'),
      audit('TDAY'),
    ],
  },
  {
    name: 'F4074', title: 'Price Adjustment Ledger File', key: ['DOCO', 'DCTO', 'KCOO', 'LNID', 'OSEQ'], index: ['DOCO'],
    columns: [
      orderKey, number('LNID', 3, 'Line Number'), number('OSEQ', 0, 'Sequence Number'), text('AST', 8, 'Adjustment Name'), number('FVTR', 4, 'Factor Value'),
      audit('TDAY'),
    ],
  },
  {
    name: 'F0911', title: 'Account Ledger', key: ['DCT', 'DOC', 'KCO', 'DGJ', 'JELN', 'LT'], index: ['DOC'],
    columns: [
      number('DOC', 0, 'Document Number'), text('DCT', 2, 'Document Type'), text('KCO', 5, 'Document Company'), date('DGJ', 'G/L Date'),
      number('JELN', 0, 'Line Number'), text('LT', 2, 'Ledger Type'), text('AID', 8, 'Account ID'), unit('MCU', 'Business Unit'), text('OBJ', 6, 'Object Account'),
      an8, number('AA', 2, 'Amount'), text('CRCD', 3, 'Currency Code'), text('EXA', 30, 'Explanation'), text('POST', 1, 'Posted'), audit(),
    ],
  },
];

/** Map of table name to definition */
export const buildTables = () => new Map([...ADDRESS_BOOK, ...ITEMS, ...ORDERS].map((definition) => [definition.name, defineTable(definition)]));
