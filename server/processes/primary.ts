import type { Logger } from 'pino';
import { Security } from '../app/security.js';
import { EXIT_CODES } from '../config/exit-codes.js';
import { formatListenAddress } from '../config/listen-address.js';
import { packageVersion } from '../config/package-version.js';
import type { ServerOptions } from '../config/server-options.js';
import { HttpServer } from '../http/http-server.js';
import { MergedMetrics } from '../http/merged-metrics.js';
import type { PageSource } from '../http/page-routes.js';
import { startProcess } from './cluster.js';
import { ProcessGroup } from './process-group.js';
import { SharedAsks } from './shared-asks.js';

/**
 * Runs a server of several processes until `stopped`, or until one of them has lost its GPU; returns the code to exit
 * with. This process serves no frames: it has the HTTP port, hands out connections and watches over the others.
 */
export async function runPrimary(options: ServerOptions, logger: Logger, stopped: Promise<unknown>): Promise<number> {
  logger.info({ options }, 'starting');
  const metrics: MergedMetrics = new MergedMetrics(() => group.metrics());
  await using group = new ProcessGroup(options, logger, startProcess, {
    ended: (last) => metrics.processEnded(last),
  });
  const asks = new SharedAsks(() => group.serving);
  using security = await Security.create(options, logger);
  await using http = await HttpServer.create({
    address: options.httpAddress,
    metrics,
    readiness: () => group.readiness(),
    stuck: () => group.stuck(),
    entrance: security.http(),
    page: options.httpPage ? await pageOf(group, asks, options) : null,
    rest: { maxBytes: options.maxMessageBytes, ask: (request, signal) => asks.ask(request, signal) },
    logger,
  });
  const over = Promise.race([stopped.then(() => false), group.deviceLost.then(() => true), group.failed]);
  void tellSteps(group, formatListenAddress(http.address), logger);
  const lost = await over;
  const { drainDelay, exitTimeout } = options;
  logger.info({ drainDelay, exitTimeout }, 'draining');
  const drained = await group.drain();
  logger.info({ drained }, 'stopped');
  if (lost) return EXIT_CODES.DEVICE_LOST.code;
  return drained ? EXIT_CODES.OK.code : EXIT_CODES.CUT_OFF.code;
}

async function pageOf(group: ProcessGroup, asks: SharedAsks, { maxMessageBytes }: ServerOptions): Promise<PageSource> {
  return {
    version: await packageVersion(),
    maxPictureBytes: maxMessageBytes,
    report: () => group.report(),
    tryPicture: (picture, signal) => asks.tryPicture(picture, signal),
  };
}

/** Logs what a server of one process logs, once for all. */
async function tellSteps(group: ProcessGroup, http: string, logger: Logger): Promise<void> {
  logger.info({ grpc: await group.listening, http }, 'listening');
  await group.started;
  const { ready, not_ready: notReady } = await group.readiness();
  logger.info({ ready, notReady }, 'started');
}
