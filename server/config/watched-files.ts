import { hash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Clock, Timer } from '../core/clock.js';
import { errorMessage } from '../core/errors.js';

/** Between two looks. What has changed serves after two of them. */
const LOOK_MICROSECONDS = 500_000;

export interface WatchedFilesOptions<T> {
  readonly files: readonly string[];
  /** Makes of their contents, in the order of `files`, what is served. Throws what is wrong with them. */
  readonly parse: (contents: readonly Buffer[]) => T;
  readonly onChange: (value: T) => void;
  /** Told once of contents that are not taken, and why; what was there before stays. */
  readonly onRefusal: (reason: string) => void;
  readonly clock: Clock;
}

/**
 * Small files that belong together and are replaced while the server runs. They are read again and again, and compared:
 * no notification tells of every way in which a file can change, such as the links that Kubernetes swaps around a secret,
 * or a file system of another machine.
 */
export class WatchedFiles<T> implements Disposable {
  readonly #options: WatchedFilesOptions<T>;
  /** The contents that were judged last, well or not. */
  #judged: string;
  /** Those of the last look, where they were others. */
  #seen: string | null = null;
  #timer: Timer | undefined;
  #closed = false;

  private constructor(options: WatchedFilesOptions<T>, judged: string) {
    this.#options = options;
    this.#judged = judged;
  }

  /** Reads the files and begins to watch them. Rejects when they cannot be read, or with what `parse` throws. */
  static async open<T>(options: WatchedFilesOptions<T>): Promise<{ watch: WatchedFiles<T>; value: T }> {
    const contents = await Promise.all(options.files.map((path) => readFile(path)));
    const value = options.parse(contents);
    const watch = new WatchedFiles(options, fingerprint(contents));
    watch.#lookLater();
    return { watch, value };
  }

  /**
   * Looks at the files once. Contents count when two looks have found the same: a pair that is being written is not
   * judged half-way.
   */
  async look(): Promise<void> {
    let contents: Buffer[] | null = null;
    let found: string;
    let problem = '';
    try {
      contents = await Promise.all(this.#options.files.map((path) => readFile(path)));
      found = fingerprint(contents);
    } catch (cause) {
      problem = errorMessage(cause);
      found = problem;
    }
    if (this.#closed || found === this.#judged) {
      this.#seen = null;
      return;
    }
    if (found !== this.#seen) {
      this.#seen = found;
      return;
    }
    this.#judged = found;
    this.#seen = null;
    if (contents === null) this.#options.onRefusal(problem);
    else this.#judge(contents);
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #judge(contents: readonly Buffer[]): void {
    try {
      this.#options.onChange(this.#options.parse(contents));
    } catch (cause) {
      this.#options.onRefusal(errorMessage(cause));
    }
  }

  #lookLater(): void {
    this.#timer = this.#options.clock.schedule(LOOK_MICROSECONDS, () => {
      void this.look().then(() => {
        if (!this.#closed) this.#lookLater();
      });
    });
  }
}

function fingerprint(contents: readonly Buffer[]): string {
  return contents.map((content) => hash('sha256', content)).join(' ');
}
