import { processTreeCpu, type ProcessCpu } from '../process-tree.js';

const SAMPLE_MILLISECONDS = 200;
const STARTING_SAMPLES = 4;

/** Looks at the processes of a load while they run; afterwards those that have ended are nowhere to be found. */
export class CpuSampler implements Disposable {
  readonly #server: number;
  readonly #samples: Sample[] = [];
  readonly #timer: NodeJS.Timeout;
  #looking = false;

  /** `server` is the process that is to be told by itself, a child of this one. */
  constructor(server: number) {
    this.#server = server;
    this.#timer = setInterval(() => void this.#look(), SAMPLE_MILLISECONDS);
  }

  /** Cores in use from when all processes had started until the first of them ended. */
  used(): LoadCpu {
    const most = Math.max(0, ...this.#samples.map(({ all }) => all.length));
    // While programs start they compile: that is no load yet.
    const steady = this.#samples.filter(({ all }) => all.length === most).slice(STARTING_SAMPLES);
    const [first, last] = [steady[0], steady.at(-1)];
    if (first === undefined || last === undefined || first === last)
      throw new Error('the load was too short to look at');
    const seconds = (last.at - first.at) / 1000;
    const cores = ({ pid, seconds: spent }: ProcessCpu, before: readonly ProcessCpu[]): number =>
      (spent - (before.find((one) => one.pid === pid)?.seconds ?? spent)) / seconds;
    const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
    const byServerProcess = last.server.map((one) => cores(one, first.server));
    const server = sum(byServerProcess);
    return { byServerProcess, server, others: sum(last.all.map((one) => cores(one, first.all))) - server };
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    const [server, all] = [await processTreeCpu(this.#server), await processTreeCpu(process.pid)];
    this.#samples.push({ at: performance.now(), server, all });
    this.#looking = false;
  }
}

/** Cores that were in use. */
export interface LoadCpu {
  readonly byServerProcess: readonly number[];
  readonly server: number;
  /** This process and what it has started beside the server: the clients. */
  readonly others: number;
}

interface Sample {
  readonly at: number;
  readonly server: readonly ProcessCpu[];
  readonly all: readonly ProcessCpu[];
}
