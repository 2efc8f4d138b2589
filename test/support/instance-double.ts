import type { Instance } from '../../server/runtime/instance.js';
import type { BatchDone, FrameReply, FrameTask } from '../../server/runtime/messages.js';

/** The rows of one picture, or why there are none. */
export type Answer = readonly (readonly number[])[] | NonNullable<FrameReply['error']>;

/** An instance that answers each frame with what a function says; frames are counted from 0, over all batches. */
export class InstanceDouble implements Instance {
  readonly notes: readonly string[] = [];
  readonly layout = null;
  /** Frames of each batch that it was given. */
  readonly batches: (readonly FrameTask[])[] = [];
  readonly #answer: (frame: number) => Answer;

  constructor(answer: (frame: number) => Answer) {
    this.#answer = answer;
  }

  execute(frames: readonly FrameTask[]): Promise<BatchDone> {
    const first = this.batches.flat().length;
    this.batches.push(frames);
    const answers = frames.map((_, index) => this.#answer(first + index));
    const tables = answers.map((answer) => ('code' in answer ? [] : answer));
    const replies = answers.map((answer, index): FrameReply => {
      const [row = []] = tables[index]!;
      const error = 'code' in answer ? answer : null;
      const size = { rows: tables[index]!.length, columns: row.length };
      return { width: 1, height: 1, error, ...size, rowErrors: null, attachments: [] };
    });
    const phases = { decode: 0, preprocess: 0, infer: 0, postprocess: 0 };
    const values = Float32Array.from(tables.flat(2));
    return Promise.resolve({ type: 'done', phases, values, frames: replies });
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

/** An instance that answers as another one does, with its values changed on the way. */
export class PerturbedInstance implements Instance {
  readonly notes: readonly string[] = [];
  readonly layout = null;
  readonly #instance: Instance;
  readonly #change: (done: BatchDone) => BatchDone;

  constructor(instance: Instance, change: (done: BatchDone) => BatchDone) {
    this.#instance = instance;
    this.#change = change;
  }

  async execute(frames: readonly FrameTask[]): Promise<BatchDone> {
    return this.#change(await this.#instance.execute(frames));
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
