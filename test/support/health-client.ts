import { Client, credentials, type StatusObject } from '@grpc/grpc-js';
import { service } from 'grpc-health-check';

interface StatusMessage {
  readonly status: string;
}

/** What a load balancer sees of a server: `grpc.health.v1`, over a connection of its own. */
export class HealthClient implements Disposable {
  readonly #client: Client;

  /** `host:port`. */
  constructor(address: string) {
    this.#client = new Client(address, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 });
  }

  /** The status of a service now. Fails with grpc-js's ServiceError. */
  async check(name: string): Promise<string> {
    return ((await this.#call('Check', { service: name })) as StatusMessage).status;
  }

  /** The status of every service. */
  async list(): Promise<Record<string, string>> {
    const { statuses } = (await this.#call('List', {})) as { statuses: Record<string, StatusMessage> };
    return Object.fromEntries(Object.entries(statuses).map(([name, { status }]) => [name, status]));
  }

  watch(name: string): HealthWatch {
    return new HealthWatch(this.#client, name);
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }

  #call(name: string, request: object): Promise<object> {
    const { path, requestSerialize, responseDeserialize } = method(name);
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, (error, response) => {
        if (error !== null) reject(error);
        else resolve(response ?? {});
      });
    });
  }
}

/** A `Watch` call: every status that has come. */
export class HealthWatch {
  readonly statuses: string[] = [];
  /** How the call ended. Never rejects. */
  readonly ended: Promise<StatusObject>;
  readonly #cancel: () => void;

  constructor(client: Client, name: string) {
    const { path, requestSerialize, responseDeserialize } = method('Watch');
    const call = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, { service: name });
    call.on('data', ({ status }: StatusMessage) => this.statuses.push(status));
    this.ended = new Promise((resolve) => call.once('status', resolve));
    // The status says it already.
    call.on('error', () => {});
    this.#cancel = () => call.cancel();
  }

  /** The newest status. */
  get now(): string | undefined {
    return this.statuses.at(-1);
  }

  cancel(): void {
    this.#cancel();
  }
}

function method(name: string) {
  const found = service[name];
  if (found === undefined) throw new Error(`grpc.health.v1 has no ${name}`);
  return found;
}
