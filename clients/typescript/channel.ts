import { Client, credentials } from '@grpc/grpc-js';

const CHANNEL_OPTIONS = { 'grpc.max_receive_message_length': -1, 'grpc.max_send_message_length': -1 };

/** A channel to `host:port`. Rejects when no server answers within `timeoutMs`. */
export function openChannel(address: string, timeoutMs: number): Promise<Client> {
  const client = new Client(address, credentials.createInsecure(), CHANNEL_OPTIONS);
  return new Promise((resolve, reject) => {
    client.waitForReady(Date.now() + timeoutMs, (error) => {
      if (error === undefined) resolve(client);
      else {
        client.close();
        reject(new Error(`no Sluice server answers at ${address} within ${timeoutMs} ms`, { cause: error }));
      }
    });
  });
}
