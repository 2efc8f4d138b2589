import { readFile, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { InvalidArgumentError, type Command } from 'commander';
import { annotate, describe } from '../../clients/typescript/annotate.js';
import type { DetectResponse, Frame } from '../../clients/typescript/sluice-client.js';
import { UsageError } from '../config/server-options.js';
import { addConnectionOptions, withClient, type ConnectionFlags } from './connection.js';

interface DetectFlags extends ConnectionFlags {
  readonly scoreThreshold?: number;
  readonly out?: string;
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
    .option('--json', 'print one JSON object an image instead')
    .action(detect);
}

/** A flag's text as a number from 0 to 1. */
function parseFraction(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0 && value <= 1) return value;
  throw new InvalidArgumentError('It must be a number from 0 to 1.');
}

async function detect(images: readonly string[], flags: DetectFlags): Promise<void> {
  if (flags.out !== undefined && images.length > 1) throw new UsageError('--out takes one IMAGE');
  await withClient(flags, async (client) => {
    const settings = {
      ...(flags.model === undefined ? {} : { model: flags.model }),
      ...(flags.scoreThreshold === undefined ? {} : { scoreThreshold: flags.scoreThreshold }),
    };
    for await (const response of client.detect(readFrames(images), settings)) {
      report(response, flags.json ?? false);
      const [image] = images;
      if (flags.out !== undefined && image !== undefined && response.frame?.error === undefined) {
        await writeFile(flags.out, await annotate(await readFile(image), response));
      }
    }
  });
}

/** The files as frames named after them. */
export async function* readFrames(images: readonly string[]): AsyncGenerator<Frame> {
  for (const image of images) yield { id: image, picture: await readFile(image) };
}

function report({ frame, detections }: DetectResponse, json: boolean): void {
  const name = basename(frame?.frameId ?? '');
  if (json) console.log(JSON.stringify({ image: frame?.frameId, ...frame, detections }));
  else if (frame?.error !== undefined) console.error(`${name}: ${frame.error.code}: ${frame.error.message}`);
  else if (detections.length === 0) console.log(`${name}: nothing found`);
  else for (const detection of detections) console.log(`${name}: ${describe(detection)}`);
  if (frame?.error !== undefined) process.exitCode = 1;
}
