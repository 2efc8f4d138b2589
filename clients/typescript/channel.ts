import { Client, credentials } from '@grpc/grpc-js';

const CHANNEL_OPTIONS = {
  'grpc.max_receive_message_length': -1,
  'grpc.max_send_message_length': -1,
  // Each client has a connection of its own, on which a server of several processes may answer it from any of them.
  'grpc.use_local_subchannel_pool': 1,
};

/** A channel to `host:port`. Rejects when no server answers within `timeoutMs`. */
export function openChannel(address: string, timeoutMs: number): Promise<Client> {
  const client = new Client(address, credentials.createInsecure(), CHANNEL_OPTIONS);
  return new Promise((resolve, reject) => {
    client.waitForReady(Date.now() + timeoutMs, (error) => {
      if (error === undefined) resolve(client);
      else {
        client.close();
        reject(new Error(`no server answers at ${address} within ${timeoutMs} ms`, { cause: error }));
      }
    });
  });
}
