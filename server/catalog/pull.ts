import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { readArchiveFile } from './archive.js';
import { writeFileAtomically } from './atomic-file.js';
import type { CatalogEntry } from './catalog.js';
import { CatalogError } from './catalog-error.js';
import { originPath, originRecord, originText, readOriginText } from './origin.js';
import { RECIPES } from './recipes/recipe.js';
import { download } from './sources/source.js';
import { removeLeftovers, WorkDirectory } from './work-directory.js';

export type PullPhase = 'fetching' | 'checking' | 'converting' | 'writing';

export interface PullOptions {
  /** The model repository, below which targets lie. */
  readonly repository: string;
  /** `share`: how much of the pull is done, 0 to 1. */
  readonly onProgress?: (phase: PullPhase, share: number) => void;
  /** Ends the pull; nothing of it stays. */
  readonly signal?: AbortSignal;
}

/** `present`: the file was there already, with the right hash, and nothing was fetched. */
export type PullResult = 'present' | 'fetched';

/**
 * Brings one entry of the catalogue into the model repository: fetched into a directory that is always removed, checked,
 * converted, then written whole or not at all, with its licence and origin beside it. Throws CatalogError with what to
 * do; the repository is then as it was.
 */
export async function pull(entry: CatalogEntry, options: PullOptions): Promise<PullResult> {
  const { repository, onProgress = () => {}, signal = new AbortController().signal } = options;
  const target = join(repository, entry.target);
  await removeLeftovers(repository);
  await removeLeftovers(dirname(target));
  if (await isPresent(entry, target)) return 'present';

  await using work = await WorkDirectory.create(repository);
  onProgress('fetching', 0);
  const fetched = await download(entry.source, work.path, (share) => onProgress('fetching', 0.8 * share), signal);
  onProgress('checking', 0.8);
  checkHash(fetched, entry.source.archive_sha256, `${entry.name}: what was downloaded`);
  const file = entry.source.file === undefined ? fetched : await readArchiveFile(fetched, entry.source.file);
  checkHash(file, entry.source.file_sha256, `${entry.name}: ${entry.source.file ?? 'the file'}`);

  if (entry.recipe !== undefined) onProgress('converting', 0.9);
  const content = entry.recipe === undefined ? file : RECIPES[entry.recipe].convert(file);
  signal.throwIfAborted();
  onProgress('writing', 0.95);
  await writeFileAtomically(target, content);
  await writeFileAtomically(originPath(target), originText(originRecord(entry, sha256Of(content))));
  return 'fetched';
}

/** Whether the target is what this entry would fetch. A file put there by hand gets its record now. */
async function isPresent(entry: CatalogEntry, target: string): Promise<boolean> {
  const content = await readFile(target).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR') return null;
    throw cause;
  });
  if (content === null) return false;
  const sha256 = sha256Of(content);
  const record = originText(originRecord(entry, sha256));
  if ((await readOriginText(target)) === record) return true;
  const expected =
    entry.source.file_sha256 ?? (entry.source.file === undefined ? entry.source.archive_sha256 : undefined);
  if (entry.recipe !== undefined || sha256 !== expected) return false;
  await writeFileAtomically(originPath(target), record);
  return true;
}

function checkHash(content: Uint8Array, expected: string | undefined, what: string): void {
  if (expected === undefined) return;
  const found = sha256Of(content);
  if (found !== expected) {
    throw new CatalogError(
      `${what} has the wrong SHA-256, so it was not kept: expected ${expected}, found ${found}. ` +
        'Pull again; if it stays so, the file was changed at its origin.',
    );
  }
}

function sha256Of(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
