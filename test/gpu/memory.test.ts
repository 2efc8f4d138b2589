import test from 'ava';
import { RepositoryClient } from '../../clients/typescript/repository-client.js';
import { all } from '../support/ask.js';
import { addCatalogModel, deviceMemory, facePictures, FP16, startGpuServing } from './gpu-serving.js';

const ROUNDS = 4;
const MIB = 2 ** 20;

test('a model that is unloaded gives back its memory, on the device and in the host', async (t) => {
  const pictures = await facePictures();
  await using serving = await startGpuServing(
    (repository) =>
      addCatalogModel(repository, 'centerface', 'faces', {
        instance_group: { kind: 'KIND_GPU', count: 2 },
        max_batch_size: 8,
        tensorrt: FP16,
      }),
    ['--model-control-mode', 'explicit'],
  );
  using repository = await RepositoryClient.connect(serving.server.grpcAddress);
  const device = () => deviceMemory(serving);
  const [loaded, unloaded, resident]: number[][] = [[], [], []];
  for (let round = 0; round < ROUNDS; round++) {
    await repository.load('faces');
    for (let turn = 0; turn < 10; turn++) {
      const frames = pictures.map((picture) => ({ picture }));
      const answers = await all(serving.client.detect(frames, { model: 'faces', window: frames.length }));
      t.true(answers.every(({ frame }) => frame?.error === undefined));
    }
    loaded!.push(await device());
    await repository.unload('faces');
    unloaded!.push(await device());
    resident!.push(await serving.metrics.value('process_resident_memory_bytes'));
  }
  const show = (values: readonly number[]) => values.map((value) => `${(value / MIB).toFixed(0)} MiB`).join(', ');
  const story = `loaded ${show(loaded!)}; unloaded ${show(unloaded!)}; resident ${show(resident!)}`;
  t.log(story);
  for (let round = 1; round < ROUNDS; round++) {
    t.true(loaded![round]! - unloaded![round]! > 100 * MIB, story);
    // What CUDA itself keeps was taken in the first round.
    t.true(unloaded![round]! - unloaded![0]! < 16 * MIB, story);
  }
  // Garbage that has not been collected yet comes and goes; what leaks adds up with every round.
  t.true(resident!.at(-1)! - resident![1]! < 150 * MIB, story);
});
