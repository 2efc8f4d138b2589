import type { ServingError } from './errors.js';
import type { Content, Region } from './picture.js';

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

export type TaskParameters = DetectParameters | EmbedParameters | ClassifyParameters | SegmentParameters;

/** The regions that a request names. */
export function regionsOf(parameters: TaskParameters): readonly Region[] {
  return parameters.kind === 'segment' ? [] : parameters.regions;
}

/** One picture or text to infer. Its bytes belong to the executor once a batch is cut. */
export interface InferenceRequest {
  readonly content: Content;
  readonly parameters: TaskParameters;
  /** Rows of a batch that it takes: 1, or one a region. */
  readonly rows: number;
  /** Requests whose keys differ never share a batch. */
  readonly batchKey: string;
  /** Microseconds of the clock. */
  readonly arrivedAt: number;
  /** Microseconds of the clock; null: no limit. */
  readonly deadlineAt: number | null;
  /** From 1, the first to go. */
  readonly priority: number;
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

/** Run lengths as the protocol has them, or a PNG file. */
export type Attachment = Uint32Array | Uint8Array;

/** What an executor says of one request. */
export interface InferenceResult {
  /** Size of the picture in pixels; 0 where it could not be read. */
  readonly width: number;
  readonly height: number;
  /** The results, or why there are none. */
  readonly outcome: ResultTable | ServingError;
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
