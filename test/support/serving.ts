import { SluiceClient } from '../../clients/typescript/sluice-client.js';
import { ServerProcess } from '../../clients/typescript/server-process.js';
import { ServerMetrics } from './server-metrics.js';
import { TestRepository } from './test-repository.js';
import { Wire } from './wire-call.js';

/** A real server on a repository of its own, with all that a test asks of it. */
export class Serving implements AsyncDisposable {
  readonly repository: TestRepository;
  readonly server: ServerProcess;
  readonly metrics: ServerMetrics;
  readonly client: SluiceClient;
  readonly wire: Wire;

  private constructor(repository: TestRepository, server: ServerProcess, client: SluiceClient) {
    this.repository = repository;
    this.server = server;
    this.client = client;
    this.metrics = new ServerMetrics(server.httpAddress);
    this.wire = new Wire(server.grpcAddress);
  }

  /** Starts a server on the models that `fill` puts into the repository. */
  static async start(
    fill: (repository: TestRepository) => Promise<void>,
    flags: readonly string[] = [],
    environment: Readonly<Record<string, string>> = {},
  ): Promise<Serving> {
    const repository = await TestRepository.create();
    await fill(repository);
    const server = await ServerProcess.start({ modelRepository: repository.directory, flags, environment });
    return new Serving(repository, server, await SluiceClient.connect(server.grpcAddress));
  }

  /** Ends the server at once, whatever it is still at. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.client[Symbol.dispose]();
    this.wire[Symbol.dispose]();
    this.server.signal('SIGKILL');
    await this.server.ended();
    await this.repository[Symbol.asyncDispose]();
  }
}
