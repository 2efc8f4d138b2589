import type { DetectionLayout } from '../core/inference.js';
import type { BatchDone, FrameTask } from './messages.js';

/** One instance of a model: runs one batch at a time. Lives in a worker thread. */
export interface Instance extends AsyncDisposable {
  /** What operators should know about how it was loaded. */
  readonly notes: readonly string[];
  /** As Executor.layout. */
  readonly layout: DetectionLayout | null;
  /** A failure of one frame is told in its reply; any other throws a ServingError. */
  execute(frames: readonly FrameTask[]): Promise<BatchDone>;
}
