import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import type { SegmentResponse } from '../../clients/typescript/sluice-client.js';
import { addConnectionOptions, withClient, type ConnectionFlags } from './connection.js';
import { outputFiles } from './output-files.js';
import { readAnswer, readFrames, type PictureAnswer } from './pictures.js';

interface SegmentFlags extends ConnectionFlags {
  readonly out?: string;
  readonly json?: boolean;
}

/** Registers `sluice segment`. */
export function registerSegment(program: Command): void {
  const command = program
    .command('segment')
    .description('tell the class of every pixel of pictures; prints one line a picture: its classes and their share')
    .argument('<IMAGE...>', 'JPEG, PNG or WebP files');
  addConnectionOptions(command)
    .option('--out <DIR>', "write each picture's classes as a grey PNG of its size: a pixel is the number of its class")
    .option('--json', 'print one JSON object an image instead')
    .action(segment);
}

async function segment(images: readonly string[], flags: SegmentFlags): Promise<void> {
  const maps = flags.out === undefined ? null : await outputFiles(images, flags.out, '.png');
  await withClient(flags, async (client) => {
    const settings = flags.model === undefined ? {} : { model: flags.model };
    for await (const response of client.segment(readFrames(images), settings)) {
      const answer = readAnswer(images, response.frame, flags.json ?? false);
      report(response, answer, flags.json ?? false);
      const file = maps?.get(answer.image);
      if (file !== undefined && !answer.failed) await writeFile(file, response.classMap);
    }
  });
}

function report({ frame, classes }: SegmentResponse, { image, name, failed }: PictureAnswer, json: boolean): void {
  if (json) console.log(JSON.stringify({ image, ...frame, frameId: undefined, classes }));
  else if (!failed) console.log(`${name}: ${describe(classes)}`);
}

/** The classes of a picture, those with most pixels first, as they come. */
function describe(classes: SegmentResponse['classes']): string {
  const all = classes.reduce((sum, { pixels }) => sum + pixels, 0);
  return classes
    .map(({ classId, label, pixels }) => `${label || `class ${classId}`} ${((100 * pixels) / all).toFixed(1)}%`)
    .join(', ');
}
