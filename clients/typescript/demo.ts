import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { annotate, describe } from './annotate.js';
import { ServerProcess } from './server-process.js';
import { SluiceClient, type Frame, type RegionsFrame } from './sluice-client.js';

/**
 * The demonstration behind `make demo`: starts a real server on a model repository, finds the shapes of the drawn example,
 * and, where `sluice models pull` has been, streams every sample picture through `Detect` and the faces it finds through
 * `Embed`; draws what was found and stops the server.
 *
 *     node dist/clients/typescript/demo.js [MODEL_REPOSITORY] [OUTPUT_DIRECTORY]
 */
const [modelRepository = 'model-repo', outputDirectory = 'out'] = process.argv.slice(2);
await mkdir(outputDirectory, { recursive: true });

await using server = await ServerProcess.start({ modelRepository });
using client = await SluiceClient.connect(server.grpcAddress);

const example = join(modelRepository, 'shapes', 'example.png');
await detect('shapes', new Map([['example.png', await readFile(example)]]));

const samples = join(modelRepository, '.samples');
const files = existsSync(samples) ? (await readdir(samples)).filter((name) => /\.(jpe?g|png|webp)$/.test(name)) : [];
const photographs = new Map<string, Buffer>();
for (const file of files.sort()) photographs.set(file, await readFile(join(samples, file)));
if (photographs.size > 0) await embed(await detect('centerface', photographs), photographs);

/** Finds objects, tells and draws them; answers with their boxes, for each picture that has some. */
async function detect(model: string, pictures: ReadonlyMap<string, Buffer>): Promise<Omit<RegionsFrame, 'picture'>[]> {
  const found: Omit<RegionsFrame, 'picture'>[] = [];
  const frames: Frame[] = [...pictures].map(([id, picture]) => ({ id, picture }));
  for await (const result of client.detect(frames, { model })) {
    const file = result.frame?.frameId ?? '';
    if (result.frame?.error !== undefined) throw new Error(`${file}: ${result.frame.error.message}`);
    for (const detection of result.detections) console.log(`${file}: ${describe(detection)}`);
    const out = join(outputDirectory, `${basename(file).replace(/\.\w+$/, '')}.annotated.png`);
    await writeFile(out, await annotate(pictures.get(file)!, result));
    console.log(`${file}: drawn to ${out}`);
    const regions = result.detections.map(({ box }) => ({ shape: { $case: 'box' as const, box: box! } }));
    if (regions.length > 0) found.push({ id: file, regions });
  }
  return found;
}

async function embed(
  found: readonly Omit<RegionsFrame, 'picture'>[],
  pictures: ReadonlyMap<string, Buffer>,
): Promise<void> {
  const frames = found.map((frame) => ({ ...frame, picture: pictures.get(frame.id ?? '')! }));
  for await (const { frame, embeddings } of client.embed(frames, { model: 'reid' })) {
    for (const { values } of embeddings) {
      const length = Math.hypot(...values).toFixed(3);
      console.log(`${frame?.frameId}: embedding of ${values.length} values, length ${length}`);
    }
  }
}
