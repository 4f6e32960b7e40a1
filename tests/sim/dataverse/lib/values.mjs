/*
 * From the JSON body of a write to column values: names, types, ranges, lengths,
 * options and references are checked here, column by column.
 *
 * readBody gives { values, nested }: values by stored name, and nested as a list of
 * [collection navigation property, bodies] for rows to create together.
 */

import { DECIMAL_SCALE, MONEY_SCALE, formatDecimal, parseDecimal } from './decimal.mjs';
import { secondsText } from './clock.mjs';
import { errors } from './errors.mjs';
import { Lexeme } from './json.mjs';
import { resolveReference } from './references.mjs';
import { GUID } from './uri.mjs';

const DATE = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2}))?$/;
const INTEGER = /^-?\d{1,16}$/;

export function readBody(ctx, table, body) {
  if (body === null || typeof body !== 'object' || Array.isArray(body) || body instanceof Lexeme) {
    throw errors.badPayload('The body of the request must be a JSON object.');
  }
  const values = {};
  const nested = [];
  for (const [name, value] of Object.entries(body)) {
    if (name.endsWith('@odata.bind')) {
      bind(ctx, table, name.slice(0, -'@odata.bind'.length), value, values);
    } else if (name.startsWith('@')) {
      checkType(table, name, value);
    } else if (!name.includes('@')) {
      property(ctx, table, name, value, values, nested);
    }
  }
  return { values, nested };
}

function checkType(table, name, value) {
  if (name !== '@odata.type') return;
  const wanted = `Microsoft.Dynamics.CRM.${table.logical}`;
  if (typeof value !== 'string' || value.replace(/^#/, '') !== wanted) {
    throw errors.badPayload(`A resource with type '${value}' was found, where '${wanted}' was expected.`);
  }
}

function property(ctx, table, name, value, values, nested) {
  const navigation = table.navigation.get(name);
  if (navigation?.kind === 'many' && Array.isArray(value)) {
    nested.push([navigation, value]);
    return;
  }
  const column = table.byWire.get(name);
  if (!column || (column.type === 'lookup' && navigation)) {
    if (navigation && value === null) {
      bind(ctx, table, name, null, values);
      return;
    }
    throw errors.undeclared(name, table.logical);
  }
  if (column.type === 'lookup') throw errors.badPayload(`'${name}' cannot be written; use the navigation property with @odata.bind.`);
  // The service takes these without a word and keeps its own value.
  if (column.readOnly) return;
  values[name] = value === null ? null : convert(ctx, table, column, value);
}

function bind(ctx, table, name, value, values) {
  const navigation = table.navigation.get(name);
  if (navigation?.kind !== 'single') throw errors.undeclared(name, table.logical);
  const { column, target } = navigation;
  if (value === null) {
    values[column.wire] = null;
    values[column.typeWire] = null;
    return;
  }
  if (typeof value !== 'string') throw errors.wrongType(`${name}@odata.bind`, 'Edm.String');
  const found = resolveReference(ctx, value);
  if (found.table.logical !== target) {
    throw errors.badPayload(`The navigation property '${name}' cannot refer to a ${found.table.logical}.`);
  }
  values[column.wire] = found.id;
  values[column.typeWire] = target;
}

/** One non-null JSON value -> what is stored. */
export function convert(ctx, table, column, value) {
  switch (column.type) {
    case 'string':
    case 'memo': return textValue(table, column, value);
    case 'money': return scaled(ctx, table, column, value, MONEY_SCALE);
    case 'decimal': return scaled(ctx, table, column, value, DECIMAL_SCALE);
    case 'boolean':
      if (typeof value !== 'boolean') throw errors.wrongType(column.name, 'Edm.Boolean');
      return value;
    case 'integer': {
      const number = integerValue(column, value);
      if (number < column.min || number > column.maxValue) {
        throw errors.outOfRange(column.name, table.logical, number, `${column.min} to ${column.maxValue}`);
      }
      return number;
    }
    case 'picklist':
    case 'state':
    case 'status': {
      const number = integerValue(column, value);
      if (!(number in column.options)) {
        throw errors.outOfRange(column.name, table.logical, number, Object.keys(column.options).join(','));
      }
      return number;
    }
    case 'datetime': {
      const time = typeof value === 'string' && DATE.test(value) ? Date.parse(value) : NaN;
      if (Number.isNaN(time)) throw errors.wrongType(column.name, 'Edm.DateTimeOffset');
      return secondsText(time);
    }
    case 'guid':
      if (typeof value !== 'string' || !GUID.test(value)) throw errors.wrongType(column.name, 'Edm.Guid');
      return value.toLowerCase();
    default:
      throw errors.wrongType(column.name, column.type);
  }
}

function textValue(table, column, value) {
  if (typeof value !== 'string') throw errors.wrongType(column.name, 'Edm.String');
  // Lengths count UTF-16 units, as the service's database does.
  if (value.length > column.max) throw errors.tooLong(column.name, table.logical, column.max);
  // An empty string is stored as null, as the service does.
  return value === '' ? null : value;
}

function integerValue(column, value) {
  if (!(value instanceof Lexeme) || !INTEGER.test(value.text)) throw errors.wrongType(column.name, 'Edm.Int32');
  return Number(value.text);
}

function scaled(ctx, table, column, value, scale) {
  const parsed = value instanceof Lexeme ? parseDecimal(value.text, scale) : null;
  if (!parsed) throw errors.wrongType(column.name, 'Edm.Decimal');
  if (!parsed.exact && ctx.config.strictDecimals) throw errors.tooPrecise(column.name, table.logical, scale);
  const one = 10n ** BigInt(scale);
  if (parsed.units < column.min * one || parsed.units > column.maxValue * one) {
    throw errors.outOfRange(column.name, table.logical, value.text, `${column.min} to ${column.maxValue}`);
  }
  return formatDecimal(parsed.units, scale);
}
