import { errorCode, errorMessage, ServingError } from '../core/errors.js';
import type { DetectionLayout } from '../core/inference.js';
import type { ModelConfig } from '../core/model-config.js';
import { requirePicture, type KeptPicture } from '../core/picture.js';
import { replyTo, RowPlanner, timed, type Frame, type PhaseClock, type PlannedRow } from './frame-batch.js';
import type { DecodedPicture } from './image-decoder.js';
import { decodeFor } from './input-rows.js';
import type { Instance } from './instance.js';
import { keepOnHost, pixelsOf, releaseOnDevice } from './kept-pictures.js';
import type { BatchDone, FrameTask, InstanceSpec, Placement } from './messages.js';
import { pluginFiles } from './model-directory.js';
import { loadNative } from './native.js';
import {
  loadNativeGpu,
  type GpuInstanceSpec,
  type GpuPicture,
  type GpuRow,
  type NativeGpuInstance,
} from './native-gpu.js';
import { atDecodedSize, type Size } from './sampling.js';
import { warmUpRuns } from './warm-up.js';

/** A picture in device memory: its size as results are told in, and as it is stored there. */
interface DevicePicture extends Size {
  /** Place among the pictures of the batch. */
  readonly place: number;
  readonly stored: Size;
}

const FACES: Partial<Record<string, DetectionLayout>> = {
  centerface: { rotated: false, points: 5, pointValues: 2, values: 0 },
};

const JPEG_START = [0xff, 0xd8] as const;

/**
 * One instance of a model on a GPU. JPEGs are decoded there; other files, and JPEGs that nvJPEG refuses, by sharp on this
 * thread. What follows runs on the GPU as one batch.
 */
export class GpuInstance implements Instance {
  readonly notes: readonly string[];
  readonly #spec: InstanceSpec;
  readonly #gpu: NativeGpuInstance;
  readonly #device: number;
  readonly #planner: RowPlanner;
  #columns = 0;

