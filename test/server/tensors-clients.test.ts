import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { goPrograms, runToEnd } from '../clients/client-programs.js';
import { Serving } from '../support/serving.js';
import { addSubModel, DATATYPES, identityModel } from '../support/tensor-models.js';
import type { TestRepository } from '../support/test-repository.js';
import { runTritonScript } from '../support/triton-client.js';

const EXPLICIT = ['--model-control-mode', 'explicit', '--load-model', '*'];

/** The models that kserve_client.py asks. */
async function fill(repository: TestRepository): Promise<void> {
  await repository.addVersion('add_sub', 1, addSubModel());
  await repository.addVersion('identity', 1, identityModel());
  await repository.addVersion('counted', 1, identityModel());
  await repository.addVersion('texts', 1, identityModel(DATATYPES.BYTES, ['batch', 3]));
  await repository.addVersion('halves', 1, identityModel(DATATYPES.FP16, ['batch', 2]));
  await repository.addVersion('brains', 1, identityModel(DATATYPES.BF16, ['batch', 3]));
}

test("Triton's Python client is answered whatever it asks: at once, asynchronously, in streams, with asyncio", async (t) => {
  await using serving = await Serving.start(fill, EXPLICIT);
  const { code, lines, stderr } = await runTritonScript('test/server/kserve_client.py', [
    serving.server.grpcAddress,
    join(serving.repository.directory, 'identity', '1', 'model.onnx'),
  ]);
  t.is(code, 0, `after "${lines.at(-1)}": ${stderr}`);
  t.is(lines.at(-1), 'streams of asyncio');
});

const GRPCURL = join('build', 'go', 'grpcurl');

(goPrograms.missing === null ? test : test.skip)('grpcurl finds the service by reflection and calls it', async (t) => {
  if (!existsSync(GRPCURL)) throw new Error(`${GRPCURL} is missing: run make ${GRPCURL}`);
  await using serving = await Serving.start(fill, EXPLICIT);
  const call = async (...args: string[]) => {
    const { code, lines, stderr } = await runToEnd(GRPCURL, ['-plaintext', ...args]);
    t.is(code, 0, stderr);
    return lines.join('\n');
  };
  const { grpcAddress: address } = serving.server;
  const service = 'inference.GRPCInferenceService';
  t.true((await call(address, 'list')).split('\n').includes(service));
  const methods = (await call(address, 'list', service)).split('\n');
  t.is(methods.length, 20);
  t.deepEqual(JSON.parse(await call(address, `${service}/ServerReady`)), { ready: true });
  const request = {
    model_name: 'identity',
    id: 'a',
    inputs: [{ name: 'INPUT0', datatype: 'FP32', shape: [1, 16], contents: { fp32_contents: Array(16).fill(0.5) } }],
  };
  const answer = JSON.parse(await call('-d', JSON.stringify(request), address, `${service}/ModelInfer`)) as {
    readonly id: string;
    readonly raw_output_contents: readonly string[];
  };
  const bytes = new Uint8Array(Buffer.from(answer.raw_output_contents[0]!, 'base64'));
  t.is(answer.id, 'a');
  t.deepEqual([...new Float32Array(bytes.buffer)], Array(16).fill(0.5));
});
