// Finds objects in pictures and prints one line for each.
//
//   node detect.js --server 127.0.0.1:8001 --model centerface street.jpg
//
// Exit code 1 when a picture or the stream failed; the others are still answered.
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { SluiceClient, type Detection, type Frame } from 'sluice-client';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { server: { type: 'string', default: '127.0.0.1:8001' }, model: { type: 'string', default: '' } },
});

using client = await SluiceClient.connect(values.server);
try {
  for await (const { frame, detections } of client.detect(readFrames(positionals), { model: values.model })) {
    const id = frame?.frameId;
    if (frame?.error !== undefined) {
      console.error(`${id}: ${frame.error.code}: ${frame.error.message}`);
      process.exitCode = 1;
    } else if (detections.length === 0) {
      console.log(`${id}: nothing found`);
    }
    for (const detection of detections) console.log(`${id}: ${describe(detection)}`);
  }
} catch (error) {
  console.error(`detect: ${(error as Error).message}`);
  process.exitCode = 1;
}

/** Reads each file when its turn has come. */
async function* readFrames(images: readonly string[]): AsyncGenerator<Frame> {
  for (const image of images) yield { id: basename(image), picture: await readFile(image) };
}

function describe({ label, classId, score, box }: Detection): string {
  const [left, top, right, bottom] = [box!.left, box!.top, box!.right, box!.bottom].map(Math.round);
  return `${label || `class ${classId}`} ${score.toFixed(3)} at (${left}, ${top})-(${right}, ${bottom})`;
}
