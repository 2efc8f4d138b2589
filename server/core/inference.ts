import type { ServingError } from './errors.js';
import type { Content, HeldPicture, Keep, Region } from './picture.js';
import type { SequenceStep } from './sequences/sequence-step.js';
import type { Tensor } from './tensors.js';

/** What a request asks of a detector; the protocol's options with the model's defaults filled in. */
export interface DetectParameters {
  readonly kind: 'detect';
  /** 0 to 1. */
  readonly scoreThreshold: number;
  /** Intersection over union, 0 to 1. */
  readonly nmsThreshold: number;
  /** Null: all classes. */
  readonly classIds: readonly number[] | null;
  readonly maxDetections: number;
  /** For tasks that look at one object at a time. Empty: the whole picture is the one region. */
  readonly regions: readonly Region[];
  readonly maskFormat: MaskFormat;
  /** Only within pipelines: the picture is searched tile by tile. */
  readonly tiles?: Tiling;
  /** Of a pipeline: what the request itself says, to be completed from the model of its first stage. */
  readonly asked?: DetectChoices;
}

/** What is asked of a detector where the model's defaults are not wanted; undefined: the default. */
export interface DetectChoices {
  readonly scoreThreshold?: number | undefined;
  readonly nmsThreshold?: number | undefined;
  /** Empty: all classes. */
  readonly classIds?: readonly number[] | undefined;
  /** 0: the default. No more than the model's own limit is given. */
  readonly maxDetections?: number | undefined;
  /** Only for tasks that look at one object at a time. Empty: the whole picture is the one region. */
  readonly regions?: readonly Region[] | undefined;
  /** How masks are told; undefined: by run lengths. */
  readonly maskFormat?: MaskFormat | undefined;
}

/** How a picture is cut into overlapping tiles, and how what they find is put together. */
export interface Tiling {
  /** Of a tile, in pixels. */
  readonly width: number;
  readonly height: number;
  /** Share of a tile that its neighbour has too: 0 to below 1. */
  readonly overlap: number;
  /** Whether the whole picture is searched as well, for what is larger than a tile. */
  readonly wholePicture: boolean;
  /** Of detections that match, the best one stays (nms), or takes the others into its box (nmm). */
  readonly merge: 'nms' | 'nmm';
  /** What is compared with the threshold: intersection over union, or over the smaller of the two. */
  readonly match: 'iou' | 'ios';
  readonly threshold: number;
}

export type MaskFormat = 'run_lengths' | 'png';

/** What a request asks of an embedder. */
export interface EmbedParameters {
  readonly kind: 'embed';
  /** Empty: the whole picture is the one region. */
  readonly regions: readonly Region[];
}

/** What a request asks of a classifier. */
export interface ClassifyParameters {
  readonly kind: 'classify';
  /** Empty: the whole picture is the one region. */
  readonly regions: readonly Region[];
  /** Most classes of a region. */
  readonly topK: number;
  /** 0 to 1. */
  readonly scoreThreshold: number;
}

/** What a request asks of a model that segments. */
export interface SegmentParameters {
  readonly kind: 'segment';
  readonly probabilityMap: boolean;
}

/** What a request asks of a model's tensors, whatever its task. */
export interface InferParameters {
  readonly kind: 'infer';
  /** Names of the outputs to answer with, in that order; null: all, in the order of the model. */
  readonly outputs: readonly string[] | null;
}

export type TaskParameters =
  DetectParameters | EmbedParameters | ClassifyParameters | SegmentParameters | InferParameters;

/** The regions that a request names. */
export function regionsOf(parameters: TaskParameters): readonly Region[] {
  return parameters.kind === 'segment' || parameters.kind === 'infer' ? [] : parameters.regions;
}

/** One picture, text or set of tensors to infer. Its bytes belong to the executor once a batch is cut. */
export interface InferenceRequest {
  readonly content: Content;
  readonly parameters: TaskParameters;
  /** Rows of a batch that it takes: 1, one a region, or those of its tensors. */
  readonly rows: number;
  /** Requests whose keys differ never share a batch. */
  readonly batchKey: string;
  /** Microseconds of the clock. */
  readonly arrivedAt: number;
  /** Microseconds of the clock; null: no limit. */
  readonly deadlineAt: number | null;
  /** From 1, the first to go. */
  readonly priority: number;
  /** What is to be kept of the picture, and handed back with the results; left out: nothing. */
  readonly keep?: Keep | undefined;
  /** Aborted when nobody waits for the answer any more: what is running may end early. */
  readonly signal?: AbortSignal | undefined;
  /** Of a model with sequences: where it belongs. */
  readonly sequence?: SequenceStep | undefined;
}

