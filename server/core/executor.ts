import type { BatchResult, DetectionLayout, InferenceRequest } from './inference.js';
import type { TensorSignature } from './tensors.js';

/** Where batches run: the instances of one loaded version. Disposing waits for running batches. */
export interface Executor extends AsyncDisposable {
  /** Instances in all. */
  readonly instances: number;
  /** Instances that could take a batch now. */
  readonly idle: number;
  /** Where each instance runs: `CPU`, or `GPU 0` by its index; empty where the models of stages do the work. */
  readonly devices: readonly string[];
  /** What a row of its detections has; null where it finds none. */
  readonly layout: DetectionLayout | null;
  /** The tensors of its network; null where it has none that could be asked for. */
  readonly signature: TensorSignature | null;
  /** Called whenever an instance becomes idle. */
  onIdle: () => void;
  /** Told whether requests wait although none of them can be executed; only of executors that share something. */
  want?(wants: boolean): void;
  /**
   * Runs a batch on an idle instance; only to be called while `idle` is over 0. A failure of the whole batch rejects
   * with a ServingError; a failure of one request is told in its result.
   */
  execute(batch: readonly InferenceRequest[]): Promise<BatchResult>;
}
