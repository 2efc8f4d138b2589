import type { ModelControl, SentModel } from '../core/model-control.js';
import type { ModelRepository } from '../core/model-repository.js';
import { Turns } from '../core/turns.js';
import { SentModels } from './sent-models.js';

/** Loads and unloads models in a server of one process. It owns what clients have sent. */
export class OwnControl implements ModelControl, AsyncDisposable {
  readonly #repository: () => ModelRepository;
  readonly #sentModels = new SentModels();
  /** Of loads that overtake one another nobody could tell which directory is needed. */
  readonly #turns = new Turns();

  constructor(repository: () => ModelRepository) {
    this.#repository = repository;
  }

  async load(name: string, sent: SentModel | null): Promise<void> {
    const override = sent === null ? null : await this.#sentModels.write(name, sent);
    const load = (): Promise<void> => this.#repository().load(name, override);
    await this.#turns.take(name, () => this.#replace(name, override?.directory ?? null, load));
  }

  /** Not in turn: it ends a load that is under way. */
  async unload(name: string): Promise<void> {
    await this.#replace(name, null, () => this.#repository().unload(name));
  }

  /** To be called when no model is loaded any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sentModels[Symbol.asyncDispose]();
  }

  async #replace(name: string, directory: string | null, change: () => Promise<void>): Promise<void> {
    await this.#sentModels.replace(name, directory, change, () => this.#repository().released(name));
  }
}
