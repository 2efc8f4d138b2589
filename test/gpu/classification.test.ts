import test from 'ava';
import { classifyOne } from '../support/ask.js';
import { closeTo } from '../support/close-to.js';
import { boxRegion } from '../support/messages.js';
import type { Serving } from '../support/serving.js';
import { meansModel } from '../support/tiny-models.js';
import { astronaut, FP32, ON_CPU, ON_GPU, startGpuServing } from './gpu-serving.js';

/** Classes on the GPU beside those of the CPU, of whole pictures and of regions. */

let serving: Serving;

test.before(async () => {
  serving = await startGpuServing(async (repository) => {
    const input = { width: 64, height: 64 };
    for (const activation of ['none', 'softmax', 'sigmoid']) {
      const config = { task: 'classification', input, postprocess: { activation } };
      await repository.addModel(`${activation}-cpu`, { ...config, ...ON_CPU }, meansModel(64, 64));
      await repository.addModel(`${activation}-gpu`, { ...config, ...ON_GPU, tensorrt: FP32 }, meansModel(64, 64));
    }
  });
});

test.after.always(() => serving?.[Symbol.asyncDispose]());

for (const activation of ['none', 'softmax', 'sigmoid']) {
  test(`classes and scores are those of the CPU, activation ${activation}`, async (t) => {
    const picture = await astronaut();
    for (const regions of [[], [boxRegion(10, 20, 200, 300), boxRegion(300, 0, 512, 512), boxRegion(5, 5, 5, 5)]]) {
      const [expected, found] = await Promise.all(
        ['cpu', 'gpu'].map((kind) =>
          classifyOne(serving.client, { picture, regions }, { model: `${activation}-${kind}` }),
        ),
      );
      t.is(found!.frame?.error, undefined);
      t.is(found!.classifications.length, Math.max(1, regions.length));
      for (const [index, { classes, error }] of found!.classifications.entries()) {
        const wanted = expected!.classifications[index]!;
        t.is(error?.code, wanted.error?.code);
        t.deepEqual(
          classes.map(({ classId }) => classId),
          wanted.classes.map(({ classId }) => classId),
        );
        closeTo(
          t,
          classes.map(({ score }) => score),
          wanted.classes.map(({ score }) => score),
          1e-4,
        );
      }
    }
  });
}
