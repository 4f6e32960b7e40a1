/* $metadata: the tables as an OData CSDL document. */

const EDM = {
  string: 'Edm.String', memo: 'Edm.String', money: 'Edm.Decimal', decimal: 'Edm.Decimal', integer: 'Edm.Int32',
  bigint: 'Edm.Int64', boolean: 'Edm.Boolean', picklist: 'Edm.Int32', state: 'Edm.Int32', status: 'Edm.Int32',
  datetime: 'Edm.DateTimeOffset', guid: 'Edm.Guid', lookup: 'Edm.Guid',
};

export function csdl(schema) {
  const tables = [...schema.byLogical.values()];
  const sets = tables.map((table) => `<EntitySet Name="${table.set}" EntityType="mscrm.${table.logical}" />`);
  return [
    '<?xml version="1.0" encoding="utf-8"?>',
    '<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices>',
    '<Schema Namespace="Microsoft.Dynamics.CRM" Alias="mscrm" xmlns="http://docs.oasis-open.org/odata/ns/edm">',
    ...tables.map(entityType),
    '<EntityContainer Name="System">', ...sets, '</EntityContainer>',
    '</Schema></edmx:DataServices></edmx:Edmx>',
    '',
  ].join('\n');
}

function entityType(table) {
  const lines = [`<EntityType Name="${table.logical}">`, `<Key><PropertyRef Name="${table.pk}" /></Key>`];
  for (const column of table.columns.values()) {
    const length = column.max === undefined ? '' : ` MaxLength="${column.max}"`;
    const scale = column.type === 'money' || column.type === 'decimal' ? ' Scale="Variable"' : '';
    lines.push(`<Property Name="${column.wire}" Type="${EDM[column.type]}"${length}${scale} />`);
  }
  for (const [name, navigation] of table.navigation) {
    const type = `mscrm.${navigation.target}`;
    lines.push(`<NavigationProperty Name="${name}" Type="${navigation.kind === 'many' ? `Collection(${type})` : type}" />`);
  }
  lines.push('</EntityType>');
  return lines.join('\n');
}
