import { readFile, writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { annotate, describe } from '../../clients/typescript/annotate.js';
import type { DetectResponse } from '../../clients/typescript/sluice-client.js';
import { UsageError } from '../config/server-options.js';
import { addConnectionOptions, withClient, type ConnectionFlags } from './connection.js';
import { parseFraction } from './fraction.js';
import { outputFiles } from './output-files.js';
import { readAnswer, readFrames, type PictureAnswer } from './pictures.js';

interface DetectFlags extends ConnectionFlags {
  readonly scoreThreshold?: number;
  readonly out?: string;
  readonly annotate?: string;
  readonly json?: boolean;
}

/** Registers `sluice detect`. */
export function registerDetect(program: Command): void {
  const command = program
    .command('detect')
    .description('find objects in pictures; prints one line a detection')
    .argument('<IMAGE...>', 'JPEG, PNG or WebP files');
  addConnectionOptions(command)
    .option('--score-threshold <SCORE>', 'leave out what scores less, 0 to 1', parseFraction)
    .option('--out <PNG>', 'write the picture with boxes drawn; for one IMAGE')
    .option('--annotate <DIR>', 'write each picture, as a JPEG, as the server draws into it what it found')
    .option('--json', 'print one JSON object an image instead')
    .action(detect);
}

async function detect(images: readonly string[], flags: DetectFlags): Promise<void> {
  if (flags.out !== undefined && images.length > 1) throw new UsageError('--out takes one IMAGE');
  const drawn = flags.annotate === undefined ? null : await outputFiles(images, flags.annotate, '.jpg');
  await withClient(flags, async (client) => {
    const settings = {
      ...(flags.model === undefined ? {} : { model: flags.model }),
      ...(flags.scoreThreshold === undefined ? {} : { scoreThreshold: flags.scoreThreshold }),
      annotate: drawn !== null,
    };
    for await (const response of client.detect(readFrames(images), settings)) {
      const answer = readAnswer(images, response.frame, flags.json ?? false);
      report(response, answer, flags.json ?? false);
      if (answer.failed) continue;
      if (drawn !== null) await writeAnnotated(response, answer, drawn);
      if (flags.out !== undefined) await writeFile(flags.out, await annotate(await readFile(answer.image), response));
    }
  });
}

async function writeAnnotated(
  { annotated }: DetectResponse,
  { image, name }: PictureAnswer,
  files: ReadonlyMap<string, string>,
): Promise<void> {
  const file = files.get(image);
  if (file !== undefined && annotated.length > 0) return await writeFile(file, annotated);
  console.error(`${name}: the server has not drawn anything: it does not know --annotate; --out draws here`);
  process.exitCode = 1;
}

function report({ frame, detections }: DetectResponse, { image, name, failed }: PictureAnswer, json: boolean): void {
  if (json) console.log(JSON.stringify({ image, ...frame, frameId: undefined, detections }));
  else if (failed) return;
  else if (detections.length === 0) console.log(`${name}: nothing found`);
  else for (const detection of detections) console.log(`${name}: ${describe(detection)}`);
}
