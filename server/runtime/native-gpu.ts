import { errorMessage, ServingError } from '../core/errors.js';
import type { GpuTelemetry } from '../core/gpu-telemetry.js';
import type { DetectionLayout } from '../core/inference.js';
import type { EngineBuildResult, EngineBuildSpec } from './native-gpu-build.js';
import { addonFile, loadAddon } from './native-file.js';
import type { NativeSharedMemory, SharedMemorySpec } from './native-gpu-memory.js';
import type { NativeGpuTensorInstance, NativeGpuTensors } from './native-gpu-tensors.js';
import type { ClassMapOptions, DetectionSpec, HeatMapOptions, PixelRect, PixelView } from './native.js';

export type {
  SizeRange,
  BuildProfile,
  InputRange,
  CalibrationSpec,
  EngineBuildSpec,
  EngineBuildResult,
} from './native-gpu-build.js';

/**
 * The one door to the native GPU addon, which is there where CUDA and TensorRT were found when it was built. Names, order
 * and fields mirror native/src/addon/gpu/addon.cc. Calls are synchronous and meant for a worker thread or a process of
 * their own. What fails throws an Error whose `code` is one of core/errors.ts: MODEL_INVALID, DEVICE_OUT_OF_MEMORY,
 * DEVICE_LOST, DEVICE_UNAVAILABLE or INTERNAL.
 */

/** A GPU that CUDA can use. */
export interface GpuDevice {
  readonly index: number;
  /** `GPU-...`, as nvidia-smi shows it. */
  readonly uuid: string;
  readonly name: string;
  /** `9.0`. */
  readonly computeCapability: string;
  readonly memoryBytes: number;
}

export interface GpuInfo {
  readonly version: string;
  /** Of the toolkit that the addon was built with: `13.0`. */
  readonly cuda: string;
  /** Of the library that was found on this machine: `10.6.0`. */
  readonly tensorrt: string;
  /** Of NVIDIA's driver; empty where NVML does not tell. */
  readonly driver: string;
}

/** A score for each class. */
export interface GpuClassification {
  readonly kind: 'classify';
  /** What turns them into probabilities. */
  readonly activation: 'none' | 'softmax' | 'sigmoid';
  /** Lines of the labels file; 0: there is none. */
  readonly labels: number;
}

/** A vector for each text. */
export interface GpuTextEmbedding {
  readonly kind: 'embed';
  /** How the vectors of tokens become that of a text. */
  readonly pooling: 'none' | 'cls' | 'mean';
  /** Whether it is brought to unit length. */
  readonly normalize: boolean;
}

/** What the outputs of a model mean. */
export type GpuTask =
  | { readonly kind: 'detect'; readonly detection: DetectionSpec }
  /** Vectors, brought to unit length if `normalize`. */
  | { readonly kind: 'embed'; readonly normalize: boolean }
  | GpuClassification
  /** `labels`: lines of the labels file; 0: there is none. */
  | { readonly kind: 'segment'; readonly activation: ClassMapOptions['activation']; readonly labels: number }
  | {
      readonly kind: 'pose';
      /** The outputs are heat maps; else points. */
      readonly heatMaps: boolean;
      readonly refinement: HeatMapOptions['refinement'];
      /** Points to leave out in front. */
      readonly first: number;
      /** 0: all that there are. */
      readonly count: number;
    };

/** What an instance runs. */
export interface GpuInstanceSpec {
  readonly device: number;
  readonly planFile: string;
  /** The ONNX file that a stripped plan takes its weights from; null: the plan has them. */
  readonly weightsFile: string | null;
  readonly plugins: readonly string[];
  /** Lets a version-compatible plan bring host code of its own. */
  readonly versionCompatible: boolean;
  /** Of the network input, in pixels; before Focus. */
  readonly width: number;
  readonly height: number;
  readonly maxBatchSize: number;
  /** See WarpOptions. */
  readonly focus: boolean;
  readonly pad: number;
  readonly color: 'rgb' | 'bgr' | 'gray';
  readonly scale: number;
  readonly mean: readonly number[];
  readonly std: readonly number[];
  readonly task: GpuTask;
  /** Execution contexts, each with its activation memory, that the instances of the engine share on a device. */
  readonly executionContexts: number;
  readonly cudaGraphs: boolean;
  /** Larger JPEGs are refused. */
  readonly maxPicturePixels: number;
}

/** A picture to bring into device memory: a JPEG file, pixels, or one that was kept there. */
export type GpuPicture = { readonly jpeg: Uint8Array } | { readonly pixels: PixelView } | { readonly kept: number };

/** Its size in pixels as stored, or why the CPU has to decode it. */
export type GpuPictureReply = { readonly width: number; readonly height: number } | { readonly refusal: string };

/** A row of a batch. */
export interface GpuRow {
  /** Place of its picture among those of the last `decode`. */
  readonly picture: number;
  /** Network input to stored picture. */
  readonly matrix: readonly number[];
  readonly window: PixelRect | null;
  readonly border: 'constant' | 'replicate';
  /** Part of the network input that is sampled, the rest being the pad; null: all of it. */
  readonly area: PixelRect | null;
  /** Network input to the picture that results are told in. */
  readonly resultMatrix: readonly number[];
  readonly scoreThreshold: number;
  readonly nmsThreshold: number;
  readonly maxDetections: number;
  /** Size in pixels of that picture. */
  readonly width: number;
  readonly height: number;
  /** The box that was asked for: left top right bottom in that picture. */
  readonly box: readonly number[];
  /** Of a segmentation. */
  readonly probabilityMap: boolean;
  /** Null: all classes. */
  readonly classIds: readonly number[] | null;
}

