import { ServingError } from '../../server/core/errors.js';
import type { InferenceRequest, InferenceResult } from '../../server/core/inference.js';
import { Model, type ModelLease } from '../../server/core/model.js';
import type { LoadableModels } from '../../server/core/pipeline/open-pipeline.js';
import type { Datatype, Tensor, TensorSignature, TensorSpec } from '../../server/core/tensors.js';
import { FakeClock } from './fake-clock.js';
import { FakeExecutor, type FakeBatch } from './fake-executor.js';
import { RecordingStatistics } from './recording-statistics.js';
import { makeConfig } from './requests.js';

/** The tensors of a model: names, each with its shape, which is FP32 unless an element type stands before it. */
export function signature(inputs: Specs, outputs: Specs, batched = true): TensorSignature {
  return { inputs: specs(inputs), outputs: specs(outputs), batched };
}

type Specs = Readonly<Record<string, readonly number[] | readonly [Datatype, ...number[]]>>;

function specs(all: Specs): TensorSpec[] {
  return Object.entries(all).map(([name, shape]) => {
    const [first, ...rest] = shape;
    if (typeof first === 'string') return { name, datatype: first, shape: rest as number[] };
    return { name, datatype: 'FP32', shape: shape as number[] };
  });
}

/** Models of tensors by name, each on an executor that a test ends by hand. */
export class FakeNetworks implements LoadableModels {
  readonly clock = new FakeClock();
  readonly executors = new Map<string, FakeExecutor>();
  readonly #models = new Map<string, Model>();

  /** `keys` are those of its config.yaml. */
  add(name: string, tensors: TensorSignature | null, keys: object = {}, instances = 8): FakeExecutor {
    const executor = new FakeExecutor(instances);
    executor.signature = tensors;
    const config = makeConfig({ task: 'tensors', input: undefined, ...keys });
    const { clock } = this;
    const statistics = new RecordingStatistics();
    this.#models.set(name, new Model({ name, version: 1, config, labels: [], executor, statistics, clock }));
    this.executors.set(name, executor);
    return executor;
  }

  acquire(name: string): ModelLease {
    const model = this.#models.get(name);
    if (model === undefined) throw new ServingError('MODEL_NOT_FOUND', `no model ${name}`);
    return model.lease();
  }

  async whenReady(name: string): Promise<void> {
    this.acquire(name)[Symbol.dispose]();
  }

  /** The one batch that a model is at. */
  at(name: string): FakeBatch {
    const [batch, ...others] = this.executors.get(name)!.running;
    if (batch === undefined || others.length > 0) throw new Error(`${name} is not at one batch`);
    return batch;
  }

  /** The models that are at something. */
  busy(): string[] {
    return [...this.executors].filter(([, { running }]) => running.length > 0).map(([name]) => name);
  }
}

/** The tensors of a request, by name. */
export function given({ content }: InferenceRequest): Readonly<Record<string, Tensor>> {
  if (content.kind !== 'tensors') throw new Error('a request for something else than tensors');
  return Object.fromEntries(content.tensors.map((tensor) => [tensor.name, tensor]));
}

export function answer(...tensors: Tensor[]): InferenceResult {
  return { width: 0, height: 0, outcome: { tensors } };
}
