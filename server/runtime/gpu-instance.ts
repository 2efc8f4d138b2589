import { ServingError } from '../core/errors.js';
import type { Attachment, DetectionLayout } from '../core/inference.js';
import { networkInput } from '../core/network-input.js';
import { requirePicture, type KeptPicture } from '../core/picture.js';
import type { TensorSignature } from '../core/tensors.js';
import { gpuInstanceSpec } from './gpu-instance-spec.js';
import { GpuNetwork } from './gpu-network.js';
import { guarded } from './guarded.js';
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
import { decodeFor } from './input-rows.js';
import type { ServedInstance } from './instance.js';
import { keepOnHost, pixelsOf, releaseOnDevice } from './kept-pictures.js';
import type { BatchDone, FrameTask, InstanceSpec, Placement, TensorBatch, TensorsDone } from './messages.js';
import { encodeMap } from './map-encoder.js';
import { toldMasks } from './mask-format.js';
import { loadNative } from './native.js';
import { loadNativeGpu, type GpuPicture, type GpuRow, type GpuRun, type NativeGpuInstance } from './native-gpu.js';
import { atDecodedSize, type Size } from './sampling.js';
import { TensorRunner } from './tensor-runner.js';
import { warmUpRuns } from './warm-up.js';

/** A picture in device memory: its size as results are told in, and as it is stored there. */
interface DevicePicture extends Size {
  /** Place among the pictures of the batch. */
  readonly place: number;
  readonly stored: Size;
}

const JPEG_START = [0xff, 0xd8] as const;

/**
 * One instance of a model on a GPU. JPEGs are decoded there; other files, and JPEGs that nvJPEG refuses, by sharp on this
 * thread. What follows runs on the GPU as one batch.
 */
export class GpuInstance implements ServedInstance {
  readonly notes: readonly string[];
  readonly #spec: InstanceSpec;
  readonly #gpu: NativeGpuInstance;
  readonly #device: number;
  readonly #planner: RowPlanner;
  readonly #tensors: TensorRunner;
  #shape: RowShape = { columns: 0 };

