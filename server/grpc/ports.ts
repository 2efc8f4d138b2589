import type { Http2SecureServer } from 'node:http2';
import { ServerCredentials, type Server } from '@grpc/grpc-js';
import type { Access } from '../core/access/access.js';
import type { ServedGroups } from '../core/access/call-groups.js';
import type { ClientLimits } from '../core/access/client-limits.js';
import type { CertificateSource } from '../core/certificates.js';
import { ServingError, type ErrorCode } from '../core/errors.js';
import { CallGate } from './call-gate.js';
import type { CallOrigins } from './call-origins.js';
import { Connections, type ConnectionAge } from './connections.js';
import { onHttp2Server, type AnyHttp2Server } from './http2-servers.js';
import { widenReceiveWindows } from './http2-windows.js';

/** Who may connect to the addresses of a server, and call what there. */
export interface PortsOptions {
  /** Null: no TLS. */
  readonly certificates: CertificateSource | null;
  /** Whether clients have to show a certificate. */
  readonly mutual: boolean;
  readonly access: Access;
  readonly limits: ClientLimits;
  readonly connectionAge: ConnectionAge;
  /** Of answers, 1 to 9; 0: not at all. */
  readonly compressionLevel: number;
  /** Told of every call that is not let in. */
  readonly onRefusal: (code: ErrorCode) => void;
}

/** The addresses on which a gRPC server listens, with what grpc-js leaves out: windows, the gate, fresh certificates. */
export class Ports {
  readonly connections: Connections;
  readonly #server: Server;
  readonly #options: PortsOptions;
  /** What each address serves; its credentials are all that grpc-js hands on of it. */
  readonly #served = new Map<ServerCredentials, ServedGroups>();

  constructor(server: Server, origins: CallOrigins, options: PortsOptions) {
    this.#server = server;
    this.#options = options;
    this.connections = new Connections(options.connectionAge);
    const gate = new CallGate({ ...options, connections: this.connections, origins });
    onHttp2Server(server, (http2Server, credentials) => {
      widenReceiveWindows(http2Server);
      this.connections.add(http2Server);
      gate.guard(http2Server, this.#served.get(credentials)!);
      this.#followCertificates(http2Server);
    });
  }

  /**
   * Listens on `host:port` for calls of the groups; resolves with that of the two that was bound. Throws CONFIG_INVALID,
   * with the flag to change, when the address cannot be used.
   */
  open(address: string, served: ServedGroups, flag: string): Promise<string> {
    const credentials = this.#credentials();
    this.#served.set(credentials, served);
    return new Promise((resolve, reject) => {
      this.#server.bindAsync(address, credentials, (cause, port) => {
        if (cause === null) resolve(`${address.slice(0, address.lastIndexOf(':'))}:${port}`);
        else {
          const why = `gRPC cannot listen on ${address}: ${cause.message}; choose another with ${flag}`;
          reject(new ServingError('CONFIG_INVALID', why, { cause }));
        }
      });
    });
  }

  #credentials(): ServerCredentials {
    const { certificates, mutual } = this.#options;
    if (certificates === null) return ServerCredentials.createInsecure();
    const { certificate, key, clientRoots } = certificates.current;
    return ServerCredentials.createSsl(
      mutual ? clientRoots : null,
      [{ cert_chain: certificate, private_key: key }],
      mutual,
    );
  }

  /** New connections are given the new certificate; those that are open live on. */
  #followCertificates(http2Server: AnyHttp2Server): void {
    const { certificates, mutual } = this.#options;
    certificates?.onChange(({ certificate, key, clientRoots }) => {
      (http2Server as Http2SecureServer).setSecureContext({
        cert: certificate,
        key,
        ...(mutual && clientRoots !== null ? { ca: clientRoots } : {}),
      });
    });
  }
}
