import test from 'ava';
import { identityModel } from '../support/conv-models.js';
import { perfAnalyzer, SHORT } from '../support/perf-analyzer.js';
import { Serving } from '../support/serving.js';

/** NVIDIA's perf_analyzer, unmodified, drives the server as it drives Triton: it ends well only where no request fails. */

let serving: Serving;

test.before(async () => {
  serving = await Serving.start((repository) =>
    repository.addModel('identity', { task: 'tensors' }, identityModel(16)),
  );
});

test.after.always(async () => {
  await serving?.[Symbol.asyncDispose]();
});

for (const [title, flags, loads] of [
  ['sweeps over requests in flight', ['--concurrency-range', '1:5:2'], [1, 3, 5]],
  ['sweeps over requests a second', ['--request-rate-range', '10:20:10'], [10, 20]],
  ['streams', ['--streaming', '--concurrency-range', '1:4:3', '--async'], [1, 4]],
] as const) {
  test.serial(`It ${title} without an error`, async (t) => {
    const { code, output, points } = await perfAnalyzer(serving.server.grpcAddress, 'identity', ...flags, ...SHORT);
    t.is(code, 0, output);
    t.deepEqual(
      points.map(({ load }) => load),
      [...loads],
      output,
    );
    for (const { inferencesPerSecond, p50, p99 } of points) t.true(inferencesPerSecond > 0 && p50 > 0 && p99 >= p50);
  });
}

test.serial('It is told what went wrong in words', async (t) => {
  const { code, output, points } = await perfAnalyzer(serving.server.grpcAddress, 'nothing', ...SHORT);
  t.not(code, 0);
  t.deepEqual(points, []);
  t.regex(output, /nothing/);
});
