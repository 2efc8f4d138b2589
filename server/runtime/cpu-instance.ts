import { networkInput } from '../core/network-input.js';
import { ServingError } from '../core/errors.js';
import type { DetectionLayout } from '../core/inference.js';
import { requirePicture } from '../core/picture.js';
import type { TensorSignature } from '../core/tensors.js';
import {
  replyTo,
  RowPlanner,
  timed,
  type Frame,
  type PhaseClock,
  type PlannedRow,
  type RowShape,
} from './frame-batch.js';
import type { DecodedPicture } from './image-decoder.js';
import { InputRows } from './input-rows.js';
import type { ServedInstance } from './instance.js';
import type { BatchDone, FrameTask, InstanceSpec, TensorBatch, TensorsDone } from './messages.js';
import { keepOnHost } from './kept-pictures.js';
import { loadNative, type NativeAddon } from './native.js';
import { OnnxSession } from './onnx-session.js';
import { createTask } from './tasks/index.js';
import type { Task } from './tasks/task.js';
import { TensorRunner } from './tensor-runner.js';
import { warmUpRuns } from './warm-up.js';

/**
 * One instance of a model on the CPU: an ONNX Runtime session with its task and its input buffer. Decodes, samples and
 * normalises, infers, post-processes.
 */
export class CpuInstance implements ServedInstance {
  readonly #spec: InstanceSpec;
  readonly #session: OnnxSession;
  readonly #tensors: TensorRunner;
  readonly #task: Task;
  readonly #planner: RowPlanner;
  readonly #rows: InputRows;
  /** NCHW, room for max_batch_size rows; reused by every batch. */
  readonly #input: Float32Array;
  #shape: RowShape = { columns: 0 };

  private constructor(spec: InstanceSpec, threads: number, native: NativeAddon, session: OnnxSession) {
    this.#spec = spec;
    this.#session = session;
    this.#tensors = new TensorRunner(session, spec.config);
    this.#task = createTask(spec.config, native, spec.labels);
    this.#planner = new RowPlanner(spec.config, native);
    this.#rows = new InputRows(spec.config, native, threads);
    this.#input = new Float32Array(spec.config.max_batch_size * this.#rows.length);
  }

  /** Loads the model, checks its outputs against the task and runs the warm-up. Throws MODEL_INVALID. */
  static async create(spec: InstanceSpec, threads: number): Promise<CpuInstance> {
    const session = await OnnxSession.create(spec.modelFile, networkInput(spec.config), threads);
    try {
      const instance = new CpuInstance(spec, threads, loadNative(), session);
      await instance.#warmUp();
      return instance;
    } catch (error) {
      await session[Symbol.asyncDispose]();
      throw error;
    }
  }

  get notes(): readonly string[] {
    return this.#session.changes.map((change) => `model file: ${change}`);
  }

  get layout(): DetectionLayout | null {
    return this.#shape.layout ?? null;
  }

  get signature(): TensorSignature {
    return this.#tensors.signature;
  }

  infer(batch: TensorBatch): Promise<TensorsDone> {
    return this.#tensors.infer(batch);
  }

  async execute(tasks: readonly FrameTask[]): Promise<BatchDone> {
    const phases: PhaseClock = { decode: 0, preprocess: 0, infer: 0, postprocess: 0 };
    const frames = await timed(phases, 'decode', () => Promise.all(tasks.map((task) => this.#decode(task))));
    const rows = frames.flatMap((frame) => this.#planner.plan(frame));
    const most = this.#spec.config.max_batch_size;
    for (let start = 0; start < rows.length; start += most) {
      await this.#run(rows.slice(start, start + most), phases);
    }
    tasks.forEach(({ keep, room = null }, index) => {
      const frame = frames[index]!;
      if (keep === undefined || frame.picture instanceof ServingError) return;
      frame.kept = keepOnHost(frame.picture.pixels, keep, room);
    });
    return replyTo(frames, this.#shape, phases);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session[Symbol.asyncDispose]();
  }

  async #decode(task: FrameTask): Promise<Frame<DecodedPicture>> {
    const { content, parameters } = task;
    try {
      const decoded = await this.#rows.decode(requirePicture(content), this.#spec.maxPicturePixels, task);
      return { parameters, picture: decoded, results: [], attachments: [] };
    } catch (cause) {
      return { parameters, picture: ServingError.from(cause), results: [], attachments: [] };
    }
  }

  /** Runs up to max_batch_size rows and leaves the results in their frames. */
  async #run(rows: readonly PlannedRow<DecodedPicture>[], phases: PhaseClock): Promise<void> {
    await timed(phases, 'preprocess', () => {
      rows.forEach(({ picture, sampling }, index) => {
        this.#rows.write(picture, sampling, this.#input, index * this.#rows.length);
      });
    });
    const outputs = await timed(phases, 'infer', () => this.#infer(rows.length));
    await timed(phases, 'postprocess', async () => {
      const batch = rows.map((row) => ({ ...row, toPicture: row.sampling.toPicture }));
      (await this.#task.postprocess(outputs, batch)).forEach((result, index) => {
        const row = rows[index]!;
        row.frame.results[row.index] = result.table;
        row.frame.attachments.push(...(result.attachments ?? []));
      });
    });
  }

  #infer(rows: number) {
    return this.#session.run(this.#input.subarray(0, rows * this.#rows.length), [rows, ...this.#rows.shape]);
  }

  /** Runs what the configuration asks for, or one row: the outputs have to be seen once before they are trusted. */
  async #warmUp(): Promise<void> {
    for (const rows of warmUpRuns(this.#spec.config)) {
      const outputs = await this.#infer(rows);
      this.#task.check(outputs, rows);
      this.#shape = this.#task.shape(outputs);
    }
  }
}
