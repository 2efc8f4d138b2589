import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Option, type Command } from 'commander';
import { CatalogError } from '../catalog/catalog-error.js';
import { parseCatalog, type CatalogEntry } from '../catalog/catalog.js';
import { pull } from '../catalog/pull.js';
import { errorMessage } from '../core/errors.js';
import { pullDisplay } from './pull-progress.js';

/** Registers `models` with `pull`, and returns it for further subcommands. */
export function registerModels(program: Command): Command {
  const models = program.command('models').description('Look at the model repository and fill it.');
  models
    .command('pull')
    .description('Fetch models and samples of the catalogue (catalog.yaml in the model repository), all or by name.')
    .argument('[name...]', 'entries of the catalogue')
    .addOption(
      new Option('--model-repository <DIR>', 'directory with one directory for each model')
        .env('SLUICE_MODEL_REPOSITORY')
        .default('model-repo'),
    )
    .action((names: string[], { modelRepository }: { modelRepository: string }) => pullAll(names, modelRepository));
  return models;
}

/** Pulls one after the other; a failure is told and does not keep the others. Sets the exit status: 0, 1, or 130. */
async function pullAll(names: readonly string[], repository: string): Promise<void> {
  const stop = new AbortController();
  const onSignal = () => stop.abort();
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  const display = pullDisplay();
  try {
    for (const entry of select(await readCatalog(repository), names)) {
      display.start(entry.name);
      const line = await pullOne(entry, repository, stop.signal, (phase, share) => {
        display.progress(entry.name, phase, share);
      });
      display.end(entry.name, line);
      if (stop.signal.aborted) break;
    }
  } finally {
    display.close();
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}

/** The line to print. */
async function pullOne(
  entry: CatalogEntry,
  repository: string,
  signal: AbortSignal,
  onProgress: NonNullable<Parameters<typeof pull>[1]['onProgress']>,
): Promise<string> {
  const path = join(repository, entry.target);
  try {
    const result = await pull(entry, { repository, signal, onProgress });
    return result === 'present'
      ? `${entry.name}: ${path} is there`
      : `${entry.name}: fetched ${path} (${entry.licence})`;
  } catch (cause) {
    process.exitCode = signal.aborted ? 130 : 1;
    return signal.aborted
      ? `${entry.name}: stopped; nothing was written`
      : `${entry.name}: not fetched.\n${errorMessage(cause)}`;
  }
}

async function readCatalog(repository: string): Promise<CatalogEntry[]> {
  const path = join(repository, 'catalog.yaml');
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new CatalogError(`${path} cannot be read (${errorMessage(cause)}); is --model-repository right?`, { cause });
  });
  return parseCatalog(text, path);
}

function select(entries: readonly CatalogEntry[], names: readonly string[]): CatalogEntry[] {
  const known = new Set(entries.map(({ name }) => name));
  const unknown = names.filter((name) => !known.has(name));
  if (unknown.length > 0) {
    throw new CatalogError(`The catalogue has no ${unknown.join(', ')}; it has ${[...known].join(', ')}.`);
  }
  return entries.filter(({ name }) => names.length === 0 || names.includes(name));
}
