import { ServingError } from '../core/errors.js';
import { shapeText } from '../core/tensors.js';
import type { ServedInstance } from './instance.js';
import type { BatchDone, InstanceSpec, TensorBatch, TensorsDone } from './messages.js';
import { OnnxSession } from './onnx-session.js';
import { TensorRunner, tensorWithoutBatch } from './tensor-runner.js';
import { warmUpRuns } from './warm-up.js';

/** One instance, on the CPU, of a model whose tensors have no meaning here. */
export class TensorInstance implements ServedInstance {
  readonly notes: readonly string[];
  readonly layout = null;
  readonly #session: OnnxSession;
  readonly #runner: TensorRunner;

  private constructor(session: OnnxSession, runner: TensorRunner, notes: readonly string[]) {
    this.#session = session;
    this.#runner = runner;
    this.notes = notes;
  }

  /** Loads the model and runs the warm-up. Throws MODEL_INVALID. */
  static async create(spec: InstanceSpec, threads: number): Promise<TensorInstance> {
    const session = await OnnxSession.createForTensors(spec.modelFile, threads);
    try {
      requireBatch(session, spec);
      const runner = new TensorRunner(session, spec.config);
      const notes = session.changes.map((change) => `model file: ${change}`);
      return new TensorInstance(session, runner, [...notes, ...(await warmUp(runner, spec))]);
    } catch (error) {
      await session[Symbol.asyncDispose]();
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
    await this.#session[Symbol.asyncDispose]();
  }
}

/** Throws MODEL_INVALID where the file has not the batch dimension that the configuration says. */
function requireBatch(
  session: OnnxSession,
  { config: { batch_dimension: said, max_batch_size: most } }: InstanceSpec,
): void {
  const fixed = tensorWithoutBatch(session);
  if (said !== true || fixed === undefined) return;
  throw new ServingError(
    'MODEL_INVALID',
    `tensor '${fixed.name}' is ${shapeText(fixed.shape)}, and max_batch_size ${most} wants an open first dim: export the ` +
      'model with one, or write `max_batch_size: 0`',
  );
}

/** Runs what the configuration asks for; what operators should know of it. */
async function warmUp(runner: TensorRunner, { config }: InstanceSpec): Promise<string[]> {
  try {
    for (const rows of warmUpRuns(config)) await runner.warmUp(rows);
    return [];
  } catch (cause) {
    const { code, message } = ServingError.from(cause);
    // With sizes that requests tell, the ones made up for the warm-up may be at fault.
    if (code === 'INVALID_REQUEST' && runner.openSizes) return [`not warmed up: ${message}`];
    if (code === 'INVALID_REQUEST') throw new ServingError('MODEL_INVALID', message, { cause });
    throw cause;
  }
}
