import { cp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { ScratchDirectory } from '../support/scratch-directory.js';
import { Serving } from '../support/serving.js';
import { measure, TRAINED_MODELS, trainedModel } from '../support/trained-models.js';

/**
 * Every family's own model, through the server, on the scenes that its training held out: the server finds what the
 * training framework found. What is compared are mean average precisions and the like, 0 to 1.
 */

/** Of the same network in single precision: rounding decides about single detections at a threshold. */
const TOLERANCE = 0.002;

/** Served within pipelines only, and the pipeline. */
const NOT_ALONE = ['fall', 'faces'];

const models = (await readdir(TRAINED_MODELS)).filter((name) => !NOT_ALONE.includes(name));

let serving: Serving;
let scratch: ScratchDirectory;

test.before(async () => {
  scratch = await ScratchDirectory.create();
  serving = await Serving.start(
    async (repository) => {
      for (const name of models) {
        await cp(join(TRAINED_MODELS, name), join(repository.directory, name), { recursive: true });
      }
    },
    ['--threads', '2'],
  );
});

test.after.always(async () => {
  await serving?.[Symbol.asyncDispose]();
  await scratch?.[Symbol.asyncDispose]();
});

for (const name of models) {
  test.serial(`${name} is as good through the server as its training says`, async (t) => {
    const model = await trainedModel(name);
    const found = await measure(serving.client, model, name, scratch.path);
    for (const [figure, expected] of Object.entries(model.metrics)) {
      t.true(
        Math.abs(found[figure]! - expected) <= TOLERANCE,
        `${figure} is ${found[figure]}, and was ${expected} in training`,
      );
    }
    t.log(found);
  });
}
