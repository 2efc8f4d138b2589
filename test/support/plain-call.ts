import { Client, credentials, Metadata, type ChannelCredentials, type StatusObject } from '@grpc/grpc-js';

export interface PlainCallOptions {
  readonly token?: string;
  readonly credentials?: ChannelCredentials;
  /** Of the request; left out: none, which is an empty message. */
  readonly body?: Buffer;
  readonly options?: Readonly<Record<string, string | number>>;
}

/** How a call of any method ends, over a connection of its own; `path` is as `/sluice.v1.Repository/ListModels`. */
export async function callPlain(address: string, path: string, how: PlainCallOptions = {}): Promise<StatusObject> {
  const client = new Client(address, how.credentials ?? credentials.createInsecure(), {
    'grpc.use_local_subchannel_pool': 1,
    'grpc.max_send_message_length': -1,
    ...how.options,
  });
  const metadata = new Metadata();
  if (how.token !== undefined) metadata.set('authorization', `Bearer ${how.token}`);
  const asIs = (bytes: Buffer): Buffer => bytes;
  const deadline = Date.now() + 20_000;
  try {
    return await new Promise((resolve) => {
      // A stream of requests, which a unary method takes as well.
      const call = client.makeBidiStreamRequest(path, asIs, asIs, metadata, { deadline });
      call.once('status', resolve);
      call.on('error', () => {});
      call.on('data', () => {});
      call.end(how.body ?? Buffer.alloc(0));
    });
  } finally {
    client.close();
  }
}
