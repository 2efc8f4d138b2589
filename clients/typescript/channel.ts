import { Client, credentials, InterceptingCall, type ChannelCredentials, type Interceptor } from '@grpc/grpc-js';
import { SERVICE_CONFIG } from './service-config.js';

/** How a client connects, and as whom. */
export interface ConnectionSettings {
  /** How long to wait for the server, in milliseconds. Default: 5000. */
  readonly timeoutMs?: number;
  /** Left out: no TLS. */
  readonly tls?: TlsSettings;
  /** Goes with every call: `authorization: Bearer TOKEN`. Without TLS everyone on the way can read it. */
  readonly token?: string;
}

/** Certificates and keys are PEM. */
export interface TlsSettings {
  /** Authorities that the server's certificate may be of; left out: those that Node.js knows. */
  readonly ca?: Buffer;
  /** The client's own certificate and key, for servers that ask for them. */
  readonly certificate?: Buffer;
  readonly key?: Buffer;
}

const CHANNEL_OPTIONS = {
  'grpc.max_receive_message_length': -1,
  'grpc.max_send_message_length': -1,
  'grpc.service_config': JSON.stringify(SERVICE_CONFIG),
  // A replica that is replaced is back within seconds; the default would leave it out for up to two minutes.
  'grpc.initial_reconnect_backoff_ms': 200,
  'grpc.max_reconnect_backoff_ms': 5000,
  // Each client has a connection of its own, on which a server of several processes may answer it from any of them.
  'grpc.use_local_subchannel_pool': 1,
};

/** A channel to `host:port`, or to any target that gRPC knows. Rejects when no server answers in time. */
export function openChannel(address: string, settings: ConnectionSettings): Promise<Client> {
  const { timeoutMs = 5000, tls, token } = settings;
  const client = new Client(address, channelCredentials(tls), {
    ...CHANNEL_OPTIONS,
    ...(token === undefined ? {} : { interceptors: [withToken(token)] }),
  });
  return new Promise((resolve, reject) => {
    client.waitForReady(Date.now() + timeoutMs, (error) => {
      if (error === undefined) resolve(client);
      else {
        client.close();
        const how = tls === undefined ? '' : ' over TLS, or none with a certificate that is trusted';
        reject(new Error(`no server answers at ${address} within ${timeoutMs} ms${how}`, { cause: error }));
      }
    });
  });
}

function channelCredentials(tls: TlsSettings | undefined): ChannelCredentials {
  if (tls === undefined) return credentials.createInsecure();
  return credentials.createSsl(tls.ca ?? null, tls.key ?? null, tls.certificate ?? null);
}

/** gRPC's own call credentials refuse to go without TLS, where a proxy beside the server may well do that part. */
function withToken(token: string): Interceptor {
  return (options, nextCall) =>
    new InterceptingCall(nextCall(options), {
      start(metadata, listener, next) {
        metadata.set('authorization', `Bearer ${token}`);
        next(metadata, listener);
      },
    });
}
