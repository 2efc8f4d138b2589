import { pino } from 'pino';
import { OwnControl } from '../../server/app/own-control.js';
import { ownTraces } from '../../server/app/own-traces.js';
import { Security } from '../../server/app/security.js';
import { readModelConfig } from '../../server/config/read-model-config.js';
import { resolveServerOptions } from '../../server/config/server-options.js';
import { systemClock } from '../../server/core/clock.js';
import type { Executor } from '../../server/core/executor.js';
import type { BatchResult, InferenceRequest, InferenceResult } from '../../server/core/inference.js';
import { MessageRooms } from '../../server/core/message-rooms.js';
import { ModelRepository } from '../../server/core/model-repository.js';
import { Model } from '../../server/core/model.js';
import { NO_STATISTICS, type StatisticsSink } from '../../server/core/statistics.js';
import { GrpcServer } from '../../server/grpc/grpc-server.js';
import { Metrics } from '../../server/http/metrics.js';
import { Tracing } from '../../server/tracing/tracing.js';
import type { Asked, Recorders } from './metrics-server.js';

/**
 * The program behind ObservedServer: the gRPC door, the repository and the batcher as they are served, over a model that
 * answers at once, with the recorders that it is told to use. What recording costs is nowhere a larger share.
 */

/** Answers without a thread: nothing is found anywhere. */
class IdentityExecutor implements Executor {
  readonly instances = 2;
  readonly devices = [];
  readonly layout = null;
  readonly signature = null;
  onIdle: () => void = () => {};
  #running = 0;

  get idle(): number {
    return this.instances - this.#running;
  }

  async execute(batch: readonly InferenceRequest[]): Promise<BatchResult> {
    this.#running += 1;
    // What has arrived meanwhile shares the next batch, as it does while an instance computes.
    await new Promise((resolve) => setImmediate(resolve));
    this.#running -= 1;
    return { phases: { decode: 1, preprocess: 1, infer: 1, postprocess: 1 }, results: batch.map(() => NOTHING) };
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

const NOTHING: InferenceResult = {
  width: 1,
  height: 1,
  outcome: { rows: 0, columns: 6, values: new Float32Array(0), rowErrors: null, attachments: [] },
};

const NO_SINK: StatisticsSink = {
  forModel: () => NO_STATISTICS.model,
  modelLoaded: () => {},
  streamOpened: () => ({ ended: () => {} }),
};

const [directory, recorders] = JSON.parse(process.argv[2] ?? '[]') as [directory: string, recorders: Recorders];
const metrics = new Metrics(() => []);
const statistics = recorders.statistics ? metrics : NO_SINK;
const repository = new ModelRepository({
  directory,
  controlMode: 'none',
  loadAtStart: [],
  parseConfig: readModelConfig,
  load: async (name, { config, labels }, { version }) => {
    const own = { statistics: statistics.forModel(name, version), executor: new IdentityExecutor() };
    return new Model({ name, version, config, labels, clock: systemClock, ...own });
  },
  listener: () => {},
  warn: () => {},
});
await repository.start();
const { traces } = recorders;
const logger = pino({ level: 'silent' });
const security = await Security.create(resolveServerOptions({}), logger);
const server = await GrpcServer.create({
  address: '127.0.0.1:0',
  ...security.grpc(() => {}),
  repository,
  controlMode: 'none',
  control: new OwnControl(() => repository),
  maxMessageBytes: 1 << 20,
  rooms: new MessageRooms(),
  limits: { defaultWindow: 8, maxWindow: 64 },
  clock: systemClock,
  statistics,
  tracer:
    traces === null
      ? null
      : new Tracing({
          endpoint: traces.endpoint,
          policy: ownTraces({ enabled: true, ratio: traces.ratio, count: -1 }).policy,
          clock: systemClock,
          statistics: metrics,
          logLoss: (why) => logger.warn(why),
        }),
  draining: new AbortController().signal,
  annotate: () => Promise.reject(new Error('nothing is drawn')),
  logFault: (id, fault) => logger.error(fault, id),
  ready: () => true,
  serverVersion: '0',
  log: { get: () => 'fatal', set: async () => {} },
  sharedMemory: null,
  modelStatistics: async () => [],
  traces: null,
});
process.on('message', (asked: Asked) => {
  if (asked === 'cpu') {
    const { user, system } = process.cpuUsage();
    process.send!(user + system);
  } else {
    void metrics.snapshot().then((all) => {
      const lost = all.find(({ name }) => name === 'sluice_trace_spans_lost_total')?.values ?? [];
      process.send!(lost.reduce((sum, { value }) => sum + value, 0));
    });
  }
});
process.send!(server.address);
