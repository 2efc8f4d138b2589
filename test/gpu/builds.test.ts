import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import sharp from 'sharp';
import { ServerProcess } from '../../clients/typescript/server-process.js';
import { SluiceClient } from '../../clients/typescript/sluice-client.js';
import { detectOne } from '../support/ask.js';
import { foundAt } from '../support/close-to.js';
import { sluice } from '../support/sluice-command.js';
import { boxOf, cellsInside, lightCells } from '../support/spot-pictures.js';
import { TestRepository } from '../support/test-repository.js';
import { spotsModel } from '../support/tiny-models.js';
import { addCatalogModel, facePictures, FP16, FP32, ON_GPU } from './gpu-serving.js';

/** Every way to build a plan yields one that finds what is there. */

const INPUT = { width: 64, height: 64 };
const SIZE = { width: 96, height: 64 };
const CELLS = cellsInside(SIZE, INPUT);

/** What of `tensorrt` is tried, by the name of the model. */
const WAYS: Readonly<Record<string, object>> = {
  stripped: { ...FP32, strip_weights: true },
  refittable: { ...FP32, refit: true },
  'ampere-plus': { ...FP32, hardware_compatibility: 'ampere_plus' },
  'two-profiles': {
    ...FP32,
    profiles: [{ batch: { min: 1, opt: 1, max: 1 } }, { batch: { min: 2, opt: 4, max: 4 } }],
  },
  tf32: { ...FP32, tf32: true },
  'strongly-typed': { ...FP32, precision: 'strongly_typed' },
  'no-aux-streams': { ...FP32, aux_streams: 0, workspace_bytes: 2 ** 28 },
};

test('plans of every kind find the spot that is there', async (t) => {
  await using repository = await TestRepository.create();
  for (const [name, tensorrt] of Object.entries(WAYS)) {
    const config = { task: 'centerface', input: INPUT, max_batch_size: 4, ...ON_GPU, tensorrt };
    await repository.addModel(name, config, spotsModel(INPUT.width, INPUT.height));
  }
  const cache = await mkdtemp(join(tmpdir(), 'sluice-plans-'));
  const flags = ['--engine-cache', cache];
  await using server = await ServerProcess.start({ modelRepository: repository.directory, flags });
  using client = await SluiceClient.connect(server.grpcAddress);
  const picture = lightCells(SIZE, INPUT, [CELLS[5]!]);
  for (const model of Object.keys(WAYS)) {
    await Promise.all(
      Array.from({ length: 6 }, async () => {
        const { frame, detections } = await detectOne(client, { picture }, { model });
        t.is(frame?.error, undefined, model);
        foundAt(t, detections, [boxOf(CELLS[5]!, SIZE, INPUT)], 0.1);
      }),
    );
  }
  const names = await readdir(cache);
  t.is(names.filter((name) => name.endsWith('.onnx')).length, 1, 'the weights of the stripped plan are kept beside it');
  await rm(cache, { recursive: true });
});

/** A repository with centerface in int8, calibrated with `pictures`, and where its plan goes. */
async function int8(t: ExecutionContext, calibration: object): Promise<Awaited<ReturnType<typeof sluice>>> {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-int8-'));
  t.teardown(() => rm(directory, { recursive: true }));
  const faces = await facePictures();
  for (const [index, face] of faces.entries()) {
    for (const brightness of [0.7, 1, 1.3]) {
      const file = join(directory, `${index}-${brightness}.png`);
      await writeFile(file, await sharp(face).modulate({ brightness }).png().toBuffer());
    }
  }
  await using repository = await TestRepository.create();
  await addCatalogModel(repository, 'centerface', 'faces', {
    ...ON_GPU,
    max_batch_size: 8,
    tensorrt: { ...FP16, precision: 'int8', calibration: { directory, batch_size: 4, held_back: 0.2, ...calibration } },
  });
  const cache = join('build', 'test-engines');
  return await sluice(['build', '--model-repository', repository.directory, '--engine-cache', cache, '--json']);
}

test.serial('int8 is calibrated with pictures, and what it costs is reported', async (t) => {
  const { code, stdout, stderr } = await int8(t, { accuracy_floor: 0.5 });
  t.is(code, 0, stderr);
  const [line] = stdout.trim().split('\n');
  t.regex(line ?? '', /"precision":"int8"/);
  const sidecars = (await readdir(join('build', 'test-engines'))).filter((name) => name.endsWith('.json'));
  const texts = await Promise.all(sidecars.map((name) => readFile(join('build', 'test-engines', name), 'utf8')));
  const told = texts
    .map((text) => JSON.parse(text) as { accuracy?: { agreement: number } | null })
    .flatMap(({ accuracy }) => (accuracy == null ? [] : [accuracy.agreement]));
  t.true(told.length > 0);
  for (const agreement of told) t.true(agreement > 0.5 && agreement <= 1, String(agreement));
});
