import type { EmbedResponse, Frame, SluiceClient, StreamSettings } from '../../clients/typescript/sluice-client.js';
import { eventually } from './eventually.js';

/** A stream that sends the same frame for as long as it is told to, and keeps what came back. */
export class LoadStream {
  readonly answers: EmbedResponse[] = [];
  #stopped = false;
  readonly #ended: Promise<void>;

  constructor(client: SluiceClient, frame: Frame, settings: StreamSettings) {
    this.#ended = this.#run(client, frame, settings);
    // Whoever stops it is told.
    this.#ended.catch(() => {});
  }

  /** Frames that failed. */
  get failures(): string[] {
    return this.answers.flatMap(({ frame }) => (frame?.error === undefined ? [] : [frame.error.message]));
  }

  /** Resolves when an answer fits that is newer than the call. */
  async until(what: string, fits: (answer: EmbedResponse) => boolean): Promise<void> {
    let seen = this.answers.length;
    await eventually(what, () => {
      const found = this.answers.slice(seen).some(fits);
      seen = this.answers.length;
      return found;
    });
  }

  /** Half-closes; resolves when everything has been answered. Rejects when the stream has failed. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#ended;
  }

  async #run(client: SluiceClient, frame: Frame, settings: StreamSettings): Promise<void> {
    for await (const answer of client.embed(this.#frames(frame), settings)) this.answers.push(answer);
  }

  *#frames(frame: Frame): Generator<Frame> {
    for (let index = 0; !this.#stopped; index++) yield { ...frame, id: String(index) };
  }
}
