import { ServingError } from './errors.js';
import type { InferenceRequest } from './inference.js';
import { contentBytes } from './picture.js';

export interface QueueLimits {
  /** Most requests; 0: no limit. */
  readonly requests: number;
  /** Most bytes of pictures and texts; 0: no limit. */
  readonly bytes: number;
}

/** An item of the queue carries its request. */
export interface Queued {
  readonly request: InferenceRequest;
}

/** Requests of one model that wait for a batch: by priority, then in order of arrival. */
export class RequestQueue<T extends Queued> {
  /** A Set keeps the order of insertion and removes from the middle in constant time. */
  readonly #levels: Set<T>[];
  readonly #limits: QueueLimits;
  #size = 0;
  #bytes = 0;

  constructor(priorityLevels: number, limits: QueueLimits) {
    this.#levels = Array.from({ length: priorityLevels }, () => new Set<T>());
    this.#limits = limits;
  }

  get size(): number {
    return this.#size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Adds an item at the end of its priority. Throws QUEUE_FULL when a limit would be passed. */
  push(item: T): void {
    const bytes = contentBytes(item.request.content);
    const { requests: mostRequests, bytes: mostBytes } = this.#limits;
    if (mostRequests > 0 && this.#size >= mostRequests) {
      throw new ServingError(
        'QUEUE_FULL',
        `${mostRequests} requests are queued, as many as max_queue_size allows; send more slowly or later`,
      );
    }
    // A lone picture over the limit is let through: it could never be served otherwise.
    if (mostBytes > 0 && this.#size > 0 && this.#bytes + bytes > mostBytes) {
      throw new ServingError(
        'QUEUE_FULL',
        `the queue would hold more than max_queue_bytes (${mostBytes}); send more slowly or later`,
      );
    }
    this.#level(item).add(item);
    this.#size += 1;
    this.#bytes += bytes;
  }

  /** Takes an item out; false when it is not in the queue any more. */
  remove(item: T): boolean {
    if (!this.#level(item).delete(item)) return false;
    this.#size -= 1;
    this.#bytes -= contentBytes(item.request.content);
    return true;
  }

  /** The items in the order in which they should run. Removing the current one while iterating is allowed. */
  *[Symbol.iterator](): Generator<T> {
    for (const level of this.#levels) yield* level;
  }

  #level(item: T): Set<T> {
    const level = this.#levels[item.request.priority - 1];
    if (level === undefined) {
      throw new ServingError(
        'INVALID_REQUEST',
        `priority ${item.request.priority} is not in 1 to ${this.#levels.length}, the model's priority_levels`,
      );
    }
    return level;
  }
}
