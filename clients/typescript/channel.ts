import { Client, credentials } from '@grpc/grpc-js';
import { SERVICE_CONFIG } from './service-config.js';

const CHANNEL_OPTIONS = {
  'grpc.max_receive_message_length': -1,
  'grpc.max_send_message_length': -1,
  'grpc.service_config': JSON.stringify(SERVICE_CONFIG),
  // A replica that is replaced is back within seconds; the default would leave it out for up to two minutes.
  'grpc.initial_reconnect_backoff_ms': 200,
  'grpc.max_reconnect_backoff_ms': 5000,
};

/** A channel to `host:port`, or to any target that gRPC knows, whose addresses are used in turn. Rejects when no server answers within `timeoutMs`. */
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