export interface GpuRun {
  /** Values of a result. */
  readonly columns: number;
  /** Null where the results are no detections. */
  readonly layout: DetectionLayout | null;
  /** Results of each row. */
  readonly counts: Int32Array;
  /** All results, row after row. */
  readonly values: Float32Array;
  /** Of detections with masks, for each result, as run lengths. */
  readonly masks: readonly Uint32Array[];
  /** Of segmentations, for each row: the class of each pixel, and 255 times its probability where asked for. */
  readonly maps: readonly (readonly Uint8Array[])[];
  /** Microseconds on the device. */
  readonly phases: {
    readonly decode: number;
    readonly preprocess: number;
    readonly infer: number;
    readonly postprocess: number;
  };
}

/** A CUDA stream with its buffers, on an engine that it shares with its fellows. One call at a time. */
export interface NativeGpuInstance extends NativeGpuTensors {
  /** What operators should know: the JPEG engine that is used, warnings of TensorRT. */
  notes(): string[];
  /** Starts to bring pictures to the device; those that are refused are left out. */
  decode(pictures: readonly GpuPicture[]): GpuPictureReply[];
  /** Puts other pixels in the place of a picture that was refused. */
  upload(picture: number, pixels: PixelView): void;
  /** Samples, infers and post-processes up to maxBatchSize rows of the decoded pictures, and waits for the results. */
  run(rows: readonly GpuRow[]): GpuRun;
  /**
   * Keeps a picture of the last `decode` beyond the next one, for every instance of its device, until `releasePicture`.
   * Returns its id, which is never given twice.
   */
  keep(picture: number): number;
  /** Frees what the instance holds; the engine goes with the last one. */
  close(): void;
}

/** What an instance runs that reads texts. */
export interface GpuTextInstanceSpec extends Pick<
  GpuInstanceSpec,
  | 'device'
  | 'planFile'
  | 'weightsFile'
  | 'plugins'
  | 'versionCompatible'
  | 'maxBatchSize'
  | 'executionContexts'
  | 'cudaGraphs'
> {
  readonly task: GpuClassification | GpuTextEmbedding;
  /** Most tokens of a row. */
  readonly maxLength: number;
}

/** Rows of tokens, all of the same length. */
export interface GpuTextBatch {
  /** What each input of the plan holds, in the order of `inputNames`: `length` values a row. */
  readonly inputs: readonly Int32Array[];
  /** Tokens of a row, padding included. */
  readonly length: number;
  /** Tokens of each row, padding left out. */
  readonly tokens: Int32Array;
}

/** As NativeGpuInstance, on texts. */
export interface NativeGpuTextInstance extends NativeGpuTensors {
  notes(): string[];
  /** The inputs of the plan. */
  inputNames(): string[];
  /** Infers and post-processes up to maxBatchSize rows: one result a row. */
  run(batch: GpuTextBatch): Pick<GpuRun, 'columns' | 'values' | 'phases'>;
  close(): void;
}

/** What an instance runs whose tensors have no meaning here. */
export type GpuTensorInstanceSpec = Pick<
  GpuInstanceSpec,
  'device' | 'planFile' | 'weightsFile' | 'plugins' | 'versionCompatible' | 'executionContexts'
>;

/** An engine to be measured alone; its input has three channels. */
export interface EngineBenchSpec {
  readonly planFile: string;
  readonly device: number;
  /** Of the network input, in pixels. */
  readonly width: number;
  readonly height: number;
  readonly batch: number;
  /** Executions at once, each with a context of its own. */
  readonly contexts: number;
  readonly graph: boolean;
  readonly seconds: number;
}

export interface EngineBenchResult {
  readonly picturesPerSecond: number;
  /** From one batch of a context to its next. */
  readonly millisecondsPerBatch: number;
}

export interface GpuAddon {
  info(): GpuInfo;
  /** Throws DEVICE_UNAVAILABLE, saying why, where there is none. */
  devices(): GpuDevice[];
  /** Creates no CUDA context. */
  telemetry(): GpuTelemetry[];
  /** Takes seconds to minutes. */
  buildEngine(spec: EngineBuildSpec): EngineBuildResult;
  openInstance(spec: GpuInstanceSpec): NativeGpuInstance;
  openTextInstance(spec: GpuTextInstanceSpec): NativeGpuTextInstance;
  openTensorInstance(spec: GpuTensorInstanceSpec): NativeGpuTensorInstance;
  /** Copies a picture that was kept to the host, in a buffer of its own. */
  downloadPicture(id: number): PixelView;
  /** Any thread. The memory is used again as soon as no instance reads the picture any more. */
  releasePicture(id: number): void;
  /** Pictures that are kept: more than there are frames in flight would be a leak. */
  keptPictures(): number;
  /** Maps memory of another process. Throws INVALID_REQUEST where the handle, the device or the size is not right. */
  openSharedMemory(spec: SharedMemorySpec): NativeSharedMemory;
  /** Runs a plan without pictures or results, after a quarter of the time to warm up. */
  benchEngine(spec: EngineBenchSpec): EngineBenchResult;
}

const NAME = 'sluice_gpu';

/** The file of the addon; null where CUDA and TensorRT were not found when the native code was built. */
export function gpuAddonFile(): string | null {
  return addonFile(NAME);
}

/** Loads the addon, once for each thread. Throws DEVICE_UNAVAILABLE where it was not built or does not load. */
export function loadNativeGpu(): GpuAddon {
  try {
    return loadAddon<GpuAddon>(NAME);
  } catch (cause) {
    throw new ServingError('DEVICE_UNAVAILABLE', errorMessage(cause), { cause });
  }
}
