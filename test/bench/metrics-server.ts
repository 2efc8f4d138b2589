import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { drive, forSeconds } from '../../server/cli/bench/load.js';
import { SluiceTarget } from '../../server/cli/bench/sluice-target.js';
import { grey } from '../support/pictures.js';

/** What a server records of its requests. */
export interface Recorders {
  readonly statistics: boolean;
  /** Null: nothing is traced. */
  readonly traces: { readonly endpoint: string; readonly ratio: number } | null;
}

/** What the program is asked, and answers with a number: its CPU time in microseconds, or the spans that it lost. */
export type Asked = 'cpu' | 'lost';

export interface ObservedRun {
  readonly framesPerSecond: number;
  /** CPU time of the server a frame, in microseconds. */
  readonly cpuPerFrame: number;
}

/** Detects, and is answered at once. */
export const IDENTITY_MODEL = 'identity';

const PROGRAM = fileURLToPath(new URL('metrics-child.js', import.meta.url));

const LOAD = { model: IDENTITY_MODEL, pictures: [grey(0, 4)], connections: 1, streams: 2 };
const IN_FLIGHT = 32;

/** A server in a process of its own, see metrics-child.ts, and a client in this one. */
export class ObservedServer implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #target: SluiceTarget;

  private constructor(child: ChildProcess, target: SluiceTarget) {
    this.#child = child;
    this.#target = target;
  }

  /** `directory` holds IDENTITY_MODEL. */
  static async start(directory: string, recorders: Recorders): Promise<ObservedServer> {
    const child = fork(PROGRAM, [JSON.stringify([directory, recorders])]);
    const [address] = (await once(child, 'message')) as [string];
    return new ObservedServer(child, await SluiceTarget.open({ ...LOAD, address }));
  }

  /** Keeps frames in flight for some seconds. */
  async run(seconds: number): Promise<ObservedRun> {
    const [cpu, start] = [await this.#ask('cpu'), performance.now()];
    const senders = this.#target.senders(IN_FLIGHT / LOAD.streams);
    let answered = 0;
    await drive(senders, { concurrency: IN_FLIGHT }, forSeconds(seconds), ({ failure }) => {
      if (failure !== null) throw new Error(`a frame failed: ${failure.message}`);
      answered += 1;
    });
    await Promise.all(senders.map((sender) => sender.close()));
    const elapsed = (performance.now() - start) / 1000;
    const spent = (await this.#ask('cpu')) - cpu;
    return { framesPerSecond: answered / elapsed, cpuPerFrame: spent / answered };
  }

  /** Spans of traces that did not get through. */
  lostSpans(): Promise<number> {
    return this.#ask('lost');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#target[Symbol.dispose]();
    this.#child.kill('SIGKILL');
    await once(this.#child, 'close');
  }

  async #ask(what: Asked): Promise<number> {
    this.#child.send(what);
    const [answer] = (await once(this.#child, 'message')) as [number];
    return answer;
  }
}
