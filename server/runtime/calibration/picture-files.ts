import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { errorMessage, ServingError } from '../../core/errors.js';

const ENDINGS = /\.(jpe?g|png|webp)$/i;

/**
 * The picture files in a directory and those inside it, as paths from it with slashes, in the order of their bytes: the
 * same on every machine. Throws CONFIG_INVALID where the directory cannot be read.
 */
export async function pictureFiles(directory: string): Promise<string[]> {
  let entries: string[];
  try {
    const all = await readdir(directory, { recursive: true, withFileTypes: true });
    entries = all
      .filter((entry) => !entry.isDirectory() && ENDINGS.test(entry.name))
      .map((entry) => join(entry.parentPath, entry.name).slice(join(directory, sep).length));
  } catch (cause) {
    throw new ServingError('CONFIG_INVALID', `the pictures in ${directory} cannot be read: ${errorMessage(cause)}`, {
      cause,
    });
  }
  const paths = entries.map((path) => path.replaceAll(sep, '/'));
  return paths.sort((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right)));
}

/**
 * The items in an order of which every beginning is spread evenly over the list: neighbours, which in a video look alike,
 * are far apart. `seed` tells where it begins.
 */
export function spread<T>(items: readonly T[], seed: number): T[] {
  const { length } = items;
  const bits = Math.ceil(Math.log2(Math.max(1, length)));
  const reversed = (index: number) =>
    Number.parseInt(index.toString(2).padStart(bits, '0').split('').reverse().join(''), 2);
  const order = Array.from({ length: 2 ** bits }, (_, index) => reversed(index)).filter((index) => index < length);
  return order.map((index) => items[(index + seed) % length]!);
}

/**
 * SHA-256, in hex, over the names and contents of all picture files in a directory: what a calibration depends on. One
 * file's chunk is in memory at a time.
 */
export async function pictureSetDigest(directory: string, signal?: AbortSignal): Promise<string> {
  const total = createHash('sha256');
  for (const path of await pictureFiles(directory)) {
    signal?.throwIfAborted();
    const content = createHash('sha256');
    try {
      await pipeline(createReadStream(join(directory, path)), content);
      total.update(`${JSON.stringify(path)} ${content.digest('hex')}\n`);
    } catch (cause) {
      // A file that cannot be read is skipped by the calibration too.
      total.update(`${JSON.stringify(path)} ${errorMessage(cause)}\n`);
    }
  }
  return total.digest('hex');
}
