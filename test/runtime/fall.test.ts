import { join } from 'node:path';
import test from 'ava';
import { classifyParameters } from '../../server/core/classifications.js';
import { ServingError } from '../../server/core/errors.js';
import { ThreadInstance } from '../../server/runtime/thread-instance.js';
import { closeTo } from '../support/close-to.js';
import { firstPointModel } from '../support/points-model.js';
import { makeConfig } from '../support/requests.js';
import { TestRepository } from '../support/test-repository.js';

/** Task fall by itself: key points in, the probability of each state out. */

const config = makeConfig({ task: 'fall', input: undefined, max_batch_size: 4 });

async function open(repository: TestRepository, bytes: Uint8Array): Promise<ThreadInstance> {
  await repository.addVersion('fall', 1, bytes);
  return ThreadInstance.create({
    modelFile: join(repository.directory, 'fall', '1', 'model.onnx'),
    config,
    placement: { kind: 'cpu', threads: 1 },
    labels: 0,
    maxPicturePixels: 1,
  });
}

test('each row of key points has a distribution over the states, over several batches', async (t) => {
  await using repository = await TestRepository.create();
  await using instance = await open(repository, firstPointModel('batch'));
  const rows = (count: number, first: number) => {
    const values = new Float32Array(count * 48);
    for (let row = 0; row < count; row++) values.set([first + row, 0, 1], row * 48);
    return { kind: 'points', values } as const;
  };
  const parameters = classifyParameters({}, [], config);
  const done = await instance.execute([
    { content: rows(7, -3), parameters },
    { content: rows(2, 90), parameters },
  ]);
  t.deepEqual(
    done.frames.map(({ rows: count, columns, error }) => [count, columns, error]),
    [
      [7, 3, null],
      [2, 3, null],
    ],
  );
  const firsts = [-3, -2, -1, 0, 1, 2, 3, 90, 91];
  firsts.forEach((logit, row) => {
    const powers = [logit, 0, 1].map((value) => Math.exp(value - Math.max(logit, 1)));
    const sum = powers.reduce((total, power) => total + power, 0);
    closeTo(
      t,
      Array.from(done.values.subarray(row * 3, row * 3 + 3)),
      powers.map((power) => power / sum),
      1e-6,
    );
  });
});

test('a file that does not fit is refused with what was expected', async (t) => {
  await using repository = await TestRepository.create();
  for (const [bytes, words] of [
    [firstPointModel(1), /expected \[N,16,3\] with an open N/],
    [firstPointModel('batch', 4), /expected one of \[\d+,3\], found \[\d+,4\]/],
  ] as const) {
    const error = await t.throwsAsync(open(repository, bytes), { instanceOf: ServingError });
    t.is((error as ServingError).code, 'MODEL_INVALID');
    t.regex(error!.message, words);
  }
});
