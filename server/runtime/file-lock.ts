import { watch } from 'node:fs';
import { dirname } from 'node:path';
import { OwnerFile } from './owner-file.js';

/** Milliseconds. Owners that die leave without a sign, and not every file system tells of changes. */
const LOOK_AGAIN = 2000;

/**
 * Waits until the lock file at `path` is ours and returns it; its disposal gives the lock back. Null as soon as
 * `needless` says that what the lock was wanted for is there. Throws the reason of `signal` when that is aborted.
 */
export async function acquireLock(
  path: string,
  signal: AbortSignal,
  needless: () => Promise<boolean>,
): Promise<OwnerFile | null> {
  using changes = new DirectoryChanges(dirname(path));
  for (;;) {
    signal.throwIfAborted();
    if (await needless()) return null;
    const lock = await OwnerFile.claim(path);
    if (lock !== null) return lock;
    await changes.next(signal);
  }
}

/** Tells that something in a directory has changed. */
class DirectoryChanges implements Disposable {
  readonly #watcher: { close(): void } | null;
  #changed = false;
  #wake: () => void = () => {};

  constructor(directory: string) {
    this.#watcher = this.#watch(directory);
  }

  /** Resolves when there was a change since the last call, and after a while in any case. */
  async next(signal: AbortSignal): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const wake = () => this.#wake();
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      signal.addEventListener('abort', wake, { once: true });
      timer = setTimeout(resolve, LOOK_AGAIN);
      if (this.#changed || signal.aborted) resolve();
    });
    clearTimeout(timer);
    signal.removeEventListener('abort', wake);
    this.#changed = false;
  }

  [Symbol.dispose](): void {
    this.#watcher?.close();
  }

  #watch(directory: string): { close(): void } | null {
    try {
      const watcher = watch(directory, { persistent: false }, () => {
        this.#changed = true;
        this.#wake();
      });
      watcher.on('error', () => watcher.close());
      return watcher;
    } catch {
      // The system has no watches left, or the file system has none: looking now and then has to do.
      return null;
    }
  }
}
