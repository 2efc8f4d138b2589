import type { Model } from '../model.js';
import { keyOf, type AskedSequence } from './sequence-step.js';

/**
 * Versions that others have replaced, for as long as sequences that began on them are open. They are bounded: with the next
 * change of the model what was retired before it ends its sequences.
 */
export class RetiredModels {
  readonly #models = new Map<Model, number>();
  #change = 0;

  /** The model is about to be changed. */
  nextChange(): void {
    this.#change += 1;
  }

  /** Keeps a version that was replaced in reach of its sequences. */
  add(model: Model): void {
    for (const [other, change] of this.#models) if (change < this.#change) other.endSequences();
    this.#models.set(model, this.#change);
  }

  /** The version is gone. */
  delete(model: Model): void {
    this.#models.delete(model);
  }

  /**
   * Where a sequence goes on that has begun; null: nowhere but where any request goes. One that begins anew ends where it
   * was. `version` null: any.
   */
  goingOn({ id, start }: AskedSequence, version: number | null, ready: readonly Model[]): Model | null {
    const key = keyOf(id);
    for (const model of [...this.#models.keys(), ...ready]) {
      if ((version !== null && model.version !== version) || !model.holdsSequence(key)) continue;
      if (!start) return model;
      if (this.#models.has(model)) model.endSequence(key);
    }
    return null;
  }

  endSequences(): void {
    for (const model of this.#models.keys()) model.endSequences();
  }
}
