import { basename } from 'node:path';
import type { Command } from 'commander';
import type { EmbedResponse } from '../../clients/typescript/sluice-client.js';
import { addConnectionOptions, withClient, type ConnectionFlags } from './connection.js';
import { readFrames } from './detect.js';

interface EmbedFlags extends ConnectionFlags {
  readonly json?: boolean;
}

/** Registers `sluice embed`. */
export function registerEmbed(program: Command): void {
  const command = program
    .command('embed')
    .description('turn pictures into feature vectors; prints one line a picture')
    .argument('<IMAGE...>', 'JPEG, PNG or WebP files');
  addConnectionOptions(command)
    .option('--json', 'print one JSON object an image, with the whole vector, instead')
    .action(embed);
}

async function embed(images: readonly string[], flags: EmbedFlags): Promise<void> {
  await withClient(flags, async (client) => {
    const settings = flags.model === undefined ? {} : { model: flags.model };
    for await (const response of client.embed(readFrames(images), settings)) report(response, flags.json ?? false);
  });
}

function report({ frame, embeddings }: EmbedResponse, json: boolean): void {
  const name = basename(frame?.frameId ?? '');
  if (json) console.log(JSON.stringify({ image: frame?.frameId, ...frame, embeddings }));
  else if (frame?.error !== undefined) console.error(`${name}: ${frame.error.code}: ${frame.error.message}`);
  for (const { values } of json ? [] : embeddings) {
    console.log(`${name}: embedding of ${values.length} values, length ${Math.hypot(...values).toFixed(3)}`);
  }
  if (frame?.error !== undefined) process.exitCode = 1;
}
