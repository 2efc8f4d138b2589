import { ServingError } from '../core/errors.js';
import type { RestAnswer, RestRequest, RestSource } from '../core/open-inference/rest-exchange.js';
import type { TriedPicture } from '../http/try-routes.js';
import type { ProcessCalls, SentAnswer, SentPicture, SentRequest } from './calls.js';
import type { Peer } from './peer.js';

/** Hands what comes by the HTTP port to the processes of a server in turn. */
export class SharedAsks implements RestSource {
  readonly #processes: () => readonly Peer<ProcessCalls>[];
  #asks = 0;

  constructor(processes: () => readonly Peer<ProcessCalls>[]) {
    this.#processes = processes;
  }

  /** See answerPicture. Throws INSTANCE_LOST when the process ends meanwhile. */
  tryPicture(tried: TriedPicture, signal: AbortSignal): Promise<object> {
    return this.#handOut(signal, (process, id) =>
      process.call('tryPicture', { ...tried, picture: toBase64(tried.picture), id }),
    );
  }

  /** See RestCalls. Throws INSTANCE_LOST when the process ends meanwhile. */
  async ask(request: RestRequest, signal: AbortSignal): Promise<RestAnswer> {
    const { binary, ...answer } = await this.#handOut(signal, (process, id) =>
      process.call('ask', { ...request, body: toBase64(request.body), id }),
    );
    return { ...answer, binary: binary.map(fromBase64) };
  }

  async #handOut<T>(signal: AbortSignal, ask: (process: Peer<ProcessCalls>, id: number) => Promise<T>): Promise<T> {
    const id = this.#asks++;
    const processes = this.#processes();
    const process = processes[id % Math.max(1, processes.length)];
    if (process === undefined)
      throw new ServingError('INSTANCE_LOST', 'no process of the server serves now; try again');
    const withdraw = (): void => void process.call('withdraw', id).catch(() => {});
    signal.addEventListener('abort', withdraw);
    try {
      return await ask(process, id);
    } finally {
      signal.removeEventListener('abort', withdraw);
    }
  }
}

/** What another process has sent to be answered. */
export class SentAsks {
  readonly #running = new Map<number, AbortController>();

  tryPicture(
    { id, picture, ...tried }: SentPicture,
    tryPicture: (tried: TriedPicture, signal: AbortSignal) => Promise<object>,
  ): Promise<object> {
    return this.#run(id, (signal) => tryPicture({ ...tried, picture: fromBase64(picture) }, signal));
  }

  async ask({ id, body, ...request }: SentRequest, source: RestSource): Promise<SentAnswer> {
    const asked = { ...request, body: fromBase64(body) };
    const { binary, ...answer } = await this.#run(id, (signal) => source.ask(asked, signal));
    return { ...answer, binary: binary.map(toBase64) };
  }

  /** Nobody waits for it any more. */
  withdraw(id: number): void {
    this.#running.get(id)?.abort();
  }

  async #run<T>(id: number, answer: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const gone = new AbortController();
    this.#running.set(id, gone);
    try {
      return await answer(gone.signal);
    } finally {
      this.#running.delete(id);
    }
  }
}

function toBase64({ buffer, byteOffset, length }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, length).toString('base64');
}

function fromBase64(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'base64'));
}
