import test from 'ava';
import sharp from 'sharp';
import type { DetectResponse } from '../../server/gen/sluice/v1/inference.js';
import { all } from '../support/ask.js';
import type { Serving } from '../support/serving.js';
import { addCatalogModel, facePictures, FP16, startGpuServing } from './gpu-serving.js';
import { faceReferences, sameFaces } from './same-faces.js';

/** Several instances on one GPU, all of them busy. */

const FRAMES = 600;
const STREAMS = 4;

let serving: Serving;
let pictures: Buffer[];

test.before(async () => {
  // As they come from cameras: decoded on the GPU; and some that sharp decodes meanwhile.
  const files = await facePictures();
  pictures = await Promise.all(
    files.map((file, index) =>
      index % 3 === 2 ? Promise.resolve(file) : sharp(file).jpeg({ quality: 92 }).toBuffer(),
    ),
  );
  serving = await startGpuServing((repository) =>
    addCatalogModel(repository, 'centerface', 'faces', {
      instance_group: { kind: 'KIND_GPU', count: 4 },
      max_batch_size: 8,
      tensorrt: FP16,
    }),
  );
});

test.after.always(() => serving?.[Symbol.asyncDispose]());

test('instances under load answer what one alone answers', async (t) => {
  const references = await faceReferences(serving.client, 'faces', pictures);
  t.true(references.reduce((sum, { faces }) => sum + faces.length, 0) >= 11);
  const streams = Array.from({ length: STREAMS }, async (_, stream) => {
    const frames = Array.from({ length: FRAMES }, (__, index) => ({
      id: String((index + stream) % pictures.length),
      picture: pictures[(index + stream) % pictures.length]!,
    }));
    return all(serving.client.detect(frames, { model: 'faces', window: 32, scoreThreshold: 0.3 }));
  });
  const answers: DetectResponse[] = (await Promise.all(streams)).flat();
  t.is(answers.length, STREAMS * FRAMES);
  const sizes = new Set<number>();
  for (const answer of answers) {
    sizes.add(answer.frame?.timings?.batchSize ?? 0);
    const picture = Number(answer.frame?.frameId);
    // Other batch sizes may run other kernels.
    sameFaces(t, answer, references[picture]!, { score: 0.02, leastIou: 0.98 }, `picture ${picture}`);
  }
  t.true(sizes.has(8), 'batches got full');
});

test('the metrics tell of the GPU', async (t) => {
  const value = (name: string) => serving.metrics.value(`sluice_gpu_${name}`, { gpu: '0' });
  const [total, used] = [await value('memory_total_bytes'), await value('memory_used_bytes')];
  t.true(total > 4 * 2 ** 30);
  t.true(used > 100 * 2 ** 20 && used < total);
  const [power, limit] = [await value('power_watts'), await value('power_limit_watts')];
  t.true(power > 0 && power < 2 * limit, `${power} W of ${limit} W`);
  const utilization = await value('utilization_ratio');
  t.true(utilization >= 0 && utilization <= 1);
  const temperature = await value('temperature_celsius');
  t.true(temperature > 0 && temperature < 120);
});
