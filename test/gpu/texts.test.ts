import test, { type ExecutionContext } from 'ava';
import { DataType } from '../../server/onnx/tensor.js';
import { all, classifyOne, embedOne } from '../support/ask.js';
import { closeTo } from '../support/close-to.js';
import type { Serving } from '../support/serving.js';
import { encoderModel, scoresOf, VOCABULARY, wordsModel } from '../support/text-models.js';
import { FP16, FP32, ON_CPU, ON_GPU, startGpuServing } from './gpu-serving.js';

/** Texts on the GPU: what they are known to say, and beside the CPU. */

const LENGTH = { max_length: 16 };
const PADDED = { max_length: 16, padding: 'max_length' };

let serving: Serving;

test.before(async () => {
  serving = await startGpuServing(async (repository) => {
    const add = async (name: string, config: object, bytes: Uint8Array) => {
      await repository.write(`${name}/vocab.txt`, VOCABULARY);
      await repository.addModel(name, config, bytes);
    };
    const classify = { task: 'text_classification', tokenizer: LENGTH, ...ON_GPU };
    await add('int64', { ...classify, tensorrt: FP32 }, wordsModel());
    await add('int32', { ...classify, tensorrt: FP32 }, wordsModel({ type: DataType.INT32 }));
    await add('fp16', { ...classify, tensorrt: FP16 }, wordsModel());
    await add('padded', { ...classify, tokenizer: PADDED, tensorrt: FP32 }, wordsModel());
    const types = ['input_ids', 'attention_mask', 'token_type_ids'];
    await add('types', { ...classify, tensorrt: FP32 }, wordsModel({ names: types }));
    const delay = { dynamic_batching: { max_queue_delay_microseconds: 50_000 } };
    await add('batched', { ...classify, ...delay, max_batch_size: 4, tensorrt: FP32 }, wordsModel());
    const softmax = { postprocess: { activation: 'softmax' } };
    await add('softmax', { ...classify, ...softmax, tensorrt: FP32 }, wordsModel());
    await add('softmax-cpu', { ...classify, ...ON_CPU, ...softmax }, wordsModel());
    for (const pooling of ['none', 'cls', 'mean']) {
      const embed = { task: 'text_embedding', tokenizer: LENGTH, postprocess: { pooling } };
      await add(`${pooling}-cpu`, { ...embed, ...ON_CPU }, encoderModel());
      await add(`${pooling}-gpu`, { ...embed, ...ON_GPU, tensorrt: FP32 }, encoderModel());
    }
  });
});

test.after.always(() => serving?.[Symbol.asyncDispose]());

const TEXTS = ['good', 'bad 日 本 !', '', 'badly badly good', 'never heard', 'Café', '! '.repeat(14)];

/** The score of each class, in the order of the classes. */
async function scores(t: ExecutionContext, text: string, model: string): Promise<number[]> {
  const { frame, classifications } = await classifyOne(serving.client, { picture: text }, { model, topK: 2 });
  t.is(frame?.error, undefined, model);
  const { classes } = classifications[0]!;
  return [0, 1].map((classId) => classes.find((found) => found.classId === classId)?.score ?? 0);
}

const SAID: Readonly<Record<string, readonly string[]>> = {
  good: ['good'],
  'bad 日 本 !': ['bad', '日', '本', '!'],
  '': [],
  'badly badly good': ['bad', '##ly', 'bad', '##ly', 'good'],
};

for (const model of ['int64', 'int32', 'fp16', 'padded', 'types']) {
  test(`texts of several lengths are classified by their words, model ${model}`, async (t) => {
    // Several times: from the second run of a size on, it may be a CUDA graph.
    for (let round = 0; round < 3; round++) {
      for (const [text, tokens] of Object.entries(SAID)) {
        closeTo(t, await scores(t, text, model), scoresOf(['[CLS]', ...tokens, '[SEP]']), 1e-3);
      }
    }
  });
}

test('texts of different lengths are answered in a batch as alone', async (t) => {
  const frames = TEXTS.map((picture) => ({ picture }));
  const answers = await all(serving.client.classify(frames, { model: 'batched', topK: 2 }));
  t.true(answers.some(({ frame }) => frame!.timings!.batchSize > 1));
  for (const [index, { classifications }] of answers.entries()) {
    const { classes } = classifications[0]!;
    const found = [0, 1].map((classId) => classes.find((one) => one.classId === classId)?.score ?? 0);
    closeTo(t, found, await scores(t, TEXTS[index]!, 'int64'), 1e-6);
  }
});

test('softmax gives what it gives on the CPU', async (t) => {
  for (const text of TEXTS) closeTo(t, await scores(t, text, 'softmax'), await scores(t, text, 'softmax-cpu'), 1e-6);
});

for (const pooling of ['none', 'cls', 'mean']) {
  test(`texts have the vectors that they have on the CPU, pooling ${pooling}`, async (t) => {
    for (const picture of TEXTS) {
      const [expected, found] = await Promise.all(
        ['cpu', 'gpu'].map((kind) => embedOne(serving.client, { picture }, { model: `${pooling}-${kind}` })),
      );
      t.is(found!.frame?.error, undefined);
      closeTo(t, found!.embeddings[0]!.values, expected!.embeddings[0]!.values, 1e-6);
    }
  });
}

test('a text that is too long fails alone', async (t) => {
  const frames = ['good', '! '.repeat(15), 'bad'].map((picture) => ({ picture }));
  const answers = await all(serving.client.classify(frames, { model: 'int64' }));
  t.deepEqual(
    answers.map(({ frame }) => frame?.error?.code),
    [undefined, 'INVALID_REQUEST', undefined],
  );
});
