import { randomBytes } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { temporaryName } from './work-directory.js';

/**
 * Writes a file so that readers, and a machine that loses its power, see it whole or not at all. Its directory is made
 * where it is missing. Several writers at once: the last one stays, whole.
 */
export async function writeFileAtomically(path: string, content: Uint8Array | string): Promise<void> {
  const directory = dirname(path);
  await mkdir(directory, { recursive: true });
  const part = join(directory, `${temporaryName()}${randomBytes(6).toString('hex')}`);
  try {
    const handle = await open(part, 'wx');
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(part, path);
  } catch (cause) {
    await rm(part, { force: true });
    throw cause;
  }
}
