import { setDefaultHighWaterMark } from 'node:stream';
import { logVerbosity, Server, ServerCredentials, setLogVerbosity } from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import { ServingError } from '../core/errors.js';
import { InferenceService, type InferenceServer } from '../gen/sluice/v1/inference.js';
import { RepositoryService } from '../gen/sluice/v1/repository.js';
import { classifyProtocol } from '../protocol/classify-protocol.js';
import { detectProtocol } from '../protocol/detect-protocol.js';
import { embedProtocol } from '../protocol/embed-protocol.js';
import { segmentProtocol } from '../protocol/segment-protocol.js';
import { ConnectionCount } from './connection-count.js';
import { HealthService } from './health-service.js';
import { KSERVE_DEFINITION } from './kserve/definition.js';
import { kserveService, type KserveOptions } from './kserve/kserve-service.js';
import { widenReceiveWindows } from './http2-windows.js';
import { loadProtoFiles } from './proto-files.js';
import { repositoryService } from './repository-service.js';
import { StreamSession, type SessionContext } from './stream-session.js';

export interface GrpcServerOptions extends SessionContext, KserveOptions {
  /** `host:port`; port 0 takes a free one. */
  readonly address: string;
  /** Most bytes of one message. */
  readonly maxMessageBytes: number;
}

/** Messages that a call reads ahead of its session. Node's 16 would be 16 pictures for each stream. */
const READ_AHEAD = 1;

/** A client that answers no ping for this long is gone, and what it has queued is cancelled. */
const KEEPALIVE = { 'grpc.keepalive_time_ms': 60_000, 'grpc.keepalive_timeout_ms': 20_000 };

/** The gRPC door: inference, repository, health and reflection on one port. */
export class GrpcServer implements AsyncDisposable {
  /** `host:port` as bound. */
  readonly address: string;
  readonly health: HealthService;
  readonly #server: Server;
  readonly #connections: ConnectionCount;

  private constructor(server: Server, health: HealthService, address: string) {
    this.#server = server;
    this.#connections = new ConnectionCount(server);
    this.health = health;
    this.address = address;
  }

  /** Binds and serves. Throws CONFIG_INVALID when the address cannot be bound. */
  static async create(options: GrpcServerOptions): Promise<GrpcServer> {
    // grpc-js gives its calls no way to set this, so it holds for every object stream of the process.
    setDefaultHighWaterMark(true, READ_AHEAD);
    // It prints to standard error what we log or throw.
    setLogVerbosity(logVerbosity.NONE);
    const server = new Server({
      ...KEEPALIVE,
      'grpc.max_receive_message_length': options.maxMessageBytes,
      'grpc.max_send_message_length': -1,
      'grpc.enable_channelz': 0,
    });
    const inference: InferenceServer = {
      detect: (call) => void new StreamSession(call, detectProtocol, options).run(),
      embed: (call) => void new StreamSession(call, embedProtocol, options).run(),
      classify: (call) => void new StreamSession(call, classifyProtocol, options).run(),
      segment: (call) => void new StreamSession(call, segmentProtocol, options).run(),
    };
    server.addService(InferenceService, inference);
    server.addService(RepositoryService, repositoryService(options));
    server.addService(KSERVE_DEFINITION, kserveService(options));
    const health = new HealthService(server);
    new ReflectionService(loadProtoFiles()).addToServer(server);
    const port = await bind(server, options.address);
    widenReceiveWindows(server);
    return new GrpcServer(server, health, `${options.address.slice(0, options.address.lastIndexOf(':'))}:${port}`);
  }

  /** Connections that are open now. */
  get connections(): number {
    return this.#connections.open;
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

function bind(server: Server, address: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (cause, port) => {
      if (cause === null) resolve(port);
      else {
        const why = `gRPC cannot listen on ${address}: ${cause.message}; choose another with --grpc-address`;
        reject(new ServingError('CONFIG_INVALID', why, { cause }));
      }
    });
  });
}
