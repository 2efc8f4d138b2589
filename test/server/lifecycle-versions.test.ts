import { status as Status } from '@grpc/grpc-js';
import test from 'ava';
import { detectOne, embedOne } from '../support/ask.js';
import { callError } from '../support/call-error.js';
import { Operator } from '../support/operator.js';
import { grey, spots } from '../support/pictures.js';
import { Serving } from '../support/serving.js';
import { meansModel, spotsModel } from '../support/tiny-models.js';

const MEANS = { task: 'embedding', input: { width: 8, height: 8 }, postprocess: { normalize: false } };
const SPOTS = { task: 'centerface', input: { width: 32, height: 32 } };
const FRAME = { picture: grey(100, 8) };

/** A server whose model `means` has versions 1, 2, 3 and 10, and a policy. */
function serve(policy: object | null): Promise<Serving> {
  return Serving.start(async (repository) => {
    for (const version of [1, 2, 3, 10]) await repository.addVersion('means', version, meansModel(8, 8));
    await repository.configure('means', policy === null ? MEANS : { ...MEANS, version_policy: policy });
  });
}

async function served(serving: Serving): Promise<string[]> {
  using operator = await Operator.of(serving.server);
  return await operator.states();
}

async function answering(serving: Serving, version: string): Promise<string | undefined> {
  return (await embedOne(serving.client, FRAME, { model: 'means', version })).frame?.modelVersion;
}

test.serial('without a policy the highest version is served, by number and not by text', async (t) => {
  await using serving = await serve(null);
  t.deepEqual(await served(serving), ['means/10 READY']);
  t.is(await answering(serving, ''), '10');
  t.is(await answering(serving, '10'), '10');
});

test.serial('latest serves as many of the highest versions as it says', async (t) => {
  await using serving = await serve({ latest: { num_versions: 2 } });
  t.deepEqual(await served(serving), ['means/3 READY', 'means/10 READY']);
  t.is(await answering(serving, ''), '10');
  t.is(await answering(serving, '3'), '3');
});

test.serial('all serves every version, and a stream may choose', async (t) => {
  await using serving = await serve({ all: {} });
  t.deepEqual(await served(serving), ['means/1 READY', 'means/2 READY', 'means/3 READY', 'means/10 READY']);
  for (const version of ['1', '2', '3', '10']) t.is(await answering(serving, version), version);
});

test.serial('specific serves the versions named, and a stream gets the newest of them', async (t) => {
  await using serving = await serve({ specific: { versions: [3, 1] } });
  t.deepEqual(await served(serving), ['means/1 READY', 'means/3 READY']);
  t.is(await answering(serving, ''), '3');
});

test.serial('a version that the policy leaves out is NOT_FOUND, and the message says which there are', async (t) => {
  await using serving = await serve({ specific: { versions: [1, 3] } });
  const error = await callError(embedOne(serving.client, FRAME, { model: 'means', version: '2' }));
  t.is(error.code, Status.NOT_FOUND);
  t.regex(error.details, /means does not serve version 2; it serves 1, 3/);
});

test.serial('a policy that names a version that is not there says so, and serves those that are', async (t) => {
  await using serving = await serve({ specific: { versions: [3, 7] } });
  using operator = await Operator.of(serving.server);
  t.is(await answering(serving, '3'), '3');
  const states = await operator.states();
  t.true(states.includes('means/3 READY'));
  t.regex((await operator.reasons('means')).join('\n'), /7/);
});

test.serial('a policy that selects nothing makes the model UNAVAILABLE with what is on disk', async (t) => {
  await using serving = await serve({ specific: { versions: [7] } });
  using operator = await Operator.of(serving.server);
  t.regex((await operator.reasons('means')).join('\n'), /the versions on disk \(1, 2, 3, 10\)|version 7/);
  const error = await callError(embedOne(serving.client, FRAME, { model: 'means' }));
  t.is(error.code, Status.UNAVAILABLE);
});

test.serial('what is no version directory is ignored', async (t) => {
  await using serving = await Serving.start(async (repository) => {
    await repository.addModel('means', MEANS, meansModel(8, 8));
    for (const name of ['0', '02', '-1', 'v3', '1.5', '1e3', '.4', 'backup', '99999999999']) {
      await repository.write(`means/${name}/model.onnx`, 'not a model');
    }
    await repository.write('means/7', 'not a directory');
  });
  using operator = await Operator.of(serving.server);
  t.deepEqual(await operator.states(), ['means/1 READY']);
  t.is(await answering(serving, ''), '1');
});

test.serial('the model file may have another name', async (t) => {
  await using serving = await Serving.start(async (repository) => {
    await repository.write('means/1/weights.onnx', meansModel(8, 8));
    await repository.configure('means', { ...MEANS, default_model_filename: 'weights.onnx' });
  });
  t.is(await answering(serving, ''), '1');
});

test.serial('detections carry the labels of the labels file, by class', async (t) => {
  await using serving = await Serving.start(async (repository) => {
    await repository.write('spots/names.txt', 'gesicht\r\n');
    await repository.addModel('spots', { ...SPOTS, labels: 'names.txt' }, spotsModel(32, 32));
    await repository.addModel('unnamed', SPOTS, spotsModel(32, 32));
  });
  const frame = { picture: spots(32, 32, [[8, 8, 255]]) };
  const labels = async (model: string) =>
    (await detectOne(serving.client, frame, { model })).detections.map(({ classId, label }) => [classId, label]);
  t.deepEqual(await labels('spots'), [[0, 'gesicht']]);
  t.deepEqual(await labels('unnamed'), [[0, '']]);
});
