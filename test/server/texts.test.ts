import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { DataType } from '../../server/onnx/tensor.js';
import { open } from '../../server/local-model.js';
import { all, classifyOne, detectOne, embedOne } from '../support/ask.js';
import { boxRegion } from '../support/messages.js';
import { plain } from '../support/pictures.js';
import { Serving } from '../support/serving.js';
import { encoderModel, scoresOf, VOCABULARY, wordsModel, WORDS } from '../support/text-models.js';
import { meansModel, spotsModel } from '../support/tiny-models.js';

const CPU = { instance_group: { kind: 'KIND_CPU', count: 1 } } as const;
const CLASSIFY = { task: 'text_classification', ...CPU } as const;
const EMBED = { task: 'text_embedding', ...CPU } as const;
const SIZE = { input: { width: 32, height: 32 } } as const;

let serving: Serving;

test.before(async () => {
  serving = await Serving.start(async (repository) => {
    const add = async (name: string, config: object, bytes: Uint8Array) => {
      await repository.write(join(name, 'vocab.txt'), VOCABULARY);
      await repository.addModel(name, config, bytes);
    };
    const short = { max_length: 8 };
    await add('words', { ...CLASSIFY, labels: 'labels.txt', tokenizer: short }, wordsModel());
    await repository.write('words/labels.txt', 'praise\nblame\n');
    const delay = { dynamic_batching: { max_queue_delay_microseconds: 50_000 } };
    await add('batched', { ...CLASSIFY, ...delay, tokenizer: short, max_batch_size: 4 }, wordsModel());
    await add('int32', { ...CLASSIFY, tokenizer: short }, wordsModel({ type: DataType.INT32 }));
    await add(
      'types',
      { ...CLASSIFY, tokenizer: short },
      wordsModel({ names: ['input_ids', 'attention_mask', 'token_type_ids'] }),
    );
    await add('by-order', { ...CLASSIFY, tokenizer: short }, wordsModel({ names: ['0', '1'] }));
    const inputs = { ids: 'words', mask: 'there' };
    await add('by-name', { ...CLASSIFY, tokenizer: { ...short, inputs } }, wordsModel({ names: ['words', 'there'] }));
    const seed = { max_length: 4, add_sep: false, on_overflow: 'truncate', padding: 'max_length' };
    await add('seed', { ...CLASSIFY, max_batch_size: 1, tokenizer: seed }, wordsModel({ batch: 1, length: 4 }));
    await add('softmax', { ...CLASSIFY, postprocess: { activation: 'softmax' }, tokenizer: short }, wordsModel());
    const plainVectors = { normalize: false };
    await add('pooled', { ...EMBED, postprocess: plainVectors, tokenizer: short }, encoderModel());
    await add('cls', { ...EMBED, postprocess: { ...plainVectors, pooling: 'cls' }, tokenizer: short }, encoderModel());
    await add(
      'mean',
      { ...EMBED, postprocess: { ...plainVectors, pooling: 'mean' }, tokenizer: short },
      encoderModel(),
    );
    await add('unit', { ...EMBED, postprocess: { pooling: 'mean' }, tokenizer: short }, encoderModel());
    await repository.addModel('pictures', { task: 'embedding', ...SIZE, ...CPU }, meansModel(32, 32));
    await repository.addModel('spots', { task: 'centerface', ...SIZE, ...CPU }, spotsModel(32, 32));
  });
});

test.after.always(() => serving?.[Symbol.asyncDispose]());

/** The score of each class, in the order of the classes. */
async function scores(t: ExecutionContext, text: string, model: string): Promise<number[]> {
  const { frame, classifications } = await classifyOne(serving.client, { picture: text }, { model, topK: 2 });
  t.is(frame?.error, undefined, model);
  t.is(classifications.length, 1);
  const { classes } = classifications[0]!;
  return [0, 1].map((classId) => classes.find((found) => found.classId === classId)?.score ?? 0);
}

const said = (...tokens: string[]) => scoresOf(['[CLS]', ...tokens, '[SEP]']);

for (const [text, tokens] of [
  ['good', ['good']],
  ['GOOD bad!', ['good', 'bad', '!']],
  ['badly', ['bad', '##ly']],
  ['日本', ['日', '本']],
  ['Café', ['cafe']],
  ['never heard', ['[UNK]', '[UNK]']],
  ['good 😀', ['good', '[UNK]']],
  ['x'.repeat(300), ['[UNK]']],
  ['', []],
  [' \t\u0000\u200b ', []],
  ['[CLS]', ['[UNK]', '[UNK]', '[UNK]']],
] as const) {
  for (const model of ['words', 'int32', 'types', 'by-order', 'by-name', 'batched']) {
    test(`${JSON.stringify(text.slice(0, 20))} is classified by its words, model ${model}`, async (t) => {
      t.deepEqual(await scores(t, text, model), said(...tokens));
    });
  }
}

test('classes come with their labels, best first', async (t) => {
  const { classifications } = await classifyOne(serving.client, { picture: 'bad' }, { model: 'words' });
  t.deepEqual(classifications[0]!.classes, [
    { classId: 1, label: 'blame', score: 2.5 },
    { classId: 0, label: 'praise', score: 0.5 },
  ]);
});

test('scores go through softmax where the configuration says so', async (t) => {
  const [first = 0, second = 0] = await scores(t, 'good', 'softmax');
  const [a, b] = said('good');
  t.true(Math.abs(first - 1 / (1 + Math.exp(b - a))) < 1e-7);
  t.true(Math.abs(first + second - 1) < 1e-6);
});

