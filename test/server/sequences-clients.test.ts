import test from 'ava';
import { perfAnalyzer, SHORT } from '../support/perf-analyzer.js';
import { accumulating, accumulator } from '../support/sequence-models.js';
import { Serving } from '../support/serving.js';
import { runTritonScript } from '../support/triton-client.js';

test("Triton's Python client has sequences: one request at a time, in streams, from many clients", async (t) => {
  await using serving = await Serving.start(async (repository) => {
    await repository.addModel('direct', accumulating({ direct: {} }), accumulator());
    await repository.addModel('oldest', accumulating({ oldest: { max_candidate_sequences: 3 } }), accumulator());
  });
  const { code, lines, stderr } = await runTritonScript('test/server/sequence_client.py', [serving.server.grpcAddress]);
  t.is(code, 0, `after "${lines.at(-1)}": ${stderr}`);
  t.is(lines.at(-1), 'clients see only what they send');
});

for (const flags of [
  ['--streaming', '--async', '--concurrency-range', '6'],
  ['--concurrency-range', '3'],
]) {
  test.serial(`perf_analyzer finds sequences by itself, with ${flags.join(' ')}`, async (t) => {
    await using serving = await Serving.start((repository) =>
      repository.addModel('sum', accumulating({ oldest: { max_candidate_sequences: 3 } }), accumulator()),
    );
    const { code, output, points } = await perfAnalyzer(
      serving.server.grpcAddress,
      'sum',
      '--num-of-sequences',
      '6',
      '--sequence-length',
      '5',
      ...flags,
      ...SHORT,
    );
    t.is(code, 0, output);
    t.is(points.length, 1, output);
    t.notRegex(output, /fail|error/i);
  });
}
