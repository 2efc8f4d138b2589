import test from 'ava';
import { InferenceCounts } from '../../server/core/inference-counts.js';
import { sumStatistics, versionStatistics, type VersionStatistics } from '../../server/core/version-statistics.js';
import { FakeClock } from '../support/fake-clock.js';
import { timings } from '../support/recording-statistics.js';

const ALL = { name: '', version: null };

/** Batches of these sizes, one after the other, each of one request that waited `queue` microseconds. */
function model(name: string, sizes: readonly number[], queue = 1) {
  const clock = new FakeClock();
  const counts = new InferenceCounts(clock);
  for (const size of sizes) {
    counts.succeeded(timings(100, { queue, infer: 10 }), size);
    counts.batchExecuted({
      requests: 1,
      rows: size,
      queueUs: [queue],
      decodeUs: 2,
      preprocessUs: 3,
      inferUs: 10,
      postprocessUs: 4,
    });
  }
  return { name, version: 1, counts };
}

/** As another process gets it: by JSON. */
function told(models: readonly ReturnType<typeof model>[], epoch = 1000): VersionStatistics[] {
  const own = versionStatistics(models, ALL, { clock: new FakeClock().now(), epoch });
  return JSON.parse(JSON.stringify(own)) as VersionStatistics[];
}

test('what processes have done adds up, batches by their size, and the latest inference is the last', (t) => {
  const [sum] = sumStatistics([...told([model('a', [1, 4])], 5000), ...told([model('a', [2, 4, 4], 3)], 4000)]);
  t.like(sum, { name: 'a', version: 1, lastInference: 5000, inferences: 15, executions: 5 });
  t.deepEqual(sum?.success, { count: 5, us: 500 });
  t.deepEqual(sum?.queue, { count: 5, us: 1 + 1 + 3 * 3 });
  t.deepEqual(sum?.fail, { count: 0, us: 0 });
  t.deepEqual(
    sum?.batches.map(({ size, input, infer, output }) => [size, input.count, input.us, infer.us, output.us]),
    [
      [1, 1, 5, 10, 4],
      [2, 1, 5, 10, 4],
      [4, 3, 15, 30, 12],
    ],
  );
});

test('versions stay apart, one that a process has alone is there, and one that did nothing has no last inference', (t) => {
  const parts = [...told([model('a', [1]), model('b', [])]), ...told([model('c', [1, 1])])];
  const later = { ...parts[0]!, version: 2 };
  const sums = sumStatistics([...parts, later]);
  t.deepEqual(
    sums.map(({ name, version, executions }) => `${name}/${version} ${executions}`),
    ['a/1 1', 'b/1 0', 'c/1 2', 'a/2 1'],
  );
  t.is(sums[1]?.lastInference, 0);
});

test('only what is asked for is told', (t) => {
  const models = [model('a', []), { ...model('a', []), version: 2 }, model('b', [])];
  const of = (name: string, version: number | null) =>
    versionStatistics(models, { name, version }, { clock: 0, epoch: 0 }).map((one) => `${one.name}/${one.version}`);
  t.deepEqual(of('', null), ['a/1', 'a/2', 'b/1']);
  t.deepEqual(of('a', null), ['a/1', 'a/2']);
  t.deepEqual(of('a', 2), ['a/2']);
  t.deepEqual(of('', 1), ['a/1', 'b/1']);
});
