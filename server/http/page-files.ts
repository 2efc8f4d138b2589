import { readFile } from 'node:fs/promises';

/** A file of the page as it is sent. */
export interface PageFile {
  readonly type: string;
  readonly bytes: Uint8Array;
}

/** By name. */
export type PageFiles = ReadonlyMap<string, PageFile>;

const SCRIPT = 'text/javascript; charset=utf-8';

/** The files that the page consists of, beside this one: scripts compiled by tsc, the rest as it was written. */
const FILES = {
  'index.html': 'text/html; charset=utf-8',
  'page.css': 'text/css; charset=utf-8',
  'icon.svg': 'image/svg+xml',
  'main.js': SCRIPT,
} as const satisfies Record<string, string>;

/** Reads the page once for all. Rejects when a file is missing: the package was not built as it should be. */
export async function readPageFiles(): Promise<PageFiles> {
  const files = Object.entries(FILES).map(async ([name, type]): Promise<[string, PageFile]> => {
    return [name, { type, bytes: await readFile(new URL(`page/${name}`, import.meta.url)) }];
  });
  return new Map(await Promise.all(files));
}
