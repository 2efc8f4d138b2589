import test from 'ava';
import { errorMessage, ERRORS, GrpcStatus, ServingError, type ErrorCode } from '../../server/core/errors.js';

const CODES = Object.keys(ERRORS) as ErrorCode[];

for (const code of CODES) {
  test(`${code} has a known status that is no success, and a meaning of one sentence`, (t) => {
    const { status, meaning } = ERRORS[code];
    t.regex(code, /^[A-Z][A-Z_]*[A-Z]$/);
    t.true(Object.values(GrpcStatus).includes(status));
    t.not(status, GrpcStatus.OK);
    t.regex(meaning, /^[A-Z][^\n]*\.$/);
  });

  test(`${code} survives the way across threads as data`, (t) => {
    const sent = new ServingError(code, 'what to change', { cause: new Error('why') });
    const received = ServingError.fromData(structuredClone(sent.toData()));
    t.true(received instanceof ServingError);
    t.is(received.code, code);
    t.is(received.message, 'what to change');
    t.is(received.status, ERRORS[code].status);
    t.is(received.retryable, ERRORS[code].retryable);
  });
}

test('the statuses have the numbers of gRPC', (t) => {
  t.deepEqual(GrpcStatus, {
    OK: 0,
    CANCELLED: 1,
    INVALID_ARGUMENT: 3,
    DEADLINE_EXCEEDED: 4,
    NOT_FOUND: 5,
    ALREADY_EXISTS: 6,
    PERMISSION_DENIED: 7,
    RESOURCE_EXHAUSTED: 8,
    FAILED_PRECONDITION: 9,
    ABORTED: 10,
    UNIMPLEMENTED: 12,
    INTERNAL: 13,
    UNAVAILABLE: 14,
    UNAUTHENTICATED: 16,
  });
});

test('whatever is UNAVAILABLE may be tried again, and a fault of the request may not', (t) => {
  for (const code of CODES) {
    const { status, retryable } = ERRORS[code];
    if (status === GrpcStatus.UNAVAILABLE) t.true(retryable, code);
    if (status === GrpcStatus.INVALID_ARGUMENT || status === GrpcStatus.NOT_FOUND) t.false(retryable, code);
  }
});

test('no two errors mean the same', (t) => {
  t.is(new Set(CODES.map((code) => ERRORS[code].meaning)).size, CODES.length);
});

test('from leaves a ServingError as it is', (t) => {
  const error = new ServingError('BAD_IMAGE', 'not a picture');
  t.is(ServingError.from(error), error);
});

test('from makes everything else INTERNAL and keeps it as the cause', (t) => {
  const cause = new TypeError('x is not a function');
  const error = ServingError.from(cause);
  t.is(error.code, 'INTERNAL');
  t.is(error.message, 'x is not a function');
  t.is(error.cause, cause);
  t.is(ServingError.from('a word').message, 'a word');
  t.is(ServingError.from(undefined).code, 'INTERNAL');
});

test('a ServingError is an Error with a name and a stack', (t) => {
  const error = new ServingError('CANCELLED', 'gone');
  t.true(error instanceof Error);
  t.is(String(error), 'ServingError: gone');
  t.true(error.stack?.includes('errors.test'));
});

test('errorMessage takes the message of an error, and anything else as text', (t) => {
  t.is(errorMessage(new Error('why')), 'why');
  t.is(errorMessage(42), '42');
  t.is(errorMessage(null), 'null');
});
