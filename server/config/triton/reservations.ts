import type { MessageValue } from './field-type.js';
import type { MODEL_CONFIG } from './model-fields.js';

/** What a config.pbtxt says. */
export type TritonConfig = MessageValue<typeof MODEL_CONFIG>;

/** Collects what is not done as a file says, and what happens instead. */
export class Reservations {
  readonly list: { readonly path: readonly PropertyKey[]; readonly instead: string }[] = [];

  add(path: readonly PropertyKey[], instead: string): void {
    this.list.push({ path, instead });
  }
}
