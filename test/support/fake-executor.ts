import { ServingError } from '../../server/core/errors.js';
import type { Executor } from '../../server/core/executor.js';
import type {
  BatchResult,
  DetectionLayout,
  InferenceRequest,
  InferenceResult,
  PhaseDurations,
} from '../../server/core/inference.js';

import type { TensorSignature } from '../../server/core/tensors.js';

export const PHASES: PhaseDurations = { decode: 10, preprocess: 20, infer: 30, postprocess: 40 };

/** A good answer; `mark` tells answers apart. */
export function goodResult(mark = 0): InferenceResult {
  return {
    width: 64,
    height: 64,
    outcome: { rows: 1, columns: 1, values: new Float32Array([mark]), rowErrors: null, attachments: [] },
  };
}

/** A batch on an instance, until the test ends it. */
export class FakeBatch {
  readonly requests: readonly InferenceRequest[];
  readonly #end: (outcome: BatchResult | Error) => void;

  constructor(requests: readonly InferenceRequest[], end: (outcome: BatchResult | Error) => void) {
    this.requests = requests;
    this.#end = end;
  }

  get rows(): number {
    return this.requests.reduce((sum, request) => sum + request.rows, 0);
  }

  /** Answers each request, by default well. */
  finish(results: readonly InferenceResult[] = this.requests.map((_, index) => goodResult(index))): void {
    this.#end({ phases: PHASES, results });
  }

  /** Fails the batch as a whole. */
  fail(error: Error): void {
    this.#end(error);
  }
}

/** An executor whose batches end by hand: it is slow, fails and loses instances as the test wants. */
export class FakeExecutor implements Executor {
  layout: DetectionLayout | null = null;
  readonly devices: readonly string[] = [];
  signature: TensorSignature | null = null;
  onIdle: () => void = () => {};
  /** Told of each batch before it starts. */
  onStart: (batch: FakeBatch) => void = () => {};
  /** Every batch ever started, in order. */
  readonly started: FakeBatch[] = [];
  /** Batches not yet ended, in the order in which they were started. */
  readonly running: FakeBatch[] = [];
  disposed = false;
  #instances: number;

  constructor(instances = 1) {
    this.#instances = instances;
  }

  get instances(): number {
    return this.#instances;
  }

  get idle(): number {
    return Math.max(0, this.#instances - this.running.length);
  }

  execute(requests: readonly InferenceRequest[]): Promise<BatchResult> {
    if (this.idle === 0) throw new Error('a batch came although no instance is idle');
    return new Promise((resolve, reject) => {
      const batch = new FakeBatch(requests, (outcome) => {
        this.running.splice(this.running.indexOf(batch), 1);
        if (outcome instanceof Error) reject(outcome);
        else resolve(outcome);
      });
      this.onStart(batch);
      this.started.push(batch);
      this.running.push(batch);
    });
  }

  /** An instance dies; what it was running is lost. */
  lose(batch?: FakeBatch): void {
    this.#instances -= 1;
    batch?.fail(new ServingError('INSTANCE_LOST', 'the instance died'));
  }

  /** A new instance is ready, for instance in place of a lost one. */
  add(): void {
    this.#instances += 1;
    this.onIdle();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.disposed = true;
  }
}
