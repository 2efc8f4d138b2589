import { Client, credentials } from '@grpc/grpc-js';

/** A call that fails with UNAVAILABLE before its first answer is tried again, three times at most. */
const RETRIES = {
  methodConfig: [
    {
      name: [{ service: 'sluice.v1.Inference' }, { service: 'sluice.v1.Repository' }],
      retryPolicy: {
        maxAttempts: 4,
        initialBackoff: '0.1s',
        maxBackoff: '1s',
        backoffMultiplier: 2,
        retryableStatusCodes: ['UNAVAILABLE'],
      },
    },
  ],
};

const CHANNEL_OPTIONS = {
  'grpc.max_receive_message_length': -1,
  'grpc.max_send_message_length': -1,
  'grpc.service_config': JSON.stringify(RETRIES),
};

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
