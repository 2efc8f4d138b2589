import type { Logger } from 'pino';
import { App } from '../app.js';
import { exitNow } from '../app/exit-now.js';
import { ownMemory } from '../app/client-memory.js';
import { ownStatistics } from '../app/own-statistics.js';
import { traceSettings } from '../app/own-traces.js';
import { SentModels } from '../app/sent-models.js';
import { EXIT_CODES } from '../config/exit-codes.js';
import type { ServerOptions } from '../config/server-options.js';
import { errorMessage, ServingError } from '../core/errors.js';
import type { PrimaryCalls, ProcessCalls } from './calls.js';
import type { ParentChannel } from './cluster.js';
import { Peer } from './peer.js';
import { serveApp } from './serve-app.js';
import { SentAsks } from './shared-asks.js';
import { ProcessTraces } from './shared-traces.js';

/**
 * Runs one of several processes of a server until it is told to stop, by the one that has started it or by a signal of
 * its own; returns the code to exit with.
 */
export async function runMember(
  options: ServerOptions,
  logger: Logger,
  channel: ParentChannel,
  signalled: Promise<unknown>,
): Promise<number> {
  let stop: () => void = () => {};
  const told = new Promise<void>((resolve) => (stop = resolve));
  let own = logger;
  let running: { readonly app: App; readonly started: Promise<void> } | null = null;
  const asks = new SentAsks();
  const { memory, control: regions, cuda } = ownMemory((why) => running?.app.loseDevice(why));
  const calls: ProcessCalls = {
    readiness: () => running?.app.readiness() ?? { ready: false, reason: 'the process is starting', not_ready: [] },
    metrics: async () => (await running?.app.metrics()) ?? [],
    report: () => running?.app.page.report() ?? { models: [], errors: [] },
    statistics: (asked) => (running === null ? [] : ownStatistics(running.app.repository, asked)),
    tryPicture: async (sent) => {
      const page = running?.app.page;
      if (page === undefined) throw new ServingError('MODEL_NOT_READY', 'the process is starting; try again');
      return await asks.tryPicture(sent, (picture, signal) => page.tryPicture(picture, signal));
    },
    ask: async (sent) => {
      if (running === null) throw new ServingError('MODEL_NOT_READY', 'the process is starting; try again');
      return await asks.ask(sent, running.app);
    },
    withdraw: (id) => asks.withdraw(id),
    // The start is waited for: it may not have looked at the directory yet.
    load: async ({ name, override }) => {
      await running?.started;
      await running?.app.repository.load(name, override);
    },
    unload: async (name) => {
      await running?.started;
      await running?.app.repository.unload(name);
    },
    released: async (name) => await running?.app.repository.released(name),
    setLogLevel: (level) => void (own.level = level),
    setTraces: (choices) => void (traces.choices = choices),
    registerMemory: (region) => regions.register(region),
    unregisterMemory: (which) => regions.unregister(which),
    drain: () => stop(),
  };
  const primary = new Peer<PrimaryCalls>((message) => channel.send(message), { ...calls });
  const traces = new ProcessTraces(traceSettings(options), primary);
  channel.onMessage((message) => primary.receive(message));
  channel.onGone(() => exitNow(EXIT_CODES.FAILED.code));

  const {
    number,
    port,
    loadModel,
    sentModels,
    logLevel,
    traces: choices,
    regions: shared,
  } = await primary.call('begin');
  traces.choices = choices;
  own = logger.child({ process: number }, { level: logLevel });
  // Before it serves: nobody is to be told that there is no such region.
  await Promise.all(
    shared.map((region) =>
      regions
        .register(region)
        .catch((error: unknown) => own.warn({ reason: errorMessage(error) }, 'shared memory is lost')),
    ),
  );
  // The one that tells the processes to load it also has it removed.
  const written = new SentModels(sentModels);
  const names = loadModel.map(({ name }) => name);
  const part = { ...options, grpcAddress: { ...options.grpcAddress, port }, loadModel: names };
  running = App.begin({ ...part, threads: threadShare(options, number) }, own, {
    number,
    listening: (address) => void primary.call('listening', address),
    control: {
      load: async (name, sent) => {
        const override = sent === null ? null : await written.write(name, sent);
        await primary.call('load', { name, override });
      },
      unload: (name) => primary.call('unload', name),
    },
    overrides: new Map(loadModel.flatMap(({ name, override }) => (override === null ? [] : [[name, override]]))),
    setLogLevel: (level) => primary.call('setLogLevel', level),
    traces,
    modelStatistics: (asked) => primary.call('statistics', asked),
    sharedMemory: {
      memory,
      control: {
        register: (region) => primary.call('registerMemory', region),
        unregister: (which) => primary.call('unregisterMemory', which),
      },
      cuda,
    },
  });
  const { app, started } = running;
  void started.then(
    () =>
      primary.call(
        'started',
        app.repository.index().map(({ name }) => name),
      ),
    () => {},
  );
  try {
    return await serveApp(running, Promise.race([told, signalled]));
  } catch (cause) {
    await primary.call('failed', errorMessage(cause));
    return EXIT_CODES.FAILED.code;
  }
}

/** CPU threads of process `number`, from 1: all processes together have as many as the server, but each has one. */
export function threadShare(
  { threads, processes }: Pick<ServerOptions, 'threads' | 'processes'>,
  number: number,
): number {
  const more = number <= threads % processes ? 1 : 0;
  return Math.max(1, Math.floor(threads / processes) + more);
}
