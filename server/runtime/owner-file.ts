import { randomUUID } from 'node:crypto';
import { link, open, readFile, readlink, rename, rm, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { z } from 'zod';

/** Who a file of this kind belongs to. */
const ownerSchema = z.object({
  /** Differs between files of the same process. */
  id: z.string(),
  /** The machine, and the space in which its process ids count. */
  host: z.string(),
  pid: z.int(),
  /** When the process started: a process id that is used again is another process. Empty where it is not known. */
  started: z.string(),
});

type Owner = z.output<typeof ownerSchema>;

/** How often an owner shows that it lives, in milliseconds. */
const SIGN_OF_LIFE = 5000;

/** An owner that has not shown it for so long is gone; its machine may be another one. */
const GIVEN_UP = 60_000;

/**
 * A file that says that a living process has claimed something. It shows its life by touching it; whoever finds a file
 * whose owner is gone may take it over.
 */
export class OwnerFile implements AsyncDisposable {
  readonly #path: string;
  readonly #text: string;
  readonly #timer: NodeJS.Timeout;

  private constructor(path: string, text: string) {
    this.#path = path;
    this.#text = text;
    this.#timer = setInterval(() => {
      const now = new Date();
      // A file that somebody removed is missed by nobody before the claim ends.
      utimes(path, now, now).catch(() => {});
    }, SIGN_OF_LIFE);
    this.#timer.unref();
  }

  /** Claims `path`; null while a living owner has it. */
  static async claim(path: string): Promise<OwnerFile | null> {
    const text = JSON.stringify(await thisProcess());
    // A second time, when the first has found the file of somebody who is gone.
    for (let attempt = 0; attempt < 2; attempt++) {
      try {
        const handle = await open(path, 'wx');
        await handle.writeFile(text).finally(() => handle.close());
        return new OwnerFile(path, text);
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
      }
      if (!(await removeAbandoned(path))) return null;
    }
    return null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    if ((await read(this.#path)) === this.#text) await rm(this.#path, { force: true });
  }
}

/** Removes the file at `path` if its owner is gone; true when there is none now. */
export async function removeAbandoned(path: string): Promise<boolean> {
  const text = await read(path);
  if (text === null) return true;
  if (!(await isAbandoned(path, text))) return false;
  // Another process may do the same, and have claimed it by now: what is taken away is looked at once more.
  const taken = `${path}.${randomUUID()}`;
  try {
    await rename(path, taken);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return true;
    throw cause;
  }
  const ours = (await read(taken)) === text;
  // Put back, unless a third one was quicker still: then two believe that it is theirs, and do the same work twice.
  if (!ours) await link(taken, path).catch(() => {});
  await rm(taken, { force: true });
  return ours;
}

async function isAbandoned(path: string, text: string): Promise<boolean> {
  const touched = await stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => Date.now(),
  );
  if (Date.now() - touched > GIVEN_UP) return true;
  const owner = parse(text);
  if (owner === null) return false;
  const us = await thisProcess();
  if (owner.host !== us.host) return false;
  if (!isAlive(owner.pid)) return true;
  const started = await startOf(owner.pid);
  return started !== '' && started !== owner.started;
}

/** Null where it is being written, or is none of ours. */
function parse(text: string): Owner | null {
  try {
    return ownerSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

async function thisProcess(): Promise<Owner> {
  const space = await readlink('/proc/self/ns/pid').catch(() => '');
  return { id: randomUUID(), host: `${hostname()} ${space}`, pid: process.pid, started: await startOf(process.pid) };
}

/** In the clock ticks of Linux since the machine started: the 22nd field, counted after the name, which may hold anything. */
async function startOf(pid: number): Promise<string> {
  const text = await read(`/proc/${pid}/stat`);
  return text?.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? '';
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

async function read(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    if (['ENOENT', 'ESRCH'].includes((cause as NodeJS.ErrnoException).code ?? '')) return null;
    throw cause;
  }
}
