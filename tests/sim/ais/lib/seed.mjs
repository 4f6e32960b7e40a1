/*
 * Made-up data: customers from 6001, suppliers from 4000000, items "ITEM-00001"...
 * with prices, a few purchase orders and ledger lines. The same seed gives the same
 * rows; only their stamps follow the clock (days before today).
 */

import { addDays } from './jdedate.mjs';
import { random } from './random.mjs';

const CHUNK = 500;
const FIRST_CUSTOMER = 6001;
const FIRST_SUPPLIER = 4000000;
const FIRST_ITEM = 60001;
const COMPANY = '00001';
// Names from many languages: the connector must carry all of them unharmed.
const NAMES = [
  'Müller', 'Łódź', 'Ångström', 'Çelik', 'Ñandú', 'Dvořák', 'Østergård', 'Ελπίς', 'Київ', '東京', 'São Tomé', 'Þórsson', 'Ğöksu', "O'Hara", 'Smith & Sons',
  'Żółw', 'Crème', 'Naïve', 'Ünal', 'Jalapeño', 'Ördög', 'Straße', 'Acme', 'Capital System',
];
const FORMS = ['GmbH', 'Sp. z o.o.', 'AB', 'A.Ş.', 'S.A.', 's.r.o.', 'A/S', 'Ltd', 'Inc.', 'SARL', 'Oy', 'B.V.'];
const CITIES = [
  ['Zürich', '8001', '', 'CH'], ['Kraków', '30-001', '', 'PL'], ['Malmö', '211 20', '', 'SE'], ['Denver', '80202', 'CO', 'US'], ['Nîmes', '30000', '', 'FR'],
  ['Reykjavík', '101', '', 'IS'],
];
const GOODS = ['Ventil', 'Façade bolt', 'Brötchen tray', 'Kugellager', 'Pompe à eau', 'Śruba M8', 'Bearing', 'Cable 3x1.5 mm²'];
const TERMS = ['N30', 'N60', '001', ''];

/** options: { customers, suppliers, items, seed } */
export function seedAll(ctx, { customers, suppliers, items, seed }) {
  const rng = random(seed);
  const today = ctx.clock.stamp().date;
  const make = { rng, stamp: (clock = 'UPMT') => stampBefore(rng, today, clock), today };
  inChunks(ctx, items, (at) => item(make, at));
  inChunks(ctx, customers, (at) => customer(make, at));
  inChunks(ctx, suppliers, (at) => supplier(make, at));
  inChunks(ctx, Math.min(suppliers, items, 5), (at) => purchase(make, at));
  inChunks(ctx, Math.min(customers, 10), (at) => ledger(make, at));
}

function inChunks(ctx, count, rowsOf) {
  for (let start = 0; start < count; start += CHUNK) {
    const changes = [];
    for (let at = start; at < Math.min(count, start + CHUNK); at += 1) changes.push(...rowsOf(at));
    ctx.store.write(changes);
  }
}

/** Some time on one of the last 90 days, never today. */
function stampBefore(rng, today, clock) {
  const time = rng.below(24) * 10000 + rng.below(60) * 100 + rng.below(60);
  return { USER: 'JDE', PID: 'EP01012', JOBN: 'SEED', UPMJ: addDays(today, -1 - rng.below(90)), [clock]: time };
}

function item({ rng, stamp }, at) {
  const ITM = FIRST_ITEM + at;
  const LITM = `ITEM-${String(at + 1).padStart(5, '0')}`;
  const name = `${rng.pick(GOODS)} ${at + 1}`;
  return [
    ['F4101', { ITM, LITM, AITM: `${LITM}-A`, DSC1: name, DSC2: '', UOM1: 'EA', STKT: 'P', ...stamp('TDAY') }],
    ['F4106', {
      ITM, LITM, MCU: '30', AN8: 0, CPGP: '', CRCD: 'USD', UOM: 'EA', EFTJ: 124001, EXDJ: 140366,
      UPRC: (100 + rng.below(5000000)) / 10000, ...stamp('TDAY'),
    }],
  ];
}

