import test from 'ava';
import { modelConfigSchema, type ModelConfig } from '../../server/core/model-config.js';
import { ServingError } from '../../server/core/errors.js';
import type { Tensor } from '../../server/core/tensors.js';
import { createGpuTensorInstance } from '../../server/runtime/gpu-tensor-instance.js';
import { GpuNetwork } from '../../server/runtime/gpu-network.js';
import type { TensorBatch } from '../../server/runtime/messages.js';
import type { GpuTensorInstanceSpec } from '../../server/runtime/native-gpu.js';
import type { GpuTensorBatch, NativeGpuTensorInstance } from '../../server/runtime/native-gpu-tensors.js';
import { floats, tensor } from '../support/tensors.js';

const PHASES = { decode: 0, preprocess: 1, infer: 2, postprocess: 3 };

/** A plan whose second output is its input, and whose first one tells the rows; refuses batches that hold a 13. */
class FakePlan implements NativeGpuTensorInstance {
  readonly batches: GpuTensorBatch[] = [];
  failure = 'MODEL_INVALID';
  closed = false;

  tensors() {
    const shape = [1, -1];
    return {
      inputs: [{ name: 'x', datatype: 'FP32', shape } as const],
      outputs: [
        { name: 'rows', datatype: 'INT32', shape: [1] } as const,
        { name: 'y', datatype: 'FP32', shape } as const,
      ],
    };
  }

  infer(batch: GpuTensorBatch) {
    this.batches.push(batch);
    const [x] = batch.inputs;
    if (floats(x!).includes(13)) throw Object.assign(new Error('thirteen'), { code: this.failure });
    const rows = x!.shape[0]!;
    const all: Tensor[] = [tensor('rows', 'INT32', [rows], new Int32Array(rows).fill(rows)), { ...x!, name: 'y' }];
    return { outputs: all.filter(({ name }) => batch.outputs?.includes(name) ?? true), phases: PHASES };
  }

  notes(): string[] {
    return ['TensorRT: a warning'];
  }

  close(): void {
    this.closed = true;
  }
}

async function open(plan: FakePlan, keys: object = {}) {
  const config: ModelConfig = {
    ...modelConfigSchema.parse({ task: 'tensors', max_batch_size: 8, model_warmup: [], ...keys }),
    batch_dimension: true,
  };
  const specs: GpuTensorInstanceSpec[] = [];
  const placement = { kind: 'gpu', device: 1, planFile: 'a.plan', weightsFile: null } as const;
  const spec = { modelFile: 'models/m/1/model.onnx', config, labels: 0, placement, maxPicturePixels: 1 };
  const instance = await createGpuTensorInstance(spec, placement, (given) => {
    specs.push(given);
    return plan;
  });
  plan.batches.length = 0;
  return Object.assign(instance, { specs });
}

function batch(...rows: number[][][]): TensorBatch {
  const parts = rows.map((values) => new Uint8Array(Float32Array.from(values.flat()).buffer));
  const shape = [rows[0]!.length, rows[0]![0]!.length];
  return {
    rows: rows.map(({ length }) => length),
    inputs: [{ name: 'x', datatype: 'FP32', shape, parts }],
    outputs: null,
  };
}

test('the tensors of the plan are told, the batch open although the plan fixes it', async (t) => {
  const plan = new FakePlan();
  const instance = await open(plan, { tensorrt: { execution_contexts: 3 } });
  t.deepEqual(instance.signature, {
    inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, -1] }],
    outputs: [
      { name: 'rows', datatype: 'INT32', shape: [-1] },
      { name: 'y', datatype: 'FP32', shape: [-1, -1] },
    ],
    batched: true,
  });
  t.deepEqual(instance.notes, ['TensorRT: a warning']);
  t.like(instance.specs, { 0: { device: 1, planFile: 'a.plan', executionContexts: 3 }, length: 1 });
  await instance[Symbol.asyncDispose]();
  t.true(plan.closed);
});

test('requests of a batch run as one, filled up, and what the device took is told', async (t) => {
  const plan = new FakePlan();
  await using instance = await open(plan, { dynamic_batching: { pad_to_sizes: [4] } });
  const { answers, phases } = await instance.infer(batch([[1, 2]], [[3, 4], [5, 6]])); // prettier-ignore
  t.deepEqual(plan.batches.map(({ inputs }) => inputs[0]!.shape), [[4, 2]]); // prettier-ignore
  t.like(answers, { 0: { requests: 2, batched: true }, length: 1 });
  const { outputs } = answers[0] as { outputs: readonly Tensor[] };
  t.deepEqual(outputs.map(({ name }) => name), ['rows', 'y']); // prettier-ignore
  t.deepEqual(floats(outputs[1]!), [1, 2, 3, 4, 5, 6, 0, 0]);
  t.like(phases, { infer: 2, postprocess: 3 });
});

test('outputs come in the order asked for, and no others', async (t) => {
  await using instance = await open(new FakePlan());
  const names = async (outputs: string[]) => {
    const { answers } = await instance.infer({ ...batch([[1]]), outputs });
    return (answers[0] as { outputs: readonly Tensor[] }).outputs.map(({ name }) => name);
  };
  t.deepEqual(await names(['y']), ['y']);
  t.deepEqual(await names(['y', 'rows']), ['y', 'rows']);
});

test('a request that fails does so alone, but a lost device is told at once', async (t) => {
  const plan = new FakePlan();
  await using instance = await open(plan);
  const asked = batch([[1]], [[13]], [[2]]);
  const { answers } = await instance.infer(asked);
  t.deepEqual(answers.map((answer) => ('error' in answer ? answer.error.code : null)), [null, 'MODEL_INVALID', null]); // prettier-ignore
  t.is(plan.batches.length, 4);
  plan.batches.length = 0;
  plan.failure = 'DEVICE_LOST';
  await t.throwsAsync(instance.infer(asked), { instanceOf: ServingError, code: 'DEVICE_LOST' });
  t.is(plan.batches.length, 1);
});

test('the warm-up runs in the sizes that the plan is tuned for', async (t) => {
  const seen: (readonly number[])[] = [];
  class Watched extends FakePlan {
    override infer(given: GpuTensorBatch) {
      seen.push(given.inputs[0]!.shape);
      return super.infer(given);
    }
  }
  const inputs = { x: { min: [1], opt: [5], max: [9] } };
  const keys = { model_warmup: [{ batch_size: 3, count: 2 }], tensorrt: { profiles: [{ inputs }] } };
  await using instance = await open(new Watched(), keys);
  t.deepEqual(seen, [[3, 5], [3, 5]]); // prettier-ignore
  t.is(instance.layout, null);
});

test('a plan whose outputs are no batch is refused, and closed', async (t) => {
  class Odd extends FakePlan {
    override infer(given: GpuTensorBatch) {
      const run = super.infer(given);
      return { ...run, outputs: run.outputs.map((output) => ({ ...output, shape: [7] })) };
    }
  }
  const plan = new Odd();
  await t.throwsAsync(open(plan), { code: 'MODEL_INVALID', message: /output 'rows' has the shape \[7\] for 1 rows/ });
  t.true(plan.closed);
});

test('of a model with a task, the rows are those of its input', (t) => {
  const { tensors } = new GpuNetwork(new FakePlan(), { batched: true, row: [3, 8, 8] });
  t.deepEqual(tensors.inputs, [{ name: 'x', datatype: 'FP32', shape: [-1, 3, 8, 8] }]);
  t.deepEqual(tensors.outputs[1]!.shape, [-1, -1]);
});