  private constructor(spec: InstanceSpec, device: number, gpu: NativeGpuInstance) {
    this.#spec = spec;
    this.#device = device;
    this.#gpu = gpu;
    this.#planner = new RowPlanner(spec.config, loadNative());
    const { channels, height, width } = networkInput(spec.config);
    const network = new GpuNetwork(gpu, { batched: true, row: [channels, height, width] });
    this.#tensors = new TensorRunner(network, spec.config);
    guarded(() => this.#warmUp());
    this.notes = guarded(() => gpu.notes());
  }

  /** Loads the plan, checks its outputs against the task and runs the warm-up. Throws a ServingError. */
  static async create(spec: InstanceSpec, placement: Placement & { kind: 'gpu' }): Promise<GpuInstance> {
    const gpu = guarded(() => loadNativeGpu().openInstance(gpuInstanceSpec(spec, placement)));
    try {
      return new GpuInstance(spec, placement.device, gpu);
    } catch (error) {
      gpu.close();
      throw error;
    }
  }

  get signature(): TensorSignature {
    return this.#tensors.signature;
  }

  infer(batch: TensorBatch): Promise<TensorsDone> {
    return this.#tensors.infer(batch);
  }

  async execute(tasks: readonly FrameTask[]): Promise<BatchDone> {
    const phases: PhaseClock = { decode: 0, preprocess: 0, infer: 0, postprocess: 0 };
    const frames = await this.#decode(tasks, phases);
    const rows = frames.flatMap((frame) => this.#planner.plan(frame));
    const most = this.#spec.config.max_batch_size;
    for (let start = 0; start < rows.length; start += most) {
      const part = rows.slice(start, start + most);
      const run = guarded(() => this.#run(part, phases));
      await timed(phases, 'postprocess', () => attach(part, run));
    }
    this.#keep(tasks, frames);
    // Lets go of pictures of earlier stages: their memory is used again once nobody holds it.
    if (tasks.some((task) => this.#idHere(task) !== null)) guarded(() => this.#gpu.decode([]));
    return replyTo(frames, this.#shape, phases);
  }

  get layout(): DetectionLayout | null {
    return this.#shape.layout ?? null;
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

  /** Runs up to max_batch_size rows and leaves the tables in their frames. */
  #run(rows: readonly PlannedRow<DevicePicture>[], phases: PhaseClock): GpuRun {
    const run = this.#gpu.run(rows.map(toGpuRow));
    this.#shape = shapeOf(run);
    let offset = 0;
    rows.forEach(({ frame, index }, row) => {
      const length = (run.counts[row] ?? 0) * run.columns;
      frame.results[index] = run.values.subarray(offset, offset + length);
      offset += length;
    });
    for (const phase of ['decode', 'preprocess', 'infer', 'postprocess'] as const) phases[phase] += run.phases[phase];
    return run;
  }

  /** Runs what the configuration asks for on blank pictures, or one row: CUDA and TensorRT do much only when first used. */
  #warmUp(): void {
    const pixels = { data: new Uint8Array(3), format: 'rgb8', width: 1, height: 1, stride: 3 } as const;
    for (const rows of warmUpRuns(this.#spec.config)) {
      this.#gpu.decode(Array.from({ length: rows }, () => ({ pixels })));
      this.#shape = shapeOf(this.#gpu.run(Array.from({ length: rows }, (_, picture) => ({ ...BLANK, picture }))));
    }
  }
}

const IDENTITY = [1, 0, 0, 0, 1, 0] as const;

/** What those ask for who want no detections. */
const NOTHING = { scoreThreshold: 0, nmsThreshold: 0, maxDetections: 0, classIds: null } as const;

const BLANK: Omit<GpuRow, 'picture'> = {
  matrix: IDENTITY,
  window: null,
  border: 'constant',
  area: null,
  resultMatrix: IDENTITY,
  ...NOTHING,
  width: 1,
  height: 1,
  box: [0, 0, 1, 1],
  probabilityMap: false,
};

/** Puts masks and maps with the frames of their rows, in their order, as files where they are told so. */
async function attach(rows: readonly PlannedRow<DevicePicture>[], { counts, masks, maps }: GpuRun): Promise<void> {
  let mask = 0;
  const attachments = await Promise.all(
    rows.map(async ({ picture: { width, height }, parameters }, row): Promise<Attachment[]> => {
      const own = masks.slice(mask, (mask += masks.length === 0 ? 0 : counts[row]!));
      const files = (maps[row] ?? []).map((data) => encodeMap({ width, height, data }));
      const { maskFormat } = parameters.kind === 'detect' ? parameters : { maskFormat: null };
      const told = maskFormat === null ? [] : await toldMasks(own, { width, height }, maskFormat, loadNative());
      return [...told, ...(await Promise.all(files))];
    }),
  );
  rows.forEach(({ frame }, row) => frame.attachments.push(...attachments[row]!));
}

function shapeOf({ columns, layout }: GpuRun): RowShape {
  return { columns, layout: layout ?? undefined };
}

function toGpuRow({ picture, sampling, parameters, box }: PlannedRow<DevicePicture>): GpuRow {
  const asked = parameters.kind === 'detect' ? parameters : NOTHING;
  return {
    picture: picture.place,
    matrix: atDecodedSize(sampling.toPicture, picture, picture.stored),
    window: sampling.window,
    border: sampling.border,
    area: sampling.area,
    resultMatrix: sampling.toPicture,
    width: picture.width,
    height: picture.height,
    box,
    probabilityMap: parameters.kind === 'segment' && parameters.probabilityMap,
    scoreThreshold: asked.scoreThreshold,
    nmsThreshold: asked.nmsThreshold,
    maxDetections: asked.maxDetections,
    classIds: asked.classIds,
  };
}

function isJpeg({ content }: FrameTask): boolean {
  return content.kind === 'encoded' && JPEG_START.every((byte, index) => content.bytes[index] === byte);
}

function sizeOf(picture: Size | null): Size {
  return { width: picture?.width ?? 0, height: picture?.height ?? 0 };
}