function customer({ rng, stamp }, at) {
  const AN8 = FIRST_CUSTOMER + at;
  const ALPH = `${rng.pick(NAMES)} ${rng.pick(NAMES)} ${rng.pick(FORMS)}`;
  const foreign = rng.below(5) === 0;
  return [
    ...party(rng, stamp(), { AN8, ALPH, AT1: 'C', contact: `office${AN8}@example.com` }),
    ['F03012', {
      AN8, CO: '00000', ARC: 'TRAD', TRAR: rng.pick(TERMS), CRCD: foreign ? 'EUR' : 'USD', ACL: rng.below(1000) * 1000, HOLD: at % 25 === 24 ? 'C1' : '',
      CPGP: rng.below(3) === 0 ? 'PREFER' : '', TSTA: '', ...stamp(),
    }],
  ];
}

function supplier({ rng, stamp }, at) {
  const AN8 = FIRST_SUPPLIER + at;
  return [
    ...party(rng, stamp(), { AN8, ALPH: `${rng.pick(NAMES)} Supply ${rng.pick(FORMS)}`, AT1: 'V', contact: `sales${AN8}@example.com` }),
    ['F0401', { AN8, APC: 'TRAD', TRAP: rng.pick(TERMS), CRRP: 'USD', PYIN: rng.pick(['', 'C', 'T']), ...stamp() }],
  ];
}

/** What every address has: F0101, F0111, F0115, F01151, F0116. */
function party(rng, stamp, { AN8, ALPH, AT1, contact }) {
  const [CTY1, ADDZ, ADDS, CTR] = rng.pick(CITIES);
  return [
    ['F0101', {
      AN8, ALKY: `K${AN8}`, TAX: `${CTR}${String(rng.below(1000000000)).padStart(9, '0')}`, ALPH, DC: ALPH.toUpperCase().replace(/[^\p{L}\p{N}]/gu, '').slice(0, 40),
      MCU: '1', LNGP: '', AT1, PA8: AN8, AN81: AN8, AC01: rng.pick(['', 'NOR', 'SUD']), ...stamp,
    }],
    ['F0111', { AN8, IDLN: 0, MLNM: ALPH, ALPH, TYC: '', ...stamp }],
    ['F0115', { AN8, IDLN: 0, RCK7: 1, PHTP: '', AR1: '555', PH1: String(1000000 + rng.below(9000000)), ...stamp }],
    ['F01151', { AN8, IDLN: 0, RCK7: 1, ETP: 'E', EMAL: contact, ...stamp }],
    ['F0116', { AN8, EFTB: 120001, ADD1: `${rng.pick(NAMES)} straße ${1 + rng.below(200)}`, ADD2: '', ADDZ, CTY1, ADDS, CTR, ...stamp }],
  ];
}

function purchase({ rng, stamp, today }, at) {
  const units = 1 + rng.below(100);
  const cents = 100 + rng.below(100000);
  const key = { DOCO: 3001 + at, DCTO: 'OP', KCOO: COMPANY };
  const shared = {
    MCU: '30', AN8: FIRST_SUPPLIER + at, SHAN: FIRST_SUPPLIER + at, PA8: FIRST_SUPPLIER + at,
    TRDJ: addDays(today, -1), DRQJ: today, VR01: '', VR02: '', CRCD: 'USD',
  };
  const moment = stamp('TDAY');
  return [
    ['F4301', { ...key, ...shared, OTOT: (units * cents) / 100, ...moment }],
    ['F4311', {
      ...key, ...shared, LNID: 1, ITM: FIRST_ITEM + at, LITM: `ITEM-${String(at + 1).padStart(5, '0')}`, DSC1: 'Restock', LNTY: 'S', LTTR: '220', NXTR: '280',
      UORG: units, UOM: 'EA', PRRC: cents / 100, AEXP: (units * cents) / 100, ...moment,
    }],
  ];
}

/** One invoice in two balanced lines. */
function ledger({ rng, stamp, today }, at) {
  const amount = (100 + rng.below(1000000)) / 100;
  const shared = {
    DOC: 5001 + at, DCT: 'RI', KCO: COMPANY, DGJ: addDays(today, -2), LT: 'AA', MCU: '1', AN8: FIRST_CUSTOMER + at, CRCD: 'USD', EXA: 'Invoice', POST: 'P',
    ...stamp(),
  };
  return [
    ['F0911', { ...shared, JELN: 1, AID: '00000101', OBJ: '1210', AA: amount }],
    ['F0911', { ...shared, JELN: 2, AID: '00000501', OBJ: '5010', AA: -amount }],
  ];
}
