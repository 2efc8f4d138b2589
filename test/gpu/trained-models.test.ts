import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import test from 'ava';
import { ScratchDirectory } from '../support/scratch-directory.js';
import type { Serving } from '../support/serving.js';
import type { TestRepository } from '../support/test-repository.js';
import { drawScenes, measure, TRAINED_MODELS, trainedModel } from '../support/trained-models.js';
import { FP16, FP32, startGpuServing } from './gpu-serving.js';

/** Every family's own model on the GPU, on the scenes that its training held out: as good as its training says. */

const TOLERANCES = { fp32: 0.002, fp16: 0.005, int8: 0.01 } as const;

type Precision = keyof typeof TOLERANCES;

/** Served within pipelines only, and the pipeline. */
const NOT_ALONE = ['fall', 'faces'];

/** Calibrated plans take long to build, and few families differ in what int8 does to them. */
const IN_INT8 = ['yolov8', 'scrfd'];

const models = (await readdir(TRAINED_MODELS)).filter((name) => !NOT_ALONE.includes(name));

let serving: Serving;
let scratch: ScratchDirectory;

test.before(async () => {
  scratch = await ScratchDirectory.create();
  serving = await startGpuServing(async (repository) => {
    for (const name of models) {
      await add(repository, name, 'fp32', FP32);
      await add(repository, name, 'fp16', FP16);
    }
    for (const name of IN_INT8) {
      const { scenes } = await trainedModel(name);
      drawScenes(scratch.path, scenes);
      const calibration = { directory: resolve(scratch.path, scenes) };
      await add(repository, name, 'int8', { optimization_level: 0, precision: 'int8', calibration });
    }
  });
});

test.after.always(async () => {
  await serving?.[Symbol.asyncDispose]();
  await scratch?.[Symbol.asyncDispose]();
});

/** Puts a trained model into the repository, to be served by the GPU. */
async function add(repository: TestRepository, name: string, precision: Precision, tensorrt: object): Promise<void> {
  const directory = join(repository.directory, `${name}-${precision}`);
  await cp(join(TRAINED_MODELS, name), directory, { recursive: true });
  const file = join(directory, 'config.yaml');
  const config = (await readFile(file, 'utf8')).replace(/^instance_group:.*$/m, '');
  const sections = `instance_group: { kind: KIND_GPU, count: 1 }\ntensorrt: ${JSON.stringify(tensorrt)}\n`;
  await writeFile(file, config + sections);
}

for (const name of models) {
  const precisions: Precision[] = IN_INT8.includes(name) ? ['fp32', 'fp16', 'int8'] : ['fp32', 'fp16'];
  for (const precision of precisions) {
    test.serial(`${name} is as good in ${precision} as its training says`, async (t) => {
      const model = await trainedModel(name);
      const found = await measure(serving.client, model, `${name}-${precision}`, scratch.path);
      for (const [figure, expected] of Object.entries(model.metrics)) {
        t.true(
          Math.abs(found[figure]! - expected) <= TOLERANCES[precision],
          `${figure} is ${found[figure]}, and was ${expected} in training`,
        );
      }
      t.log(found);
    });
  }
}
