import test from 'ava';
import { askOracle } from '../oracle/oracle.js';
import { all } from '../support/ask.js';
import { closeTo } from '../support/close-to.js';
import { Serving } from '../support/serving.js';

/** A small encoder in the manner of BERT: its answers are those of other programs, from the text to the vector. */

const VOCABULARY = [
  ...['[PAD]', '[UNK]', '[CLS]', '[SEP]'].concat(Array.from('abcdefghijklmnopqrstuvwxyz!?.,日本語中国')),
  ...Array.from('abcdefghijklmnopqrstuvwxyz', (letter) => `##${letter}`).concat(['the', 'world', '##ing', 'cafe']),
];

const TEXTS = [
  'The world!',
  '',
  'Singing in the café, again?',
  '日本語 and 中国, said the world.',
  'unknown: Ж 😀',
  'a',
  'the the the the the the the the the the the the the the the the',
  'reading longer words takes more of the pieces than there are words',
];

interface Reference {
  readonly classes: Uint8Array;
  readonly vectors: Uint8Array;
  readonly scores: Float64Array;
  readonly means: Float64Array;
}

let serving: Serving;
let reference: Reference;

test.before(async () => {
  reference = askOracle<Reference>('bert_reference.py', { vocabulary: VOCABULARY, texts: TEXTS });
  const tokenizer = { max_length: 64 };
  const delay = { dynamic_batching: { max_queue_delay_microseconds: 50_000 } };
  const common = { tokenizer, ...delay, max_batch_size: 4, instance_group: { kind: 'KIND_CPU', count: 1 } };
  serving = await Serving.start(async (repository) => {
    for (const name of ['classes', 'vectors']) await repository.write(`${name}/vocab.txt`, VOCABULARY.join('\n'));
    const classify = { task: 'text_classification', postprocess: { activation: 'softmax', top_k: 10 }, ...common };
    await repository.addModel('classes', classify, reference.classes);
    const embed = { task: 'text_embedding', postprocess: { pooling: 'mean' }, ...common };
    await repository.addModel('vectors', embed, reference.vectors);
  });
});

test.after.always(() => serving?.[Symbol.asyncDispose]());

const FRAMES = TEXTS.map((picture) => ({ picture }));

test('classes of texts in padded batches are those of onnxruntime in Python on each alone', async (t) => {
  const answers = await all(serving.client.classify(FRAMES, { model: 'classes' }));
  t.true(answers.some(({ frame }) => frame!.timings!.batchSize > 1));
  const classes = reference.scores.length / TEXTS.length;
  for (const [index, { classifications }] of answers.entries()) {
    const found = classifications[0]!.classes.toSorted((a, b) => a.classId - b.classId).map(({ score }) => score);
    closeTo(t, found, reference.scores.subarray(index * classes, (index + 1) * classes), 1e-5, TEXTS[index]);
  }
});

test('mean vectors of texts in padded batches are those of onnxruntime in Python on each alone', async (t) => {
  const answers = await all(serving.client.embed(FRAMES, { model: 'vectors' }));
  t.true(answers.some(({ frame }) => frame!.timings!.batchSize > 1));
  const length = reference.means.length / TEXTS.length;
  for (const [index, { embeddings }] of answers.entries()) {
    const expected = reference.means.subarray(index * length, (index + 1) * length);
    closeTo(t, embeddings[0]!.values, expected, 1e-5, TEXTS[index]);
  }
});
