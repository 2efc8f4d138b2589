import { readdir, readFile } from 'node:fs/promises';
import { extname } from 'node:path';

/** A file of the page as it is sent. */
export interface PageFile {
  readonly type: string;
  readonly bytes: Uint8Array;
}

/** By name. */
export type PageFiles = ReadonlyMap<string, PageFile>;

/** The kinds of files that the page consists of, in the directory beside this file; what else lies there is not sent. */
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.js': 'text/javascript; charset=utf-8',
};

const DIRECTORY = new URL('page/', import.meta.url);

/** Reads the page once for all. Rejects when it is not there: the package was not built as it should be. */
export async function readPageFiles(): Promise<PageFiles> {
  const names = (await readdir(DIRECTORY)).filter((name) => Object.hasOwn(TYPES, extname(name)));
  const files = names.map(async (name): Promise<[string, PageFile]> => {
    return [name, { type: TYPES[extname(name)]!, bytes: await readFile(new URL(name, DIRECTORY)) }];
  });
  return new Map(await Promise.all(files));
}
