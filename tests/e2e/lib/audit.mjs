/*
 * Is each record explained by the two audit trails, from where it came to where it went? Gives a list of all that is not.
 *
 *   customer: agent polled (up) -> relay received (dynamics) -> relay delivered (dynamics), of its last version
 *   order:    relay received, delivered (intake) -> agent received, delivered (jde)
 *             -> relay received, delivered (dynamics: the report)
 */

const PAGE = 10000;

/** All events of one store, in their order. */
async function trail(admin, store) {
  const events = [];
  for (let from = 1; ;) {
    const page = await admin('GET', `/v1/audit?store=${store}&from=${from}&max=${PAGE}`);
    if (page.length === 0) return events;
    for (const { index, event } of page) {
      if (index !== from) throw new Error(`audit of ${store}: after index ${from - 1} comes ${index}`);
      from += 1;
      events.push(event);
    }
  }
}

/** key -> { "stream action": [events] } */
function byKey(events) {
  const keys = new Map();
  for (const event of events) {
    if (!keys.has(event.key)) keys.set(event.key, {});
    const steps = keys.get(event.key);
    (steps[`${event.stream} ${event.action}`] ??= []).push(event);
  }
  return keys;
}

const good = (events = []) => events.filter(({ outcome }) => outcome === 'ok');

function customerGaps(key, agent, relay) {
  const polled = good(agent['up polled']);
  if (polled.length === 0) return [`${key} was never polled`];
  const { idem } = polled[polled.length - 1];
  return ['dynamics received', 'dynamics delivered'].filter((step) => !good(relay[step]).some((event) => event.idem === idem))
    .map((step) => `${key}: its last version ${idem} is not "${step}" at the relay`);
}

function orderGaps(key, agent, relay) {
  const missing = [];
  const need = (where, steps, name) => { if (good(steps[name]).length === 0) missing.push(`${key}: no "${name}" at the ${where}`); };
  need('agent', agent, 'jde received');
  need('agent', agent, 'jde delivered');
  need('relay', relay, 'dynamics received');
  need('relay', relay, 'dynamics delivered');
  return missing;
}

export async function auditGaps(world) {
  const gaps = [];
  for (const [admin, store] of [[world.agentAdmin, 'agent'], [world.relayAdmin, world.tenant]]) {
    const { ok, error } = await admin('GET', `/v1/audit/verify?store=${store}`);
    if (!ok) gaps.push(`the audit trail of ${store} is broken: ${error}`);
  }
  const agent = byKey(await trail(world.agentAdmin, 'agent'));
  const relay = byKey(await trail(world.relayAdmin, world.tenant));
  for (const { accountnumber } of await world.dynamics.dump('accounts')) {
    const key = `customer/${accountnumber}`;
    gaps.push(...customerGaps(key, agent.get(key) ?? {}, relay.get(key) ?? {}));
  }
  for (const { salesorderid } of await world.dynamics.dump('salesorders')) {
    const key = `order/${salesorderid}`;
    gaps.push(...orderGaps(key, agent.get(key) ?? {}, relay.get(key) ?? {}), ...intakeGaps(salesorderid, relay));
  }
  return gaps;
}

/** The event that told of an order stands under the order's key, or under that of its quote. */
function intakeGaps(id, relay) {
  const steps = relay.get(`order/${id}`) ?? {};
  const told = good(steps['intake delivered']).length > 0;
  if (told) return [];
  for (const [key, other] of relay) {
    if (key?.startsWith('quote/') && good(other['intake delivered']).some(({ targetId }) => targetId === `down/order/${id}`)) return [];
  }
  return [`order/${id}: no event of it was delivered at the relay`];
}
