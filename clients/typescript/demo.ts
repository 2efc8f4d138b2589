import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { annotate, describe } from './annotate.js';
import { ServerProcess } from './server-process.js';
import { SluiceClient, type RegionsFrame, type Frame } from './sluice-client.js';

/**
 * The demonstration behind `make demo`: starts a real server on a model repository, streams every sample picture
 * through `Detect`, the faces it finds through `Embed`, draws what was found and stops the server.
 *
 *     node dist/clients/typescript/demo.js [MODEL_REPOSITORY] [OUTPUT_DIRECTORY]
 */
const [modelRepository = 'model-repo', outputDirectory = 'out'] = process.argv.slice(2);
const samples = join(modelRepository, '.samples');

const files = (await readdir(samples)).filter((name) => /\.(jpe?g|png|webp)$/.test(name)).sort();
const pictures = new Map<string, Buffer>();
for (const file of files) pictures.set(file, await readFile(join(samples, file)));
await mkdir(outputDirectory, { recursive: true });

await using server = await ServerProcess.start({ modelRepository });
using client = await SluiceClient.connect(server.grpcAddress);

const frames: Frame[] = [...pictures].map(([id, picture]) => ({ id, picture }));
const faces: RegionsFrame[] = [];
for await (const result of client.detect(frames, { model: 'centerface' })) {
  const file = result.frame?.frameId ?? '';
  if (result.frame?.error !== undefined) throw new Error(`${file}: ${result.frame.error.message}`);
  const picture = pictures.get(file)!;
  for (const detection of result.detections) console.log(`${file}: ${describe(detection)}`);
  const out = join(outputDirectory, `${basename(file).replace(/\.\w+$/, '')}.annotated.png`);
  await writeFile(out, await annotate(picture, result));
  console.log(`${file}: drawn to ${out}`);
  const regions = result.detections.map(({ box }) => ({ shape: { $case: 'box' as const, box: box! } }));
  if (regions.length > 0) faces.push({ id: file, picture, regions });
}
for await (const result of client.embed(faces, { model: 'reid' })) {
  for (const { values } of result.embeddings) {
    console.log(
      `${result.frame?.frameId}: embedding of ${values.length} values, length ${Math.hypot(...values).toFixed(3)}`,
    );
  }
}
