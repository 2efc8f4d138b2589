import type { Client } from '@grpc/grpc-js';
import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';
import { callOptions, type CallSettings } from './call-settings.js';
import { openChannel, type ConnectionSettings } from './channel.js';
import { unaryCall, type Method } from './unary-call.js';

/** `HealthCheckResponse.SERVING` of grpc.health.v1. */
const SERVING = 1;

/** Whether a server, or one of its models, takes frames: `grpc.health.v1`. Failed calls throw grpc-js's ServiceError. */
export class HealthClient implements Disposable {
  readonly #client: Client;

  private constructor(client: Client) {
    this.#client = client;
  }

  /** Connects to `host:port`. Rejects when no server answers in time. */
  static async connect(address: string, settings: ConnectionSettings = {}): Promise<HealthClient> {
    return new HealthClient(await openChannel(address, settings));
  }

  /** Whether the server takes frames, or the model does; NOT_FOUND: it does not know the model. */
  async ready(model = '', settings: CallSettings = {}): Promise<boolean> {
    return await unaryCall(this.#client, method('Check'), model, settings);
  }

  /** Whether it takes frames: now, and again whenever that changes. A model that is not known does not. */
  async *watch(model = '', settings: CallSettings = {}): AsyncGenerator<boolean> {
    const { path, requestSerialize, responseDeserialize } = method('Watch');
    const options = callOptions(settings);
    const call = this.#client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, model, options);
    const { signal } = settings;
    const cancel = (): void => call.cancel();
    if (signal?.aborted === true) cancel();
    signal?.addEventListener('abort', cancel, { once: true });
    try {
      for await (const ready of call) yield ready as boolean;
    } finally {
      signal?.removeEventListener('abort', cancel);
      cancel();
    }
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}

/** Both messages have one field, 1: the name of a service, and its status. */
function method(name: 'Check' | 'Watch'): Method<string, boolean> {
  return {
    path: `/grpc.health.v1.Health/${name}`,
    requestSerialize: (model) => Buffer.from(new BinaryWriter().uint32(10).string(model).finish()),
    responseDeserialize: (bytes) => {
      const reader = new BinaryReader(bytes);
      let status = 0;
      while (reader.pos < reader.len) {
        const [field, wireType] = reader.tag();
        if (field === 1) status = reader.int32();
        else reader.skip(wireType);
      }
      return status === SERVING;
    },
  };
}
