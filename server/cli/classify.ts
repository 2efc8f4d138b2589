import { InvalidArgumentError, type Command } from 'commander';
import type { ClassifyResponse } from '../../clients/typescript/sluice-client.js';
import { addConnectionOptions, withClient, type ConnectionFlags } from './connection.js';
import { parseFraction } from './fraction.js';
import { readAnswer, readFrames, type PictureAnswer } from './pictures.js';

interface ClassifyFlags extends ConnectionFlags {
  readonly text?: boolean;
  readonly topK?: number;
  readonly scoreThreshold?: number;
  readonly json?: boolean;
}

/** Registers `sluice classify`. */
export function registerClassify(program: Command): void {
  const command = program
    .command('classify')
    .description('tell what pictures show or texts say; prints one line for each')
    .argument('<IMAGE...>', 'JPEG, PNG or WebP files; with --text, texts');
  addConnectionOptions(command)
    .option('--text', 'take the arguments as texts, for a model that reads')
    .option('--top-k <COUNT>', 'tell so many classes at most', parseCount)
    .option('--score-threshold <SCORE>', 'leave out what scores less, 0 to 1', parseFraction)
    .option('--json', 'print one JSON object an image or text instead')
    .action(classify);
}

function parseCount(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1) return value;
  throw new InvalidArgumentError('It must be a whole number, at least 1.');
}

async function classify(images: readonly string[], flags: ClassifyFlags): Promise<void> {
  await withClient(flags, async (client) => {
    const settings = {
      ...(flags.model === undefined ? {} : { model: flags.model }),
      ...(flags.topK === undefined ? {} : { topK: flags.topK }),
      ...(flags.scoreThreshold === undefined ? {} : { scoreThreshold: flags.scoreThreshold }),
    };
    for await (const response of client.classify(readFrames(images, flags.text), settings)) {
      const answer = readAnswer(images, response.frame, flags.json ?? false, flags.text);
      report(response, answer, flags.json ?? false);
    }
  });
}

function report(
  { frame, classifications }: ClassifyResponse,
  { image, name, failed }: PictureAnswer,
  json: boolean,
): void {
  if (json) console.log(JSON.stringify({ image, ...frame, frameId: undefined, classifications }));
  else if (failed) return;
  else
    for (const { classes } of classifications) console.log(`${name}: ${describe(classes) || 'no class scores enough'}`);
}

function describe(classes: ClassifyResponse['classifications'][number]['classes']): string {
  return classes.map(({ classId, label, score }) => `${label || `class ${classId}`} ${score.toFixed(3)}`).join(', ');
}
