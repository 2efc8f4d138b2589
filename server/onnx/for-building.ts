import type { ServedSize } from './comparison.js';
import { imageInput } from './image-input.js';
import { decodeModel, encodeModel } from './model-file.js';
import { hasQuantization } from './quantization.js';
import { rewriteDecoded } from './rewrite.js';

/** What an engine is built from. */
export interface BuildableModel {
  readonly bytes: Uint8Array;
  /** Name of its one input. */
  readonly input: string;
  /** Whether it says itself what is computed in 8 bits. */
  readonly quantized: boolean;
}

/** A model file as `rewriteForServing` makes it, with what a builder has to know of it. Throws as that does. */
export function rewriteForBuilding(bytes: Uint8Array, size: ServedSize): BuildableModel {
  const file = decodeModel(bytes);
  const { model, changes } = rewriteDecoded(file, size);
  return {
    bytes: changes.length === 0 ? bytes : encodeModel(model),
    input: imageInput(model).name,
    quantized: hasQuantization(file),
  };
}
