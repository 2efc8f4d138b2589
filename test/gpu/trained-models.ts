import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { ScratchDirectory } from '../support/scratch-directory.js';
import type { Serving } from '../support/serving.js';
import type { TestRepository } from '../support/test-repository.js';
import { drawFurtherScenes, measure, TRAINED_MODELS, trainedModel } from '../support/trained-models.js';
import { FP16, FP32, startGpuServing } from './gpu-serving.js';

/** Every family's own model on the GPU, on the scenes that its training held out: as good as its training says. */

const TENSORRT = {
  fp32: FP32,
  fp16: FP16,
  int8: { optimization_level: 0, precision: 'int8' },
} as const;

type Precision = keyof typeof TENSORRT;

/** Served within pipelines only, and the pipeline. */
const NOT_ALONE = ['fall', 'faces'];

/** The models that stand alone. */
export async function trainedModels(): Promise<string[]> {
  return (await readdir(TRAINED_MODELS)).filter((name) => !NOT_ALONE.includes(name));
}

/** Declares a test for each of the models, built in `precision`: no figure is further than `tolerance` from its training's. */
export function testTrainedModels(models: readonly string[], precision: Precision, tolerance: number): void {
  let serving: Serving;
  let scratch: ScratchDirectory;

  test.before(async () => {
    scratch = await ScratchDirectory.create();
    serving = await startGpuServing(async (repository) => {
      for (const name of models) {
        const calibration = precision === 'int8' ? await calibrationScenes(name, scratch.path) : {};
        await add(repository, name, { ...TENSORRT[precision], ...calibration });
      }
    });
  });

  test.after.always(async () => {
    await serving?.[Symbol.asyncDispose]();
    await scratch?.[Symbol.asyncDispose]();
  });

  for (const name of models) {
    test.serial(`${name} is as good in ${precision} as its training says`, async (t) => {
      const model = await trainedModel(name);
      const found = await measure(serving.client, model, name, scratch.path);
      for (const [figure, expected] of Object.entries(model.metrics)) {
        t.true(
          Math.abs(found[figure]! - expected) <= tolerance,
          `${figure} is ${found[figure]}, and was ${expected} in training`,
        );
      }
      t.log(found);
    });
  }
}

async function calibrationScenes(name: string, directory: string): Promise<object> {
  const { scenes } = await trainedModel(name);
  if (scenes !== 'shapes' && scenes !== 'faces') throw new Error(`nothing draws scenes to calibrate ${name} with`);
  return { calibration: { directory: drawFurtherScenes(join(directory, 'calibration'), scenes, 128) } };
}

/** Puts a trained model into the repository, to be served by the GPU. */
async function add(repository: TestRepository, name: string, tensorrt: object): Promise<void> {
  const directory = join(repository.directory, name);
  await cp(join(TRAINED_MODELS, name), directory, { recursive: true });
  const file = join(directory, 'config.yaml');
  const config = (await readFile(file, 'utf8')).replace(/^instance_group:.*$/m, '');
  const sections = `instance_group: { kind: KIND_GPU, count: 1 }\ntensorrt: ${JSON.stringify(tensorrt)}\n`;
  await writeFile(file, config + sections);
}
