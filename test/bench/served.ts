import { ServerProcess } from '../../clients/typescript/server-process.js';
import { SluiceClient } from '../../clients/typescript/sluice-client.js';
import { drive, type FrameSample } from '../../server/cli/bench-load.js';
import { rate } from '../../server/cli/bench-point.js';
import { grey } from '../support/pictures.js';
import type { TestRepository } from '../support/test-repository.js';
import { TINY_MODEL } from './bench-repository.js';
import { machineCpu, ownCpu, serverUsage } from './usage.js';

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
  readonly samples: readonly FrameSample[];
}

/** Frames of the tiny model after which the JavaScript of both ends is compiled as far as it will be. */
const WARM_UP_FRAMES = 4000;

/** A server in a process of its own with CenterFace, and a client in this one. */
export class Served implements AsyncDisposable {
  readonly #repository: TestRepository;
  readonly #server: ServerProcess;
  readonly #client: SluiceClient;

  private constructor(repository: TestRepository, server: ServerProcess, client: SluiceClient) {
    this.#repository = repository;
    this.#server = server;
    this.#client = client;
  }

  /** Takes over the repository, one of `centerfaceRepository`. Resolves when everything is warm. */
  static async start(repository: TestRepository, pictures: readonly Buffer[]): Promise<Served> {
    const server = await ServerProcess.start({ modelRepository: repository.directory });
    const client = await SluiceClient.connect(server.grpcAddress);
    const load = { call: 'detect', streams: 1, seconds: Infinity } as const;
    // A raw picture about as long as the files: at a few frames a second, compiling would take minutes.
    const picture = grey(0, 210);
    for (const window of [1, 32]) {
      await drive(client, { ...load, model: TINY_MODEL, pictures: [picture], window, frames: WARM_UP_FRAMES / 2 });
    }
    await drive(client, { ...load, model: 'centerface', pictures, window: 32, frames: 64 });
    return new Served(repository, server, client);
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
    const before = await serverUsage(this.httpAddress);
    const [client, machine, start] = [ownCpu(), machineCpu(), performance.now()];
    const load = { call: 'detect', model: 'centerface', pictures, window, streams: 1, frames, seconds } as const;
    const samples = await drive(this.#client, load, onAnswer);
    const elapsed = (performance.now() - start) / 1000;
    const clientCpu = ownCpu() - client;
    const machineSpent = machineCpu() - machine;
    const serverCpu = (await serverUsage(this.httpAddress)).cpu - before.cpu;
    const failed = samples.find(({ frame }) => frame.error !== undefined);
    if (failed !== undefined) throw new Error(`a frame failed: ${failed.frame.error?.message}`);
    const batches = samples.reduce((sum, { frame }) => sum + 1 / (frame.timings?.batchSize ?? 1), 0);
    return {
      framesPerSecond: rate(steady(samples, window)),
      serverCpuPerFrame: (serverCpu / samples.length) * 1000,
      clientCpuPerFrame: (clientCpu / samples.length) * 1000,
      foreignCores: Math.max(0, (machineSpent - serverCpu - clientCpu) / elapsed),
      meanBatchSize: samples.length / batches,
      samples,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client[Symbol.dispose]();
    await this.#server[Symbol.asyncDispose]();
    await this.#repository[Symbol.asyncDispose]();
  }
}

/**
 * When the answers came while all of the window was in flight: neither its filling nor its draining counts. A run too
 * short for that counts as a whole.
 */
function steady(samples: readonly FrameSample[], window: number): number[] {
  const lastWritten = samples.reduce((last, { writtenAt }) => Math.max(last, writtenAt), 0);
  const answers = samples.map(({ answeredAt }) => answeredAt);
  const full = answers.slice(window).filter((at) => at <= lastWritten);
  return full.length >= 2 * window ? full : answers;
}
