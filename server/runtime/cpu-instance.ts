import { ServingError } from '../core/errors.js';
import { replyTo, RowPlanner, timed, type Frame, type PhaseClock, type PlannedRow } from './frame-batch.js';
import { decodePicture, type DecodedPicture } from './image-decoder.js';
import type { Instance } from './instance.js';
import type { BatchDone, FrameTask, InstanceSpec } from './messages.js';
import { loadNative, type NativeAddon } from './native.js';
import { OnnxSession } from './onnx-session.js';
import { atDecodedSize, type Size } from './sampling.js';
import { createTask } from './tasks/index.js';
import type { Task } from './tasks/task.js';

const CHANNELS = 3;

/**
 * One instance of a model on the CPU: an ONNX Runtime session with its task and its input buffer. Decodes, samples and
 * normalises, infers, post-processes.
 */
export class CpuInstance implements Instance {
  readonly #spec: InstanceSpec;
  readonly #threads: number;
  readonly #native: NativeAddon;
  readonly #session: OnnxSession;
  readonly #task: Task;
  readonly #planner: RowPlanner;
  readonly #size: Size;
  /** NCHW, room for max_batch_size rows; reused by every batch. */
  readonly #input: Float32Array;
  #columns = 0;

  private constructor(spec: InstanceSpec, threads: number, native: NativeAddon, session: OnnxSession) {
    this.#spec = spec;
    this.#threads = threads;
    this.#native = native;
    this.#session = session;
    this.#task = createTask(spec.config, native);
    this.#planner = new RowPlanner(spec.config, native);
    this.#size = spec.config.input;
    this.#input = new Float32Array(spec.config.max_batch_size * this.#rowLength);
  }

  /** Loads the model, checks its outputs against the task and runs the warm-up. Throws MODEL_INVALID. */
  static async create(spec: InstanceSpec, threads: number): Promise<CpuInstance> {
    const session = await OnnxSession.create(spec.modelFile, spec.config.input, threads);
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

  async execute(tasks: readonly FrameTask[]): Promise<BatchDone> {
    const phases: PhaseClock = { decode: 0, preprocess: 0, infer: 0, postprocess: 0 };
    const frames = await timed(phases, 'decode', () => Promise.all(tasks.map((task) => this.#decode(task))));
    const rows = frames.flatMap((frame) => this.#planner.plan(frame));
    const most = this.#spec.config.max_batch_size;
    for (let start = 0; start < rows.length; start += most) {
      await this.#run(rows.slice(start, start + most), phases);
    }
    return replyTo(frames, this.#columns, phases);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session[Symbol.asyncDispose]();
  }

  get #rowLength(): number {
    return CHANNELS * this.#size.height * this.#size.width;
  }

  async #decode({ picture, parameters }: FrameTask): Promise<Frame<DecodedPicture>> {
    // Regions are cropped from the full picture; a detector samples all of it and may take it smaller.
    const atLeast = parameters.kind === 'detect' ? this.#size : null;
    try {
      const decoded = await decodePicture(picture, this.#spec.maxPicturePixels, atLeast);
      return { parameters, picture: decoded, results: [] };
    } catch (cause) {
      return { parameters, picture: ServingError.from(cause), results: [] };
    }
  }

  /** Runs up to max_batch_size rows and leaves the results in their frames. */
  async #run(rows: readonly PlannedRow<DecodedPicture>[], phases: PhaseClock): Promise<void> {
    await timed(phases, 'preprocess', () => rows.forEach((row, index) => this.#sample(row, index)));
    const outputs = await timed(phases, 'infer', () => this.#infer(rows.length));
    await timed(phases, 'postprocess', () => {
      const batch = rows.map(({ sampling, parameters }) => ({ toPicture: sampling.toPicture, parameters }));
      this.#task.postprocess(outputs, batch).forEach((table, index) => {
        const row = rows[index]!;
        row.frame.results[row.index] = table;
      });
    });
  }

  #sample({ picture, sampling }: PlannedRow<DecodedPicture>, index: number): void {
    const { color, scale, mean, std, pad } = this.#spec.config.preprocess;
    // A window is only ever set for regions, whose pictures are decoded at full size.
    this.#native.warpNormalize(
      picture.pixels,
      {
        matrix: atDecodedSize(sampling.toPicture, picture, picture.pixels),
        width: this.#size.width,
        height: this.#size.height,
        border: sampling.border,
        pad,
        window: sampling.window,
        normalization: { color, scale, mean, std },
        threads: this.#threads,
      },
      this.#input,
      index * this.#rowLength,
    );
  }

  #infer(rows: number) {
    const shape = [rows, CHANNELS, this.#size.height, this.#size.width];
    return this.#session.run(this.#input.subarray(0, rows * this.#rowLength), shape);
  }

  /** Runs what the configuration asks for, or one row: the outputs have to be seen once before they are trusted. */
  async #warmUp(): Promise<void> {
    const { model_warmup: asked } = this.#spec.config;
    for (const { batch_size: rows, count } of asked.length > 0 ? asked : [{ batch_size: 1, count: 1 }]) {
      for (let run = 0; run < count; run++) {
        const outputs = await this.#infer(rows);
        this.#task.check(outputs, rows);
        this.#columns = this.#task.columns(outputs);
      }
    }
  }
}
