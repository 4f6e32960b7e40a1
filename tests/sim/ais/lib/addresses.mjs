/* Change of a customer's name and address: F0101, and the address in force in F0116. */

import { storedValue } from './columns.mjs';
import { ApplicationError } from './orders.mjs';
import { parseAnyDate } from './jdedate.mjs';

const ADDRESS = {
  AddressLine1: 'ADD1', AddressLine2: 'ADD2', AddressLine3: 'ADD3', AddressLine4: 'ADD4', PostalCode: 'ADDZ', City: 'CTY1',
  County: 'COUN', State: 'ADDS', Country: 'CTR',
};
const BOOK = { Name: 'ALPH', TaxId: 'TAX', SearchType: 'AT1' };

/** inputs: AddressNumber and what is to change. Gives { AddressNumber }. */
export function updateAddress(ctx, inputs, { session, program }) {
  const { store, clock, config } = ctx;
  const AN8 = Number(inputs.AddressNumber);
  const person = store.lookup('F0101', 'AN8', AN8)[0];
  if (!person) throw refused('0267', `Address number ${inputs.AddressNumber} is not in the Address Book`, 'AddressNumber');
  const { date, time } = clock.stamp();
  const stamp = { USER: session.username.slice(0, 10), PID: program, JOBN: 'AIS', UPMJ: date, UPMT: time };
  const from = inputs.EffectiveDate === undefined ? undefined : parseAnyDate(inputs.EffectiveDate, session.dateFormat);
  if (inputs.EffectiveDate !== undefined && !from) throw refused('0001', `EffectiveDate is not a date: ${inputs.EffectiveDate}`, 'EffectiveDate');
  const changes = [['F0101', { AN8, ...picked(store.table('F0101'), BOOK, inputs), ...stamp }]];
  const address = picked(store.table('F0116'), ADDRESS, inputs);
  if (Object.keys(address).length) changes.push(['F0116', { AN8, EFTB: from ?? addressInForce(store, AN8, date), ...address, ...stamp }]);
  store.write(changes, config.commitDelayMs);
  return { AddressNumber: AN8 };
}

function addressInForce(store, an8, today) {
  const begun = store.lookup('F0116', 'AN8', an8).filter((row) => row.EFTB <= today);
  return begun.length ? begun[begun.length - 1].EFTB : today;
}

function picked(table, names, inputs) {
  const values = {};
  for (const [input, column] of Object.entries(names)) {
    if (inputs[input] === undefined) continue;
    try {
      values[column] = storedValue(table.columns.get(column), inputs[input]);
    } catch (error) {
      throw refused('0012', error.message, input);
    }
  }
  return values;
}

const refused = (CODE, TITLE, ERRORCONTROL) => new ApplicationError([{ CODE, TITLE: `Error: ${TITLE}`, ERRORCONTROL, DESC: TITLE, MOBILE: TITLE }]);
