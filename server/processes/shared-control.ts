import { ServingError } from '../core/errors.js';
import type { Peer } from './peer.js';
import type { ProcessCalls } from './calls.js';

/**
 * Loads and unloads models in every process of a server, with the control mode explicit. It keeps what should be loaded:
 * a process that takes another's place loads that.
 */
export class SharedControl {
  readonly #wanted: Set<string>;
  readonly #peers: () => readonly Peer<ProcessCalls>[];
  /** The last change of each model: they are made one after the other, in the same order everywhere. */
  readonly #work = new Map<string, Promise<void>>();

  /** `peers` are the processes that have begun. */
  constructor(loadAtStart: readonly string[], peers: () => readonly Peer<ProcessCalls>[]) {
    this.#wanted = new Set(loadAtStart);
    this.#peers = peers;
  }

  /** What a process loads as it starts. */
  get wanted(): readonly string[] {
    return [...this.#wanted];
  }

  /** A process has loaded these as it started: by now it is known what `*` stood for. */
  started(models: readonly string[]): void {
    if (!this.#wanted.delete('*')) return;
    for (const name of models) this.#wanted.add(name);
  }

  /** Resolves when every process has it. Rejects with the first reason of one that has not. */
  load(name: string): Promise<void> {
    return this.#inTurn(name, async () => {
      const missing = !this.#wanted.has(name);
      this.#wanted.add(name);
      const failures = await this.#everywhere('load', name);
      if (missing && failures.some(({ code }) => code === 'MODEL_NOT_FOUND')) this.#wanted.delete(name);
      if (failures[0] !== undefined) throw failures[0];
    });
  }

  /** Resolves when no process has it. Rejects with MODEL_NOT_FOUND when none had. */
  unload(name: string): Promise<void> {
    return this.#inTurn(name, async () => {
      this.#wanted.delete(name);
      const peers = this.#peers().length;
      const failures = await this.#everywhere('unload', name);
      const others = failures.filter(({ code }) => code !== 'MODEL_NOT_FOUND');
      const failure = failures.length === peers ? failures[0] : others[0];
      if (failure !== undefined) throw failure;
    });
  }

  async #everywhere(change: 'load' | 'unload', name: string): Promise<ServingError[]> {
    const outcomes = await Promise.allSettled(this.#peers().map((peer) => peer.call(change, name)));
    const failures = outcomes.flatMap((outcome) =>
      outcome.status === 'rejected' ? [ServingError.from(outcome.reason)] : [],
    );
    // What takes the place of a process that has ended meanwhile starts with what is wanted now.
    const alive = failures.filter(({ code }) => code !== 'INSTANCE_LOST');
    return alive.length > 0 || failures.length < outcomes.length ? alive : failures;
  }

  #inTurn(name: string, change: () => Promise<void>): Promise<void> {
    const work = (this.#work.get(name) ?? Promise.resolve()).then(change, change);
    this.#work.set(name, work);
    const forget = (): void => {
      if (this.#work.get(name) === work) this.#work.delete(name);
    };
    work.then(forget, forget);
    return work;
  }
}
