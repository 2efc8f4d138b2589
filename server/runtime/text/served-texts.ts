import type { ModelConfig } from '../../core/model-config.js';
import type { ServedTexts } from '../../onnx/rewrite-texts.js';

/** The sizes of a model that reads texts, as its configuration has them; `rowLength` null: as long as the longest text. */
export function servedTexts({
  tokenizer,
  max_batch_size: batch,
}: ModelConfig): ServedTexts & { readonly rowLength: number | null } {
  const fixed = tokenizer.padding === 'max_length';
  return { batch, length: tokenizer.max_length, fixed, rowLength: fixed ? tokenizer.max_length : null };
}
