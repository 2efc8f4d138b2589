import type { Tensor } from '../tensors.js';

/** Stands for whoever else may look at a buffer, for as long as the request lives. */
const OTHERS = Symbol('others');

type User<Step> = Step | typeof OTHERS;

/**
 * The tensors of one request on their way to the steps that get them. What a model is handed may be moved away, with all
 * that lies in the same buffer: it is copied unless nobody else looks at that buffer any more.
 */
export class SharedTensors<Step> {
  /** Steps that get each tensor. */
  readonly #steps: ReadonlyMap<string, readonly Step[]>;
  /** Tensors that the request is answered with. */
  readonly #answered: ReadonlySet<string>;
  readonly #users = new Map<ArrayBufferLike, Set<User<Step>>>();

  constructor(steps: ReadonlyMap<string, readonly Step[]>, answered: Iterable<string>) {
    this.#steps = steps;
    this.#answered = new Set(answered);
  }

  /** Tensors that are there now; `foreign`: their buffers may hold those of other requests too. */
  add(tensors: readonly Tensor[], foreign: boolean): void {
    for (const { name, data } of tensors) {
      const users = this.#users.get(data.buffer) ?? new Set();
      this.#users.set(data.buffer, users);
      for (const step of this.#steps.get(name) ?? []) users.add(step);
      if (this.#answered.has(name) || (foreign && data.length < data.buffer.byteLength)) users.add(OTHERS);
    }
  }

  /** The tensors as a step may hand them to its model. */
  take(tensors: readonly Tensor[], step: Step): Tensor[] {
    return tensors.map((tensor) => {
      const { data } = tensor;
      const users = this.#users.get(data.buffer);
      users?.delete(step);
      return users === undefined || users.size === 0 ? tensor : { ...tensor, data: data.slice() };
    });
  }
}