test('texts of different lengths are answered in a batch as alone', async (t) => {
  const texts = ['good', 'good bad 日 本 !', '', 'badly badly', '!', '日本', 'cafe', 'bad'];
  const answers = await all(
    serving.client.classify(
      texts.map((picture) => ({ picture })),
      { model: 'batched', topK: 2 },
    ),
  );
  t.true(answers.some(({ frame }) => frame!.timings!.batchSize > 1));
  for (const [index, { classifications }] of answers.entries()) {
    const { classes } = classifications[0]!;
    const found = [0, 1].map((classId) => classes.find((one) => one.classId === classId)?.score ?? 0);
    t.deepEqual(found, await scores(t, texts[index]!, 'words'), texts[index]);
  }
});

test('a text with as many tokens as there may be is taken, and a longer one refused without harm to others', async (t) => {
  t.deepEqual(await scores(t, '! ! ! ! ! !', 'words'), said(...Array<string>(6).fill('!')));
  const answers = await all(
    serving.client.classify(
      ['good', '! ! ! ! ! ! !', 'bad'].map((picture) => ({ picture })),
      { model: 'words' },
    ),
  );
  t.deepEqual(
    answers.map(({ frame }) => frame?.error?.code),
    [undefined, 'INVALID_REQUEST', undefined],
  );
  t.regex(answers[1]!.frame!.error!.message, /more than 6 tokens.*\[CLS\] and \[SEP\].*on_overflow/);
});

test('a profile without [SEP] that truncates leaves the end out', async (t) => {
  t.deepEqual(await scores(t, 'good', 'seed'), scoresOf(['[CLS]', 'good']));
  t.deepEqual(await scores(t, 'good good bad bad bad', 'seed'), scoresOf(['[CLS]', 'good', 'good', 'bad']));
});

/** The one vector of a text. */
async function vector(t: ExecutionContext, picture: string, model: string): Promise<number[]> {
  const { frame, embeddings } = await embedOne(serving.client, { picture }, { model });
  t.is(frame?.error, undefined);
  t.deepEqual([frame?.width, frame?.height, embeddings.length], [0, 0, 1]);
  return embeddings[0]!.values;
}

test('a text is embedded by its own vector, its first token or the mean of its tokens', async (t) => {
  const row = (token: string) => WORDS.find(([word]) => word === token)!.slice(1) as number[];
  t.deepEqual(
    await vector(t, 'good', 'pooled'),
    row('[CLS]').map((value) => 2 * value),
  );
  t.deepEqual(await vector(t, 'good', 'cls'), row('[CLS]'));
  t.deepEqual(
    await vector(t, 'good bad', 'mean'),
    said('good', 'bad').map((value) => value / 4),
  );
  const unit = await vector(t, 'good bad', 'unit');
  t.true(Math.abs(Math.hypot(...unit) - 1) < 1e-6);
});

test('padding is not part of the mean, whoever shares the batch', async (t) => {
  const texts = ['good', '! ! ! ! !'];
  const answers = await all(
    serving.client.embed(
      texts.map((picture) => ({ picture })),
      { model: 'mean' },
    ),
  );
  t.deepEqual(
    answers[0]!.embeddings[0]!.values,
    said('good').map((value) => Math.fround(value / 3)),
  );
});

const PICTURE = plain(8, 8, [1, 2, 3]);

test('a picture is nothing for a model that reads, and a text nothing for one that sees', async (t) => {
  const sent = await classifyOne(serving.client, { picture: PICTURE }, { model: 'words' });
  t.is(sent.frame?.error?.code, 'INVALID_REQUEST');
  t.regex(sent.frame!.error!.message, /takes texts/);
  const read = await embedOne(serving.client, { picture: 'good' }, { model: 'pictures' });
  t.is(read.frame?.error?.code, 'INVALID_REQUEST');
  t.regex(read.frame!.error!.message, /takes pictures/);
  const found = await detectOne(serving.client, { picture: 'good' }, { model: 'spots' });
  t.is(found.frame?.error?.code, 'INVALID_REQUEST');
});

test('a text has no regions', async (t) => {
  const regions = [boxRegion(0, 0, 1, 1)];
  const { frame } = await classifyOne(serving.client, { picture: 'good', regions }, { model: 'words' });
  t.is(frame?.error?.code, 'INVALID_REQUEST');
  t.regex(frame!.error!.message, /no regions/);
});

test('a text over the limit on bytes is refused', async (t) => {
  const { frame } = await classifyOne(serving.client, { picture: 'a'.repeat(65_537) }, { model: 'words' });
  t.regex(frame!.error!.message, /65537 bytes; 65536 is the most/);
});

test('in this process too texts are read, halves of pairs left out and pictures refused', async (t) => {
  await using model = await open(join(serving.repository.directory, 'words'));
  const { classifications } = await model.classify('go\ud83dod');
  t.deepEqual(classifications, [
    [
      { classId: 0, label: 'praise', score: 2.5 },
      { classId: 1, label: 'blame', score: 0.5 },
    ],
  ]);
  await t.throwsAsync(model.classify(new Uint8Array(9)), { code: 'INVALID_REQUEST', message: /takes texts/ });
  await using encoder = await open(join(serving.repository.directory, 'cls'));
  const { embeddings } = await encoder.embed('good');
  t.deepEqual(embeddings, [Float32Array.of(0.5, 0)]);
});
