import { ServingError } from '../core/errors.js';
import type { Points } from '../core/picture.js';
import type { TensorSignature } from '../core/tensors.js';
import { replyTo, timed, type Frame, type PhaseClock } from './frame-batch.js';
import type { ServedInstance } from './instance.js';
import type { BatchDone, FrameTask, InstanceSpec, TensorBatch, TensorsDone } from './messages.js';
import { OnnxSession } from './onnx-session.js';
import { FALL_SHAPE, FallTask } from './tasks/fall.js';
import { TensorRunner } from './tensor-runner.js';
import { warmUpRuns } from './warm-up.js';

/** One instance, on the CPU, of a model that looks at key points alone. */
export class PointsInstance implements ServedInstance {
  readonly notes: readonly string[] = [];
  readonly layout = null;
  readonly #spec: InstanceSpec;
  readonly #session: OnnxSession;
  readonly #tensors: TensorRunner;
  readonly #task = new FallTask();

  private constructor(spec: InstanceSpec, session: OnnxSession) {
    this.#spec = spec;
    this.#session = session;
    this.#tensors = new TensorRunner(session, spec.config);
  }

  /** Loads the model, checks its outputs against the task and runs the warm-up. Throws MODEL_INVALID. */
  static async create(spec: InstanceSpec, threads: number): Promise<PointsInstance> {
    const session = await OnnxSession.create(spec.modelFile, null, threads);
    try {
      const instance = new PointsInstance(spec, session);
      for (const rows of new Set([...warmUpRuns(spec.config), spec.config.max_batch_size]))
        await instance.#warmUp(rows);
      return instance;
    } catch (error) {
      await session[Symbol.asyncDispose]();
      throw error;
    }
  }

  async execute(tasks: readonly FrameTask[]): Promise<BatchDone> {
    const phases: PhaseClock = { decode: 0, preprocess: 0, infer: 0, postprocess: 0 };
    const frames = tasks.map(({ parameters }): Frame<typeof NO_SIZE> => {
      return { parameters, picture: NO_SIZE, results: [], attachments: [] };
    });
    const rows = tasks.flatMap(({ content }, frame) =>
      rowsOf(content as Points).map((values, index) => ({ frame: frames[frame]!, index, values })),
    );
    const most = this.#spec.config.max_batch_size;
    for (let start = 0; start < rows.length; start += most) {
      const batch = rows.slice(start, start + most);
      const input = new Float32Array(batch.length * ROW);
      batch.forEach(({ values }, index) => input.set(values, index * ROW));
      const outputs = await timed(phases, 'infer', () => this.#session.run(input, [batch.length, ...FALL_SHAPE]));
      await timed(phases, 'postprocess', () => {
        this.#task.postprocess(outputs).forEach((table, index) => {
          const row = batch[index]!;
          row.frame.results[row.index] = table;
        });
      });
    }
    return replyTo(frames, { columns: this.#task.columns() }, phases);
  }

  get signature(): TensorSignature {
    return this.#tensors.signature;
  }

  infer(batch: TensorBatch): Promise<TensorsDone> {
    return this.#tensors.infer(batch);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session[Symbol.asyncDispose]();
  }

  async #warmUp(rows: number): Promise<void> {
    try {
      this.#task.check(await this.#session.run(new Float32Array(rows * ROW), [rows, ...FALL_SHAPE]), rows);
    } catch (cause) {
      const { code, message } = ServingError.from(cause);
      if (code !== 'INTERNAL') throw cause;
      throw new ServingError(
        'MODEL_INVALID',
        `the input does not fit task fall: expected [N,${FALL_SHAPE.join(',')}] with an open N, and with [${rows},${FALL_SHAPE.join(',')}] ${message}`,
        { cause },
      );
    }
  }
}

const ROW = FALL_SHAPE[0] * FALL_SHAPE[1];

/** Key points have no picture around them. */
const NO_SIZE = { width: 0, height: 0 };

function rowsOf({ values }: Points): Float32Array[] {
  return Array.from({ length: values.length / ROW }, (_, row) => values.subarray(row * ROW, (row + 1) * ROW));
}
