import { setDefaultHighWaterMark } from 'node:stream';
import { logVerbosity, Server, setLogVerbosity, type ServerDuplexStream } from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import { ALL_GROUPS, type ServedGroups } from '../core/access/call-groups.js';
import type { MessageRooms } from '../core/message-rooms.js';
import { InferenceService, type InferenceServer } from '../gen/sluice/v1/inference.js';
import { RepositoryService } from '../gen/sluice/v1/repository.js';
import { classifyProtocol } from '../protocol/classify-protocol.js';
import { detectProtocol } from '../protocol/detect-protocol.js';
import { embedProtocol } from '../protocol/embed-protocol.js';
import { segmentProtocol } from '../protocol/segment-protocol.js';
import type { StreamProtocol } from '../protocol/stream-protocol.js';
import { CallOrigins } from './call-origins.js';
import { HealthService } from './health-service.js';
import { KSERVE_DEFINITION } from './kserve/definition.js';
import { kserveService, type KserveOptions } from './kserve/kserve-service.js';
import { readIntoRooms } from './message-reader.js';
import { Ports, type PortsOptions } from './ports.js';
import { loadProtoFiles } from './proto-files.js';
import { tolerant, type Received } from './received.js';
import { repositoryService } from './repository-service.js';
import type { SessionContext } from './session-context.js';
import { StreamSession } from './stream-session.js';

export interface GrpcServerOptions extends Omit<SessionContext & KserveOptions, 'origins'> {
  /** `host:port`; port 0 takes a free one. */
  readonly address: string;
  /** What is served there. */
  readonly groups: ServedGroups;
  /** `host:port` where everything is; null: nowhere. */
  readonly adminAddress: string | null;
  readonly ports: PortsOptions;
  /** Calls that one connection may have open. */
  readonly maxConcurrentStreams: number;
  /** In seconds: when a silent connection is asked whether its client is there, and how long the answer may take. */
  readonly keepalive: { readonly time: number; readonly timeout: number };
  /** Most bytes of one message. */
  readonly maxMessageBytes: number;
  /** Where messages are put together. */
  readonly rooms: MessageRooms;
}

/** Messages that a call reads ahead of its session. Node's 16 would be 16 pictures for each stream. */
const READ_AHEAD = 1;

/** The gRPC door: inference, repository, health and reflection. */
export class GrpcServer implements AsyncDisposable {
  /** `host:port` as bound. */
  readonly address: string;
  /** `host:port` of the administration's as bound; null: there is none. */
  readonly adminAddress: string | null;
  readonly health: HealthService;
  readonly #server: Server;
  readonly #ports: Ports;

  private constructor(
    server: Server,
    ports: Ports,
    health: HealthService,
    addresses: Pick<GrpcServer, 'address' | 'adminAddress'>,
  ) {
    this.#server = server;
    this.#ports = ports;
    this.health = health;
    this.address = addresses.address;
    this.adminAddress = addresses.adminAddress;
  }

  /** Binds and serves. Throws CONFIG_INVALID when the address cannot be bound. */
  static async create(options: GrpcServerOptions): Promise<GrpcServer> {
    // grpc-js gives its calls no way to set this, so it holds for every object stream of the process.
    setDefaultHighWaterMark(true, READ_AHEAD);
    // It prints to standard error what we log or throw.
    setLogVerbosity(logVerbosity.NONE);
    const server = new Server({
      'grpc.keepalive_time_ms': options.keepalive.time * 1000,
      'grpc.keepalive_timeout_ms': options.keepalive.timeout * 1000,
      'grpc.max_concurrent_streams': options.maxConcurrentStreams,
      'grpc.max_receive_message_length': options.maxMessageBytes,
      interceptors: [readIntoRooms(options.rooms, options.maxMessageBytes)],
      'grpc.max_send_message_length': -1,
      'grpc.enable_channelz': 0,
    });
    const origins = new CallOrigins();
    const context = { ...options, origins };
    server.addService(tolerant(InferenceService), {
      detect: serve(detectProtocol, context),
      embed: serve(embedProtocol, context),
      classify: serve(classifyProtocol, context),
      segment: serve(segmentProtocol, context),
    } satisfies Record<keyof InferenceServer, unknown>);
    server.addService(tolerant(RepositoryService), repositoryService(options));
    server.addService(KSERVE_DEFINITION, kserveService(context));
    const health = new HealthService(server);
    new ReflectionService(loadProtoFiles()).addToServer(server);
    const ports = new Ports(server, origins, options.ports);
    const address = await ports.open(options.address, options.groups, '--grpc-address');
    const { adminAddress: admin } = options;
    const adminAddress = admin === null ? null : await ports.open(admin, ALL_GROUPS, '--admin-address');
    return new GrpcServer(server, ports, health, { address, adminAddress });
  }

  /** Connections that are open now. */
  get connections(): number {
    return this.#ports.connections.open;
  }

  /** Lets running calls end while no new ones are taken; resolves when the last one has. */
  drain(): Promise<void> {
    this.health.endWatches();
    return new Promise((resolve) => this.#server.tryShutdown(() => resolve()));
  }

  /** Ends at once what is still open. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.forceShutdown();
  }
}

function serve<Request, Response>(protocol: StreamProtocol<Request, Response>, context: SessionContext) {
  return (call: ServerDuplexStream<Received<Request>, Response>): void => {
    void new StreamSession(call, protocol, context).run();
  };
}
