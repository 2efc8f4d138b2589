import { ServingError } from '../core/errors.js';
import type { TriedPicture } from '../http/try-routes.js';
import type { ProcessCalls, SentPicture } from './calls.js';
import type { Peer } from './peer.js';

/** Hands pictures that are tried to the processes of a server in turn. */
export class SharedTries {
  readonly #processes: () => readonly Peer<ProcessCalls>[];
  #tries = 0;

  constructor(processes: () => readonly Peer<ProcessCalls>[]) {
    this.#processes = processes;
  }

  /** See answerPicture. Throws INSTANCE_LOST when the process ends meanwhile. */
  async tryPicture(tried: TriedPicture, signal: AbortSignal): Promise<object> {
    const id = this.#tries++;
    const processes = this.#processes();
    const process = processes[id % Math.max(1, processes.length)];
    if (process === undefined)
      throw new ServingError('INSTANCE_LOST', 'no process of the server serves now; try again');
    const withdraw = (): void => void process.call('withdraw', id).catch(() => {});
    signal.addEventListener('abort', withdraw);
    const { buffer, byteOffset, length } = tried.picture;
    const picture = Buffer.from(buffer, byteOffset, length).toString('base64');
    try {
      return await process.call('tryPicture', { ...tried, picture, id });
    } finally {
      signal.removeEventListener('abort', withdraw);
    }
  }
}

/** The pictures that another process has sent to be tried. */
export class SentTries {
  readonly #running = new Map<number, AbortController>();

  async answer(
    { id, picture, ...tried }: SentPicture,
    tryPicture: (tried: TriedPicture, signal: AbortSignal) => Promise<object>,
  ): Promise<object> {
    const gone = new AbortController();
    this.#running.set(id, gone);
    try {
      return await tryPicture({ ...tried, picture: new Uint8Array(Buffer.from(picture, 'base64')) }, gone.signal);
    } finally {
      this.#running.delete(id);
    }
  }

  /** Nobody waits for it any more. */
  withdraw(id: number): void {
    this.#running.get(id)?.abort();
  }
}
