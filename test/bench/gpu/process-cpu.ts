import { readdir, readFile } from 'node:fs/promises';

/** Clock ticks a second of /proc: the same on every Linux that Node runs on. */
const TICKS = 100;

const SAMPLE_MILLISECONDS = 200;
const STARTING_SAMPLES = 4;

/** CPU time that a process has spent, in seconds. */
interface ProcessCpu {
  readonly pid: number;
  readonly seconds: number;
}

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

/** The process `pid`, first, and all that it and its children have started. */
async function processTreeCpu(pid: number): Promise<ProcessCpu[]> {
  const names = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const all = (await Promise.all(names.map(readStat))).filter((stat) => stat !== null);
  const tree = new Set([pid]);
  // Children have not always higher numbers than their parents: until none is new.
  for (let before = 0; before !== tree.size;) {
    before = tree.size;
    for (const stat of all) if (tree.has(stat.parent)) tree.add(stat.pid);
  }
  return all
    .filter((stat) => tree.has(stat.pid))
    .map(({ pid: id, seconds }) => ({ pid: id, seconds }))
    .sort((a, b) => Number(b.pid === pid) - Number(a.pid === pid) || a.pid - b.pid);
}

/** Null for a process that has ended meanwhile. */
async function readStat(name: string): Promise<(ProcessCpu & { readonly parent: number }) | null> {
  const text = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => null);
  if (text === null) return null;
  // The program's name, in brackets, may have spaces.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [parent, user, system] = [fields[1], fields[11], fields[12]].map(Number);
  return { pid: Number(name), parent: parent!, seconds: (user! + system!) / TICKS };
}
