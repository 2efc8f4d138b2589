import type { ErrorData } from '../core/errors.js';
import type { PhaseDurations, TaskParameters } from '../core/inference.js';
import type { ModelConfig } from '../core/model-config.js';
import type { Picture } from '../core/picture.js';

/** The protocol between an InstanceThread and its worker. Everything here survives a structured clone. */

/** What a worker is started with. */
export interface InstanceSpec {
  /** For messages: name and version of the model. */
  readonly model: string;
  readonly modelFile: string;
  readonly config: ModelConfig;
  /** Classes that the labels file names; 0: there is none. */
  readonly labelCount: number;
  /** CPU threads of this instance. */
  readonly threads: number;
  /** Most pixels of an encoded picture. */
  readonly maxPicturePixels: number;
}

/** What a worker says once, before its first task. */
export type InstanceNotice =
  | { readonly type: 'ready'; readonly changes: readonly string[] }
  | { readonly type: 'failed'; readonly error: ErrorData };

/** One request of a batch; the picture's buffer is moved. */
export interface FrameTask {
  readonly picture: Picture;
  readonly parameters: TaskParameters;
}

export type BatchReply =
  | {
      readonly type: 'done';
      readonly phases: PhaseDurations;
      /** The tables of all frames, one after the other; moved. */
      readonly values: Float32Array;
      readonly frames: readonly FrameReply[];
    }
  | { readonly type: 'error'; readonly error: ErrorData };

export interface FrameReply {
  readonly width: number;
  readonly height: number;
  readonly error: ErrorData | null;
  readonly rows: number;
  readonly columns: number;
  /** As ResultTable.rowErrors. */
  readonly rowErrors: readonly (ErrorData | null)[] | null;
}
