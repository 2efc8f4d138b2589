import type { Command } from 'commander';
import { addConnectionOptions, withClient, type ConnectionFlags } from './connection.js';
import { readAnswer, readFrames } from './pictures.js';

interface EmbedFlags extends ConnectionFlags {
  readonly text?: boolean;
  readonly json?: boolean;
}

/** Registers `sluice embed`. */
export function registerEmbed(program: Command): void {
  const command = program
    .command('embed')
    .description('turn pictures or texts into feature vectors; prints one line for each')
    .argument('<IMAGE...>', 'JPEG, PNG or WebP files; with --text, texts');
  addConnectionOptions(command)
    .option('--text', 'take the arguments as texts, for a model that reads')
    .option('--json', 'print one JSON object an image, with the whole vector, instead')
    .action(embed);
}

async function embed(images: readonly string[], flags: EmbedFlags): Promise<void> {
  await withClient(flags, async (client) => {
    const settings = flags.model === undefined ? {} : { model: flags.model };
    for await (const { frame, embeddings } of client.embed(readFrames(images, flags.text), settings)) {
      const { image, name } = readAnswer(images, frame, flags.json ?? false, flags.text);
      if (flags.json === true) console.log(JSON.stringify({ image, ...frame, frameId: undefined, embeddings }));
      else for (const { values } of embeddings) console.log(`${name}: ${describe(values)}`);
    }
  });
}

function describe(values: readonly number[]): string {
  return `embedding of ${values.length} values, length ${Math.hypot(...values).toFixed(3)}`;
}
