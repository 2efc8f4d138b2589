import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** Starts the names of everything that only exists while a pull runs; models and samples never start so. */
const PREFIX = '.sluice-pull-';

/** The name of a temporary file or directory of this process. Its process id tells the living from the left behind. */
export function temporaryName(): string {
  return `${PREFIX}${process.pid}-`;
}

/** A fresh directory below `parent`, on the same disk as the targets; it goes with everything in it when disposed. */
export class WorkDirectory implements AsyncDisposable {
  private constructor(readonly path: string) {}

  static async create(parent: string): Promise<WorkDirectory> {
    await mkdir(parent, { recursive: true });
    return new WorkDirectory(await mkdtemp(join(parent, temporaryName())));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}

/** Removes what pulls that were killed left in `directory`. Those that still run are left alone. */
export async function removeLeftovers(directory: string): Promise<void> {
  const names = await readdir(directory).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return [];
    throw cause;
  });
  for (const name of names) {
    const owner = name.startsWith(PREFIX) ? Number.parseInt(name.slice(PREFIX.length), 10) : NaN;
    if (Number.isNaN(owner) || isAlive(owner)) continue;
    await rm(join(directory, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    // EPERM: it lives and belongs to somebody else.
    return (cause as NodeJS.ErrnoException).code === 'EPERM';
  }
}
