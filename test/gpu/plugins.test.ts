import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { all, embedOne } from '../support/ask.js';
import { closeTo } from '../support/close-to.js';
import { eventually } from '../support/eventually.js';
import { HealthClient } from '../support/health-client.js';
import { grey, plain } from '../support/pictures.js';
import { FP32, ON_CPU, ON_GPU, PLUGINS, pluginModels, startGpuServing } from './gpu-serving.js';

/** Operators of one's own: that they compute, and what a server does when one of them breaks the device. */

let models: Awaited<ReturnType<typeof pluginModels>>;

test.before(async () => {
  models = await pluginModels();
});

test.after.always(() => models && rm(models.directory, { recursive: true }));

/** Inputs of -1 to 1, and outputs as they are. */
const PLAIN_EMBEDDING = {
  task: 'embedding',
  input: { width: 32, height: 32 },
  max_batch_size: 4,
  preprocess: { resize: 'stretch', scale: 1 / 127.5, mean: [1, 1, 1] },
  postprocess: { normalize: false },
};

test('HSwish as a plugin computes what the native operator computes', async (t) => {
  await using serving = await startGpuServing(async (repository) => {
    const gpu = { ...PLAIN_EMBEDDING, ...ON_GPU };
    const plugins = [join(PLUGINS, 'hswish.so')];
    const [withPlugin, native] = [await models.read('hswish_plugin'), await models.read('hswish_native')];
    await repository.addModel('plugin', { ...gpu, tensorrt: { ...FP32, plugins } }, withPlugin);
    await repository.addModel('native', { ...gpu, tensorrt: FP32 }, native);
    await repository.addModel('cpu', { ...PLAIN_EMBEDDING, ...ON_CPU }, native);
  });
  const noise = plain(32, 32, [0, 0, 0]);
  noise.data.forEach((_, index) => (noise.data[index] = (index * 7919) % 256));
  for (const picture of [noise, grey(200), plain(32, 32, [255, 0, 90])]) {
    const values = async (model: string): Promise<number[]> =>
      (await embedOne(serving.client, { picture }, { model })).embeddings[0]!.values;
    const [plugin, native, cpu] = [await values('plugin'), await values('native'), await values('cpu')];
    t.is(plugin.length, 128);
    t.true(Math.max(...plugin) - Math.min(...plugin) > 0.1, 'there is something to compare');
    closeTo(t, plugin, native, 1e-4, 'plugin and native operator');
    closeTo(t, plugin, cpu, 1e-4, 'plugin and CPU');
  }
});

test('a device that is lost ends the server with exit code 4, after NOT_SERVING', async (t) => {
  await using serving = await startGpuServing(async (repository) => {
    const config = {
      ...PLAIN_EMBEDDING,
      ...ON_GPU,
      // Levels go in as they are: the plugin waits for a 255.
      preprocess: { resize: 'stretch' },
      tensorrt: { ...FP32, plugins: [join(PLUGINS, 'crash.so')] },
    };
    await repository.addModel('crash', config, await models.read('crash'));
  });
  using health = new HealthClient(serving.server.grpcAddress);
  const watch = health.watch('');
  await eventually('the server is healthy', () => watch.now === 'SERVING');
  const { embeddings } = await embedOne(serving.client, { picture: grey(254) }, { model: 'crash' });
  closeTo(t, embeddings[0]!.values, [254, 254, 254], 0.5);

  // Whether its answer still comes out or the connection ends first is a race that the test has no interest in.
  const answer = all(serving.client.embed([{ picture: grey(255) }], { model: 'crash' })).then(
    ([response]) => t.is(response?.frame?.error?.code, 'DEVICE_LOST'),
    (error: { code?: number }) => t.is(error.code, 14),
  );
  t.is(await serving.server.ended(), 4);
  await answer;
  await watch.ended;
  t.deepEqual(watch.statuses, ['SERVING', 'NOT_SERVING']);
});
