import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { identityModel } from '../support/tensor-models.js';
import { ScratchDirectory } from '../support/scratch-directory.js';
import { Serving } from '../support/serving.js';
import { addSpots } from '../support/pipelines.js';
import { TestRepository } from '../support/test-repository.js';

/**
 * ONNX Runtime on Linux tells its maker about models unless it is told not to. It keeps what it has to tell in the cache
 * directory from its first session on, and looks for the name of its collector some time later.
 */

/** With any of these it takes itself to be tested, and tells nothing. */
const OF_BUILD_MACHINES = [
  'APPVEYOR',
  'BITBUCKET_BUILD_NUMBER',
  'BUILDKITE',
  'CI',
  'CIRCLECI',
  'CODEBUILD_BUILD_ID',
  'GITHUB_ACTIONS',
  'GITLAB_CI',
  'JENKINS_URL',
  'ORT_RUNNING_UNIT_TESTS',
  'TEAMCITY_VERSION',
  'TF_BUILD',
  'TRAVIS',
];

/** As on the machine of somebody who has heard of none of this. */
function environment(cache: ScratchDirectory): Record<string, string> {
  const unset = [...OF_BUILD_MACHINES, 'ORT_DISABLE_TELEMETRY'].map((name) => [name, '']);
  return { ...Object.fromEntries(unset), XDG_CACHE_HOME: cache.path };
}

async function runScript(script: string, cache: ScratchDirectory): Promise<void> {
  const args = ['--input-type=module', '--eval', script];
  await promisify(execFile)(process.execPath, args, { env: { ...process.env, ...environment(cache) } });
}

/** What ONNX Runtime has kept, to be told. */
async function kept(cache: ScratchDirectory): Promise<string[]> {
  return (await readdir(cache.path)).filter((name) => name === 'Microsoft');
}

test('ONNX Runtime by itself keeps what it has to tell', async (t) => {
  await using cache = await ScratchDirectory.create();
  const model = await cache.write('model.onnx', identityModel());
  await runScript(
    `import { InferenceSession } from 'onnxruntime-node';
    await InferenceSession.create(${JSON.stringify(model)});
    process.exit();`,
    cache,
  );
  t.deepEqual(await kept(cache), ['Microsoft']);
});

for (const processes of ['1', '2']) {
  test(`a server keeps nothing of that kind, with ${processes} of --processes`, async (t) => {
    await using cache = await ScratchDirectory.create();
    await using serving = await Serving.start(addSpots, ['--processes', processes], environment(cache));
    t.is(await serving.metrics.value('sluice_model_state', { model: 'spots', state: 'READY' }), 1);
    t.deepEqual(await kept(cache), []);
  });
}

test('a model without a server keeps nothing of that kind either', async (t) => {
  await using cache = await ScratchDirectory.create();
  await using repository = await TestRepository.create();
  await addSpots(repository);
  await runScript(
    `import { open } from './dist/server/local-model.js';
    const model = await open(${JSON.stringify(join(repository.directory, 'spots'))});
    await model[Symbol.asyncDispose]();`,
    cache,
  );
  t.deepEqual(await kept(cache), []);
});
