import { errorMessage } from '../core/errors.js';

/** Looks at a repository again and again until it is disposed. */
export class RepositoryPoll implements Disposable {
  readonly #refresh: () => Promise<void>;
  readonly #seconds: number;
  readonly #failed: (reason: string) => void;
  #timer: NodeJS.Timeout;

  /** Looks for the first time after `seconds`. */
  constructor(refresh: () => Promise<void>, seconds: number, failed: (reason: string) => void) {
    this.#refresh = refresh;
    this.#seconds = seconds;
    this.#failed = failed;
    this.#timer = this.#later();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  #later(): NodeJS.Timeout {
    return setTimeout(() => {
      this.#refresh().catch((cause: unknown) => this.#failed(errorMessage(cause)));
      // Not after the refresh: a model that loads for minutes holds up itself only.
      this.#timer = this.#later();
    }, this.#seconds * 1000);
  }
}
