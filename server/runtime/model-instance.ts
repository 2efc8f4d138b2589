import { ServingError, type ErrorData } from '../core/errors.js';
import type { TaskParameters } from '../core/inference.js';
import type { BatchDone, FrameReply, FrameTask, InstanceSpec } from './messages.js';
import { decodePicture, type DecodedPicture } from './image-decoder.js';
import { loadNative, type NativeAddon } from './native.js';
import { OnnxSession } from './onnx-session.js';
import { atDecodedSize, samplePicture, sampleRegion, type Sampling, type Size } from './sampling.js';
import { createTask } from './tasks/index.js';
import type { BatchRow, Task } from './tasks/task.js';

/** A frame on its way through a batch. */
interface Frame {
  readonly parameters: TaskParameters;
  readonly picture: DecodedPicture | ServingError;
  /** One a row: the table of its results, or why it failed. */
  readonly results: (Float32Array | ServingError)[];
}

/** A row that is ready to be sampled. */
interface PlannedRow extends BatchRow {
  readonly frame: Frame;
  /** Place in the frame's results. */
  readonly index: number;
  readonly picture: DecodedPicture;
  readonly sampling: Sampling;
}

interface MutablePhases {
  decode: number;
  preprocess: number;
  infer: number;
  postprocess: number;
}

const CHANNELS = 3;

/**
 * One instance of a model on the CPU: an ONNX Runtime session with its task and its input buffer. Lives in a worker
 * thread and runs one batch at a time: decode, sample and normalise, infer, post-process.
 */
export class ModelInstance implements AsyncDisposable {
  readonly #spec: InstanceSpec;
  readonly #native: NativeAddon;
  readonly #session: OnnxSession;
  readonly #task: Task;
  readonly #size: Size;
  readonly #alignment: Float32Array | null;
  /** NCHW, room for max_batch_size rows; reused by every batch. */
  readonly #input: Float32Array;
  #columns = 0;

  private constructor(spec: InstanceSpec, native: NativeAddon, session: OnnxSession) {
    this.#spec = spec;
    this.#native = native;
    this.#session = session;
    this.#task = createTask(spec.config, native);
    this.#size = spec.config.input;
    const { alignment } = spec.config.preprocess;
    this.#alignment = alignment === undefined ? null : Float32Array.from(alignment.flat());
    this.#input = new Float32Array(spec.config.max_batch_size * this.#rowLength);
  }

  /** Loads the model, checks its outputs against the task and runs the warm-up. Throws MODEL_INVALID. */
  static async create(spec: InstanceSpec): Promise<ModelInstance> {
    const session = await OnnxSession.create(spec.modelFile, spec.config.input, spec.threads);
    try {
      const instance = new ModelInstance(spec, loadNative(), session);
      await instance.#warmUp();
      return instance;
    } catch (error) {
      await session[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** What had to be changed in the model file to serve it. */
  get changes(): readonly string[] {
    return this.#session.changes;
  }

  /** Runs a batch. A failure of one frame is told in its reply; any other throws a ServingError. */
  async execute(tasks: readonly FrameTask[]): Promise<BatchDone> {
    const phases: MutablePhases = { decode: 0, preprocess: 0, infer: 0, postprocess: 0 };
    const frames = await timed(phases, 'decode', () => Promise.all(tasks.map((task) => this.#decode(task))));
    const rows = frames.flatMap((frame) => this.#plan(frame));
    const most = this.#spec.config.max_batch_size;
    for (let start = 0; start < rows.length; start += most) {
      await this.#run(rows.slice(start, start + most), phases);
    }
    return { type: 'done', phases, ...this.#pack(frames) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session[Symbol.asyncDispose]();
  }

  get #rowLength(): number {
    return CHANNELS * this.#size.height * this.#size.width;
  }

  async #decode({ picture, parameters }: FrameTask): Promise<Frame> {
    // Regions are cropped from the full picture; a detector samples all of it and may take it smaller.
    const atLeast = parameters.kind === 'detect' ? this.#size : null;
    try {
      const decoded = await decodePicture(picture, this.#spec.maxPicturePixels, atLeast);
      return { parameters, picture: decoded, results: [] };
    } catch (cause) {
      return { parameters, picture: ServingError.from(cause), results: [] };
    }
  }

  /** The rows of a frame. Regions that cannot be sampled get their error at once and no row. */
  #plan(frame: Frame): PlannedRow[] {
    const { picture, parameters, results } = frame;
    if (picture instanceof ServingError) return [];
    const { resize } = this.#spec.config.preprocess;
    const regions = parameters.kind === 'embed' && parameters.regions.length > 0 ? parameters.regions : [null];
    const rows: PlannedRow[] = [];
    regions.forEach((region, index) => {
      try {
        const sampling =
          region === null
            ? samplePicture(picture, this.#size, resize)
            : sampleRegion(region, picture, this.#size, resize, this.#alignment, this.#native);
        rows.push({ frame, index, picture, sampling, parameters, toPicture: sampling.toPicture });
      } catch (cause) {
        results[index] = ServingError.from(cause);
      }
    });
    return rows;
  }

  /** Runs up to max_batch_size rows and leaves the results in their frames. */
  async #run(rows: readonly PlannedRow[], phases: MutablePhases): Promise<void> {
    await timed(phases, 'preprocess', () => rows.forEach((row, index) => this.#sample(row, index)));
    const outputs = await timed(phases, 'infer', () => this.#infer(rows.length));
    await timed(phases, 'postprocess', () => {
      this.#task.postprocess(outputs, rows).forEach((table, index) => {
        const row = rows[index]!;
        row.frame.results[row.index] = table;
      });
    });
  }

  #sample({ picture, sampling }: PlannedRow, index: number): void {
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
        threads: this.#spec.threads,
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

  /** All tables in one buffer, so that a single one moves to the other thread. */
  #pack(frames: readonly Frame[]): { values: Float32Array; frames: FrameReply[] } {
    const tables = frames.map((frame) => frame.results.map((result) => this.#tableOf(result)));
    const length = tables.flat().reduce((sum, table) => sum + table.length, 0);
    const values = new Float32Array(length);
    let offset = 0;
    const replies = frames.map((frame, index): FrameReply => {
      const start = offset;
      for (const table of tables[index]!) {
        values.set(table, offset);
        offset += table.length;
      }
      return this.#reply(frame, (offset - start) / this.#columns);
    });
    return { values, frames: replies };
  }

  /** A failed region keeps its place, so that rows and regions stay aligned. */
  #tableOf(result: Float32Array | ServingError): Float32Array {
    return result instanceof ServingError ? new Float32Array(this.#columns) : result;
  }

  #reply({ picture, results }: Frame, rows: number): FrameReply {
    const columns = this.#columns;
    if (picture instanceof ServingError) {
      return { width: 0, height: 0, error: picture.toData(), rows: 0, columns, rowErrors: null };
    }
    const errors: (ErrorData | null)[] = results.map((result) =>
      result instanceof ServingError ? result.toData() : null,
    );
    const rowErrors = errors.some((error) => error !== null) ? errors : null;
    return { width: picture.width, height: picture.height, error: null, rows, columns, rowErrors };
  }
}

/** Runs `work` and adds its duration in microseconds to a phase. */
async function timed<T>(phases: MutablePhases, phase: keyof MutablePhases, work: () => T | Promise<T>): Promise<T> {
  const start = performance.now();
  try {
    return await work();
  } finally {
    phases[phase] += (performance.now() - start) * 1000;
  }
}
