import type { ErrorData } from '../core/errors.js';
import type { Attachment, DetectionLayout, PhaseDurations, TaskParameters } from '../core/inference.js';
import type { ModelConfig } from '../core/model-config.js';
import type { Content, Keep, KeptPicture } from '../core/picture.js';
import type { Tensor, TensorSignature } from '../core/tensors.js';

/** The protocol between an InstanceThread and its worker. Everything here survives a structured clone. */

/** Where an instance runs. */
export type Placement =
  /** ONNX Runtime, with so many CPU threads. */
  | { readonly kind: 'cpu'; readonly threads: number }
  /** TensorRT on the GPU of that index; `weightsFile` is the ONNX file of a plan without weights, else null. */
  | { readonly kind: 'gpu'; readonly device: number; readonly planFile: string; readonly weightsFile: string | null };

/** What an instance is made of. */
export interface InstanceSpec {
  readonly modelFile: string;
  readonly config: ModelConfig;
  /** Lines of the labels file; 0: there is none. */
  readonly labels: number;
  readonly placement: Placement;
  /** Most pixels of an encoded picture. */
  readonly maxPicturePixels: number;
}

/** What a worker is told: to load, once and first; then to execute batches, one at a time. */
export type WorkerTask =
  | { readonly type: 'load'; readonly spec: InstanceSpec; readonly desk: SharedArrayBuffer }
  | { readonly type: 'execute'; readonly frames: readonly FrameTask[] }
  | { readonly type: 'infer'; readonly batch: CrossingBatch };

/** The answer to `load`. */
export type LoadReply =
  /** What operators should know: what had to be changed in the model file to serve it, which engines are used. */
  | {
      readonly type: 'loaded';
      readonly notes: readonly string[];
      /** As Executor.layout. */
      readonly layout: DetectionLayout | null;
      /** As Executor.signature. */
      readonly signature: TensorSignature | null;
    }
  | ErrorReply;

/** The answer to `execute`. */
export type BatchReply = BatchDone | ErrorReply;

/** The answer to `infer`. */
export type TensorsReply = CrossingDone | ErrorReply;

export interface ErrorReply {
  readonly type: 'error';
  readonly error: ErrorData;
}

export interface BatchDone {
  readonly type: 'done';
  readonly phases: PhaseDurations;
  /** The tables of all frames, one after the other; moved. */
  readonly values: Float32Array;
  readonly frames: readonly FrameReply[];
}

/** One request of a batch; a picture's buffer is moved. */
export interface FrameTask {
  readonly content: Content;
  readonly parameters: TaskParameters;
  /** What is to be kept of the picture; left out: nothing. */
  readonly keep?: Keep | undefined;
  /** Memory that a picture may be kept in, where it fits. */
  readonly room?: SharedArrayBuffer | null | undefined;
}

export interface FrameReply {
  readonly width: number;
  readonly height: number;
  readonly error: ErrorData | null;
  readonly rows: number;
  readonly columns: number;
  /** As ResultTable.layout. */
  readonly layout?: DetectionLayout | undefined;
  /** As ResultTable.rowErrors. */
  readonly rowErrors: readonly (ErrorData | null)[] | null;
  /** As ResultTable.attachments; moved. */
  readonly attachments: readonly Attachment[];
  /** What was asked to be kept. */
  readonly kept?: KeptPicture | undefined;
}

/** Requests for the tensors of a model, described once: they share a batch key. */
export interface TensorBatch {
  /** Of each request; of a model without a batch dimension: 1, and there is one request. */
  readonly rows: readonly number[];
  readonly inputs: readonly TensorInput[];
  /** The outputs that are wanted; null: all. */
  readonly outputs: readonly string[] | null;
}

export interface TensorInput extends Pick<Tensor, 'name' | 'datatype'> {
  /** Of the first request. */
  readonly shape: readonly number[];
  /** Data of each request. */
  readonly parts: readonly Uint8Array[];
}

/** A TensorBatch as it crosses. */
export interface CrossingBatch extends Omit<TensorBatch, 'inputs'> {
  readonly inputs: readonly CrossingInput[];
}

export interface CrossingInput extends Omit<TensorInput, 'parts'> {
  /** Moved, where it does not lie in shared memory; or so many bytes on the desk of the thread. */
  readonly parts: readonly (Uint8Array | number)[];
}

export interface TensorsDone {
  readonly type: 'inferred';
  readonly phases: PhaseDurations;
  /** In the order of the requests: one for all, or one each where some have failed. */
  readonly answers: readonly TensorAnswer[];
}

/** What has been found as it crosses. */
export interface CrossingDone extends TensorsDone {
  /** The buffers of the inputs, which nobody looks at any more; moved. */
  readonly rooms: readonly ArrayBuffer[];
}

export type TensorAnswer =
  | {
      /** How many requests it answers. */
      readonly requests: number;
      /** Whether the first dim of the outputs is the batch. */
      readonly batched: boolean;
      /** Of all these requests, and of rows that only fill the batch up; moved. */
      readonly outputs: readonly Tensor[];
    }
  | { readonly requests: 1; readonly error: ErrorData };
