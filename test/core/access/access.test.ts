import test from 'ava';
import { Access } from '../../../server/core/access/access.js';
import { ALL_GROUPS, CALL_GROUP_NAMES, servedGroups } from '../../../server/core/access/call-groups.js';
import { Tokens } from '../../../server/core/access/tokens.js';
import type { ErrorCode } from '../../../server/core/errors.js';

const ALICE = 'alice-alice-alice';
const BOB = 'bob-bob-bob-bob-bob';
const TOKENS = Tokens.parse(`alice:${ALICE}\nbob:${BOB}:inference`, 'tokens');
const ADMIN = ['model-repository', 'shared-memory', 'trace', 'logging'] as const;

function refused(code: ErrorCode) {
  return { name: 'ServingError', code, instanceOf: Error } as const;
}

test('where only this machine connects every group is served, elsewhere those of administration are not', (t) => {
  for (const host of ['127.0.0.1', '127.1.2.3', 'localhost', '::1']) t.deepEqual(servedGroups(host, null), ALL_GROUPS);
  for (const host of ['0.0.0.0', '::', '10.0.0.1', '127.example.org', 'sluice.example.org', '1.127.0.0']) {
    const served = servedGroups(host, null);
    t.deepEqual(
      CALL_GROUP_NAMES.filter((name) => !served.has(name)),
      [...ADMIN],
      host,
    );
  }
});

test('groups that were chosen are served wherever it is, and health with them', (t) => {
  for (const host of ['127.0.0.1', '0.0.0.0']) {
    t.deepEqual([...servedGroups(host, ['trace'])].sort(), ['health', 'trace']);
  }
});

test('without tokens whoever calls may call what is served', (t) => {
  const access = new Access(null);
  t.is(access.admit('inference', undefined, servedGroups('0.0.0.0', null)), null);
  t.is(access.admit('inference', 'Bearer whatever', servedGroups('0.0.0.0', null)), null);
  t.throws(
    () => access.admit('trace', undefined, servedGroups('0.0.0.0', null)),
    refused('PERMISSION_DENIED') as never,
  );
});

test('a token opens what the address serves, and no more than its own groups', (t) => {
  const access = new Access(TOKENS);
  t.is(access.admit('statistics', `Bearer ${ALICE}`, ALL_GROUPS)?.name, 'alice');
  t.is(access.admit('inference', `bearer  ${BOB}`, ALL_GROUPS)?.name, 'bob');
  const publicly = servedGroups('0.0.0.0', null);
  const denied = { message: /the token of bob is not good for calls of the group statistics/ };
  t.throws(() => access.admit('statistics', `Bearer ${BOB}`, ALL_GROUPS), denied);
  t.throws(() => access.admit('model-repository', `Bearer ${ALICE}`, publicly), { message: /--admin-address/ });
});

test('no token, an unknown one, and another scheme are UNAUTHENTICATED', (t) => {
  const access = new Access(TOKENS);
  for (const header of [
    undefined,
    '',
    'Bearer',
    'Bearer ',
    `Basic ${ALICE}`,
    ALICE,
    `Bearer ${ALICE}x`,
    'Bearer a b',
  ]) {
    const error = t.throws(() => access.admit('inference', header, ALL_GROUPS), { name: 'ServingError' });
    t.is((error as unknown as { code: string }).code, 'UNAUTHENTICATED', header);
    t.false(error.message.includes(ALICE));
  }
});

test('health is open to everyone', (t) => {
  t.is(new Access(TOKENS).admit('health', undefined, servedGroups('0.0.0.0', ['trace'])), null);
});

test('tokens that are replaced are no longer good', (t) => {
  const access = new Access(TOKENS);
  access.replaceTokens(Tokens.parse(`carol:${'c'.repeat(20)}`, 'tokens'));
  t.throws(() => access.admit('inference', `Bearer ${ALICE}`, ALL_GROUPS), { message: /does not know/ });
  t.is(access.admit('inference', `Bearer ${'c'.repeat(20)}`, ALL_GROUPS)?.name, 'carol');
});
