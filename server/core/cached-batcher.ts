import { copyAnswer, isLasting } from './answer-copy.js';
import type { Clock, Timer } from './clock.js';
import type { DynamicBatcher, Ticket } from './dynamic-batcher.js';
import { ServingError, type ErrorCode } from './errors.js';
import type { InferenceRequest, InferenceResponse, InferenceResult, RequestTimings } from './inference.js';
import { contentBytes } from './picture.js';
import { requestKey } from './request-key.js';
import type { QueueLimits } from './request-queue.js';
import type { ResponseSpace } from './response-cache.js';
import type { ModelStatistics } from './statistics.js';

/** What ends one request and says nothing of another that is equal to it. */
const OF_ONE_REQUEST: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'CANCELLED',
  'DEADLINE_EXCEEDED',
  'FRAME_DROPPED',
  'QUEUE_FULL',
]);

/** A request that waits for the answer of an equal one. */
interface Follower {
  readonly request: InferenceRequest;
  readonly resolve: (response: InferenceResponse) => void;
  deadline: Timer | null;
}

/** Equal requests, of which one is computed. */
interface Flight {
  readonly place: string;
  /** Of the one that is computed. */
  priority: number;
  /** In the order of arrival. */
  readonly followers: Set<Follower>;
  /** Of the batcher's ticket for a request that followed, once it is the one that is computed. */
  readonly promoted: Map<Follower, Ticket>;
}

/**
 * In front of the batcher of a version whose answers are kept: what was answered before is answered at once, and equal
 * requests that come together are computed once. Each is counted, cancelled and refused by itself: when the one that is
 * computed is withdrawn, the next takes its place.
 */
export class CachedBatcher {
  readonly #batcher: DynamicBatcher;
  readonly #space: ResponseSpace;
  readonly #limits: QueueLimits;
  readonly #clock: Clock;
  readonly #statistics: ModelStatistics;
  readonly #flights = new Map<string, Flight>();
  #waiting = 0;
  #waitingBytes = 0;

  constructor(
    batcher: DynamicBatcher,
    space: ResponseSpace,
    limits: QueueLimits,
    clock: Clock,
    statistics: ModelStatistics,
  ) {
    this.#batcher = batcher;
    this.#space = space;
    this.#limits = limits;
    this.#clock = clock;
    this.#statistics = statistics;
  }

