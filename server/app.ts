import type { Logger } from 'pino';
import { readModelConfig } from './config/read-model-config.js';
import { formatListenAddress } from './config/listen-address.js';
import { packageVersion } from './config/package-version.js';
import type { ServerOptions } from './config/server-options.js';
import { systemClock } from './core/clock.js';
import { drainInOrder } from './core/drain-sequence.js';
import { ServingError } from './core/errors.js';
import type { VersionStatus } from './core/model-lifecycle.js';
import { MessageRooms } from './core/message-rooms.js';
import { ModelRepository, shuttingDown } from './core/model-repository.js';
import type { RestAnswer, RestRequest } from './core/open-inference/rest-exchange.js';
import { GrpcServer } from './grpc/grpc-server.js';
import { logStatus, logWarning } from './app/log-models.js';
import { gpuReadings } from './app/gpu-readings.js';
import { LivePage } from './app/live-page.js';
import { modelSharing, type ModelSharing } from './app/model-sharing.js';
import { modelExecutors } from './app/model-executors.js';
import { ModelView } from './app/model-view.js';
import { openTracing } from './app/open-tracing.js';
import { OwnControl } from './app/own-control.js';
import { RepositoryPoll } from './app/repository-poll.js';
import { sharedControls } from './app/shared-controls.js';
import { showHealth } from './app/show-health.js';
import type { Seat } from './app/seat.js';
import { Security } from './app/security.js';
import { versionLoader } from './app/version-loader.js';
import { HttpServer } from './http/http-server.js';
import { Metrics, type MetricSnapshot } from './http/metrics.js';
import type { Readiness } from './http/readiness.js';
import type { FaultLog } from './protocol/client-error.js';
import { RestCalls } from './protocol/open-inference/rest/rest-calls.js';
import { annotatePicture } from './runtime/annotation/annotate-picture.js';
import type { ModelExecutors } from './runtime/model-executor.js';
import type { Tracing } from './tracing/tracing.js';

