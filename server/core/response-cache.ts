import { answerBytes } from './answer-copy.js';
import type { InferenceResult } from './inference.js';

interface Kept {
  readonly answer: InferenceResult;
  readonly bytes: number;
}

/** What a cache has done and holds, for metrics. */
export interface CacheCounts {
  readonly evictions: number;
  readonly entries: number;
  /** Share of its bytes that is taken, 0 to 1. */
  readonly used: number;
}

/**
 * Answers of the versions of a process, by what was asked of them: together no more than so many bytes. Those that were
 * not asked for for longest go first.
 */
export class ResponseCache {
  readonly #capacity: number;
  /** A Map keeps the order of insertion: the first was not used for longest. */
  readonly #entries = new Map<string, Kept>();
  readonly #composed = new Set<ResponseSpace>();
  #bytes = 0;
  #evictions = 0;
  #spaces = 0;

  private constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** `capacity` in bytes; null where that is none. */
  static create(capacity: number): ResponseCache | null {
    return capacity === 0 ? null : new ResponseCache(capacity);
  }

  get counts(): CacheCounts {
    return {
      evictions: this.#evictions,
      entries: this.#entries.size,
      used: this.#bytes / this.#capacity,
    };
  }

  /**
   * Room for the answers of one load of a version: another load never sees them. Those of a version that is `composed`
   * of other models are forgotten whenever a model changes.
   */
  open(composed: boolean): ResponseSpace {
    const space = new ResponseSpace({
      prefix: () => `${(this.#spaces += 1)}/`,
      find: (key) => this.#find(key),
      keep: (key, answer) => this.#keep(key, answer),
      forget: (prefix) => this.#forget(prefix),
      closed: () => this.#composed.delete(space),
    });
    if (composed) this.#composed.add(space);
    return space;
  }

  /** A model serves now that did not, or no longer does. */
  modelsChanged(): void {
    for (const space of this.#composed) space.renew();
  }

  #find(key: string): InferenceResult | null {
    const kept = this.#entries.get(key);
    if (kept === undefined) return null;
    this.#entries.delete(key);
    this.#entries.set(key, kept);
    return kept.answer;
  }

  #keep(key: string, answer: InferenceResult): void {
    const bytes = answerBytes(answer);
    if (bytes > this.#capacity) return;
    this.#remove(key);
    this.#entries.set(key, { answer, bytes });
    this.#bytes += bytes;
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= this.#capacity) break;
      this.#remove(oldest);
      this.#evictions += 1;
    }
  }

  #forget(prefix: string): void {
    for (const key of this.#entries.keys()) if (key.startsWith(prefix)) this.#remove(key);
  }

  #remove(key: string): void {
    const kept = this.#entries.get(key);
    if (kept === undefined) return;
    this.#entries.delete(key);
    this.#bytes -= kept.bytes;
  }
}

/** What a space needs of its cache. */
interface SpaceParts {
  /** A prefix of keys that no other space has, or had. */
  readonly prefix: () => string;
  readonly find: (key: string) => InferenceResult | null;
  readonly keep: (key: string, answer: InferenceResult) => void;
  readonly forget: (prefix: string) => void;
  readonly closed: () => void;
}

/** The answers of one load of a version in a ResponseCache. */
export class ResponseSpace implements Disposable {
  readonly #parts: SpaceParts;
  #prefix: string;

  constructor(parts: SpaceParts) {
    this.#parts = parts;
    this.#prefix = parts.prefix();
  }

  /** The place of a request with that key. What is put there after `renew` is not found any more. */
  place(requestKey: string): string {
    return this.#prefix + requestKey;
  }

  /** Belongs to the cache: to be copied before it is handed on. */
  find(place: string): InferenceResult | null {
    return this.#parts.find(place);
  }

  /** Takes over an answer. */
  keep(place: string, answer: InferenceResult): void {
    if (place.startsWith(this.#prefix)) this.#parts.keep(place, answer);
  }

  /** Forgets all. */
  renew(): void {
    this.#parts.forget(this.#prefix);
    this.#prefix = this.#parts.prefix();
  }

  [Symbol.dispose](): void {
    this.renew();
    this.#parts.closed();
  }
}
