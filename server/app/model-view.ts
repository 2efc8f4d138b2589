import type { ModelStatus, ModelRepository } from '../core/model-repository.js';
import type { Model } from '../core/model.js';
import type { ModelGauges } from '../http/metrics.js';
import type { Readiness } from '../http/readiness.js';
import type { ModelReport } from '../http/server-status.js';

/** What keeps a server as a whole from being ready, or null; and whether models that failed do. */
export interface ServerState {
  readonly reason: string | null;
  readonly strict: boolean;
  /** Why the GPU, and with it everything, is lost; null: it is not. */
  readonly deviceLost: string | null;
}

/** The models as probes, metrics and the live page tell of them. */
export class ModelView {
  readonly #repository: ModelRepository;
  readonly #state: () => ServerState;

  constructor(repository: ModelRepository, state: () => ServerState) {
    this.#repository = repository;
    this.#state = state;
  }

  readiness(): Readiness {
    const notReady = this.#index().flatMap(({ name, versions }) =>
      versions
        .filter(({ state }) => state === 'LOADING' || state === 'UNAVAILABLE')
        .map(({ version, state, reason }) => ({ model: name, version, state, reason })),
    );
    const { reason, strict } = this.#state();
    // What is added or reloaded while the server runs takes nothing away from what serves.
    const failed = notReady.some(({ state }) => state === 'UNAVAILABLE');
    return { ready: reason === null && !(failed && strict), reason, not_ready: notReady };
  }

  /** The models as the live page has them. */
  report(): ModelReport[] {
    const ready = this.#ready();
    return this.#index().map(({ name, versions }) => ({
      name,
      task: this.#repository.taskOf(name),
      versions: versions.map((status) => ({
        ...status,
        devices: ready.get(`${name}/${status.version}`)?.devices ?? [],
      })),
    }));
  }

  *gauges(): Generator<ModelGauges> {
    const ready = this.#ready();
    for (const { name, versions } of this.#index()) {
      for (const { version, state } of versions) {
        const model = ready.get(`${name}/${version}`);
        yield {
          model: name,
          version,
          state,
          queue: model?.queue ?? null,
          instances: model?.instances ?? null,
          sequences: model?.sequences ?? null,
        };
      }
    }
  }

  /** By name and version. */
  #ready(): Map<string, Model> {
    return new Map(this.#repository.ready().map((model) => [`${model.name}/${model.version}`, model]));
  }

  /** With a device that is lost no version is READY any more, whatever the repository still holds. */
  #index(): ModelStatus[] {
    const index = this.#repository.index();
    const reason = this.#state().deviceLost;
    if (reason === null) return index;
    return index.map(({ name, versions }) => ({
      name,
      versions: versions.map((status) => ({ ...status, state: 'UNAVAILABLE', reason })),
    }));
  }
}