/** The server, or one of its processes: every layer put together. */
export class App implements AsyncDisposable {
  readonly #options: ServerOptions;
  readonly #logger: Logger;
  /** Null: this process is all of the server. */
  readonly #seat: Seat | null;
  /** NOT_SERVING; what comes is taken all the same until `#draining` is aborted. */
  #leaving = false;
  readonly #draining = new AbortController();
  readonly #view: ModelView;
  /** Why a GPU is beyond use; null: none is. */
  #lost: string | null = null;
  #tellLoss: (why: string) => void = () => {};
  /** Resolves when a GPU is lost: the process has to end, and to be started again. */
  readonly deviceLost = new Promise<string>((resolve) => (this.#tellLoss = resolve));
  /** What the live page shows of this process. */
  readonly page: LivePage;
  readonly #metrics: Metrics;
  readonly #logFault: FaultLog = (id, fault) =>
    this.#logger.error({ id, err: fault }, 'a request met a fault of the server');
  readonly #rooms = new MessageRooms();
  readonly #executors: ModelExecutors;
  readonly #sharing: ModelSharing;
  readonly #repository: ModelRepository;
  readonly #ownControl = new OwnControl(() => this.#repository);
  #security!: Security;
  /** Null: nothing is traced. */
  #tracing: Tracing | null = null;
  #rest: RestCalls | null = null;
  #grpc!: GrpcServer;
  #http!: HttpServer;
  #started = false;
  #poll: RepositoryPoll | null = null;

  private constructor(options: ServerOptions, logger: Logger, seat: Seat | null) {
    this.#options = options;
    this.#logger = logger;
    this.#seat = seat;
    this.#sharing = modelSharing(options);
    this.#metrics = new Metrics(() => this.#view.gauges(), {
      process: seat?.number ?? 1,
      connections: () => (this.#grpc as GrpcServer | undefined)?.connections ?? 0,
      responses: this.#sharing.responses,
      certificateExpiry: () => (this.#security as Security | undefined)?.certificateExpiry ?? null,
      gpus: gpuReadings((why) => this.#logger.warn({ reason: why }, 'the driver tells nothing of the GPUs')),
    });
    this.#executors = modelExecutors(options, this.#metrics.engines, this.#rooms, logger, (why) =>
      this.loseDevice(why),
    );
    this.#repository = new ModelRepository({
      directory: options.modelRepository,
      controlMode: options.modelControlMode,
      loadAtStart: options.loadModel,
      parseConfig: readModelConfig,
      overrides: seat?.overrides ?? new Map(),
      load: versionLoader({
        executors: this.#executors,
        models: () => this.#repository,
        statistics: () => this.page.statistics,
        ...this.#sharing,
        logger,
        draining: this.#draining.signal,
      }),
      warn: (model, warning) => logWarning(this.#logger, model, warning),
      listener: (name, status) => this.#modelChanged(name, status),
    });
    this.#view = new ModelView(this.#repository, () => ({
      reason: this.#whyNotReady(),
      strict: options.strictReadiness,
      deviceLost: this.#lost,
    }));
    this.page = new LivePage(this.#view, this.#metrics, {
      repository: this.#repository,
      clock: systemClock,
      logFault: this.#logFault,
      draining: this.#draining.signal,
      tracer: () => this.#tracing,
    });
  }

  /**
   * Opens the ports, loads the models and resolves when each is READY or UNAVAILABLE. Rejects when a port or the
   * repository cannot be used.
   */
  static async create(options: ServerOptions, logger: Logger): Promise<App> {
    const { app, started } = App.begin(options, logger);
    await started;
    return app;
  }

  /** As `create`, but the server can be drained before it has started. */
  static begin(
    options: ServerOptions,
    logger: Logger,
    seat: Seat | null = null,
  ): { readonly app: App; readonly started: Promise<void> } {
    const app = new App(options, logger, seat);
    const started = app.#start().catch(async (error: unknown) => {
      await app[Symbol.asyncDispose]();
      throw error;
    });
    return { app, started };
  }

  /** `host:port` of the gRPC port as bound. */
  get grpcAddress(): string {
    return this.#grpc.address;
  }

  /** `host:port` of the HTTP port as bound; a process among others has none. */
  get httpAddress(): string {
    return formatListenAddress(this.#http.address);
  }

  /** Loads and unloads models in this process. */
  get repository(): ModelRepository {
    return this.#repository;
  }

  /** Logs a step in the life of the server, or of this process where there are others. */
  say(step: string, fields: object): void {
    this.#logger.info(fields, this.#seat === null ? step : `process ${step}`);
  }

  /** See RestCalls. */
  async ask(request: RestRequest, signal: AbortSignal): Promise<RestAnswer> {
    if (this.#rest === null) throw new ServingError('MODEL_NOT_READY', 'the server is starting; try again');
    return await this.#rest.ask(request, signal);
  }

  readiness(): Readiness {
    return this.#view.readiness();
  }

  metrics(): Promise<MetricSnapshot> {
    return this.#metrics.snapshot();
  }

  /**
   * Ends the way Kubernetes expects it: NOT_SERVING first; `drainDelay` seconds later no new connections and streams,
   * then the running streams finish, at most `exitTimeout` seconds long. True when all of them did.
   */
  async drain(): Promise<boolean> {
    const { drainDelay, exitTimeout } = this.#options;
    this.say('draining', { drainDelay, exitTimeout });
    const leave = (): void => {
      this.#leaving = true;
      this.#poll?.[Symbol.dispose]();
      this.#updateHealth();
    };
    const close = async (): Promise<void> => {
      this.say('closing', { exitTimeout });
      this.#draining.abort(shuttingDown());
      await Promise.all([(this.#grpc as GrpcServer | undefined)?.drain(), this.#rest?.drain()]);
    };
    // What has not started yet has nobody who could be sent to it.
    const times = { drainDelay: this.#started ? drainDelay : 0, exitTimeout };
    const finished = await drainInOrder({ leave, close }, times, this.#draining.signal, systemClock);
    await this.#tracing?.[Symbol.asyncDispose]();
    if (!finished) this.#logger.warn('streams were still open at the end of --exit-timeout; they are cut');
    return finished;
  }

  /** A GPU is beyond use: what can be answered still is; nothing else is taken, and the process is left to its end. */
  loseDevice(why: string): void {
    if (this.#lost !== null) return;
    this.#lost = why;
    this.#leaving = true;
    this.#logger.fatal({ reason: why }, 'a GPU is lost; the server drains and ends, to be started again');
    this.#draining.abort(new ServingError('DEVICE_LOST', why));
    this.#updateHealth();
    this.#tellLoss(why);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#draining.abort(shuttingDown());
    this.#poll?.[Symbol.dispose]();
    (this.#security as Security | undefined)?.[Symbol.dispose]();
    await (this.#grpc as GrpcServer | undefined)?.[Symbol.asyncDispose]();
    await this.#repository[Symbol.asyncDispose]();
    await this.#ownControl[Symbol.asyncDispose]();
    await (this.#http as HttpServer | undefined)?.[Symbol.asyncDispose]();
  }

  async #start(): Promise<void> {
    const options = this.#options;
    this.say('starting', { options });
    // Both to the end, also when one fails: what is half open could not be closed.
    for (const step of await Promise.allSettled([this.#open(), this.#repository.start()])) {
      if (step.status === 'rejected') throw step.reason;
    }
    this.#started = true;
    this.#updateHealth();
    const { ready, not_ready: notReady } = this.readiness();
    const models = this.#repository.ready().map(({ name, version }) => `${name}/${version}`);
    this.say('started', { ready, models, notReady });
    // A server that was told to stop meanwhile loads nothing more.
    if (options.modelControlMode !== 'poll' || this.#leaving) return;
    const failed = (reason: string): void => this.#logger.error({ reason }, 'the repository was not polled');
    this.#poll = new RepositoryPoll(() => this.#repository.refresh(), options.repositoryPollSecs, failed);
  }

  /** Opens the ports. */
  async #open(): Promise<void> {
    const options = this.#options;
    this.#security = await Security.create(options, this.#logger);
    const lose = (why: string): void => this.loseDevice(why);
    const controls = sharedControls(options, this.#repository, this.#ownControl, this.#logger, this.#seat, lose);
    this.#tracing = await openTracing(options, controls.traces?.policy ?? null, this.#metrics, this.#logger);
    const calls = {
      repository: this.#repository,
      clock: systemClock,
      tracer: this.#tracing,
      draining: this.#draining.signal,
      logFault: this.#logFault,
      ready: () => this.readiness().ready,
      serverVersion: await packageVersion(),
      ...controls,
    };
    this.#rest = new RestCalls(calls);
    if (this.#seat === null) {
      this.#http = await HttpServer.create({
        address: options.httpAddress,
        metrics: this.#metrics,
        readiness: () => this.readiness(),
        entrance: this.#security.http(),
        page: await this.page.source(options),
        rest: { maxBytes: options.maxMessageBytes, ask: (request, signal) => this.ask(request, signal) },
        logger: this.#logger,
      });
    }
    this.#grpc = await GrpcServer.create({
      address: formatListenAddress(options.grpcAddress),
      ...this.#security.grpc((reason) => this.#metrics.callRefused(reason)),
      ...calls,
      maxMessageBytes: options.maxMessageBytes,
      rooms: this.#rooms,
      limits: { defaultWindow: options.defaultWindow, maxWindow: options.maxWindow },
      statistics: this.page.statistics,
      annotate: annotatePicture,
    });
    const admin = this.#grpc.adminAddress ?? undefined;
    if (this.#seat === null) this.say('listening', { grpc: this.grpcAddress, admin, http: this.httpAddress });
    else this.#seat.listening(this.grpcAddress);
  }

  #modelChanged(name: string, status: VersionStatus | null): void {
    this.#sharing.responses?.modelsChanged();
    logStatus(this.#logger, name, status);
    this.#updateHealth();
  }

  #updateHealth(): void {
    const health = (this.#grpc as GrpcServer | undefined)?.health;
    if (health === undefined) return;
    showHealth(health, this.#repository, this.readiness().ready, this.#leaving);
  }

  #whyNotReady(): string | null {
    if (this.#lost !== null) return `a GPU is lost: ${this.#lost}`;
    if (this.#leaving) return 'the server is shutting down';
    return this.#started ? null : 'the server is starting';
  }
}
