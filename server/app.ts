import type { Logger } from 'pino';
import { parseModelConfig } from './config/model-config-file.js';
import { formatListenAddress } from './config/listen-address.js';
import type { ServerOptions } from './config/server-options.js';
import { systemClock } from './core/clock.js';
import { errorMessage, ServingError } from './core/errors.js';
import type { ModelLoader, VersionStatus } from './core/model-lifecycle.js';
import { ModelRepository } from './core/model-repository.js';
import { Model } from './core/model.js';
import { GrpcServer } from './grpc/grpc-server.js';
import { HttpServer } from './http/http-server.js';
import { Metrics, type ModelGauges } from './http/metrics.js';
import type { Readiness } from './http/readiness.js';
import { PictureCalibrator } from './runtime/calibration/picture-calibrator.js';
import { ModelExecutors } from './runtime/model-executor.js';
import { loadNative } from './runtime/native.js';

/** Ends the process of a server at once: a thread that hangs inside a model keeps `process.exit` waiting. */
export function exitNow(code: number): never {
  return loadNative().exit(code);
}

/** Why a server that drains loads nothing more. */
const SHUTTING_DOWN = new ServingError('SHUTTING_DOWN', 'the server is shutting down; ask another one');

/** The server: every layer put together. */
export class App implements AsyncDisposable {
  readonly #options: ServerOptions;
  readonly #logger: Logger;
  readonly #draining = new AbortController();
  readonly #metrics: Metrics;
  readonly #executors: ModelExecutors;
  readonly #repository: ModelRepository;
  #grpc!: GrpcServer;
  #http!: HttpServer;
  #started = false;
  #poll: NodeJS.Timeout | undefined;

