import type { EmbedResponse, Frame, SluiceClient, StreamSettings } from '../../clients/typescript/sluice-client.js';

/** Calls of every kind that go on until they are told to stop, with what became of them. */
export class RollingLoad {
  /** Answers to streams of one frame. */
  shortAnswers = 0;
  /** Answers to calls of one request. */
  callAnswers = 0;
  /** Answers to each stream of many frames. */
  readonly longAnswers: EmbedResponse[][] = [];
  /** What went wrong, in its own words. */
  readonly failures: string[] = [];
  #stopped = false;
  readonly #client: SluiceClient;
  readonly #frame: Frame;
  readonly #running: Promise<void>[] = [];

  constructor(client: SluiceClient, frame: Frame) {
    this.#client = client;
    this.#frame = frame;
  }

  /** Makes one call after the other. */
  addCalls(call: () => Promise<unknown>): void {
    this.#run(async () => {
      while (!this.#stopped) {
        await call();
        this.callAnswers += 1;
      }
    });
  }

  /** Opens one stream of one frame after the other. */
  addShort(settings: StreamSettings = {}): void {
    this.#run(async () => {
      while (!this.#stopped) {
        let answers = 0;
        for await (const answer of this.#client.embed([this.#frame], settings)) {
          this.#look(answer);
          answers += 1;
        }
        if (answers === 1) this.shortAnswers += 1;
        else this.failures.push(`${answers} answers to one frame`);
      }
    });
  }

  /** Opens one stream that never leaves off sending. */
  addLong(settings: StreamSettings): void {
    const answers: EmbedResponse[] = [];
    this.longAnswers.push(answers);
    this.#run(async () => {
      for await (const answer of this.#client.embed(this.#frames(), settings)) {
        this.#look(answer);
        answers.push(answer);
      }
    });
  }

  /** Resolves when everything that was sent is answered. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#running);
  }

  #run(calls: () => Promise<void>): void {
    this.#running.push(calls().catch((error: Error) => void this.failures.push(error.message)));
  }

  #look({ frame }: EmbedResponse): void {
    if (frame?.error !== undefined) this.failures.push(frame.error.message);
  }

  *#frames(): Generator<Frame> {
    for (let index = 0; !this.#stopped; index++) yield { ...this.#frame, id: String(index) };
  }
}
