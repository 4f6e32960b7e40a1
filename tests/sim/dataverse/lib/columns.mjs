/*
 * Building blocks for table definitions: one function per kind of column, and
 * defineTable, which turns a list of them into what the rest of the simulator
 * works with.
 *
 * A column: { name, type, wire, ... }. "wire" is its name in a row of the Web
 * API, and also its name in a stored row: the same as the logical name, except
 * that a lookup "xid" is seen as "_xid_value". A lookup with several target
 * tables has one navigation property per target.
 */

const MONEY_LIMIT = 922337203685477n;

export const text = (name, max, more = {}) => ({ name, type: 'string', wire: name, max, ...more });
export const memo = (name, max, more = {}) => ({ name, type: 'memo', wire: name, max, ...more });
export const money = (name, more = {}) => ({
  name, type: 'money', wire: name, min: -MONEY_LIMIT, maxValue: MONEY_LIMIT, ...more,
});
export const decimal = (name, more = {}) => ({
  name, type: 'decimal', wire: name, min: -100000000000n, maxValue: 100000000000n, ...more,
});
export const integer = (name, more = {}) => ({
  name, type: 'integer', wire: name, min: -2147483648, maxValue: 2147483647, ...more,
});
export const flag = (name, initial = false) => ({ name, type: 'boolean', wire: name, initial });
export const date = (name, more = {}) => ({ name, type: 'datetime', wire: name, ...more });
/** options: { value: label } */
export const choice = (name, options, more = {}) => ({ name, type: 'picklist', wire: name, options, ...more });
/** targets: { navigationProperty: table } */
export const lookup = (name, targets, more = {}) => ({
  name, type: 'lookup', wire: `_${name}_value`, typeWire: `_${name}_type`, targets, ...more,
});
/** states: { value: [label, { statusValue: label }] }; the first status of a state is its default. */
export const states = (list) => [
  {
    name: 'statecode', type: 'state', wire: 'statecode', initial: 0,
    options: Object.fromEntries(Object.entries(list).map(([value, [label]]) => [value, label])),
  },
  {
    name: 'statuscode', type: 'status', wire: 'statuscode',
    options: Object.assign({}, ...Object.values(list).map(([, statuses]) => statuses)),
    stateOf: Object.fromEntries(Object.entries(list)
      .flatMap(([state, [, statuses]]) => Object.keys(statuses).map((status) => [status, Number(state)]))),
    defaultOf: Object.fromEntries(Object.entries(list)
      .map(([state, [, statuses]]) => [state, Number(Object.keys(statuses)[0])])),
  },
];

const SYSTEM_COLUMNS = [
  date('createdon', { readOnly: true }),
  date('modifiedon', { readOnly: true }),
  { name: 'versionnumber', type: 'bigint', wire: 'versionnumber', readOnly: true },
];

/**
 * definition: { logical, set, pk, primaryName, columns, keys: [{ name, columns }],
 *               many: { navigationProperty: [table, lookupColumn] } }
 */
export function defineTable(definition) {
  const key = { name: definition.pk, type: 'guid', wire: definition.pk };
  const list = [key, ...definition.columns.flat(), ...SYSTEM_COLUMNS];
  const table = {
    keys: [],
    many: {},
    ...definition,
    columns: new Map(list.map((column) => [column.name, column])),
    byWire: new Map(list.map((column) => [column.wire, column])),
    navigation: new Map(),
  };
  for (const column of list) {
    for (const [property, target] of Object.entries(column.targets ?? {})) {
      table.navigation.set(property, { kind: 'single', column, target });
    }
  }
  for (const [property, [target, column]] of Object.entries(table.many)) {
    table.navigation.set(property, { kind: 'many', target, column });
  }
  return table;
}
