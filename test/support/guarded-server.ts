import { credentials } from '@grpc/grpc-js';
import { ServerProcess } from '../../clients/typescript/server-process.js';
import { SluiceClient, type ConnectionSettings } from '../../clients/typescript/sluice-client.js';
import { embedOne } from './ask.js';
import { callPlain, type PlainCallOptions } from './plain-call.js';
import { grey } from './pictures.js';
import { TestRepository } from './test-repository.js';
import { meansModel } from './tiny-models.js';

/** Listens for the network, on a free port. */
export const PUBLIC = ['--grpc-address', '0.0.0.0:0', '--http-address', '0.0.0.0:0'];

/** A server with the model `means`, to which nobody is connected yet. */
export class GuardedServer implements AsyncDisposable {
  readonly server: ServerProcess;
  readonly #repository: TestRepository;

  private constructor(server: ServerProcess, repository: TestRepository) {
    this.server = server;
    this.#repository = repository;
  }

  /** Rejects, with what the server printed, when it does not start. */
  static async start(flags: readonly string[]): Promise<GuardedServer> {
    const repository = await TestRepository.create();
    const config = { task: 'embedding', input: { width: 32, height: 32 }, instance_group: { count: 1 } };
    await repository.addModel('means', config, meansModel(32, 32));
    try {
      return new GuardedServer(await ServerProcess.start({ modelRepository: repository.directory, flags }), repository);
    } catch (cause) {
      await repository[Symbol.asyncDispose]();
      throw cause;
    }
  }

  /** `host:port` as this machine reaches it, also where it listens for the network. */
  get address(): string {
    return this.server.grpcAddress.replace('0.0.0.0', '127.0.0.1');
  }

  /** As `address`. */
  get httpAddress(): string {
    return this.server.httpAddress.replace('0.0.0.0', '127.0.0.1');
  }

  /** Directory of its models. */
  get modelRepository(): string {
    return this.#repository.directory;
  }

  get adminAddress(): string {
    return String(this.server.log.find(({ msg }) => msg === 'listening')?.['admin']);
  }

  /** Sends one frame over a connection of its own; resolves with the number of embeddings. */
  async embed(settings: ConnectionSettings = {}): Promise<number> {
    using client = await SluiceClient.connect(this.address, settings);
    return (await embedOne(client, { picture: grey(7) }, { model: 'means' })).embeddings.length;
  }

  /** The gRPC status of a call of any method. */
  async status(path: string, how: PlainCallOptions = {}, address = this.address): Promise<number> {
    return (await callPlain(address, path, how)).code;
  }

  logged(message: string): boolean {
    return this.server.log.some(({ msg }) => msg === message);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.signal('SIGKILL');
    await this.server.ended();
    await this.#repository[Symbol.asyncDispose]();
  }
}

/** As grpc-js takes them. */
export function tls(ca: Buffer, own?: { readonly certificate: Buffer; readonly key: Buffer }) {
  return credentials.createSsl(ca, own?.key ?? null, own?.certificate ?? null);
}