/**
 * A row of detections: left top right bottom score class; then, if `rotated`, x y width height angle (radians, from x
 * towards y) of the box as it lies; then `points` times x y, or x y score if `pointValues` is 3; then `values` others.
 */
export interface DetectionLayout {
  readonly rotated: boolean;
  readonly points: number;
  readonly pointValues: number;
  readonly values: number;
}

/** A table of results: `rows` times `columns` values in row-major order. */
export interface ResultTable {
  readonly rows: number;
  /** Detections: as `layout` says. Embeddings: the vector. Classifications: the score of each class. Segmentations: none. */
  readonly columns: number;
  /** Of detections; others have none. */
  readonly layout?: DetectionLayout | undefined;
  readonly values: Float32Array;
  /** One a row where single rows can fail (regions); null: no row failed. */
  readonly rowErrors: readonly (ServingError | null)[] | null;
  /**
   * What does not fit a table. Detections: the mask of each row, where the task has masks. Segmentations: the map of
   * classes, then the map of probabilities where asked for.
   */
  readonly attachments: readonly Attachment[];
}

/** The outputs of a model as they are. */
export interface TensorResults {
  readonly tensors: readonly Tensor[];
}

/** The table of a request that did not ask for tensors; whoever asked for them has failed to look. */
export function requireTable(results: ResultTable | TensorResults): ResultTable {
  if (!('tensors' in results)) return results;
  throw new Error('a task was answered with tensors');
}

/** Run lengths as the protocol has them, or a PNG file. */
export type Attachment = Uint32Array | Uint8Array;

/** What an executor says of one request. */
export interface InferenceResult {
  /** Size of the picture in pixels; 0 where it could not be read. */
  readonly width: number;
  readonly height: number;
  /** The results, or why there are none. */
  readonly outcome: ResultTable | TensorResults | ServingError;
  /** What the request asked to keep; whoever gets the results releases it. */
  readonly picture?: HeldPicture | undefined;
  /** Of a pipeline: what its stages did, in the order of its configuration. The outcome is the first stage's. */
  readonly stages?: readonly StageResult[] | undefined;
  /** Of an ensemble: what those of its steps did that were queued, as they came to an end. */
  readonly steps?: readonly StepResult[] | undefined;
}

/** What one of several models did for a request. */
export interface StepResult {
  /** Of a stage, or as messages name a step. */
  readonly name: string;
  readonly model: string;
  /** Null: it had nothing to do, or failed before a version was chosen. */
  readonly version: number | null;
  /** Null: it had nothing to do, or was never queued. */
  readonly timings: RequestTimings | null;
  /** Microseconds of the clock when its request arrived at the model; null as for `timings`. */
  readonly startedAt: number | null;
  /** Why it failed as a whole; null: it did not. */
  readonly error: ServingError | null;
  /** Where the model is an ensemble itself. */
  readonly steps?: readonly StepResult[] | undefined;
}

/** What a stage of a pipeline did for a frame. */
export interface StageResult extends StepResult {
  /** Regions that it was given; 0 for the one that looks at the picture. */
  readonly regions: number;
  /** Names of the classes that it tells. */
  readonly labels: readonly string[];
  /** Of a later stage that did not fail: what it found. */
  readonly findings: StageFindings | null;
}

export interface StageFindings {
  readonly parameters: TaskParameters;
  readonly table: ResultTable;
  /** For each detection of the first stage the row that is about it; -1: none. */
  readonly rows: readonly number[];
}

/** Microseconds that a batch spent in each phase. */
export interface PhaseDurations {
  readonly decode: number;
  readonly preprocess: number;
  readonly infer: number;
  readonly postprocess: number;
}

export interface BatchResult {
  readonly phases: PhaseDurations;
  /** One a request, in order. */
  readonly results: readonly InferenceResult[];
}

/** The answer to a request. */
export interface InferenceResponse extends InferenceResult {
  readonly timings: RequestTimings;
}

/** Microseconds; see the protocol's Timings. */
export interface RequestTimings extends PhaseDurations {
  readonly queue: number;
  readonly total: number;
  /** Rows of the batch; 0 for a request that never got into one. */
  readonly batchSize: number;
}
