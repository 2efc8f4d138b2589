import type { ServerOptions } from '../config/server-options.js';
import type { SentModels } from '../app/sent-models.js';
import type { LogLevel } from '../core/log-level.js';
import type { ModelOverride } from '../core/model-override.js';
import { Turns } from '../core/turns.js';
import type { Peer } from './peer.js';
import type { ModelToLoad, ProcessCalls } from './calls.js';
import { everywhere } from './everywhere.js';

type StartOptions = Pick<ServerOptions, 'loadModel' | 'logLevel'>;

/**
 * Loads and unloads models in every process of a server, with the control mode explicit. It keeps what should be loaded:
 * a process that takes another's place loads that.
 */
export class SharedControl {
  /** The models with what stands in place of what the repository has. */
  readonly #wanted: Map<string, ModelOverride | null>;
  #logLevel: LogLevel;
  readonly #peers: () => readonly Peer<ProcessCalls>[];
  readonly #sentModels: SentModels;
  /** Changes are made in the same order everywhere. */
  readonly #turns = new Turns();

  /** `peers` are the processes that have begun. */
  constructor(
    { loadModel, logLevel }: StartOptions,
    peers: () => readonly Peer<ProcessCalls>[],
    sentModels: SentModels,
  ) {
    this.#wanted = new Map(loadModel.map((name) => [name, null]));
    this.#logLevel = logLevel;
    this.#peers = peers;
    this.#sentModels = sentModels;
  }

  /** What a process loads as it starts. */
  get wanted(): readonly ModelToLoad[] {
    return [...this.#wanted].map(([name, override]) => ({ name, override }));
  }

  /** The least severity that a process logs. */
  get logLevel(): LogLevel {
    return this.#logLevel;
  }

  /** Resolves when every process logs from this severity on. */
  async setLogLevel(level: LogLevel): Promise<void> {
    this.#logLevel = level;
    await everywhere(this.#peers(), (peer) => peer.call('setLogLevel', level));
  }

  /** A process has loaded these as it started: by now it is known what `*` stood for. */
  started(models: readonly string[]): void {
    if (!this.#wanted.delete('*')) return;
    for (const name of models) if (!this.#wanted.has(name)) this.#wanted.set(name, null);
  }

  /** Resolves when every process has it. Rejects with the first reason of one that has not. */
  load(model: ModelToLoad): Promise<void> {
    const { name, override } = model;
    return this.#inTurn(name, override, async () => {
      const before = this.#wanted.get(name);
      this.#wanted.set(name, override);
      const failures = await everywhere(this.#peers(), (peer) => peer.call('load', model));
      if (before === undefined && failures.some(({ code }) => code === 'MODEL_NOT_FOUND')) this.#wanted.delete(name);
      // What has failed was left as it was.
      else if (before !== undefined && failures.length > 0) this.#wanted.set(name, before);
      if (failures[0] !== undefined) throw failures[0];
    });
  }

  /** Resolves when no process has it. Rejects with MODEL_NOT_FOUND when none had. */
  unload(name: string): Promise<void> {
    return this.#inTurn(name, null, async () => {
      this.#wanted.delete(name);
      const peers = this.#peers().length;
      const failures = await everywhere(this.#peers(), (peer) => peer.call('unload', name));
      const others = failures.filter(({ code }) => code !== 'MODEL_NOT_FOUND');
      const failure = failures.length === peers ? failures[0] : others[0];
      if (failure !== undefined) throw failure;
    });
  }

  #inTurn(name: string, override: ModelOverride | null, change: () => Promise<void>): Promise<void> {
    const released = () => everywhere(this.#peers(), (peer) => peer.call('released', name));
    return this.#turns.take(name, () => this.#sentModels.replace(name, override?.directory ?? null, change, released));
  }
}
