import { status as Status } from '@grpc/grpc-js';
import test, { type ExecutionContext } from 'ava';
import { embedOne } from '../support/ask.js';
import { callError } from '../support/call-error.js';
import { cellsModel } from '../support/cells-model.js';
import { Operator } from '../support/operator.js';
import { grey } from '../support/pictures.js';
import { Serving } from '../support/serving.js';
import type { TestRepository } from '../support/test-repository.js';
import { meansModel, misfitModel, spotsModel } from '../support/tiny-models.js';

const MEANS = { task: 'embedding', input: { width: 8, height: 8 } };
const FACES = { task: 'centerface', input: { width: 32, height: 32 } };
const FRAME = { picture: grey(100, 8) };

/** What `check` looks for in the reason of a broken model. */
interface Broken {
  readonly fill: (repository: TestRepository) => Promise<void>;
  /** The state as it is listed. */
  readonly state: string;
  readonly reason: readonly RegExp[];
}

/** The model `bad` is UNAVAILABLE and everyone is told why, while `good` serves as if nothing was. */
async function check(t: ExecutionContext, { fill, state, reason }: Broken): Promise<void> {
  await using serving = await Serving.start(async (repository) => {
    await repository.addModel('good', MEANS, meansModel(8, 8));
    await fill(repository);
  });
  using operator = await Operator.of(serving.server);
  t.deepEqual(await operator.states(), [`${state} UNAVAILABLE`, 'good/1 READY']);
  const [listed = ''] = await operator.reasons('bad');
  for (const part of reason) t.regex(listed, part);

  const { status, ready, not_ready: notReady } = await operator.readiness();
  t.deepEqual([status, ready], [503, false]);
  t.deepEqual(
    notReady.map((version) => [version.model, version.state, version.reason]),
    [['bad', 'UNAVAILABLE', listed]],
  );

  const line = serving.server.log.find(({ model, level }) => model === 'bad' && level >= 50);
  t.is(line?.['reason'], listed);

  const error = await callError(embedOne(serving.client, FRAME, { model: 'bad' }));
  t.is(error.code, Status.UNAVAILABLE);
  t.true(error.details.includes(listed), 'the client is told why');
  t.is((await embedOne(serving.client, FRAME, { model: 'good' })).frame?.error, undefined);
}

function model(config: object | string, bytes: Uint8Array) {
  return (repository: TestRepository) => repository.addModel('bad', config, bytes);
}

test.serial('all problems of a config.yaml are told at once, with file, line and hint', async (t) => {
  const config = [
    'task: embeding',
    'input: { width: 8, height: -8 }',
    'max_batch_size: 4',
    'platform: onnxruntime_onnx',
    'preproces: { scale: 2 }',
    'dynamic_batching:',
    '  preferred_batch_size: [2, 16]',
  ].join('\n');
  await check(t, {
    fill: model(config, meansModel(8, 8)),
    state: 'bad',
    reason: [
      /bad\/config\.yaml has 5 problems/,
      /bad\/config\.yaml:1:\d+: task: .*"embeding".*"?embedding/,
      /bad\/config\.yaml:2:\d+: input\.height: .*-8/,
      /bad\/config\.yaml:4:\d+: platform: .*remove it/,
      /bad\/config\.yaml:5:\d+: preproces: .*preprocess/,
      /bad\/config\.yaml:7:\d+: dynamic_batching\.preferred_batch_size\[1\]: 16 is over max_batch_size, which is 4/,
    ],
  });
});

test.serial('a config.yaml that is no YAML is told with the line', async (t) => {
  const fill = model('task: embedding\ninput: { width: 8\n', meansModel(8, 8));
  await check(t, { fill, state: 'bad', reason: [/bad\/config\.yaml:\d+:\d+: /] });
});

test.serial('a missing config.yaml is told with what to write', async (t) => {
  const fill = (repository: TestRepository) => repository.write('bad/1/weights.bin', new Uint8Array(8));
  await check(t, { fill, state: 'bad', reason: [/bad\/config\.yaml does not exist/, /CONFIG\.md/] });
});

test.serial('a missing labels file is told with its name', async (t) => {
  const fill = model({ ...FACES, labels: 'labels.txt' }, spotsModel(32, 32));
  await check(t, { fill, state: 'bad', reason: [/bad\/labels\.txt does not exist/, /remove the key/] });
});

test.serial('a missing model file is told with where it belongs', async (t) => {
  const fill = async (repository: TestRepository) => {
    await repository.configure('bad', MEANS);
    await repository.write('bad/1/other.onnx', meansModel(8, 8));
  };
  await check(t, { fill, state: 'bad/1', reason: [/bad\/1\/model\.onnx/] });
});

test.serial('a model without a version directory is told with where to put the file', async (t) => {
  const fill = (repository: TestRepository) => repository.configure('bad', MEANS);
  await check(t, { fill, state: 'bad', reason: [/no version directory/, /bad\/1\/model\.onnx/] });
});

test.serial('an ONNX file that is cut short is told to be so', async (t) => {
  const bytes = spotsModel(32, 32);
  const fill = model(FACES, bytes.subarray(0, bytes.length - 40));
  await check(t, { fill, state: 'bad/1', reason: [/cut short/] });
});

test.serial('an ONNX file full of garbage is told to be so', async (t) => {
  const fill = model(
    MEANS,
    Uint8Array.from({ length: 4096 }, (_, index) => (index * 7919 + 13) % 251),
  );
  await check(t, { fill, state: 'bad/1', reason: [/not an ONNX model/] });
});

test.serial('an empty ONNX file is told to be so', async (t) => {
  await check(t, { fill: model(MEANS, new Uint8Array(0)), state: 'bad/1', reason: [/empty/] });
});

test.serial('outputs that do not fit a detector are told with the shapes expected and found', async (t) => {
  await check(t, {
    fill: model(FACES, misfitModel(32, 32)),
    state: 'bad/1',
    reason: [/task centerface/, /expected \[1,1,8,8\] \[1,2,8,8\] \[1,2,8,8\] \[1,10,8,8\]/, /found \[1,3,1024,1\]/],
  });
});

test.serial('outputs that do not fit an embedder are told with the shapes expected and found', async (t) => {
  await check(t, {
    fill: model(MEANS, misfitModel(8, 8)),
    state: 'bad/1',
    reason: [/task embedding/, /expected one of \[1,D\]/, /found \[1,3,64,1\]/],
  });
});

test.serial('outputs of another detector are told with the shapes expected and found', async (t) => {
  await check(t, {
    fill: model({ ...FACES, task: 'yolov5' }, spotsModel(32, 32)),
    state: 'bad/1',
    reason: [/task yolov5: expected \[1,A,5\+C\], found \[1,1,8,8\] \[1,2,8,8\] \[1,2,8,8\] \[1,10,8,8\]/],
  });
});

test.serial('a labels file that does not name each class is told with both numbers', async (t) => {
  const fill = async (repository: TestRepository) => {
    await repository.addModel('bad', { ...FACES, task: 'yolov8', labels: 'names.txt' }, cellsModel('yolov8', 32, 32));
    await repository.write('bad/names.txt', 'rose\nleaf\n');
  };
  await check(t, { fill, state: 'bad/1', reason: [/the labels file has 2 lines, the model tells 3 classes/] });
});

test.serial('a detector that is configured as an embedder is told by its outputs', async (t) => {
  const fill = model({ ...MEANS, input: FACES.input }, spotsModel(32, 32));
  await check(t, { fill, state: 'bad/1', reason: [/task embedding/, /found \[1,1,8,8\] \[1,2,8,8\]/] });
});