  /** Requests that wait for the answer of an equal one, and the bytes that they hold. */
  get waiting(): { readonly requests: number; readonly bytes: number } {
    return { requests: this.#waiting, bytes: this.#waitingBytes };
  }

  /** See DynamicBatcher.enqueue. */
  enqueue(request: InferenceRequest): Ticket {
    const startedAt = this.#clock.now();
    const key = requestKey(request);
    if (key === null) return this.#batcher.enqueue(request);
    const place = this.#space.place(key);
    const kept = this.#space.find(place);
    if (kept !== null) {
      const answer = copyAnswer(kept);
      const response = Promise.resolve(this.#hit(request, answer, this.#clock.now() - startedAt));
      return { response, withdraw: () => false };
    }
    const flight = this.#flights.get(place);
    if (flight !== undefined && this.#mayFollow(flight, request)) return this.#follow(flight, request);
    return this.#lead(place, request, startedAt);
  }

  /** Whoever is more urgent does not wait for the less urgent, and who waits is bounded as the queue is. */
  #mayFollow({ priority }: Flight, request: InferenceRequest): boolean {
    const { requests, bytes } = this.#limits;
    if (request.priority < priority || (requests > 0 && this.#waiting >= requests)) return false;
    if (request.deadlineAt !== null && request.deadlineAt <= this.#clock.now()) return false;
    return bytes === 0 || this.#waitingBytes + contentBytes(request.content) <= bytes;
  }

  #lead(place: string, request: InferenceRequest, startedAt: number): Ticket {
    const lookedUpIn = this.#clock.now() - startedAt;
    const ticket = this.#batcher.enqueue(request);
    // A second one of a place is only for whoever could not wait for the first.
    let flight: Flight | null = null;
    if (!this.#flights.has(place)) {
      flight = { place, priority: request.priority, followers: new Set(), promoted: new Map() };
      this.#flights.set(place, flight);
    }
    const response = ticket.response.then((answered) => {
      this.#keep(place, answered, lookedUpIn);
      if (flight !== null) this.#land(flight, answered);
      return answered;
    });
    return { response, withdraw: (reason) => ticket.withdraw(reason) };
  }

  #follow(flight: Flight, request: InferenceRequest): Ticket {
    let follower!: Follower;
    const response = new Promise<InferenceResponse>((resolve) => {
      follower = { request, resolve, deadline: null };
    });
    flight.followers.add(follower);
    this.#waiting += 1;
    this.#waitingBytes += contentBytes(request.content);
    const { deadlineAt } = request;
    if (deadlineAt !== null) this.#expireAt(flight, follower, deadlineAt);
    const withdraw = (reason: ServingError): boolean => {
      const promoted = flight.promoted.get(follower);
      if (promoted !== undefined) return promoted.withdraw(reason);
      if (!this.#leave(flight, follower)) return false;
      this.#fail(follower, reason);
      return true;
    };
    return { response, withdraw };
  }

  #expireAt(flight: Flight, follower: Follower, deadlineAt: number): void {
    follower.deadline = this.#clock.schedule(deadlineAt - this.#clock.now(), () => {
      // Timers may be a little early, and those of many days much too early.
      if (deadlineAt - this.#clock.now() > 1000) this.#expireAt(flight, follower, deadlineAt);
      else if (this.#leave(flight, follower)) {
        this.#fail(follower, new ServingError('DEADLINE_EXCEEDED', 'the deadline passed while the frame was queued'));
      }
    });
  }

  /** False: it does not wait any more. */
  #leave({ followers }: Flight, follower: Follower): boolean {
    if (!followers.delete(follower)) return false;
    follower.deadline?.cancel();
    this.#waiting -= 1;
    this.#waitingBytes -= contentBytes(follower.request.content);
    return true;
  }

  /** The one that was computed is answered: so are the others, unless what it met was its own. */
  #land(flight: Flight, answered: InferenceResponse): void {
    const { place, followers } = flight;
    const { outcome } = answered;
    if (outcome instanceof ServingError && OF_ONE_REQUEST.has(outcome.code) && this.#promote(flight)) return;
    this.#flights.delete(place);
    for (const follower of followers) {
      this.#leave(flight, follower);
      if (outcome instanceof ServingError) this.#fail(follower, outcome);
      else {
        const waited = this.#clock.now() - follower.request.arrivedAt;
        follower.resolve(this.#hit(follower.request, copyAnswer(answered), waited));
      }
    }
  }

  /** Has the first follower computed that the batcher takes; false: there is none. */
  #promote(flight: Flight): boolean {
    for (const follower of flight.followers) {
      this.#leave(flight, follower);
      const { request, resolve } = follower;
      try {
        const ticket = this.#batcher.enqueue(request);
        flight.priority = request.priority;
        flight.promoted.set(follower, ticket);
        void ticket.response.then((answered) => {
          this.#keep(flight.place, answered, 0);
          this.#land(flight, answered);
          resolve(answered);
        });
        return true;
      } catch (cause) {
        // The batcher has counted it.
        resolve({ width: 0, height: 0, outcome: ServingError.from(cause), timings: this.#timings(request) });
      }
    }
    return false;
  }

  /** Before anybody gets the answer, who may move its memory away. */
  #keep(place: string, answered: InferenceResponse, lookedUpIn: number): void {
    if (answered.outcome instanceof ServingError) return;
    const startedAt = this.#clock.now();
    if (isLasting(answered)) this.#space.keep(place, copyAnswer(answered));
    this.#statistics.cacheMissed(lookedUpIn + this.#clock.now() - startedAt);
  }

  #hit(request: InferenceRequest, answer: InferenceResult, hitUs: number): InferenceResponse {
    const timings = this.#timings(request);
    this.#statistics.cacheHit(timings, hitUs);
    return { ...answer, timings };
  }

  #fail({ request, resolve }: Follower, outcome: ServingError): void {
    const timings = this.#timings(request);
    this.#statistics.failed(outcome, timings.total);
    resolve({ width: 0, height: 0, outcome, timings });
  }

  /** Of what never got into a batch. */
  #timings({ arrivedAt }: InferenceRequest): RequestTimings {
    const total = this.#clock.now() - arrivedAt;
    return { queue: 0, decode: 0, preprocess: 0, infer: 0, postprocess: 0, total, batchSize: 0 };
  }
}
