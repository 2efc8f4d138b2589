import test from 'ava';
import { fuzz } from '../bench/fuzz/fuzz.js';
import { FuzzServer } from '../bench/fuzz/fuzz-server.js';
import { unharmed } from '../support/unharmed.js';

const MEBIBYTE = 1 << 20;
const SEED = 1;
/** Less than the messages of the cases take, let alone what they ask for. */
const MOST_GROWTH = 192 * MEBIBYTE;

test('whatever is wrong with messages, calls end with clean statuses and nobody else is harmed', async (t) => {
  await using server = await FuzzServer.start();
  const { metrics } = server.serving;
  const memory = () => metrics.value('process_resident_memory_bytes');
  await fuzz(server, 500, SEED);
  const before = await memory();
  await unharmed(t, server.serving, async () => {
    const { statuses, failuresInside } = await fuzz(server, 2500, SEED + 1);
    t.log(`seeds ${SEED} and ${SEED + 1}: ${JSON.stringify(statuses)}, ${failuresInside} failures inside streams`);
    // Neither do they all fail at the first look.
    for (const status of ['OK', 'INVALID_ARGUMENT', 'NOT_FOUND', 'UNIMPLEMENTED', '200', '400']) {
      t.true((statuses[status] ?? 0) > 0, `calls end with ${status}`);
    }
    t.true(failuresInside > 0, 'frames fail inside their streams');
  });
  const grown = (await memory()) - before;
  t.true(grown < MOST_GROWTH, `${Math.round(grown / MEBIBYTE)} MiB more`);
  for (const name of ['sluice_streams_open', 'sluice_queue_requests']) {
    await t.notThrowsAsync(
      metrics.until(name, {}, (value) => value === 0),
      `${name} comes to 0`,
    );
  }
  t.deepEqual(server.faults, []);
});
