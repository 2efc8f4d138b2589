import type { ServingError } from './errors.js';
import type { InferenceRequest } from './inference.js';
import type { Queued } from './request-queue.js';

/** What a rule sees of the batcher, which executes what is cut. */
export interface CutView<T extends Queued> {
  /** In the order in which they should run. */
  readonly queue: Iterable<T>;
  /** Microseconds of the clock. */
  readonly now: number;
  /** Instances that could take a batch, at least 1. */
  readonly idle: number;
  /** Asks to be looked at again then. */
  wakeAt(at: number): void;
  /** Takes a request out of the queue and answers it with an error. */
  refuse(item: T, reason: ServingError): void;
}

/** How a request left the batcher: executed, well or not, or taken out of the queue. */
export type Leaving = 'answered' | 'failed' | 'dropped';

/** Which of the queued requests make up the next batch. */
export interface BatchRule {
  /** Called when what it waited for has come without the batcher's doing. */
  onChange: () => void;
  /** Throws INVALID_REQUEST for a request that may not be queued. */
  check(request: InferenceRequest): void;
  /** A request that was checked is in the queue. */
  queued(request: InferenceRequest): void;
  /** The next batch, which is executed; empty: it is worth waiting. */
  cut<T extends Queued>(view: CutView<T>): readonly T[];
  left(request: InferenceRequest, how: Leaving): void;
}

export interface CutPolicy {
  /** Most rows of a batch. */
  readonly maxBatchSize: number;
  /** Sizes at which a batch is cut without further waiting, ascending. */
  readonly preferredBatchSizes: readonly number[];
  /** Microseconds that the oldest request may wait for company although an instance is idle. */
  readonly maxQueueDelay: number;
}

/**
 * Looking from the front of the queue:
 *
 * 1. as many rows as max_batch_size allows are there: cut;
 * 2. the next request has another batch key, or would overfill the batch: cut before it;
 * 3. a preferred size is reached: cut at the largest such size;
 * 4. the oldest request has waited for max_queue_delay (at once, when that is 0): cut what is there, shared evenly
 *    among the idle instances;
 * 5. else look again when the delay of the oldest ends.
 */
export function cutDynamic<T extends Queued>(
  { maxBatchSize, preferredBatchSizes, maxQueueDelay }: CutPolicy,
  view: CutView<T>,
  keyOf: (item: T) => string = ({ request }) => request.batchKey,
): readonly T[] {
  const candidates: T[] = [];
  let key = '';
  let rows = 0;
  let closed = false;
  let oldest = Infinity;
  let preferred = 0;
  for (const item of view.queue) {
    const { request } = item;
    // A request of more rows than a batch holds travels alone; the instance runs it in parts.
    if (candidates.length === 0) key = keyOf(item);
    else if (rows + request.rows > maxBatchSize || keyOf(item) !== key) {
      closed = true;
      break;
    }
    candidates.push(item);
    rows += request.rows;
    oldest = Math.min(oldest, request.arrivedAt);
    if (preferredBatchSizes.includes(rows)) preferred = candidates.length;
    if (rows >= maxBatchSize) {
      closed = true;
      break;
    }
  }
  if (candidates.length === 0 || closed) return candidates;
  if (preferred > 0) return candidates.slice(0, preferred);
  if (view.now >= oldest + maxQueueDelay) return candidates.slice(0, Math.ceil(candidates.length / view.idle));
  view.wakeAt(oldest + maxQueueDelay);
  return [];
}

/** Requests stand for themselves. */
export class DynamicRule implements BatchRule {
  onChange = (): void => {};
  readonly #policy: CutPolicy;

  constructor(policy: CutPolicy) {
    this.#policy = policy;
  }

  check(): void {}

  queued(): void {}

  cut<T extends Queued>(view: CutView<T>): readonly T[] {
    return cutDynamic(this.#policy, view);
  }

  left(): void {}
}
