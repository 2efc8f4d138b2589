import { ServingError } from '../../core/errors.js';
import type { TokenizerConfig } from '../../core/text-config.js';
import type { TextInput } from '../../onnx/rewrite-texts.js';

/** What an input of a model that reads texts holds. */
export type TextRole = keyof TokenizerConfig['inputs'];

/** The order in which models are fed whose inputs have other names. */
const ORDER: readonly TextRole[] = ['ids', 'mask', 'token_types'];

/** Rows of tokens, filled up to the same length. */
export interface TextBatch {
  readonly rows: number;
  /** Tokens of a row, padding included. */
  readonly length: number;
  /** Tokens of each row, padding left out. */
  readonly lengths: Int32Array;
  /** One value for each role, token by token and row by row. */
  readonly values: Readonly<Record<TextRole, Int32Array>>;
}

/** Puts rows side by side, as long as the longest of them, or `length` where that is set. */
export function batchOf(texts: readonly (readonly number[])[], pad: number, length: number | null): TextBatch {
  const rows = texts.length;
  const width = length ?? Math.max(1, ...texts.map((ids) => ids.length));
  const ids = new Int32Array(rows * width).fill(pad);
  const mask = new Int32Array(rows * width);
  texts.forEach((text, row) => {
    ids.set(text, row * width);
    mask.fill(1, row * width, row * width + text.length);
  });
  const lengths = Int32Array.from(texts, ({ length: tokens }) => tokens);
  return { rows, length: width, lengths, values: { ids, mask, token_types: new Int32Array(rows * width) } };
}

/** Rows as long as they may be, of one token: what an instance is warmed up with. */
export function longestBatch(rows: number, length: number, token: number): TextBatch {
  const text = Array.from({ length }, () => token);
  return batchOf(
    Array.from({ length: rows }, () => text),
    token,
    null,
  );
}

/** What each input of a model holds, by the names of the configuration or else by order. Throws MODEL_INVALID. */
export function rolesOf(names: readonly string[], configured: TokenizerConfig['inputs']): TextRole[] {
  const byName = names.map((name) => ORDER.find((role) => configured[role] === name));
  const roles = byName.every((role) => role === undefined) ? ORDER.slice(0, names.length) : byName;
  const known = roles.filter((role) => role !== undefined);
  if (known.length === names.length && known.includes('ids')) return known;
  const wanted = ORDER.map((role) => configured[role]).join(', ');
  throw new ServingError(
    'MODEL_INVALID',
    `the inputs of the model are ${names.join(', ')}, and those of the configuration ${wanted}: name them under ` +
      'tokenizer.inputs; there are at most three, and one of them is the ids',
  );
}

/** The values of an input in the type that it takes. */
export function valuesFor(type: TextInput['type'], values: Int32Array): Int32Array | BigInt64Array {
  if (type === 'int32') return values;
  // Halves of the words, as processors that Node runs on keep them: a BigInt for each value takes twenty times as long.
  const halves = new Int32Array(2 * values.length);
  values.forEach((value, index) => {
    halves[2 * index] = value;
    halves[2 * index + 1] = value >> 31;
  });
  return new BigInt64Array(halves.buffer);
}
