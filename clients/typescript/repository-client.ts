import type { Client, ServiceError } from '@grpc/grpc-js';
import { ModelState, RepositoryService, type ModelVersion } from '../../server/gen/sluice/v1/repository.js';
import { openChannel, type ConnectionSettings } from './channel.js';

export { ModelState };
export type { ModelVersion };

type Method<Request, Response> = {
  readonly path: string;
  readonly requestSerialize: (request: Request) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => Response;
};

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
    return (await this.#call(RepositoryService.listModels, {})).models;
  }

  /** Loads a model, or brings it up to date; resolves when it is READY. Needs --model-control-mode explicit. */
  async load(name: string): Promise<void> {
    await this.#call(RepositoryService.loadModel, { name });
  }

  /** Unloads a model; resolves when its memory is free. Needs --model-control-mode explicit. */
  async unload(name: string): Promise<void> {
    await this.#call(RepositoryService.unloadModel, { name });
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }

  #call<Request, Response>(method: Method<Request, Response>, request: Request): Promise<Response> {
    const { path, requestSerialize, responseDeserialize } = method;
    return new Promise((resolve, reject) => {
      const done = (error: ServiceError | null, response?: Response): void => {
        if (error === null) resolve(response as Response);
        else reject(error);
      };
      this.#client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, done);
    });
  }
}