  private constructor(spec: InstanceSpec, device: number, gpu: NativeGpuInstance) {
    this.#spec = spec;
    this.#device = device;
    this.#gpu = gpu;
    this.#planner = new RowPlanner(spec.config, loadNative());
    guarded(() => this.#warmUp());
    this.notes = guarded(() => gpu.notes());
  }

  /** Loads the plan, checks its outputs against the task and runs the warm-up. Throws a ServingError. */
  static async create(spec: InstanceSpec, placement: Placement & { kind: 'gpu' }): Promise<GpuInstance> {
    const gpu = guarded(() => loadNativeGpu().openInstance(nativeSpec(spec, placement)));
    try {
      return new GpuInstance(spec, placement.device, gpu);
    } catch (error) {
      gpu.close();
      throw error;
    }
  }

  async execute(tasks: readonly FrameTask[]): Promise<BatchDone> {
    const phases: PhaseClock = { decode: 0, preprocess: 0, infer: 0, postprocess: 0 };
    const frames = await this.#decode(tasks, phases);
    const rows = frames.flatMap((frame) => this.#planner.plan(frame));
    const most = this.#spec.config.max_batch_size;
    for (let start = 0; start < rows.length; start += most) {
      guarded(() => this.#run(rows.slice(start, start + most), phases));
    }
    this.#keep(tasks, frames);
    // Lets go of pictures of earlier stages: their memory is used again once nobody holds it.
    if (tasks.some((task) => this.#idHere(task) !== null)) guarded(() => this.#gpu.decode([]));
    return replyTo(frames, this.#columns, this.layout, phases);
  }

  get layout(): DetectionLayout | null {
    return FACES[this.#spec.config.task] ?? null;
  }

  /** Keeps the pictures that are asked for, all of them or, by throwing, none. */
  #keep(tasks: readonly FrameTask[], frames: readonly Frame<DevicePicture>[]): void {
    const kept: KeptPicture[] = [];
    try {
      tasks.forEach(({ keep, room = null }, index) => {
        const frame = frames[index]!;
        if (keep === undefined || frame.picture instanceof ServingError) return;
        const { place, width, height } = frame.picture;
        const device = { index: this.#device, id: guarded(() => this.#gpu.keep(place)) };
        frame.kept = { kind: 'kept', width, height, host: null, device };
        kept.push(frame.kept);
        if (keep === 'any') return;
        const pixels = guarded(() => pixelsOf(frame.kept!));
        frame.kept = { ...frame.kept, host: keepOnHost(pixels, keep, room).host };
      });
    } catch (cause) {
      kept.forEach(releaseOnDevice);
      throw cause;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#gpu.close();
  }

  /** Brings every picture into device memory, or says why it cannot be. */
  async #decode(tasks: readonly FrameTask[], phases: PhaseClock): Promise<Frame<DevicePicture>[]> {
    // What is no JPEG is decoded first, so that everything goes to the device at once.
    const decoded = await Promise.all(
      tasks.map(async (task) => (isJpeg(task) || this.#idHere(task) !== null ? null : this.#onCpu(task, phases))),
    );
    const frames: Frame<DevicePicture>[] = [];
    const pictures: GpuPicture[] = [];
    const places: number[] = [];
    tasks.forEach((task, index) => {
      const pixels = decoded[index] ?? null;
      const failed = pixels instanceof ServingError;
      const place = pictures.length;
      if (!failed) {
        pictures.push(pixels === null ? this.#forDevice(task) : { pixels: pixels.pixels });
        places.push(index);
      }
      frames.push({
        parameters: task.parameters,
        picture: failed ? pixels : { ...sizeOf(pixels), place, stored: pixels?.pixels ?? sizeOf(null) },
        results: [],
        attachments: [],
      });
    });
    if (pictures.length === 0) return frames;
    const replies = guarded(() => this.#gpu.decode(pictures));
    await Promise.all(
      replies.map(async (reply, place) => {
        const index = places[place]!;
        const frame = frames[index]!;
        if ('refusal' in reply) frame.picture = await this.#instead(tasks[index]!, place, phases);
        else if (decoded[index] === null) frame.picture = { ...reply, place, stored: reply };
      }),
    );
    return frames;
  }

  /** What the device brings into its memory by itself. */
  #forDevice(task: FrameTask): GpuPicture {
    const kept = this.#idHere(task);
    if (kept !== null) return { kept };
    if (task.content.kind !== 'encoded') throw new Error('the device was given what it cannot decode');
    return { jpeg: task.content.bytes };
  }

  /** The id of a picture that an earlier stage has left in the memory of this device; else null. */
  #idHere({ content }: FrameTask): number | null {
    return content.kind === 'kept' && content.device?.index === this.#device ? content.device.id : null;
  }

  /** A picture that the device refused. */
  async #instead(task: FrameTask, place: number, phases: PhaseClock): Promise<DevicePicture | ServingError> {
    const decoded = await this.#onCpu(task, phases);
    if (decoded instanceof ServingError) return decoded;
    guarded(() => this.#gpu.upload(place, decoded.pixels));
    return { ...sizeOf(decoded), place, stored: decoded.pixels };
  }

  async #onCpu(task: FrameTask, phases: PhaseClock): Promise<DecodedPicture | ServingError> {
    const { config, maxPicturePixels } = this.#spec;
    try {
      return await timed(phases, 'decode', () =>
        decodeFor(config, requirePicture(task.content), maxPicturePixels, task),
      );
    } catch (cause) {
      return ServingError.from(cause);
    }
  }

  /** Runs up to max_batch_size rows and leaves the results in their frames. */
  #run(rows: readonly PlannedRow<DevicePicture>[], phases: PhaseClock): void {
    const run = this.#gpu.run(rows.map(toGpuRow));
    this.#columns = run.columns;
    let offset = 0;
    rows.forEach(({ frame, index }, row) => {
      const length = (run.counts[row] ?? 0) * run.columns;
      frame.results[index] = run.values.subarray(offset, offset + length);
      offset += length;
    });
    for (const phase of ['decode', 'preprocess', 'infer', 'postprocess'] as const) phases[phase] += run.phases[phase];
  }

  /** Runs what the configuration asks for on blank pictures, or one row: CUDA and TensorRT do much only when first used. */
  #warmUp(): void {
    const pixels = { data: new Uint8Array(3), format: 'rgb8', width: 1, height: 1, stride: 3 } as const;
    for (const rows of warmUpRuns(this.#spec.config)) {
      this.#gpu.decode(Array.from({ length: rows }, () => ({ pixels })));
      this.#columns = this.#gpu.run(Array.from({ length: rows }, (_, picture) => ({ ...BLANK, picture }))).columns;
    }
  }
}

const IDENTITY = [1, 0, 0, 0, 1, 0] as const;

const BLANK: Omit<GpuRow, 'picture'> = {
  matrix: IDENTITY,
  window: null,
  border: 'constant',
  area: null,
  resultMatrix: IDENTITY,
  scoreThreshold: 1,
  nmsThreshold: 1,
  maxDetections: 0,
};

function toGpuRow({ picture, sampling, parameters }: PlannedRow<DevicePicture>): GpuRow {
  // The one class of the detectors so far is 0.
  const wanted =
    parameters.kind === 'detect' && (parameters.classIds === null || parameters.classIds.includes(0))
      ? parameters.maxDetections
      : 0;
  return {
    picture: picture.place,
    matrix: atDecodedSize(sampling.toPicture, picture, picture.stored),
    window: sampling.window,
    border: sampling.border,
    area: sampling.area,
    resultMatrix: sampling.toPicture,
    scoreThreshold: parameters.kind === 'detect' ? parameters.scoreThreshold : 0,
    nmsThreshold: parameters.kind === 'detect' ? parameters.nmsThreshold : 0,
    maxDetections: wanted,
  };
}

function nativeSpec({ modelFile, config, maxPicturePixels }: InstanceSpec, placement: Placement & { kind: 'gpu' }) {
  const { preprocess, postprocess, tensorrt, input } = config;
  return {
    device: placement.device,
    planFile: placement.planFile,
    weightsFile: placement.weightsFile,
    plugins: pluginFiles(modelFile, tensorrt.plugins),
    versionCompatible: tensorrt.version_compatible,
    task: nativeTask(config),
    width: input.width,
    height: input.height,
    maxBatchSize: config.max_batch_size,
    focus: preprocess.focus,
    pad: preprocess.pad,
    color: preprocess.color,
    scale: preprocess.scale,
    mean: preprocess.mean,
    std: preprocess.std,
    nmsRule: postprocess.nms_rule,
    maxDetections: postprocess.max_detections,
    normalize: postprocess.normalize,
    executionContexts: tensorrt.execution_contexts,
    cudaGraphs: tensorrt.cuda_graphs,
    maxPicturePixels,
  } satisfies GpuInstanceSpec;
}

function nativeTask({ task }: ModelConfig): GpuInstanceSpec['task'] {
  if (task === 'fall' || task === 'pipeline') throw new Error(`task ${task} does not run on GPUs`);
  return task;
}

function isJpeg({ content }: FrameTask): boolean {
  return content.kind === 'encoded' && JPEG_START.every((byte, index) => content.bytes[index] === byte);
}

function sizeOf(picture: Size | null): Size {
  return { width: picture?.width ?? 0, height: picture?.height ?? 0 };
}

/** Runs a native call; the codes of its errors become those of a ServingError. */
function guarded<T>(call: () => T): T {
  try {
    return call();
  } catch (cause) {
    if (cause instanceof ServingError) throw cause;
    throw new ServingError(errorCode((cause as { code?: unknown }).code), errorMessage(cause), { cause });
  }
}
