import type { Client } from '@grpc/grpc-js';
import { ModelState, RepositoryService, type ModelVersion } from '../../server/gen/sluice/v1/repository.js';
import type { CallSettings } from './call-settings.js';
import { openChannel, type ConnectionSettings } from './channel.js';
import { unaryCall } from './unary-call.js';

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
  async list(settings: CallSettings = {}): Promise<ModelVersion[]> {
    return (await unaryCall(this.#client, RepositoryService.listModels, {}, settings)).models;
  }

  /** Loads a model, or brings it up to date; resolves when it is READY. Needs --model-control-mode explicit. */
  async load(name: string, settings: CallSettings = {}): Promise<void> {
    await unaryCall(this.#client, RepositoryService.loadModel, { name }, settings);
  }

  /** Unloads a model; resolves when its memory is free. Needs --model-control-mode explicit. */
  async unload(name: string, settings: CallSettings = {}): Promise<void> {
    await unaryCall(this.#client, RepositoryService.unloadModel, { name }, settings);
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}
