/*
 * The two programs' configuration files, as a test wants them: short intervals, and what the test overrides.
 */

import fs from 'node:fs';
import path from 'node:path';

/** A value in libconfig's syntax: objects are groups, lists of objects are lists, other lists arrays. */
function print(value, depth) {
  if (Array.isArray(value)) {
    const parts = value.map((item) => print(item, depth));
    return typeof value[0] === 'object' ? `( ${parts.join(', ')} )` : `[ ${parts.join(', ')} ]`;
  }
  if (typeof value === 'object') return `{\n${members(value, depth + 1)}${'  '.repeat(depth)}}`;
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}

const members = (group, depth) => Object.entries(group)
  .filter(([, value]) => value !== undefined)
  .map(([name, value]) => `${'  '.repeat(depth)}${name} = ${print(value, depth)};\n`).join('');

/** Settings of `more` win; groups are merged. */
function merge(base, more = {}) {
  const result = { ...base };
  for (const [name, value] of Object.entries(more)) {
    const group = value !== null && typeof value === 'object' && !Array.isArray(value);
    result[name] = group ? merge(base[name], value) : value;
  }
  return result;
}

export function writeConfig(file, settings) {
  fs.writeFileSync(file, members(settings, 0));
}

/** One tenant of the relay. A site is a World or a Site. */
export function tenantSettings(site, more = {}) {
  return merge({
    id: site.tenant, webhook_secret: `file:${site.secretFile('webhook')}`,
    dynamics: {
      url: `${site.dynamics.url}/api/data/v9.2/`, authority: site.dynamics.url, directory: site.dynamics.options.tenant,
      client_id: site.dynamics.options['client-id'], client_secret: `file:${site.secretFile('dynamics')}`,
      scope: 'https://contoso.crm.dynamics.com/.default', ca_file: path.join(site.certs, 'ca.pem'),
      timeout: '5s', retry_base: '50ms', retry_cap: '2s', settle: '2s', max_attempts: 100,
    },
    orders: { reconcile_interval: '1s' },
    addresses: { reconcile_interval: '1s' },
    ...(site.relayPort ? { webhooks: { public_url: `https://127.0.0.1:${site.relayPort}` } } : {}),
  }, more);
}

/** With the settings of further tenants, when the world has any. */
export function relaySettings(world, more = {}) {
  const { tenant = {}, ...rest } = more;
  return merge({
    relay: {
      listen_host: '127.0.0.1', listen_port: world.relayPort, port_file: path.join(world.dir, 'relay.port'),
      cert_file: path.join(world.certs, 'server.pem'), key_file: path.join(world.certs, 'server.key'),
      data_dir: path.join(world.dir, 'relay'), admin_socket: world.relaySocket, ping_interval: '1s',
    },
    log: { level: process.env.MLC_E2E_LOG || 'info' },
    tenants: [tenantSettings(world, tenant), ...world.sites.map((site) => tenantSettings(site, site.options.relay))],
    store: { map_max: '2G' },
  }, rest);
}

/** Customers once a second; a test that is about other flows switches them on. */
function flowSettings() {
  const often = { schedule: '@every 1s', overlap: '60s', page_size: 50 };
  const off = { ...often, enabled: false };
  return { retry_base: '50ms', retry_cap: '2s', customers: often, suppliers: off, contacts: off, items: off, prices: off, orders: off, purchase_orders: off };
}

export function agentSettings(world, more = {}) {
  return merge({
    agent: { id: world.agentId, tenant: world.tenant, data_dir: path.join(world.dir, 'agent'), admin_socket: world.agentSocket },
    log: { level: process.env.MLC_E2E_LOG || 'info' },
    relay: {
      url: `wss://127.0.0.1:${world.cutter.port}/v1/tunnel`, ca_file: path.join(world.certs, 'ca.pem'),
      ping_interval: '1s', reconnect_base: '50ms', reconnect_cap: '1s',
    },
    ais: {
      url: world.jde.url, ca_file: path.join(world.certs, 'ca.pem'), username: world.jde.options.username,
      password: `file:${world.secretFile('jde')}`, environment: world.jde.options.environment, time_zone: 'America/Denver', timeout: '5s',
    },
    flows: flowSettings(),
    orders: { settle: '2s', retry_base: '50ms', retry_cap: '2s', max_attempts: 100 },
    store: { map_max: '2G' },
  }, more);
}
