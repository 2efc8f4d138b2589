import type { Logger } from 'pino';
import { readCertificates } from '../config/read-certificates.js';
import type { ServerOptions } from '../config/server-options.js';
import { WatchedFiles } from '../config/watched-files.js';
import { Access } from '../core/access/access.js';
import { isLoopback, servedGroups } from '../core/access/call-groups.js';
import { ClientLimits } from '../core/access/client-limits.js';
import { Tokens } from '../core/access/tokens.js';
import { systemClock } from '../core/clock.js';
import type { Certificates, CertificateSource } from '../core/certificates.js';
import type { ErrorCode } from '../core/errors.js';
import type { GrpcServerOptions } from '../grpc/grpc-server.js';
import type { Entrance } from '../http/entrance.js';
import { formatListenAddress } from '../config/listen-address.js';

type GrpcSecurity = Pick<GrpcServerOptions, 'groups' | 'adminAddress' | 'ports' | 'maxConcurrentStreams' | 'keepalive'>;

/** gzip's levels by the words of the option. */
const COMPRESSION_LEVELS = { none: 0, low: 1, medium: 6, high: 9 };

/** Certificates, tokens and limits of a process, as its two doors take them; the files are followed while it runs. */
export class Security implements Disposable {
  readonly #options: ServerOptions;
  readonly #logger: Logger;
  readonly #limits: ClientLimits;
  readonly #access = new Access(null);
  #certificates: CertificateSource | null = null;
  readonly #watches: Disposable[] = [];

  private constructor(options: ServerOptions, logger: Logger) {
    this.#options = options;
    this.#logger = logger;
    this.#limits = new ClientLimits(options.maxClientInflight, options.maxClientBytes);
  }

  /** Reads the files. Rejects with what is wrong with them. */
  static async create(options: ServerOptions, logger: Logger): Promise<Security> {
    const security = new Security(options, logger);
    try {
      await security.#followCertificates();
      await security.#followTokens();
    } catch (cause) {
      security[Symbol.dispose]();
      throw cause;
    }
    security.#warn();
    return security;
  }

  /** When the certificate expires, in seconds since 1970; null: there is none. */
  get certificateExpiry(): number | null {
    return this.#certificates?.current.expiresAt ?? null;
  }

  /** For the gRPC door. */
  grpc(onRefusal: (code: ErrorCode) => void): GrpcSecurity {
    const options = this.#options;
    return {
      groups: servedGroups(options.grpcAddress.host, options.allowGroups),
      adminAddress: options.adminAddress === null ? null : formatListenAddress(options.adminAddress),
      ports: {
        certificates: options.grpcUseSsl ? this.#certificates : null,
        mutual: options.grpcUseSslMutual,
        access: this.#access,
        limits: this.#limits,
        connectionAge: { most: options.grpcMaxConnectionAge, grace: options.grpcMaxConnectionAgeGrace },
        compressionLevel: COMPRESSION_LEVELS[options.grpcInferResponseCompressionLevel],
        onRefusal,
      },
      maxConcurrentStreams: options.grpcMaxConcurrentStreams,
      keepalive: { time: options.grpcKeepaliveTime, timeout: options.grpcKeepaliveTimeout },
    };
  }

  /** For the HTTP door. */
  http(): Entrance {
    const { httpAddress, httpUseSsl, httpUseSslMutual, allowGroups, allowedOrigins } = this.#options;
    return {
      certificates: httpUseSsl ? this.#certificates : null,
      mutual: httpUseSslMutual,
      access: this.#access,
      served: servedGroups(httpAddress.host, allowGroups),
      limits: this.#limits,
      origins: allowedOrigins,
    };
  }

  [Symbol.dispose](): void {
    for (const watch of this.#watches) watch[Symbol.dispose]();
  }

  async #followCertificates(): Promise<void> {
    const { grpcServerCert: certificate, grpcServerKey: key, grpcRootCert: clientRoots } = this.#options;
    if (certificate === null || key === null) return;
    const listeners: ((certificates: Certificates) => void)[] = [];
    const paths = { certificate, key, clientRoots };
    const { watch, value } = await WatchedFiles.open({
      clock: systemClock,
      files: [certificate, key, ...(clientRoots === null ? [] : [clientRoots])],
      parse: (contents) => readCertificates(contents, paths),
      onChange: (changed) => {
        source.current = changed;
        for (const listener of listeners) listener(changed);
        this.#logger.info(describe(changed), 'the certificate is replaced');
      },
      onRefusal: (reason) => this.#logger.error({ reason }, 'a new certificate is refused; the one before it stays'),
    });
    const source = { current: value, onChange: (listener: (typeof listeners)[0]) => void listeners.push(listener) };
    this.#certificates = source;
    this.#watches.push(watch);
    this.#logger.info(describe(value), 'the certificate is read');
  }

  async #followTokens(): Promise<void> {
    const { authTokenFile: file } = this.#options;
    if (file === null) return;
    const { watch, value } = await WatchedFiles.open({
      clock: systemClock,
      files: [file],
      parse: ([content]) => Tokens.parse(content!.toString(), file),
      onChange: (tokens) => {
        this.#access.replaceTokens(tokens);
        this.#logger.info({ tokens: tokens.size }, 'the tokens are replaced');
      },
      onRefusal: (reason) => this.#logger.error({ reason }, 'new tokens are refused; the ones before them stay'),
    });
    this.#access.replaceTokens(value);
    this.#watches.push(watch);
    this.#logger.info({ tokens: value.size }, 'the tokens are read');
  }

  #warn(): void {
    const { authTokenFile, grpcAddress, grpcUseSsl, httpAddress, httpUseSsl } = this.#options;
    if (authTokenFile === null) return;
    for (const [host, tls, flag] of [
      [grpcAddress.host, grpcUseSsl, '--grpc-use-ssl'],
      [httpAddress.host, httpUseSsl, '--http-use-ssl'],
    ] as const) {
      if (!tls && !isLoopback(host)) {
        this.#logger.warn(`tokens cross the network for everyone to read; ${flag} true encrypts them`);
      }
    }
  }
}

function describe({ subject, expiresAt }: Certificates): object {
  return { subject, expires: new Date(expiresAt * 1000).toISOString() };
}
