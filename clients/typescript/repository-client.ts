import type { Client } from '@grpc/grpc-js';
import { ModelState, RepositoryService, type ModelVersion } from '../../server/gen/sluice/v1/repository.js';
import { openChannel, type ConnectionSettings } from './channel.js';
import { unary } from './unary.js';

export { ModelState };
export type { ModelVersion };

/** What a server has loaded, and control over it. Failed calls throw grpc-js's ServiceError. */
export class RepositoryClient implements Disposable {
  readonly #client: Client;

  private constructor(client: Client) {
    this.#client = client;
  }

  /** Connects to `host:port`. Rejects when no server answers in time. */
  static async connect(address: string, settings: ConnectionSettings = {}): Promise<RepositoryClient> {
    return new RepositoryClient(await openChannel(address, settings));
  }

  /** Every version that the server knows, by model name, then version. */
  async list(): Promise<ModelVersion[]> {
    return (await unary(this.#client, RepositoryService.listModels, {})).models;
  }

  /** Loads a model, or brings it up to date; resolves when it is READY. Needs --model-control-mode explicit. */
  async load(name: string): Promise<void> {
    await unary(this.#client, RepositoryService.loadModel, { name });
  }

  /** Unloads a model; resolves when its memory is free. Needs --model-control-mode explicit. */
  async unload(name: string): Promise<void> {
    await unary(this.#client, RepositoryService.unloadModel, { name });
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}
