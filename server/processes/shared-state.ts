import { traceSettings } from '../app/own-traces.js';
import { SentModels } from '../app/sent-models.js';
import type { ServerOptions } from '../config/server-options.js';
import type { Beginning, ClientCalls, ProcessCalls } from './calls.js';
import type { Peer } from './peer.js';
import { SharedControl } from './shared-control.js';
import { SharedRegions } from './shared-regions.js';
import { sharedStatistics } from './shared-statistics.js';
import { SharedTraces } from './shared-traces.js';

type Options = Pick<ServerOptions, 'loadModel' | 'logLevel' | 'traceSampleRatio'>;

/** What clients have changed in every process of a server, and what a process that takes another's place begins with. */
export class SharedState implements AsyncDisposable {
  /** What the processes ask of the primary for clients. */
  readonly calls: ClientCalls;
  readonly #sentModels = new SentModels();
  readonly #control: SharedControl;
  readonly #regions: SharedRegions;
  readonly #traces: SharedTraces;

  /** `peers` are the processes that have begun. */
  constructor(options: Options, peers: () => readonly Peer<ProcessCalls>[]) {
    const control = new SharedControl(options, peers, this.#sentModels);
    const regions = new SharedRegions(peers);
    const traces = new SharedTraces(traceSettings(options), peers);
    this.#control = control;
    this.#regions = regions;
    this.#traces = traces;
    this.calls = {
      statistics: (asked) => sharedStatistics(peers(), asked),
      load: (model) => control.load(model),
      unload: (name) => control.unload(name),
      setLogLevel: (level) => control.setLogLevel(level),
      traceSettings: (model) => traces.settings(model),
      updateTraces: ({ model, change }) => traces.update(model, change),
      spendTrace: (model) => traces.spend(model),
      registerMemory: (region) => regions.register(region),
      unregisterMemory: (which) => regions.unregister(which),
    };
  }

  get beginning(): Omit<Beginning, 'number' | 'port'> {
    const { wanted: loadModel, logLevel } = this.#control;
    const { root: sentModels } = this.#sentModels;
    return { loadModel, sentModels, logLevel, traces: this.#traces.choices, regions: this.#regions.wanted };
  }

  /** See SharedControl. */
  started(models: readonly string[]): void {
    this.#control.started(models);
  }

  /** To be called when no process is left. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sentModels[Symbol.asyncDispose]();
  }
}
