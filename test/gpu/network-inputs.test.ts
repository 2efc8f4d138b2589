import test from 'ava';
import { embedOne } from '../support/ask.js';
import { boxRegion } from '../support/messages.js';
import { plain } from '../support/pictures.js';
import type { Serving } from '../support/serving.js';
import { mirrorModel } from '../support/tiny-models.js';
import { FP32, ON_CPU, ON_GPU, startGpuServing } from './gpu-serving.js';

/** What models are fed on the GPU, by models that give it out: the very values of the CPU. */

const [WIDTH, HEIGHT] = [48, 32];

/** Sections `preprocess`, and the shape of a row that comes of each. */
const VARIANTS = {
  letterbox: [{}, [3, HEIGHT, WIDTH]],
  rounded: [{ resize: 'letterbox_rounded' }, [3, HEIGHT, WIDTH]],
  corner: [{ resize: 'letterbox_top_left', color: 'bgr' }, [3, HEIGHT, WIDTH]],
  stretch: [{ resize: 'stretch' }, [3, HEIGHT, WIDTH]],
  focus: [{ focus: true }, [12, HEIGHT / 2, WIDTH / 2]],
  rounded_focus: [{ resize: 'letterbox_rounded', focus: true, color: 'bgr' }, [12, HEIGHT / 2, WIDTH / 2]],
  gray: [{ color: 'gray' }, [1, HEIGHT, WIDTH]],
  alphapose: [{ crop: { rule: 'alphapose' } }, [3, HEIGHT, WIDTH]],
  aspect: [{ crop: { rule: 'aspect' } }, [3, HEIGHT, WIDTH]],
  nhwc: [{}, [HEIGHT, WIDTH, 3]],
} as const;

let serving: Serving;

test.before(async () => {
  serving = await startGpuServing(async (repository) => {
    for (const [name, [preprocess, shape]] of Object.entries(VARIANTS)) {
      const config = {
        task: 'embedding',
        input: { width: WIDTH, height: HEIGHT },
        max_batch_size: 4,
        preprocess: { pad: 114, scale: 1 / 255, ...preprocess },
        postprocess: { normalize: false },
      };
      await repository.addModel(`${name}_cpu`, { ...config, ...ON_CPU }, mirrorModel(shape));
      await repository.addModel(`${name}_gpu`, { ...config, ...ON_GPU, tensorrt: FP32 }, mirrorModel(shape));
    }
  });
});

test.after.always(() => serving?.[Symbol.asyncDispose]());

for (const name of Object.keys(VARIANTS)) {
  test(`a model is fed the same on the GPU as on the CPU: ${name}`, async (t) => {
    const regions = [boxRegion(3, 4, 40, 90), boxRegion(-10, -5, 120, 60), boxRegion(60.5, 20.25, 70, 80)];
    for (const [width, height] of [
      [97, 131],
      [160, 31],
    ] as const) {
      const picture = plain(width, height, [0, 0, 0]);
      picture.data.forEach((_, index) => (picture.data[index] = (index * 7919) % 251));
      for (const frame of [{ picture }, { picture, regions: regions.slice(0, height > 80 ? 3 : 2) }]) {
        const [cpu, gpu] = [
          await embedOne(serving.client, frame, { model: `${name}_cpu` }),
          await embedOne(serving.client, frame, { model: `${name}_gpu` }),
        ];
        t.is(cpu.frame?.error, undefined);
        t.is(gpu.embeddings.length, cpu.embeddings.length);
        gpu.embeddings.forEach(({ values, error }, index) => {
          t.is(error, undefined);
          t.true(new Set(values).size > 10, 'there is something to compare');
          t.deepEqual(values, cpu.embeddings[index]!.values, `${width}x${height}, row ${index}`);
        });
      }
    }
  });
}
