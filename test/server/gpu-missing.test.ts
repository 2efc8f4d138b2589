import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { status as Status } from '@grpc/grpc-js';
import test from 'ava';
import { askForDevices } from '../../server/runtime/device-probe.js';
import { gpuAddonFile } from '../../server/runtime/native-gpu.js';
import { embedOne } from '../support/ask.js';
import { callError } from '../support/call-error.js';
import { Operator } from '../support/operator.js';
import { grey } from '../support/pictures.js';
import { Serving } from '../support/serving.js';
import { sluice } from '../support/sluice-command.js';
import { TestRepository } from '../support/test-repository.js';
import { meansModel } from '../support/tiny-models.js';

/** What a machine without a GPU answers; on one that has some, there is nothing to see. */
const hasGpu = (await askForDevices(gpuAddonFile())).kind === 'found';
const withoutGpu = hasGpu ? test.skip : test.serial;

const MEANS = { task: 'embedding', input: { width: 8, height: 8 } };
const FRAME = { picture: grey(100, 8) };

withoutGpu('a model that needs a GPU is UNAVAILABLE with the reason, and the others serve', async (t) => {
  await using serving = await Serving.start(async (repository) => {
    await repository.addModel('any', MEANS, meansModel(8, 8));
    await repository.addModel('needs', { ...MEANS, instance_group: { kind: 'KIND_GPU' } }, meansModel(8, 8));
  });
  using operator = await Operator.of(serving.server);
  t.deepEqual(await operator.states(), ['any/1 READY', 'needs/1 UNAVAILABLE']);
  const [reason = ''] = await operator.reasons('needs');
  t.regex(reason, /^instance_group\.kind is KIND_GPU, and no GPU can be used: ./);
  t.is((await embedOne(serving.client, FRAME, { model: 'any' })).frame?.error, undefined);
  const error = await callError(embedOne(serving.client, FRAME, { model: 'needs' }));
  t.is(error.code, Status.UNAVAILABLE);
  t.true(error.details.includes(reason));
  const told = serving.server.log.filter(({ msg }) => msg.startsWith('models of KIND_AUTO run on the CPU: '));
  t.is(told.length, 1);
});

withoutGpu('sluice build says why there is nothing that it can do, and fails', async (t) => {
  await using repository = await TestRepository.create();
  await repository.addModel('means', MEANS, meansModel(8, 8));
  const cache = await mkdtemp(join(tmpdir(), 'sluice-test-'));
  t.teardown(() => rm(cache, { recursive: true }));
  const flags = ['build', '--model-repository', repository.directory, '--engine-cache', join(cache, 'plans')];
  for (const more of [[], ['means'], ['--json'], ['--force']]) {
    const { code, stdout, stderr } = await sluice([...flags, ...more]);
    t.is(code, 1);
    t.is(stdout, '');
    t.regex(stderr, /^sluice: plans are built on the GPU that runs them: ./);
  }
  t.false(existsSync(join(cache, 'plans')));
});

test.serial('a flag of sluice build that does not exist, or a value that does not fit, is a mistake', async (t) => {
  t.is((await sluice(['build', '--grpc-address', '127.0.0.1:0'])).code, 2);
  const { code, stderr } = await sluice(['build', '--engine-cache-bytes', 'much']);
  t.is(code, 2);
  t.regex(stderr, /--engine-cache-bytes: expected a whole number/);
});
