/*
 * The published orchestrations, by name, and the shape of what they answer.
 */

import { randomUUID } from 'node:crypto';
import { updateAddress } from './addresses.mjs';
import { ServiceError, badRequest } from './errors.mjs';
import { ApplicationError, createOrder, createPurchaseOrder } from './orders.mjs';

const ORCHESTRATIONS = {
  ML_CreateSalesOrder: (ctx, inputs, session) => createOrder(ctx, inputs, { session, program: 'ORCH' }),
  ML_CreatePurchaseOrder: (ctx, inputs, session) => createPurchaseOrder(ctx, inputs, { session, program: 'ORCH' }),
  ML_UpdateAddress: (ctx, inputs, session) => updateAddress(ctx, inputs, { session, program: 'ORCH' }),
};

/** Gives { status, body }. */
export function orchestrate(ctx, name, body, session) {
  const run = Object.hasOwn(ORCHESTRATIONS, name) ? ORCHESTRATIONS[name] : undefined;
  if (!run) throw new ServiceError(404, `The orchestration ${name} does not exist`, 'com.oracle.e1.rest.orchestrator.OrchestrationException');
  const inputs = inputsOf(body);
  const started = performance.now();
  const startText = ctx.clock.longStamp();
  const timing = () => ({
    jde__startTimestamp: startText, jde__endTimestamp: ctx.clock.longStamp(), jde__serverExecutionSeconds: Number(((performance.now() - started) / 1000).toFixed(3)),
  });
  try {
    const outputs = run(ctx, inputs, session);
    return { status: 200, body: { ...outputs, jde__status: 'SUCCESS', jde__simpleMessage: 'SUCCESS', ...timing() } };
  } catch (error) {
    if (!(error instanceof ApplicationError)) throw error;
    if (ctx.config.appErrorsAs200) {
      return { status: 200, body: { jde__status: 'ERROR', jde__simpleMessage: error.message, errors: error.errors, ...timing() } };
    }
    return { status: ctx.config.orchestrationErrorStatus, body: failure(ctx, name, error) };
  }
}

function failure(ctx, name, error) {
  return {
    message: error.message, errorText: error.message, status: 'ERROR', exceptionId: randomUUID(), timeStamp: ctx.clock.answerStamp(),
    type: 'APPLICATION', exception: 'com.oracle.e1.rest.orchestrator.OrchestrationException', orchestration: name, errors: error.errors,
  };
}

/** Flat inputs, or { inputs: [{ name, value }] }. */
function inputsOf(body) {
  if (body.inputs === undefined) return body;
  if (!Array.isArray(body.inputs)) throw badRequest('inputs must be a list of { name, value }');
  return Object.fromEntries(body.inputs.map(({ name, value }) => [name, value]));
}
