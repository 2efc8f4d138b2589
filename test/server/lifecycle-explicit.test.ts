import { status as Status } from '@grpc/grpc-js';
import test from 'ava';
import { embedOne } from '../support/ask.js';
import { callError } from '../support/call-error.js';
import { Operator } from '../support/operator.js';
import { grey } from '../support/pictures.js';
import { Serving } from '../support/serving.js';
import { sluice } from '../support/sluice-command.js';
import type { TestRepository } from '../support/test-repository.js';
import { meansModel, misfitModel } from '../support/tiny-models.js';

const MEANS = { task: 'embedding', input: { width: 8, height: 8 }, postprocess: { normalize: false } };
const FRAME = { picture: grey(100, 8) };

async function three(repository: TestRepository): Promise<void> {
  for (const model of ['a', 'b', 'c']) await repository.addModel(model, MEANS, meansModel(8, 8));
}

function serve(...flags: string[]): Promise<Serving> {
  return Serving.start(three, ['--model-control-mode', 'explicit', ...flags]);
}

async function value(serving: Serving, model = 'a'): Promise<number | undefined> {
  const { frame, embeddings } = await embedOne(serving.client, FRAME, { model });
  if (frame?.error !== undefined) throw new Error(frame.error.message);
  return embeddings[0]?.values[0];
}

test.serial('no model is loaded at the start unless it is named', async (t) => {
  await using serving = await serve();
  using operator = await Operator.of(serving.server);
  t.deepEqual(await operator.states(), []);
  t.is((await operator.readiness()).status, 200);
  const error = await callError(embedOne(serving.client, FRAME, { model: 'a' }));
  t.is(error.code, Status.NOT_FOUND);
});

test.serial('--load-model loads the models named, one a flag or between commas', async (t) => {
  await using serving = await serve('--load-model', 'a', '--load-model', 'c');
  using operator = await Operator.of(serving.server);
  t.deepEqual(await operator.states(), ['a/1 READY', 'c/1 READY']);
  await using other = await serve('--load-model', 'b,c');
  using second = await Operator.of(other.server);
  t.deepEqual(await second.states(), ['b/1 READY', 'c/1 READY']);
});

test.serial('--load-model * loads all', async (t) => {
  await using serving = await serve('--load-model', '*');
  using operator = await Operator.of(serving.server);
  t.deepEqual(await operator.states(), ['a/1 READY', 'b/1 READY', 'c/1 READY']);
});

test.serial('--load-model with a name that is not in the repository ends the start with that name', async (t) => {
  await using serving = await serve();
  const { directory } = serving.repository;
  const free = ['--grpc-address', '127.0.0.1:0', '--http-address', '127.0.0.1:0'];
  const flags = ['--model-repository', directory, '--model-control-mode', 'explicit', '--load-model', 'a,nosuch'];
  const { code, stderr } = await sluice(['serve', ...free, ...flags]);
  t.is(code, 1);
  t.regex(stderr, /"nosuch"/);
});

test.serial('a model is served from the answer of LoadModel on, and not after that of UnloadModel', async (t) => {
  await using serving = await serve();
  using operator = await Operator.of(serving.server);
  for (let round = 0; round < 3; round++) {
    await operator.client.load('a');
    t.deepEqual(await operator.states(), ['a/1 READY']);
    t.is(await value(serving), 100);
    await operator.client.unload('a');
    t.deepEqual(await operator.states(), []);
    t.is((await callError(value(serving))).code, Status.NOT_FOUND);
  }
});

test.serial('LoadModel brings a loaded model up to date', async (t) => {
  await using serving = await serve('--load-model', 'a');
  using operator = await Operator.of(serving.server);
  await serving.repository.configure('a', { ...MEANS, preprocess: { scale: 2 } });
  t.is(await value(serving), 100, 'a change alone does nothing');
  await operator.client.load('a');
  t.is(await value(serving), 200);
  await serving.repository.addVersion('a', 2, meansModel(8, 8));
  await operator.client.load('a');
  await operator.until('a/2 READY');
});

test.serial('LoadModel of a model that is up to date changes nothing', async (t) => {
  await using serving = await serve('--load-model', 'a');
  using operator = await Operator.of(serving.server);
  const loads = () => serving.server.log.filter(({ msg }) => msg === 'loaded').length;
  t.is(loads(), 1);
  await operator.client.load('a');
  t.is(loads(), 1);
});

test.serial('LoadModel of what is no model directory is NOT_FOUND, whatever the name', async (t) => {
  await using serving = await serve();
  using operator = await Operator.of(serving.server);
  for (const name of ['nosuch', '', '..', '.', '../a', 'a/..', './a', '/', 'a/1', 'a\0', '*']) {
    const error = await callError(operator.client.load(name));
    t.is(error.code, Status.NOT_FOUND, JSON.stringify(name));
  }
  t.deepEqual(await operator.states(), []);
});

test.serial('UnloadModel of what is not loaded is NOT_FOUND, with what is', async (t) => {
  await using serving = await serve('--load-model', 'b');
  using operator = await Operator.of(serving.server);
  for (const name of ['a', 'nosuch', '', '..']) {
    const error = await callError(operator.client.unload(name));
    t.is(error.code, Status.NOT_FOUND);
    t.regex(error.details, /the loaded models are: b/);
  }
});

test.serial('LoadModel of a broken model fails with the reason, and can be repeated once it is repaired', async (t) => {
  await using serving = await serve('--load-model', 'b');
  using operator = await Operator.of(serving.server);
  await serving.repository.addVersion('a', 1, misfitModel(8, 8));
  for (let attempt = 0; attempt < 2; attempt++) {
    const error = await callError(operator.client.load('a'));
    t.is(error.code, Status.FAILED_PRECONDITION);
    t.regex(error.details, /model a was not loaded: .*do not fit task embedding/);
  }
  t.deepEqual(await operator.states(), ['a/1 UNAVAILABLE', 'b/1 READY']);
  await serving.repository.addVersion('a', 1, meansModel(8, 8));
  await operator.client.load('a');
  t.deepEqual(await operator.states(), ['a/1 READY', 'b/1 READY']);
  t.is(await value(serving), 100);
});

test.serial('a broken model can be unloaded, and then is not mentioned any more', async (t) => {
  await using serving = await serve();
  using operator = await Operator.of(serving.server);
  await serving.repository.configure('a', 'task: nonsense');
  await callError(operator.client.load('a'));
  t.deepEqual(await operator.states(), ['a UNAVAILABLE']);
  t.is((await operator.readiness()).status, 503);
  await operator.client.unload('a');
  t.deepEqual(await operator.states(), []);
  t.is((await operator.readiness()).status, 200);
});

test.serial('calls that come at the same time for one model are all answered', async (t) => {
  await using serving = await serve();
  using operator = await Operator.of(serving.server);
  const { client } = operator;
  await Promise.all([client.load('a'), client.load('a'), client.load('b')]);
  t.deepEqual(await operator.states(), ['a/1 READY', 'b/1 READY']);
  await Promise.allSettled([client.unload('a'), client.load('a'), client.unload('a'), client.load('a')]);
  await client.load('a');
  t.is(await value(serving), 100);
  t.deepEqual(await operator.states(), ['a/1 READY', 'b/1 READY']);
});
