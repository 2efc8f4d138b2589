import { join } from 'node:path';
import test from 'ava';
import { DataType } from '../../server/onnx/tensor.js';
import { Operator } from '../support/operator.js';
import { Serving } from '../support/serving.js';
import { encoderModel, VOCABULARY, wordsModel, type TextModelOptions } from '../support/text-models.js';
import { meansModel, misfitModel, spotsModel } from '../support/tiny-models.js';

/** Models of classes and texts that cannot be served, and what is said of them. */

const CPU = { instance_group: { kind: 'KIND_CPU', count: 1 } } as const;
const PICTURES = { task: 'classification', input: { width: 8, height: 8 }, ...CPU };
const CLASSIFY = { task: 'text_classification', ...CPU };
const EMBED = { task: 'text_embedding', ...CPU };

interface Broken {
  readonly config: object;
  readonly model: Uint8Array;
  readonly reason: RegExp;
  readonly files?: Readonly<Record<string, string>>;
}

const words = (options: TextModelOptions = {}) => wordsModel(options);

const BROKEN: Readonly<Record<string, Broken>> = {
  'labels-of-pictures': {
    config: { ...PICTURES, labels: 'names.txt' },
    model: meansModel(8, 8),
    files: { 'names.txt': 'one\ntwo\n' },
    reason: /the labels file has 2 lines, the model tells 3 classes/,
  },
  'labels-of-texts': {
    config: { ...CLASSIFY, labels: 'names.txt' },
    model: words(),
    files: { 'names.txt': 'one\ntwo\nthree\n' },
    reason: /the labels file has 3 lines, the model tells 2 classes/,
  },
  'several-outputs': {
    config: PICTURES,
    model: spotsModel(8, 8),
    reason: /task classification: expected one of \[1,C\], found \[1,1,2,2\] \[1,2,2,2\] \[1,2,2,2\] \[1,10,2,2\]/,
  },
  'an-image-out': { config: PICTURES, model: misfitModel(8, 8), reason: /expected one of \[1,C\], found \[1,3,64,1\]/ },
  'tokens-out': {
    config: CLASSIFY,
    model: encoderModel(),
    reason: /task text_classification: expected one of \[1,C\], found \[1,128,2\] \[1,2\]/,
  },
  'no-vectors': {
    config: { ...EMBED, postprocess: { pooling: 'mean' } },
    model: words(),
    reason: /pooling mean: expected exactly one \[1,L,D\], found \[1,2\]/,
  },
  'no-vocabulary': { config: CLASSIFY, model: words(), files: { 'vocab.txt': '' }, reason: /lines is \[UNK\]/ },
  'another-vocabulary': {
    config: { ...CLASSIFY, tokenizer: { vocab: 'words.txt' } },
    model: words(),
    reason: /words\.txt does not exist; put the vocabulary/,
  },
  'no-sep': {
    config: CLASSIFY,
    model: words(),
    files: { 'vocab.txt': '[PAD]\n[UNK]\n[CLS]\n' },
    reason: /none of its 3 lines is \[SEP\]/,
  },
  'float-ids': {
    config: CLASSIFY,
    model: words({ type: DataType.FLOAT }),
    reason: /model\.onnx: Input 'input_ids' is FLOAT; a task that reads texts feeds INT64 or INT32/,
  },
  'a-picture': {
    config: CLASSIFY,
    model: meansModel(8, 8),
    reason: /Input 'input' is FLOAT; a task that reads texts/,
  },
  'fixed-batch': {
    config: CLASSIFY,
    model: words({ batch: 1 }),
    reason: /'input_ids' has a fixed batch of 1: \[1, length\].*or set max_batch_size to 1/,
  },
  'fixed-length': {
    config: { ...CLASSIFY, tokenizer: { max_length: 8 } },
    model: words({ length: 32 }),
    reason:
      /fixed length of 32: \[batch, 32\]\. Set tokenizer\.max_length to 32 \(it is 8\) and tokenizer\.padding to max_length/,
  },
  'fixed-length-unpadded': {
    config: { ...CLASSIFY, tokenizer: { max_length: 32 } },
    model: words({ length: 32 }),
    reason: /fixed length of 32/,
  },
  'names-by-halves': {
    config: CLASSIFY,
    model: words({ names: ['input_ids', 'there'] }),
    reason:
      /inputs of the model are input_ids, there, and those of the configuration input_ids, attention_mask, token_type_ids/,
  },
  'texts-to-a-picture-task': {
    config: PICTURES,
    model: words(),
    reason: /The model must have one input, the picture; it has 2: 'input_ids', 'attention_mask'/,
  },
};

test('each says what was expected and what was found, and a good one beside them serves', async (t) => {
  await using serving = await Serving.start(async (repository) => {
    await repository.write('good/vocab.txt', VOCABULARY);
    await repository.addModel('good', CLASSIFY, words());
    for (const [name, { config, model, files = {} }] of Object.entries(BROKEN)) {
      const all = { 'vocab.txt': VOCABULARY, ...files };
      for (const [file, text] of Object.entries(all)) await repository.write(join(name, file), text);
      await repository.addModel(name, config, model);
    }
  });
  using operator = await Operator.of(serving.server);
  t.deepEqual(
    (await operator.states()).filter((state) => state.endsWith(' READY')),
    ['good/1 READY'],
  );
  for (const [name, { reason }] of Object.entries(BROKEN)) {
    const [listed = ''] = await operator.reasons(name);
    t.regex(listed, reason, name);
  }
});
