/* The stateful form calls: open, execute, close. A stack belongs to the session that opened it. */

import { randomBytes } from 'node:crypto';
import { badRequest, lostResultSet } from './errors.mjs';
import { checkForm, describe, newForm, perform } from './forms.mjs';

export function appStack(ctx, body, session) {
  switch (body.action) {
    case 'open':
      return open(ctx, body, session);
    case 'execute':
      return execute(ctx, body, session);
    case 'close':
      return close(ctx, body, session);
    default:
      throw badRequest(`action must be open, execute or close, not ${body.action}`);
  }
}

function open(ctx, { formRequest = {} }, session) {
  checkForm(formRequest.formName);
  ctx.lastStack = (ctx.lastStack ?? 0) + 1;
  const stack = { stackId: ctx.lastStack, stateId: 1, rid: randomBytes(8).toString('hex'), token: session.token, form: newForm() };
  perform(ctx, stack.form, formRequest.formActions, session);
  ctx.stacks.set(stack.rid, stack);
  return describe(ctx, stack.form, stack);
}

function execute(ctx, body, session) {
  const stack = find(ctx, body, session);
  const request = body.actionRequest ?? {};
  if (request.formOID !== 'W4210A') throw badRequest(`the form on top of the stack is W4210A, not ${request.formOID}`);
  perform(ctx, stack.form, request.formActions, session);
  stack.stateId += 1;
  if (stack.form.closed) ctx.stacks.delete(stack.rid);
  return describe(ctx, stack.form, stack);
}

function close(ctx, body, session) {
  const stack = find(ctx, body, session);
  ctx.stacks.delete(stack.rid);
  return { stackId: stack.stackId, stateId: stack.stateId + 1, rid: '', currentApp: '', timeStamp: ctx.clock.answerStamp(), sysErrors: [] };
}

function find(ctx, { rid, stackId, stateId }, session) {
  const stack = ctx.stacks.get(String(rid));
  const same = stack && stack.token === session.token && stack.stackId === Number(stackId) && stack.stateId === Number(stateId);
  if (!same) throw lostResultSet();
  return stack;
}
