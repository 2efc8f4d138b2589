import { ServingError } from '../core/errors.js';
import type { ModelConfig } from '../core/model-config.js';
import type { ServedInstance } from './instance.js';
import type { BatchDone, TensorBatch, TensorsDone } from './messages.js';
import { TensorRunner, type TensorNetwork } from './tensor-runner.js';
import { warmUpRuns } from './warm-up.js';

/** A network in an engine, with what operators should know of it. */
export interface LoadedNetwork extends TensorNetwork, AsyncDisposable {
  notes(): readonly string[];
}

/** One instance of a model whose tensors have no meaning here. */
export class TensorInstance implements ServedInstance {
  readonly notes: readonly string[];
  readonly layout = null;
  readonly #network: LoadedNetwork;
  readonly #runner: TensorRunner;

  private constructor(network: LoadedNetwork, runner: TensorRunner, notes: readonly string[]) {
    this.#network = network;
    this.#runner = runner;
    this.notes = notes;
  }

  /** Runs the warm-up on `network`, which it owns. Throws MODEL_INVALID. */
  static async start(network: LoadedNetwork, config: ModelConfig): Promise<TensorInstance> {
    try {
      const runner = new TensorRunner(network, config);
      const notes = await warmUp(runner, config);
      return new TensorInstance(network, runner, [...network.notes(), ...notes]);
    } catch (error) {
      await network[Symbol.asyncDispose]();
      throw error;
    }
  }

  get signature() {
    return this.#runner.signature;
  }

  execute(): Promise<BatchDone> {
    throw new Error('task tensors was given something else');
  }

  infer(batch: TensorBatch): Promise<TensorsDone> {
    return this.#runner.infer(batch);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#network[Symbol.asyncDispose]();
  }
}

/** Runs what the configuration asks for, in the sizes that plans are tuned for; what operators should know of it. */
async function warmUp(runner: TensorRunner, config: ModelConfig): Promise<string[]> {
  const ranges = Object.entries(config.tensorrt.profiles?.[0]?.inputs ?? {});
  const sizes = Object.fromEntries(ranges.map(([name, { opt }]) => [name, opt]));
  try {
    for (const rows of warmUpRuns(config)) await runner.warmUp(rows, sizes);
    return [];
  } catch (cause) {
    const { code, message } = ServingError.from(cause);
    // With sizes that requests tell, the ones made up for the warm-up may be at fault.
    if (code === 'INVALID_REQUEST' && runner.openSizes) return [`not warmed up: ${message}`];
    if (code === 'INVALID_REQUEST') throw new ServingError('MODEL_INVALID', message, { cause });
    throw cause;
  }
}
