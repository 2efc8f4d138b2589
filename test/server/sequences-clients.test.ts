import test from 'ava';
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
