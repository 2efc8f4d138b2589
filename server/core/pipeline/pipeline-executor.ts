import type { Clock } from '../clock.js';
import type { Executor } from '../executor.js';
import type { BatchResult, DetectionLayout, InferenceRequest } from '../inference.js';
import { FrameRun, type StageModels } from './frame-run.js';
import type { PipelineConfig } from './pipeline-config.js';

/**
 * Where the frames of a pipeline run: each in flight is one of its instances. It has no threads of its own; the stages'
 * models do the work, and batch what all frames of all streams ask of them.
 */
export class PipelineExecutor implements Executor {
  readonly instances: number;
  readonly devices: readonly string[] = [];
  onIdle: () => void = () => {};
  readonly #config: PipelineConfig;
  readonly #models: StageModels;
  readonly #clock: Clock;
  /** What detections of its first stage have. */
  readonly layout: DetectionLayout | null;
  /** Its stages have tensors, and models of their own to ask for them. */
  readonly signature = null;
  readonly #running = new Set<Promise<unknown>>();

  constructor(config: PipelineConfig, models: StageModels, clock: Clock, layout: DetectionLayout | null) {
    this.#config = config;
    this.#models = models;
    this.#clock = clock;
    this.layout = layout;
    this.instances = config.max_inflight_requests;
  }

  get idle(): number {
    return this.instances - this.#running.size;
  }

  async execute([request]: readonly InferenceRequest[]): Promise<BatchResult> {
    if (request === undefined) throw new Error('a batch came without a frame');
    const frame = new FrameRun(this.#config, this.#models, this.#clock, request);
    const run = frame.run();
    this.#running.add(run);
    try {
      const result = await run;
      return { phases: frame.phases, results: [result] };
    } finally {
      this.#running.delete(run);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.#running);
  }
}
