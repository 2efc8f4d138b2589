import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { removeAbandoned } from './owner-file.js';
import { removeAbandonedWork } from './work-directory.js';

/** What belongs to a plan: its key, a dot, and the kind of file. */
const ENTRY_FILE = /^([0-9a-f]{64})\.(.+)$/;

/** The files of one plan. */
interface Entry {
  readonly key: string;
  readonly files: string[];
  bytes: number;
  /** When it was last used, in milliseconds: the modification time of its sidecar, or of a plan that has none. */
  usedAt: number;
}

/** The files of an engine cache as a whole: how much they take, which are in use, which go first. */
export class CacheFiles {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Removes what processes that died in the middle of a build have left. Leaves a cache alone that cannot be written. */
  async removeLeftovers(): Promise<void> {
    try {
      await removeAbandonedWork(this.#directory);
    } catch (cause) {
      if (!['EACCES', 'EPERM', 'EROFS'].includes((cause as NodeJS.ErrnoException).code ?? '')) throw cause;
    }
  }

  /** Removes everything of a plan but the marks of those who use it. */
  async remove(key: string): Promise<void> {
    const entry = (await this.#entries()).get(key);
    if (entry !== undefined) await this.#remove(entry);
  }

  /**
   * Removes plans until the others take at most `maxBytes`, those first that were not used for longest. Those in use,
   * here or in another process, and `keep` stay. Returns the keys of what is gone.
   */
  async shrink(maxBytes: number, keep: string): Promise<string[]> {
    const entries = [...(await this.#entries()).values()].sort((a, b) => a.usedAt - b.usedAt);
    let total = entries.reduce((sum, { bytes }) => sum + bytes, 0);
    const removed: string[] = [];
    for (const entry of entries) {
      if (total <= maxBytes) break;
      if (entry.key === keep || (await this.#inUse(entry))) continue;
      await this.#remove(entry);
      total -= entry.bytes;
      removed.push(entry.key);
    }
    return removed;
  }

  async #entries(): Promise<Map<string, Entry>> {
    const entries = new Map<string, Entry>();
    for (const name of await readdir(this.#directory)) {
      const [, key, kind] = ENTRY_FILE.exec(name) ?? [];
      // Another process may have removed it meanwhile.
      const file = key === undefined ? null : await stat(join(this.#directory, name)).catch(() => null);
      if (key === undefined || file === null) continue;
      const entry = entries.get(key) ?? { key, files: [], bytes: 0, usedAt: 0 };
      entries.set(key, entry);
      entry.files.push(name);
      entry.bytes += file.size;
      if (kind === 'json') entry.usedAt = file.mtimeMs;
      else if (kind === 'plan' && entry.usedAt === 0) entry.usedAt = file.mtimeMs;
    }
    return entries;
  }

  async #inUse({ files }: Entry): Promise<boolean> {
    const marks = files.filter((name) => name.endsWith('.use'));
    const abandoned = await Promise.all(marks.map((name) => removeAbandoned(join(this.#directory, name))));
    return abandoned.includes(false);
  }

  async #remove({ files }: Entry): Promise<void> {
    // The sidecar first: a plan without one is never looked at.
    const order = files.filter((name) => !name.endsWith('.use')).sort((a) => (a.endsWith('.json') ? -1 : 1));
    for (const name of order) await rm(join(this.#directory, name), { force: true });
  }
}
