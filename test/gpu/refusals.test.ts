import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { ModelState, RepositoryClient } from '../../clients/typescript/repository-client.js';
import { makeModel, node, valueInfo } from '../../server/onnx/builder.js';
import { encodeModel } from '../../server/onnx/model-file.js';
import { callError } from '../support/call-error.js';
import type { Serving } from '../support/serving.js';
import { spotsModel } from '../support/tiny-models.js';
import { GOOD_MODEL, unharmed } from '../support/unharmed.js';
import { addCatalogModel, deviceMemory, FP16, FP32, ON_GPU, startGpuServing } from './gpu-serving.js';

/** Models that a GPU cannot serve say why, and leave the others alone. */

const GRPC = { RESOURCE_EXHAUSTED: 8, FAILED_PRECONDITION: 9 } as const;

let serving: Serving;
let repositoryClient: RepositoryClient;

test.before(async () => {
  serving = await startGpuServing(
    async (repository) => {
      const tiny = { task: 'centerface', input: { width: 64, height: 64 }, max_batch_size: 4, ...ON_GPU };
      await repository.addModel(GOOD_MODEL, { ...tiny, tensorrt: FP32 }, spotsModel(64, 64));
      const plugins = [join('plugins', 'nowhere.so')];
      await repository.addModel('plugin-missing', { ...tiny, tensorrt: { plugins } }, spotsModel(64, 64));
      await repository.addModel('plugin-broken', { ...tiny, tensorrt: { plugins: ['notes.so'] } }, spotsModel(64, 64));
      await repository.write(join('plugin-broken', 'notes.so'), 'this is not a library');
      const embedding = { task: 'embedding', input: { width: 32, height: 32 }, ...ON_GPU, tensorrt: FP16 };
      await repository.addModel('unsupported', embedding, determinants());
      await addCatalogModel(repository, 'centerface', 'huge', {
        instance_group: { kind: 'KIND_GPU', count: 16 },
        // The most that TensorRT takes: no tensor may have more than 2^31 values.
        max_batch_size: 218,
        // Tuned for a small batch, so that the build does not fill the device, and nothing but the load does.
        tensorrt: { ...FP32, execution_contexts: 16, profiles: [{ batch: { min: 1, opt: 8, max: 218 } }] },
      });
    },
    ['--model-control-mode', 'explicit', '--load-model', GOOD_MODEL],
  );
  repositoryClient = await RepositoryClient.connect(serving.server.grpcAddress);
});

test.after.always(async () => {
  repositoryClient?.[Symbol.dispose]();
  await serving?.[Symbol.asyncDispose]();
});

/** The determinant of each channel: ONNX Runtime computes it, TensorRT has no such layer. */
function determinants(): Uint8Array {
  return encodeModel(
    makeModel({
      name: 'determinants',
      nodes: [{ ...node('Det', ['input'], ['embedding']), name: 'volume_of_channels' }],
      initializers: [],
      inputs: [valueInfo('input', ['batch', 3, 32, 32])],
      outputs: [valueInfo('embedding', ['batch', 3])],
    }),
  );
}

/** Loads a model while a neighbour streams; passes when it is refused so, and is UNAVAILABLE for that reason. */
async function refused(t: ExecutionContext, model: string, code: number, reason: RegExp): Promise<void> {
  await unharmed(t, serving, async () => {
    const error = await callError(repositoryClient.load(model));
    t.is(error.code, code, error.details);
    t.regex(error.details, reason);
  });
  const version = (await repositoryClient.list()).find(({ name }) => name === model);
  t.is(version?.state, ModelState.MODEL_STATE_UNAVAILABLE);
  t.regex(version?.reason ?? '', reason);
}

test.serial('a plugin library that is missing is named', (t) =>
  refused(t, 'plugin-missing', GRPC.FAILED_PRECONDITION, /plugins\/nowhere\.so/),
);

test.serial('a plugin library that is none is named', (t) =>
  refused(t, 'plugin-broken', GRPC.FAILED_PRECONDITION, /notes\.so/),
);

test.serial('a node that TensorRT has no layer for is named, with the reason', (t) =>
  refused(t, 'unsupported', GRPC.FAILED_PRECONDITION, /volume_of_channels.*Det|Det.*volume_of_channels/s),
);

test.serial('a model that the device has no memory for is refused, and its memory is given back', async (t) => {
  const before = await deviceMemory(serving);
  await refused(t, 'huge', GRPC.RESOURCE_EXHAUSTED, /memory/);
  const after = await deviceMemory(serving);
  t.true(after - before < 2 ** 30, `${(after - before) / 2 ** 20} MiB stay taken`);
});
