import test from 'ava';
import { embedOne } from '../support/ask.js';
import { heavyModel } from '../support/heavy-model.js';
import { Operator } from '../support/operator.js';
import { grey } from '../support/pictures.js';
import { Serving } from '../support/serving.js';

const SIDE = 32;
const FRAME = { picture: grey(100, SIDE) };
/** With those before the measurement, a hundred. */
const CYCLES = 90;
const MEBIBYTE = 1 << 20;

test.serial('loading and unloading a hundred times gives the memory back', async (t) => {
  t.timeout(600_000);
  const weights = heavyModel(SIDE, 700);
  await using serving = await Serving.start(
    async (repository) => {
      const config = { task: 'embedding', input: { width: SIDE, height: SIDE }, instance_group: { count: 2 } };
      await repository.addModel('heavy', config, weights);
    },
    ['--model-control-mode', 'explicit'],
  );
  using operator = await Operator.of(serving.server);
  const cycle = async () => {
    await operator.client.load('heavy');
    const { frame } = await embedOne(serving.client, FRAME);
    if (frame?.error !== undefined) throw new Error(frame.error.message);
    await operator.client.unload('heavy');
  };
  const memory = () => serving.metrics.value('process_resident_memory_bytes');
  // Until the allocator has as much as it takes for a load beside an unload.
  for (let warmUp = 0; warmUp < 10; warmUp++) await cycle();
  const before = await memory();
  for (let round = 0; round < CYCLES; round++) await cycle();
  const grown = (await memory()) - before;
  const loaded = CYCLES * 2 * weights.length;
  t.log(`${(grown / MEBIBYTE).toFixed(1)} MiB more after loading ${(loaded / MEBIBYTE).toFixed(0)} MiB of weights`);
  t.true(grown < loaded / 12, `${grown} bytes more`);
});

test.serial('what a version has told in the metrics goes with it', async (t) => {
  await using serving = await Serving.start(
    async (repository) => {
      const config = { task: 'embedding', input: { width: SIDE, height: SIDE } };
      await repository.addModel('heavy', config, heavyModel(SIDE, 4));
    },
    ['--model-control-mode', 'explicit', '--load-model', 'heavy'],
  );
  using operator = await Operator.of(serving.server);
  const series = async () => {
    const response = await fetch(`http://${serving.server.httpAddress}/metrics`);
    return (await response.text()).split('\n').filter((line) => line.includes('model="heavy"')).length;
  };
  await embedOne(serving.client, FRAME);
  t.true((await series()) > 0);
  await operator.client.unload('heavy');
  t.is(await series(), 0);
});
