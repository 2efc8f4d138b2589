import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { OwnerFile, removeAbandoned } from './owner-file.js';

/** Starts the names of directories that only exist while something is built in them. */
const PREFIX = 'work-';

const OWNER = 'owner';

/** A fresh directory below `parent`. It goes with everything in it when disposed. */
export class WorkDirectory implements AsyncDisposable {
  readonly path: string;
  readonly #owner: OwnerFile;

  private constructor(path: string, owner: OwnerFile) {
    this.path = path;
    this.#owner = owner;
  }

  static async create(parent: string): Promise<WorkDirectory> {
    const path = join(parent, `${PREFIX}${randomUUID()}`);
    await mkdir(path);
    const owner = await OwnerFile.claim(join(path, OWNER));
    if (owner === null) throw new Error(`${path} belongs to another process`);
    return new WorkDirectory(path, owner);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owner[Symbol.asyncDispose]();
    await rm(this.path, { recursive: true, force: true });
  }
}

/** Removes the work directories below `parent` whose processes are gone. */
export async function removeAbandonedWork(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    if (!name.startsWith(PREFIX)) continue;
    const path = join(parent, name);
    // One that is being made, or removed, has no owner for a moment: it is left for the next time.
    const entries = await readdir(path).catch((): string[] => []);
    if (entries.includes(OWNER) && (await removeAbandoned(join(path, OWNER)))) {
      await rm(path, { recursive: true, force: true });
    }
  }
}
