import { ServerProcess } from '../../../clients/typescript/server-process.js';
import type { TestRepository } from '../../support/test-repository.js';
import { engineCacheOf, repositoryOf, type Variant } from './bench-models.js';

/** A server with CenterFace on the GPU. */
export class GpuServer implements AsyncDisposable {
  readonly server: ServerProcess;
  readonly #repository: TestRepository;

  private constructor(repository: TestRepository, server: ServerProcess) {
    this.#repository = repository;
    this.server = server;
  }

  /** Resolves when the model is READY, or, where the flags say that it is not to be loaded, at once. */
  static async start(variant: Variant, flags: readonly string[] = []): Promise<GpuServer> {
    const repository = await repositoryOf(variant);
    try {
      const server = await ServerProcess.start({
        modelRepository: repository.directory,
        flags: ['--engine-cache', engineCacheOf(variant), ...flags],
      });
      const started = server.log.find(({ msg }) => msg === 'started');
      if (started?.['ready'] === true) return new GpuServer(repository, server);
      await server[Symbol.asyncDispose]();
      throw new Error(`the model is not ready: ${server.log.map((line) => JSON.stringify(line)).join('\n')}`);
    } catch (cause) {
      await repository[Symbol.asyncDispose]();
      throw cause;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
    await this.#repository[Symbol.asyncDispose]();
  }
}
