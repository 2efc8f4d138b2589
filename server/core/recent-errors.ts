import type { ErrorCode, ServingError } from './errors.js';
import type { ModelStatistics, StatisticsSink, StreamStatistics } from './statistics.js';

/** An error that requests have met, as an operator is told of it. */
export interface RecentError {
  readonly code: ErrorCode;
  /** As clients were told, except that a long one is cut. */
  readonly message: string;
  /** Null: the call failed before it had a model. */
  readonly model: string | null;
  readonly version: number | null;
  /** Requests that have met it since it was last forgotten. */
  readonly count: number;
  /** The last time, in milliseconds since 1970. */
  readonly at: number;
}

/** Different errors that are remembered. */
const MOST_ERRORS = 50;

const MOST_CHARACTERS = 300;

/** Clients that leave and frames that make room for newer ones are no errors to look after. */
const EXPECTED: readonly ErrorCode[] = ['CANCELLED', 'FRAME_DROPPED'];

/** The errors that requests have met lately, equal ones counted together: the newest of them, never their pictures. */
export class RecentErrors {
  readonly #now: () => number;
  /** By what is equal, the one that was met last at the end. */
  readonly #errors = new Map<string, RecentError>();

  /** `now`: milliseconds since 1970. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Newest first. */
  list(): RecentError[] {
    return [...this.#errors.values()].reverse();
  }

  /** What is reported to `sink` is remembered on the way. */
  beside(sink: StatisticsSink): StatisticsSink {
    return {
      forModel: (model, version) => this.#besideModel(model, version, sink.forModel(model, version)),
      modelLoaded: (model, version, seconds) => sink.modelLoaded(model, version, seconds),
      streamOpened: (call) => this.#besideStream(sink.streamOpened(call)),
    };
  }

  #besideModel(model: string, version: number, statistics: ModelStatistics): ModelStatistics {
    return {
      counts: statistics.counts,
      succeeded: (timings, rows) => statistics.succeeded(timings, rows),
      cacheHit: (timings, hitUs) => statistics.cacheHit(timings, hitUs),
      cacheMissed: (missUs) => statistics.cacheMissed(missUs),
      failed: (error, totalUs) => {
        this.#add(error, model, version);
        statistics.failed(error, totalUs);
      },
      batchExecuted: (batch) => statistics.batchExecuted(batch),
      dispose: () => statistics.dispose(),
    };
  }

  #besideStream(statistics: StreamStatistics): StreamStatistics {
    return {
      ended: (error) => {
        if (error !== null) this.#add(error, null, null);
        statistics.ended(error);
      },
    };
  }

  #add(error: ServingError, model: string | null, version: number | null): void {
    const { code } = error;
    if (EXPECTED.includes(code)) return;
    const message = messageOf(error);
    const key = keyOf({ code, message, model, version });
    const count = (this.#errors.get(key)?.count ?? 0) + 1;
    // Set anew, it moves to the end.
    this.#errors.delete(key);
    this.#errors.set(key, { code, message, model, version, count, at: this.#now() });
    if (this.#errors.size > MOST_ERRORS) this.#errors.delete(this.#errors.keys().next().value!);
  }
}

/** The errors of several processes as those of one server. */
export function mergeRecentErrors(lists: readonly (readonly RecentError[])[]): RecentError[] {
  const merged = new Map<string, RecentError>();
  for (const error of lists.flat()) {
    const key = keyOf(error);
    const other = merged.get(key);
    const count = error.count + (other?.count ?? 0);
    merged.set(key, { ...error, count, at: Math.max(error.at, other?.at ?? 0) });
  }
  return [...merged.values()].sort((a, b) => b.at - a.at).slice(0, MOST_ERRORS);
}

function keyOf({ code, message, model, version }: Omit<RecentError, 'count' | 'at'>): string {
  return JSON.stringify([code, model, version, message]);
}

function messageOf({ code, message }: ServingError): string {
  if (code === 'INTERNAL') return "a fault of the server; the server's log has it";
  return message.length <= MOST_CHARACTERS ? message : `${message.slice(0, MOST_CHARACTERS)}...`;
}
