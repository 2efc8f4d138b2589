import { readFile } from 'node:fs/promises';
import type { CatalogEntry } from './catalog.js';
import { RECIPES } from './recipes/recipe.js';

/** What is recorded beside a fetched file, as `<file>.origin.json`. */
export interface OriginRecord {
  readonly name: string;
  readonly licence: string;
  readonly origin: string;
  readonly source: CatalogEntry['source'];
  readonly recipe: { readonly name: string; readonly version: number } | null;
  /** Of the file beside. */
  readonly sha256: string;
}

export function originPath(target: string): string {
  return `${target}.origin.json`;
}

export function originRecord(entry: CatalogEntry, sha256: string): OriginRecord {
  const { name, licence, origin, source } = entry;
  const recipe = entry.recipe === undefined ? null : { name: entry.recipe, version: RECIPES[entry.recipe].version };
  return { name, licence, origin, source, recipe, sha256 };
}

/** The text of a record, the same for the same entry and file. */
export function originText(record: OriginRecord): string {
  return `${JSON.stringify(record, null, 2)}\n`;
}

/** The text of the record beside `target`, null where there is none. */
export async function readOriginText(target: string): Promise<string | null> {
  return readFile(originPath(target), 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return null;
    throw cause;
  });
}
