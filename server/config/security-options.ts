import { CALL_GROUP_NAMES } from '../core/access/call-groups.js';
import { boolean, choice, file, integer, listenAddress, orNone, origins, seconds, someOf } from './option-types.js';
import { option, type ServerOption } from './option.js';

/** A day: longer, and a number is meant as something else, such as milliseconds. */
const LONGEST_SECONDS = 86_400;

/** The rows of the option table about who connects, how, and what for. */
export const SECURITY_OPTIONS = {
  grpcUseSsl: option(boolean(), {
    default: false,
    description: 'true: the gRPC addresses speak TLS, with --grpc-server-cert and --grpc-server-key.',
  }),
  grpcUseSslMutual: option(boolean(), {
    default: false,
    description: 'true: and take only clients with a certificate of an authority in --grpc-root-cert.',
  }),
  grpcServerCert: option(file(), {
    default: null,
    description:
      "The server's certificate with those between it and its authority, PEM. Like the next two it is read again when " +
      'it changes; what does not fit is refused with a line in the log, and what served before stays.',
  }),
  grpcServerKey: option(file(), { default: null, description: 'The private key of --grpc-server-cert, PEM.' }),
  grpcRootCert: option(file(), {
    default: null,
    description: "The authorities of clients' certificates, PEM.",
  }),
  httpUseSsl: option(boolean(), {
    default: false,
    description: 'true: the HTTP address speaks TLS, with the same certificate.',
  }),
  httpUseSslMutual: option(boolean(), {
    default: false,
    description: 'true: and answers all but probes only to clients with a certificate, as --grpc-use-ssl-mutual does.',
  }),
  allowedOrigins: option(origins(), {
    default: [],
    defaultText: 'none: only the live page itself',
    repeatable: true,
    description:
      'Origins whose pages may use the HTTP address from a browser (CORS), such as https://example.org; repeatable. * ' +
      'stands for all. A page may do there what its token may, without tokens everything.',
  }),
  authTokenFile: option(file(), {
    default: null,
    description:
      'Who may call: lines NAME:TOKEN, or NAME:TOKEN:GROUP,GROUP for a token that is good for these groups only; read ' +
      'again when it changes. Clients send "authorization: Bearer TOKEN", over gRPC and HTTP.',
  }),
  allowGroups: option(someOf('GROUPS', CALL_GROUP_NAMES), {
    default: null,
    defaultText: 'all where only this machine can connect; elsewhere all but those of administration',
    repeatable: true,
    description: 'Groups of calls that --grpc-address and --http-address serve; repeatable. health always is.',
  }),
  adminAddress: option(orNone(listenAddress()), {
    default: null,
    defaultText: 'none',
    description: 'One more gRPC address, which serves every group. For networks that only operators reach.',
  }),
  allowClientShm: option(boolean(), {
    default: false,
    description:
      'true: clients on this machine may register system shared memory, and memory of GPUs, for tensors. Who may can have ' +
      'the server read and write every segment that its user can, and who may infer uses every region that is registered.',
  }),
  maxClientInflight: option(integer('COUNT', 0, 1_000_000), {
    default: 0,
    defaultText: '0: no limit',
    description:
      'Requests that one client may have in the server at once, frames of streams among them. A client is who holds a ' +
      'token; without tokens, the subject of a certificate; without those, an IP address. Each process of --processes ' +
      'counts for itself.',
  }),
  maxClientBytes: option(integer('BYTES', 0, 2 ** 50), {
    default: 0,
    defaultText: '0: no limit',
    description: 'Bytes of requests that one client may have in the server at once.',
  }),
  grpcKeepaliveTime: option(seconds(1, LONGEST_SECONDS), {
    default: 60,
    description: 'How long a connection is silent before it is asked whether its client is still there.',
  }),
  grpcKeepaliveTimeout: option(seconds(0.1, LONGEST_SECONDS), {
    default: 20,
    description: 'How long the answer may take. After that the client is gone, and what it has queued is cancelled.',
  }),
  grpcMaxConnectionAge: option(seconds(0, LONGEST_SECONDS), {
    default: 0,
    defaultText: '0: any age',
    description:
      'After about this long (10 % more or less) a client is asked to connect anew, so that connections spread over ' +
      'replicas. Calls that run may end; streams end with UNAVAILABLE when none of their frames is in flight.',
  }),
  grpcMaxConnectionAgeGrace: option(seconds(0.1, LONGEST_SECONDS), {
    default: 30,
    description: 'What still runs so much later is cut.',
  }),
  grpcMaxConcurrentStreams: option(integer('COUNT', 1, 1_000_000), {
    default: 1024,
    description: 'Calls that one connection may have open; clients wait with more.',
  }),
  grpcInferResponseCompressionLevel: option(choice('none', 'low', 'medium', 'high'), {
    default: 'none',
    description:
      'How hard answers of the group inference are compressed, by gzip, for clients that accept it. Only pays over slow ' +
      'networks. Compressed requests are always taken.',
  }),
} as const satisfies Record<string, ServerOption>;

export type SecurityOptionName = keyof typeof SECURITY_OPTIONS;