  private constructor(options: ServerOptions, logger: Logger) {
    this.#options = options;
    this.#logger = logger;
    this.#metrics = new Metrics(() => this.#gauges());
    const { threads, maxPicturePixels } = options;
    this.#executors = new ModelExecutors({
      threads,
      maxPicturePixels,
      plans: {
        directory: options.engineCache,
        maxBytes: options.engineCacheBytes,
        calibrator: new PictureCalibrator({ threads, maxPicturePixels }),
        statistics: this.#metrics.engines,
        log: (level, model, message) => this.#logger[level]({ model: model ?? undefined }, message),
      },
    });
    this.#repository = new ModelRepository({
      directory: options.modelRepository,
      controlMode: options.modelControlMode,
      loadAtStart: options.loadModel,
      parseConfig: parseModelConfig,
      load: this.#load,
      listener: (name, status) => this.#modelChanged(name, status),
    });
  }

  /**
   * Opens both ports, loads the models and resolves when each is READY or UNAVAILABLE. Rejects when a port or the
   * repository cannot be used.
   */
  static async create(options: ServerOptions, logger: Logger): Promise<App> {
    const { app, started } = App.begin(options, logger);
    await started;
    return app;
  }

  /** As `create`, but the server can be drained before it has started. */
  static begin(options: ServerOptions, logger: Logger): { readonly app: App; readonly started: Promise<void> } {
    const app = new App(options, logger);
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

  /** `host:port` of the HTTP port as bound. */
  get httpAddress(): string {
    return formatListenAddress(this.#http.address);
  }

  /**
   * Ends the way Kubernetes expects it: NOT_SERVING first, then no new connections, then the running streams finish,
   * at most `exitTimeout` seconds long. True when all of them did.
   */
  async drain(): Promise<boolean> {
    this.#logger.info({ exitTimeout: this.#options.exitTimeout }, 'draining');
    clearTimeout(this.#poll);
    this.#draining.abort(SHUTTING_DOWN);
    this.#updateHealth();
    let timer: NodeJS.Timeout | undefined;
    const timedOut = new Promise<false>((resolve) => {
      timer = setTimeout(() => resolve(false), this.#options.exitTimeout * 1000);
    });
    const drained = (this.#grpc as GrpcServer | undefined)?.drain() ?? Promise.resolve();
    const finished = await Promise.race([drained.then(() => true as const), timedOut]);
    clearTimeout(timer);
    if (!finished) this.#logger.warn('streams were still open at the end of --exit-timeout; they are cut');
    return finished;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#draining.abort(SHUTTING_DOWN);
    clearTimeout(this.#poll);
    await (this.#grpc as GrpcServer | undefined)?.[Symbol.asyncDispose]();
    await this.#repository[Symbol.asyncDispose]();
    await (this.#http as HttpServer | undefined)?.[Symbol.asyncDispose]();
  }

  async #start(): Promise<void> {
    const options = this.#options;
    this.#logger.info({ options }, 'starting');
    // Both to the end, also when one fails: what is half open could not be closed.
    for (const step of await Promise.allSettled([this.#open(), this.#repository.start()])) {
      if (step.status === 'rejected') throw step.reason;
    }
    this.#started = true;
    this.#updateHealth();
    const { ready, not_ready: notReady } = this.#readiness();
    const models = this.#repository.ready().map(({ name, version }) => `${name}/${version}`);
    this.#logger.info({ ready, models, notReady }, 'started');
    if (options.modelControlMode === 'poll') this.#pollLater();
  }

  /** Opens both ports. */
  async #open(): Promise<void> {
    const options = this.#options;
    this.#http = await HttpServer.create({
      address: options.httpAddress,
      metrics: this.#metrics,
      readiness: () => this.#readiness(),
      logger: this.#logger,
    });
    this.#grpc = await GrpcServer.create({
      address: formatListenAddress(options.grpcAddress),
      repository: this.#repository,
      controlMode: options.modelControlMode,
      maxMessageBytes: options.maxMessageBytes,
      limits: { defaultWindow: options.defaultWindow, maxWindow: options.maxWindow },
      clock: systemClock,
      statistics: this.#metrics,
      draining: this.#draining.signal,
      logFault: (id, fault) => this.#logger.error({ id, err: fault }, 'a request met a fault of the server'),
    });
    this.#logger.info({ grpc: this.grpcAddress, http: this.httpAddress }, 'listening');
  }

  readonly #load: ModelLoader = async (name, { config, labels }, { version, path }, signal) => {
    const start = performance.now();
    const executor = await this.#executors.create({
      model: name,
      version,
      modelFile: path,
      config,
      signal: AbortSignal.any([signal, this.#draining.signal]),
    });
    this.#logger.info({ model: `${name}/${version}`, milliseconds: Math.round(performance.now() - start) }, 'loaded');
    const statistics = this.#metrics.forModel(name, version);
    return new Model({ name, version, config, labels, executor, statistics, clock: systemClock });
  };

  #modelChanged(name: string, status: VersionStatus | null): void {
    if (status === null) this.#logger.info({ model: name }, `a version of model ${name} is unloaded`);
    else {
      const { version, state, reason } = status;
      const level = reason === null ? 'info' : 'error';
      this.#logger[level]({ model: name, version, state, reason: reason ?? undefined }, `model ${name} is ${state}`);
    }
    this.#updateHealth();
  }

  #updateHealth(): void {
    const health = (this.#grpc as GrpcServer | undefined)?.health;
    if (health === undefined) return;
    health.setServing(this.#readiness().ready);
    const serving = new Set(this.#draining.signal.aborted ? [] : this.#repository.ready().map(({ name }) => name));
    const known = new Set(
      this.#repository.index().flatMap(({ name, versions }) => (versions.length > 0 ? [name] : [])),
    );
    for (const name of new Set([...health.models, ...known])) {
      health.setModelServing(name, known.has(name) ? serving.has(name) : null);
    }
  }

  #readiness(): Readiness {
    const notReady = this.#repository
      .index()
      .flatMap(({ name, versions }) =>
        versions
          .filter(({ state }) => state === 'LOADING' || state === 'UNAVAILABLE')
          .map(({ version, state, reason }) => ({ model: name, version, state, reason })),
      );
    const reason = this.#draining.signal.aborted
      ? 'the server is shutting down'
      : this.#started
        ? null
        : 'the server is starting';
    // What is added or reloaded while the server runs takes nothing away from what serves.
    const failed = notReady.some(({ state }) => state === 'UNAVAILABLE');
    const modelsReady = !failed || !this.#options.strictReadiness;
    return { ready: reason === null && modelsReady, reason, not_ready: notReady };
  }

  *#gauges(): Generator<ModelGauges> {
    const ready = new Map(this.#repository.ready().map((model) => [`${model.name}/${model.version}`, model]));
    for (const { name, versions } of this.#repository.index()) {
      for (const { version, state } of versions) {
        const model = ready.get(`${name}/${version}`);
        yield {
          model: name,
          version,
          state,
          queue: model?.queue ?? null,
          instances: model?.instances ?? null,
        };
      }
    }
  }

  #pollLater(): void {
    this.#poll = setTimeout(() => {
      this.#repository
        .refresh()
        .catch((cause: unknown) =>
          this.#logger.error({ reason: errorMessage(cause) }, 'the repository was not polled'),
        );
      // Not after the refresh: a model that loads for minutes holds up itself only.
      if (!this.#draining.signal.aborted) this.#pollLater();
    }, this.#options.repositoryPollSecs * 1000);
  }
}
