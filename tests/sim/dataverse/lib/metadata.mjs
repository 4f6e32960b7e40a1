/*
 * EntityDefinitions: the part of the metadata that a connector reads to learn its
 * target's columns, lengths, option sets and keys.
 */

import { errors } from './errors.mjs';

const KINDS = {
  string: ['String', 'StringAttributeMetadata'], memo: ['Memo', 'MemoAttributeMetadata'], money: ['Money', 'MoneyAttributeMetadata'],
  decimal: ['Decimal', 'DecimalAttributeMetadata'], integer: ['Integer', 'IntegerAttributeMetadata'],
  bigint: ['BigInt', 'BigIntAttributeMetadata'], boolean: ['Boolean', 'BooleanAttributeMetadata'],
  picklist: ['Picklist', 'PicklistAttributeMetadata'], state: ['State', 'StateAttributeMetadata'],
  status: ['Status', 'StatusAttributeMetadata'], datetime: ['DateTime', 'DateTimeAttributeMetadata'],
  guid: ['Uniqueidentifier', 'AttributeMetadata'], lookup: ['Lookup', 'LookupAttributeMetadata'],
};
const NAMESPACE = 'Microsoft.Dynamics.CRM.';

export function metadataBody(ctx, segments, options) {
  const [first, second, third] = segments;
  const context = `${ctx.baseUrl}$metadata#EntityDefinitions`;
  if (!first.key) {
    const all = [...ctx.schema.byLogical.values()].filter(logicalFilter(options));
    return JSON.stringify({ '@odata.context': context, value: all.map((table) => definition(ctx, table, options)) });
  }
  const table = ctx.schema.byLogical.get(first.key.values?.LogicalName ?? '');
  if (!table) throw errors.notFound('EntityMetadata', JSON.stringify(first.key.values ?? first.key.guid));
  if (!second) return JSON.stringify({ '@odata.context': `${context}/$entity`, ...definition(ctx, table, options) });
  if (second.name === 'Keys') {
    return JSON.stringify({ '@odata.context': `${context}('${table.logical}')/Keys`, value: keys(ctx, table) });
  }
  if (second.name !== 'Attributes') throw errors.resourceNotFound(second.name);
  return attributes(ctx, table, second, third, options);
}

function attributes(ctx, table, segment, castSegment, options) {
  const context = `${ctx.baseUrl}$metadata#EntityDefinitions('${table.logical}')/Attributes`;
  const cast = castSegment?.name.replace(NAMESPACE, '');
  const matches = (column) => cast === undefined || KINDS[column.type][1] === cast;
  if (cast !== undefined && !Object.values(KINDS).some(([, name]) => name === cast)) throw errors.resourceNotFound(castSegment.name);
  const describe = (column) => select(attribute(table, column, cast !== undefined && options.has('$expand')), options);
  if (segment.key) {
    const column = table.columns.get(segment.key.values?.LogicalName ?? '');
    if (!column || !matches(column)) throw errors.notFound('AttributeMetadata', segment.key.values?.LogicalName);
    return JSON.stringify({ '@odata.context': `${context}/$entity`, ...describe(column) });
  }
  const wanted = logicalFilter(options);
  const list = [...table.columns.values()].filter((column) => matches(column) && wanted({ logical: column.name }));
  return JSON.stringify({ '@odata.context': context, value: list.map(describe) });
}

/** Only filters of the form LogicalName eq 'a' or LogicalName eq 'b' are known here. */
function logicalFilter(options) {
  const text = options.get('$filter');
  if (!text) return () => true;
  const names = new Set();
  for (const part of text.split(/\s+or\s+/)) {
    const match = /^\(?\s*LogicalName eq '([^']+)'\s*\)?$/.exec(part.trim());
    if (!match) throw errors.notImplemented(`The metadata filter '${text}'`);
    names.add(match[1]);
  }
  return (item) => names.has(item.logical);
}

