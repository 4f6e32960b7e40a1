/*
 * Errors in the shape of the Web API: { error: { code, message } } with an HTTP
 * status. Each function below is one error the service is known to give; the
 * codes and texts that nobody has confirmed are listed in the README.
 */

export class ServiceError extends Error {
  constructor(status, code, message, headers = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }

  body() {
    return JSON.stringify({ error: { code: this.code, message: this.message } });
  }
}

const fail = (status, code, message) => new ServiceError(status, code, message);

const payloadText = (message) =>
  'Error identified in Payload provided by the user for Entity :\'\', For more information on this error please follow '
  + `this help link https://go.microsoft.com/fwlink/?linkid=2195293  ---->  InnerException : Microsoft.OData.ODataException: ${message}`;

export const errors = {
  badPayload: (message) => fail(400, '0x80048d19', payloadText(message)),

  undeclared: (property, table) => fail(400, '0x0', payloadText(
    `Undeclared property '${property}': the property '${property}' does not exist on type 'Microsoft.Dynamics.CRM.${table}'. `
    + 'Make sure to only use property names that are defined by the type.')),

  wrongType: (property, wanted) => errors.badPayload(
    `Cannot convert a value to target type '${wanted}' because of conversion from an unsupported format. (property '${property}')`),

  tooLong: (column, table, max) => fail(400, '0x80044331',
    `A validation error occurred. The length of the '${column}' attribute of the '${table}' entity exceeded the maximum allowed length of '${max}'.`),

  outOfRange: (column, table, value, accepted) => fail(400, '0x8004431a',
    `A validation error occurred. The value ${value} of '${column}' on record of type '${table}' is outside the valid range. Accepted Values: ${accepted}`),

  tooPrecise: (column, table, scale) => fail(400, '0x80044330',
    `A validation error occurred. The value of '${column}' on record of type '${table}' has more than ${scale} decimals.`),

  missingRequired: (column, table) => fail(400, '0x80040203',
    `A validation error occurred. The required attribute '${column}' of the '${table}' entity is missing.`),

  badStatus: (value, state, table) => fail(400, '0x80048408',
    `${value} is not a valid status code for state code ${state} on ${table}.`),

  notFound: (table, id) => fail(404, '0x80040217', `Entity '${table}' With Id = ${id} Does Not Exist`),

  keyNotFound: (table) => fail(404, '0x80060891',
    `A record with the specified key values does not exist in ${table} entity`),

  notAKey: (table, names) => fail(400, '0x80060888',
    `The specified key properties (${names}) aren't defined as a key for entity ${table}.`),

  keyNotActive: (table, key, status) => fail(400, '0x80060890',
    `The entity key ${key} of ${table} cannot be used: its index status is ${status}.`),

  keyCharacter: (char) => fail(400, '0x80060888',
    `A key value in the address holds the character '${char}', which is not supported.`),

  duplicateKey: (columns, key) => fail(412, '0x80060892',
    `A record that has the attribute values ${columns} already exists. The entity key ${key} requires that this set of attributes `
    + 'contains unique values. Select unique values and try again.'),

  duplicateId: () => fail(412, '0x80040237', 'A record with matching key values already exists.'),

  alreadyExists: () => fail(412, '0x80040237', 'A record with matching key values already exists.'),

  versionMismatch: () => fail(412, '0x80060882',
    "The version of the existing record doesn't match the RowVersion property provided."),

  resourceNotFound: (segment) => fail(404, '0x8006088a', `Resource not found for the segment '${segment}'.`),

  badQuery: (message) => fail(400, '0x80060888', message),

  noColumn: (column, table) => fail(400, '0x0',
    `Could not find a property named '${column}' on type 'Microsoft.Dynamics.CRM.${table}'.`),

  deltaExpired: (code) => fail(400, code, 'The delta token has expired. Perform a full synchronisation and start again.'),

  notTracked: (table) => fail(400, '0x80060888', `Change tracking is not enabled for the entity '${table}'.`),

  methodNotAllowed: (method) => fail(405, '0x0', `The requested resource does not support http method '${method}'.`),

  notImplemented: (what) => fail(501, '0x80060888', `${what} is not part of this simulator.`),

  badBatch: (message) => fail(400, '0x80048d19', message),

  invalidArgument: (message) => fail(400, '0x80040203', message),
};
