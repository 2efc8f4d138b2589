import { mkdir, realpath } from 'node:fs/promises';
import { join, parse, resolve } from 'node:path';
import { UsageError } from '../config/server-options.js';

/**
 * Where the results of pictures go: by picture, a file of its name in `directory`, which is made where it is missing.
 * Throws UsageError for two pictures of one name, and where a picture itself would be overwritten.
 */
export async function outputFiles(
  images: readonly string[],
  directory: string,
  extension: '.png' | '.jpg',
): Promise<ReadonlyMap<string, string>> {
  const names = new Map<string, string>();
  for (const image of new Set(images)) {
    const name = `${parse(image).name}${extension}`;
    const other = names.get(name);
    if (other !== undefined) throw new UsageError(`${other} and ${image} would both be written to ${name}`);
    names.set(name, image);
  }
  await mkdir(directory, { recursive: true });
  const files = new Map([...names].map(([name, image]) => [image, join(directory, name)]));
  const sources = new Set(await Promise.all(images.map(realPath)));
  for (const [image, file] of files) {
    if (sources.has(await realPath(file)))
      throw new UsageError(`${file} is a picture: ${image} needs another directory`);
  }
  return files;
}

/** Where a path leads, links followed; a file that is missing is told when it is read. */
async function realPath(path: string): Promise<string> {
  return await realpath(path).catch(() => resolve(path));
}
