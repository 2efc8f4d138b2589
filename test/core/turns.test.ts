import test from 'ava';
import { Turns } from '../../server/core/turns.js';

test('changes of one thing are made one after the other, those of others beside them', async (t) => {
  const turns = new Turns();
  const made: string[] = [];
  let end = (): void => {};
  const first = turns.take('a', async () => {
    await new Promise<void>((resolve) => (end = resolve));
    made.push('first');
    throw new Error('failed');
  });
  const second = turns.take('a', async () => void made.push('second'));
  await turns.take('b', async () => void made.push('other'));
  t.deepEqual(made, ['other']);
  end();
  await t.throwsAsync(first, { message: 'failed' });
  await second;
  t.deepEqual(made, ['other', 'first', 'second']);
});
