/*
 * The RemoteExecutionContext: the JSON that a webhook receives about one event.
 */

import { MONEY_SCALE, formatDecimal, unitsOf } from './decimal.mjs';
import { Lexeme, stringifyJson } from './json.mjs';

const CONTRACTS = 'http://schemas.microsoft.com/xrm/2011/Contracts';
const typed = (name, value) => ({ __type: `${name}:${CONTRACTS}`, ...value });
const EMPTY_ID = '00000000-0000-0000-0000-000000000000';
const PADDING = 300 * 1024;
export const SIZE_LIMIT = 256 * 1024;

/** "/Date(1767225600000+0000)/" */
export const dateText = (ms) => `/Date(${ms}+0000)/`;

/**
 * event as pushed by operations and actions; step: { id, message, stage, mode };
 * switches: { orderIdInPrimary, oversize, oversizeDropsOutput }.
 * Gives { body, headers }.
 */
export function webhookMessage(ctx, event, step, ids, switches) {
  const primary = primaryOf(event, switches);
  const context = {
    BusinessUnitId: ctx.businessUnitId,
    CorrelationId: ids.correlation,
    Depth: event.depth,
    InitiatingUserAzureActiveDirectoryObjectId: EMPTY_ID,
    InitiatingUserId: ctx.userId,
    InputParameters: inputs(ctx, event),
    IsExecutingOffline: false,
    IsInTransaction: false,
    IsOfflinePlayback: false,
    IsolationMode: 1,
    MessageName: step.message,
    Mode: step.mode,
    OperationCreatedOn: dateText(ctx.clock.now()),
    OperationId: ids.operation,
    OrganizationId: ctx.organizationId,
    OrganizationName: ctx.organizationName,
    OutputParameters: outputs(ctx, event, switches),
    OwningExtension: { Id: step.id, KeyAttributes: [], LogicalName: 'sdkmessageprocessingstep', Name: step.name, RowVersion: null },
    ParentContext: null,
    PostEntityImages: event.after ? [{ key: 'AsynchronousStepPrimaryName', value: entity(ctx, event.table, nameOnly(ctx, event)) }] : [],
    PreEntityImages: [],
    PrimaryEntityId: primary.id,
    PrimaryEntityName: primary.table,
    RequestId: ids.request,
    SecondaryEntityName: 'none',
    SharedVariables: [],
    Stage: step.stage,
    UserId: ctx.userId,
  };
  if (switches.oversize) context.InputParameters.push({ key: 'Padding', value: 'x'.repeat(PADDING) });
  const headers = {
    'Content-Type': 'application/json; charset=utf-8',
    'x-request-id': ids.request,
    'x-ms-dynamics-organization': ctx.organizationHost,
    'x-ms-dynamics-entity-name': primary.table,
    'x-ms-dynamics-request-name': step.message,
    'x-ms-correlation-request-id': ids.correlation,
  };
  let body = stringifyJson(context);
  if (Buffer.byteLength(body) > SIZE_LIMIT) {
    for (const name of ['ParentContext', 'InputParameters', 'PreEntityImages', 'PostEntityImages']) delete context[name];
    if (switches.oversizeDropsOutput) delete context.OutputParameters;
    headers['x-ms-dynamics-msg-size-exceeded'] = 'True';
    body = stringifyJson(context);
  }
  return { body, headers, primary };
}

function primaryOf(event, switches) {
  if (switches.orderIdInPrimary && event.output) {
    const { table, row } = event.output;
    return { table, id: row[`${table}id`] };
  }
  return { table: event.table, id: event.id };
}

function inputs(ctx, event) {
  if (event.target) return [{ key: 'Target', value: entity(ctx, event.table, event.target, event.id) }];
  if (event.reference) return [{ key: 'Target', value: reference(ctx, event.table, event.id) }];
  return Object.entries(event.input ?? {}).map(([key, value]) => ({ key, value: inputValue(key, value) }));
}

function inputValue(key, value) {
  if (key === 'ColumnSet') return typed('ColumnSet', { AllColumns: true, AttributeExpressions: [], Columns: [] });
  if (typeof value === 'number') return typed('OptionSetValue', { Value: value });
  return value;
}

function outputs(ctx, event, switches) {
  if (event.message === 'Create') return [{ key: 'id', value: event.id }];
  if (!event.output || switches.orderIdInPrimary) return [];
  const { table, row } = event.output;
  return [{ key: 'Entity', value: entity(ctx, table, row) }];
}

function nameOnly(ctx, event) {
  const table = ctx.schema.byLogical.get(event.table);
  return { [table.pk]: event.id, [table.primaryName]: event.after[table.primaryName] ?? null };
}

/** A row, or some of its columns, as an Entity of the contract. */
function entity(ctx, logical, values, id) {
  const table = ctx.schema.byLogical.get(logical);
  const attributes = [];
  for (const column of table.columns.values()) {
    if (!(column.wire in values) || column.name === 'versionnumber') continue;
    attributes.push({ key: column.name, value: attributeValue(ctx, column, values) });
  }
  return typed('Entity', {
    Attributes: attributes,
    EntityState: null,
    FormattedValues: [],
    Id: id ?? values[table.pk],
    KeyAttributes: [],
    LogicalName: logical,
    RelatedEntities: [],
    RowVersion: values.versionnumber === undefined ? null : String(values.versionnumber),
  });
}

function attributeValue(ctx, column, values) {
  const value = values[column.wire];
  if (value === null || value === undefined) return null;
  switch (column.type) {
    case 'money': return typed('Money', { Value: new Lexeme(formatDecimal(unitsOf(value, MONEY_SCALE), MONEY_SCALE)) });
    case 'decimal': return new Lexeme(value);
    case 'picklist':
    case 'state':
    case 'status': return typed('OptionSetValue', { Value: value });
    case 'datetime': return dateText(Date.parse(value));
    case 'lookup': return reference(ctx, values[column.typeWire], value);
    default: return value;
  }
}

function reference(ctx, logical, id) {
  const table = ctx.schema.byLogical.get(logical);
  const name = table && ctx.store.get(logical, id)?.[table.primaryName];
  return typed('EntityReference', { Id: id, KeyAttributes: [], LogicalName: logical, Name: name ?? null, RowVersion: null });
}
