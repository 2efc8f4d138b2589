import { ServerProcess } from '../../clients/typescript/server-process.js';
import { drive, forSeconds, upTo, type Sample } from '../../server/cli/bench/load.js';
import { SluiceTarget, type SluiceLoad } from '../../server/cli/bench/sluice-target.js';
import { grey } from '../support/pictures.js';
import type { TestRepository } from '../support/test-repository.js';
import { TINY_MODEL } from './bench-repository.js';
import { rate } from './figures.js';
import { machineCpu, ownCpu, serverUsage } from './usage.js';

type Picture = SluiceLoad['pictures'][number];

/** What a run against the server came to. */
export interface ServedRun {
  readonly framesPerSecond: number;
  /** CPU time of the server a frame, in milliseconds. */
  readonly serverCpuPerFrame: number;
  /** CPU time of the client, which is this process, a frame, in milliseconds. */
  readonly clientCpuPerFrame: number;
  /** Cores that neither of them used but somebody did. */
  readonly foreignCores: number;
  readonly meanBatchSize: number;
  readonly samples: readonly Sample[];
}

/** Frames of the tiny model after which the JavaScript of both ends is compiled as far as it will be. */
const WARM_UP_FRAMES = 4000;

/** A server in a process of its own with CenterFace, and a client in this one. */
export class Served implements AsyncDisposable {
  readonly #repository: TestRepository;
  readonly #server: ServerProcess;

  private constructor(repository: TestRepository, server: ServerProcess) {
    this.#repository = repository;
    this.#server = server;
  }

  /** Takes over the repository, one of `centerfaceRepository`. Resolves when everything is warm. */
  static async start(repository: TestRepository, pictures: readonly Buffer[]): Promise<Served> {
    const server = await ServerProcess.start({ modelRepository: repository.directory });
    const served = new Served(repository, server);
    // A raw picture about as long as the files: at a few frames a second, compiling would take minutes.
    const picture = grey(0, 210);
    for (const window of [1, 32]) await served.#drive(TINY_MODEL, [picture], window, upTo(WARM_UP_FRAMES / 2));
    await served.#drive('centerface', pictures, 32, upTo(64));
    return served;
  }

  get httpAddress(): string {
    return this.#server.httpAddress;
  }

  /** Keeps `window` frames in flight on one stream, for some seconds or frames. Throws when a frame fails. */
  async run(
    pictures: readonly Buffer[],
    window: number,
    limit: { readonly seconds?: number; readonly frames?: number },
    onAnswer?: () => void,
  ): Promise<ServedRun> {
    const { seconds = Infinity, frames = Infinity } = limit;
    const [enough, inTime] = [upTo(frames), forSeconds(seconds)];
    const before = await serverUsage(this.httpAddress);
    const [client, machine, start] = [ownCpu(), machineCpu(), performance.now()];
    const samples = await this.#drive('centerface', pictures, window, () => inTime() && enough(), onAnswer);
    const elapsed = (performance.now() - start) / 1000;
    const clientCpu = ownCpu() - client;
    const machineSpent = machineCpu() - machine;
    const serverCpu = (await serverUsage(this.httpAddress)).cpu - before.cpu;
    const failed = samples.find(({ failure }) => failure !== null);
    if (failed !== undefined) throw new Error(`a frame failed: ${failed.failure?.message}`);
    const batches = samples.reduce((sum, { timings }) => sum + 1 / (timings?.batchSize ?? 1), 0);
    return {
      framesPerSecond: rate(steady(samples, window)),
      serverCpuPerFrame: (serverCpu / samples.length) * 1000,
      clientCpuPerFrame: (clientCpu / samples.length) * 1000,
      foreignCores: Math.max(0, (machineSpent - serverCpu - clientCpu) / elapsed),
      meanBatchSize: samples.length / batches,
      samples,
    };
  }

  async #drive(
    model: string,
    pictures: readonly Picture[],
    window: number,
    more: () => boolean,
    onAnswer?: () => void,
  ): Promise<Sample[]> {
    const address = this.#server.grpcAddress;
    using target = await SluiceTarget.open({ address, model, pictures, connections: 1, streams: 1 });
    const samples: Sample[] = [];
    await drive(target.senders(window), { concurrency: window }, more, (sample) => {
      samples.push(sample);
      onAnswer?.();
    });
    return samples;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
    await this.#repository[Symbol.asyncDispose]();
  }
}

/**
 * When the answers came while all of the window was in flight: neither its filling nor its draining counts. A run too
 * short for that counts as a whole.
 */
function steady(samples: readonly Sample[], window: number): number[] {
  const lastWritten = samples.reduce((last, { sentAt }) => Math.max(last, sentAt), 0);
  const answers = samples.map(({ answeredAt }) => answeredAt);
  const full = answers.slice(window).filter((at) => at <= lastWritten);
  return full.length >= 2 * window ? full : answers;
}
