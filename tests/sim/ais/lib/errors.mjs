/*
 * What a service call can fail with. A ServiceError becomes a ServiceErrorResponse
 * { message, exception, timeStamp }; a SystemError the 500 with sysErrors that a
 * lost result set is answered with.
 */

export class ServiceError extends Error {
  constructor(status, message, exception = 'com.oracle.e1.rest.ServiceException') {
    super(message);
    Object.assign(this, { status, exception });
  }

  body(clock) {
    return { message: this.message, exception: this.exception, timeStamp: clock.answerStamp() };
  }
}

export class SystemError extends ServiceError {
  constructor(code, title, description) {
    super(500, `${code}: ${title}`);
    this.sysErrors = [{ TITLE: this.message, DESC: description }];
  }

  body(clock) {
    return { sysErrors: this.sysErrors, stackId: 0, stateId: 0, rid: '', currentApp: '', timeStamp: clock.answerStamp() };
  }
}

export const badRequest = (message) => new ServiceError(400, message, 'com.oracle.e1.rest.BadRequestException');
export const invalidToken = () => new ServiceError(444, 'Invalid Token', 'com.oracle.e1.rest.InvalidTokenException');
export const forbidden = (message) => new ServiceError(403, message, 'com.oracle.e1.rest.AuthorizationException');
export const lostResultSet = () => new SystemError(
  'JAS_MSG347', 'The session or result set no longer exists', 'The result set was released or has timed out. Run the request again.',
);
