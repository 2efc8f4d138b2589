import type { DetectionLayout } from '../core/inference.js';
import type { TensorSignature } from '../core/tensors.js';
import type { BatchDone, FrameTask, TensorBatch, TensorsDone } from './messages.js';

/** One instance of a model: runs one batch at a time. Lives in a worker thread. */
export interface Instance extends AsyncDisposable {
  /** What operators should know about how it was loaded. */
  readonly notes: readonly string[];
  /** As Executor.layout. */
  readonly layout: DetectionLayout | null;
  /** A failure of one frame is told in its reply; any other throws a ServingError. */
  execute(frames: readonly FrameTask[]): Promise<BatchDone>;
}

/** An instance as a server runs it: besides what its task is, it answers with the tensors of its network. */
export interface ServedInstance extends Instance {
  /** As Executor.signature. */
  readonly signature: TensorSignature | null;
  /** A failure of one request is told in its answer; any other throws a ServingError. */
  infer(batch: TensorBatch): Promise<TensorsDone>;
}
