import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { status as Status } from '@grpc/grpc-js';
import test from 'ava';
import { embedOne } from '../support/ask.js';
import { callError } from '../support/call-error.js';
import { Operator } from '../support/operator.js';
import { grey } from '../support/pictures.js';
import { Serving } from '../support/serving.js';
import { meansModel, misfitModel } from '../support/tiny-models.js';

const MEANS = { task: 'embedding', input: { width: 8, height: 8 } };
const FRAME = { picture: grey(100, 8) };

test.serial('one broken version is UNAVAILABLE while the others of its model serve', async (t) => {
  await using serving = await Serving.start(async (repository) => {
    for (const version of [1, 3]) await repository.addVersion('means', version, meansModel(8, 8));
    await repository.addVersion('means', 2, new Uint8Array(100));
    await repository.configure('means', { ...MEANS, version_policy: { all: {} } });
  });
  using operator = await Operator.of(serving.server);
  t.deepEqual(await operator.states(), ['means/1 READY', 'means/2 UNAVAILABLE', 'means/3 READY']);
  const error = await callError(embedOne(serving.client, FRAME, { version: '2' }));
  t.is(error.code, Status.UNAVAILABLE);
  for (const version of ['1', '3']) {
    t.is((await embedOne(serving.client, FRAME, { version })).frame?.modelVersion, version);
  }
});

test.serial('when the newest version is broken, the newest that works answers', async (t) => {
  await using serving = await Serving.start(async (repository) => {
    await repository.addVersion('means', 1, meansModel(8, 8));
    await repository.addVersion('means', 2, misfitModel(8, 8));
    await repository.configure('means', { ...MEANS, version_policy: { latest: { num_versions: 2 } } });
  });
  t.is((await embedOne(serving.client, FRAME)).frame?.modelVersion, '1');
});

test.serial('many instances of broken models do not take the process with them', async (t) => {
  const broken = ['misfit', 'garbage', 'empty'];
  await using serving = await Serving.start(async (repository) => {
    const config = { ...MEANS, instance_group: { count: 12 } };
    await repository.addModel('misfit', config, misfitModel(8, 8));
    await repository.addModel('garbage', config, new Uint8Array(5000).fill(0x5a));
    await repository.addModel('empty', config, new Uint8Array(0));
    await repository.addModel('means', { ...MEANS, instance_group: { count: 4 } }, meansModel(8, 8));
  });
  using operator = await Operator.of(serving.server);
  t.deepEqual(await operator.states(), [
    'empty/1 UNAVAILABLE',
    'garbage/1 UNAVAILABLE',
    'means/1 READY',
    'misfit/1 UNAVAILABLE',
  ]);
  t.is((await embedOne(serving.client, FRAME)).frame?.modelName, 'means');
  for (const model of broken) t.is((await callError(embedOne(serving.client, FRAME, { model }))).code, 14);
  serving.server.signal('SIGTERM');
  t.is(await serving.server.ended(), 0);
});

test.serial('directories that cannot be models are ignored, and their names lead nowhere', async (t) => {
  await using serving = await Serving.start(async (repository) => {
    await repository.addModel('means', MEANS, meansModel(8, 8));
    for (const name of ['.hidden', '_private', 'two words', '-dash', 'naïve', '...']) {
      await repository.addModel(name, 'not: [a, model', new Uint8Array(3));
    }
    await repository.write('README.md', 'models');
    await symlink(join(repository.directory, 'nowhere'), join(repository.directory, 'dangling'));
  });
  using operator = await Operator.of(serving.server);
  t.deepEqual(await operator.states(), ['means/1 READY']);
  t.is((await operator.readiness()).status, 200);
  for (const model of ['..', '.', '../means', 'means/../means', './means', 'means/', '.hidden', '/means', 'means\0']) {
    const error = await callError(embedOne(serving.client, FRAME, { model }));
    t.is(error.code, Status.NOT_FOUND, model);
    t.regex(error.details, /the loaded models are: means/);
  }
});

test.serial('an empty repository serves nothing, and says so', async (t) => {
  await using serving = await Serving.start(async () => {});
  using operator = await Operator.of(serving.server);
  t.deepEqual(await operator.states(), []);
  t.is((await operator.readiness()).status, 200);
  const named = await callError(embedOne(serving.client, FRAME, { model: 'means' }));
  t.is(named.code, Status.NOT_FOUND);
  t.regex(named.details, /no models are loaded/);
});
