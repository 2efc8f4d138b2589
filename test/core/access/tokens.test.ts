import test from 'ava';
import { Tokens } from '../../../server/core/access/tokens.js';

const A = 'a'.repeat(16);
const B = 'b'.repeat(16);

test('a token is found with its name and its groups', (t) => {
  const tokens = Tokens.parse(`# who\n\nalice:${A}\n  bob@home : ${B} : inference, model-repository \n`, 'tokens');
  t.is(tokens.size, 2);
  t.deepEqual(tokens.find(A), { name: 'alice', groups: null });
  t.deepEqual(tokens.find(B), { name: 'bob@home', groups: new Set(['inference', 'model-repository'] as const) });
});

test('what is no token, part of one, or more than one is not found', (t) => {
  const tokens = Tokens.parse(`alice:${A}`, 'tokens');
  for (const text of ['', 'alice', A.slice(1), `${A}a`, A.toUpperCase(), `alice:${A}`]) t.is(tokens.find(text), null);
});

test('a file without tokens is in order: nobody gets in', (t) => {
  t.is(Tokens.parse('# revoked\n', 'tokens').size, 0);
});

test('everything that is wrong is told with its line, and no token is', (t) => {
  const text = [`alice:${A}`, `alice:${B}`, 'bob', `:${'c'.repeat(16)}`, 'dora:short', `eve:${A}:inference`]
    .concat([
      `fay:${'f'.repeat(16)}:inference,everything`,
      `gus:${'g'.repeat(16)}:inference:x`,
      `hal:${'h'.repeat(15)} h`,
    ])
    .join('\n');
  const error = t.throws(() => Tokens.parse(text, 'dir/tokens'));
  const lines = error.message.split('\n').slice(1);
  t.deepEqual(
    lines.map((line) => line.replace(/^ {2}dir\/tokens:(\d+): .*/, '$1')),
    ['2', '3', '4', '5', '6', '7', '8', '9'],
  );
  t.regex(lines[0]!, /"alice" is there twice/);
  t.regex(lines[1]!, /expected NAME:TOKEN/);
  t.regex(lines[3]!, /at least 16 characters/);
  t.regex(lines[4]!, /this token is there twice/);
  t.regex(lines[5]!, /no group everything; there are health, metadata/);
  for (const secret of [A, B, 'short', 'f'.repeat(16)]) t.false(error.message.includes(secret));
});
