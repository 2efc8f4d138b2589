import type { NodeProto } from '../../server/gen/onnx/onnx.js';
import { makeModel, node, valueInfo } from '../../server/onnx/builder.js';
import type { DeclaredDim } from '../../server/onnx/graph.js';
import { encodeModel } from '../../server/onnx/model-file.js';
import { DataType, floatTensor, int64Tensor } from '../../server/onnx/tensor.js';

/** Models that read texts, small enough to know their answers by heart. */

/** Each word says by itself how much it is for either of two classes. */
export const WORDS: readonly (readonly [token: string, first: number, second: number])[] = [
  ['[PAD]', 100, 100],
  ['[UNK]', 0, 0.25],
  ['[CLS]', 0.5, 0],
  ['[SEP]', 0, 0.5],
  ['good', 2, 0],
  ['bad', 0, 2],
  ['##ly', 0.125, 0.125],
  ['日', 1, 0],
  ['本', 0, 1],
  ['!', 0.5, 0.5],
  ['cafe', 4, 0],
];

/** The file `vocab.txt` of these words. */
export const VOCABULARY = `${WORDS.map(([token]) => token).join('\n')}\n`;

export interface TextModelOptions {
  /** @default INT64 */
  readonly type?: DataType;
  /** Names of ids and mask, and of token types where the model has them. */
  readonly names?: readonly string[];
  /** @default open */
  readonly batch?: DeclaredDim;
  readonly length?: DeclaredDim;
}

/** A classifier: for each of two classes, the sum of what the words say that are no padding. */
export function wordsModel(options: TextModelOptions = {}): Uint8Array {
  const nodes = [...masked(options), node('ReduceSum', ['said', 'axis'], ['scores'], { keepdims: 0 })];
  return model('words', nodes, options, [valueInfo('scores', [options.batch ?? 'batch', 2])]);
}

/** What `wordsModel` tells of these words. */
export function scoresOf(tokens: readonly string[]): [number, number] {
  const said = tokens.map((token) => WORDS.find(([word]) => word === token)!);
  return [said.reduce((sum, [, first]) => sum + first, 0), said.reduce((sum, [, , second]) => sum + second, 0)];
}

/** An encoder: a vector for each token, padding too, and beside them one for the text: twice the first token's. */
export function encoderModel(options: TextModelOptions = {}): Uint8Array {
  const { batch = 'batch', length = 'length' } = options;
  const nodes = [
    ...masked(options),
    node('Gather', ['vectors', 'first'], ['front'], { axis: 1 }),
    node('Add', ['front', 'front'], ['pooled']),
  ];
  return model('encoder', nodes, options, [valueInfo('vectors', [batch, length, 2]), valueInfo('pooled', [batch, 2])]);
}

/** `vectors` from the ids, and `said`, which is the same without padding. */
function masked({ names = ['input_ids', 'attention_mask'] }: TextModelOptions): NodeProto[] {
  const [ids = '', mask = '', types] = names;
  const typed = types === undefined ? [] : [node('Cast', [types], ['types'], { to: DataType.FLOAT })];
  const plus =
    types === undefined
      ? []
      : [node('Unsqueeze', ['types', 'last'], ['type']), node('Add', ['word', 'type'], ['vectors'])];
  return [
    node('Gather', ['table', ids], [types === undefined ? 'vectors' : 'word'], { axis: 0 }),
    ...typed,
    ...plus,
    node('Cast', [mask], ['counted'], { to: DataType.FLOAT }),
    node('Unsqueeze', ['counted', 'last'], ['weight']),
    node('Mul', ['vectors', 'weight'], ['said']),
  ];
}

function model(
  name: string,
  nodes: NodeProto[],
  {
    type = DataType.INT64,
    names = ['input_ids', 'attention_mask'],
    batch = 'batch',
    length = 'length',
  }: TextModelOptions,
  outputs: ReturnType<typeof valueInfo>[],
): Uint8Array {
  const used = new Set(nodes.flatMap(({ input }) => input));
  const table = Float32Array.from(WORDS.flatMap(([, first, second]) => [first, second]));
  const initializers = [
    floatTensor('table', [WORDS.length, 2], table),
    int64Tensor('axis', [1]),
    int64Tensor('last', [2]),
    int64Tensor('first', [0], []),
  ];
  return encodeModel(
    makeModel({
      name,
      nodes,
      initializers: initializers.filter((tensor) => used.has(tensor.name)),
      inputs: names.map((input) => valueInfo(input, [batch, length], type)),
      outputs,
    }),
  );
}