function definition(ctx, table, options) {
  const expand = options.get('$expand') ?? '';
  const shown = select({
    MetadataId: stableId(table.logical),
    LogicalName: table.logical,
    SchemaName: table.logical,
    EntitySetName: table.set,
    LogicalCollectionName: table.set,
    PrimaryIdAttribute: table.pk,
    PrimaryNameAttribute: table.primaryName,
    ChangeTrackingEnabled: true,
    IsCustomEntity: false,
    DisplayName: label(table.logical),
  }, options);
  if (/\bAttributes\b/.test(expand)) shown.Attributes = [...table.columns.values()].map((column) => attribute(table, column, false));
  if (/\bKeys\b/.test(expand)) shown.Keys = keys(ctx, table);
  return shown;
}

function select(object, options) {
  const names = options.get('$select')?.split(',').map((name) => name.trim());
  if (!names) return object;
  const kept = {};
  for (const name of Object.keys(object)) {
    // The type, the identity and an expanded option set stay whatever is selected.
    if (names.includes(name) || name.startsWith('@') || ['MetadataId', 'OptionSet', 'GlobalOptionSet'].includes(name)) kept[name] = object[name];
  }
  return kept;
}

function attribute(table, column, withOptions) {
  const [type, metadata] = KINDS[column.type];
  const writable = !column.readOnly;
  const described = {
    '@odata.type': `#${NAMESPACE}${metadata}`,
    MetadataId: stableId(`${table.logical}.${column.name}`),
    LogicalName: column.name,
    SchemaName: column.name,
    EntityLogicalName: table.logical,
    AttributeType: type,
    AttributeTypeName: { Value: `${type}Type` },
    IsCustomAttribute: /^[a-z]+_/.test(column.name) && !/^(address|shipto|billto)/.test(column.name),
    IsPrimaryId: column.type === 'guid',
    IsPrimaryName: column.name === table.primaryName,
    IsValidForCreate: writable,
    IsValidForUpdate: writable && column.type !== 'guid',
    IsValidForRead: true,
    RequiredLevel: { Value: requiredLevel(column), CanBeChanged: true, ManagedPropertyLogicalName: 'canmodifyrequirementlevelsettings' },
    DisplayName: label(column.name),
  };
  if (column.max !== undefined) described.MaxLength = column.max;
  if (column.type === 'money') described.Precision = 4;
  if (column.type === 'decimal') described.Precision = 10;
  if (column.min !== undefined) Object.assign(described, { MinValue: Number(column.min), MaxValue: Number(column.maxValue) });
  if (column.targets) described.Targets = Object.values(column.targets);
  if (withOptions && column.options) {
    described.OptionSet = optionSet(table, column);
    described.GlobalOptionSet = null;
  }
  return described;
}

function requiredLevel(column) {
  if (column.type === 'guid' || column.systemRequired || column.type === 'state') return 'SystemRequired';
  return column.required ? 'ApplicationRequired' : 'None';
}

function optionSet(table, column) {
  return {
    MetadataId: stableId(`${table.logical}.${column.name}.options`),
    Name: `${table.logical}_${column.name}`,
    IsGlobal: false,
    OptionSetType: KINDS[column.type][0],
    Options: Object.entries(column.options).map(([value, text]) => ({
      Value: Number(value),
      ...(column.stateOf ? { State: column.stateOf[value] } : {}),
      Label: label(text),
    })),
  };
}

function keys(ctx, table) {
  return table.keys.map((key) => ({
    MetadataId: stableId(`${table.logical}.${key.name}`),
    LogicalName: key.name,
    SchemaName: key.name,
    EntityLogicalName: table.logical,
    KeyAttributes: key.columns,
    EntityKeyIndexStatus: ctx.config.keyStatus[key.name] ?? 'Active',
    DisplayName: label(key.name),
  }));
}

const label = (text) => {
  const localized = { Label: text, LanguageCode: 1033, IsManaged: true };
  return { LocalizedLabels: [localized], UserLocalizedLabel: localized };
};

/** The same guid for the same name in every run. */
function stableId(name) {
  let hash = 0xcbf29ce484222325n;
  for (const char of name) hash = BigInt.asUintN(64, (hash ^ BigInt(char.codePointAt(0))) * 0x100000001b3n);
  const hex = hash.toString(16).padStart(16, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13)}-8000-${hex.slice(0, 12)}`;
}
