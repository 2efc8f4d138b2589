import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';

/** Hashes as 64 hexadecimal digits. */

/** Away from the thread that serves. */
export async function sha256(bytes: Uint8Array): Promise<string> {
  return Buffer.from(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>)).toString('hex');
}

/** In pieces that let the thread serve in between: plans are large. */
export async function fileSha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(file, { highWaterMark: 1 << 20 })) hash.update(piece as Uint8Array);
  return hash.digest('hex');
}
