import { unzipSync } from 'fflate';
import { list } from 'tar';
import { errorMessage } from '../core/errors.js';
import { CatalogError } from './catalog-error.js';

/** Most bytes of one file, so that a small archive cannot fill the memory. */
const MOST_BYTES = 2 ** 31;

/**
 * The content of one file of a zip archive (wheels are) or a gzipped tar archive (npm packages are). Entry names are
 * only compared, never used as paths. Throws CatalogError where the archive is damaged or has no such file.
 */
export async function readArchiveFile(archive: Uint8Array, name: string): Promise<Uint8Array> {
  const [first, second] = archive;
  if (first === 0x50 && second === 0x4b) return readZip(archive, name);
  if (first === 0x1f && second === 0x8b) return readTarGz(archive, name);
  throw new CatalogError('What was fetched is neither a zip nor a .tar.gz archive, so no file can be taken from it.');
}

function readZip(archive: Uint8Array, name: string): Uint8Array {
  const names: string[] = [];
  const files = orDamaged(() =>
    unzipSync(archive, {
      filter: (entry) => {
        names.push(entry.name);
        return entry.name === name && isBearable(name, entry.originalSize);
      },
    }),
  );
  return files[name] ?? missing(name, names);
}

async function readTarGz(archive: Uint8Array, name: string): Promise<Uint8Array> {
  const names: string[] = [];
  const content: { data?: Promise<Buffer> } = {};
  const parser = list({
    strict: true,
    onReadEntry: (entry) => {
      names.push(entry.path);
      if (entry.path === name && entry.type === 'File' && isBearable(name, entry.size)) content.data = entry.concat();
    },
  });
  await new Promise<void>((resolve, reject) => {
    parser.on('end', resolve);
    parser.on('error', (cause: Error) => reject(damaged(cause)));
    parser.end(Buffer.from(archive.buffer, archive.byteOffset, archive.byteLength));
  });
  return (await content.data) ?? missing(name, names);
}

function isBearable(name: string, size: number): boolean {
  if (size <= MOST_BYTES) return true;
  throw new CatalogError(`${name} would have ${size} bytes unpacked, more than the ${MOST_BYTES} that are allowed.`);
}

function missing(name: string, names: readonly string[]): never {
  const base = name.split('/').at(-1) ?? name;
  const alike = names.filter((other) => other.endsWith(base)).slice(0, 3);
  const hint = alike.length > 0 ? `; did you mean ${alike.join(' or ')}?` : '.';
  throw new CatalogError(`The archive has no file ${name} among its ${names.length}${hint}`);
}

function orDamaged<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw cause instanceof CatalogError ? cause : damaged(cause);
  }
}

function damaged(cause: unknown): CatalogError {
  return new CatalogError(`The archive is damaged: ${errorMessage(cause)}.`, { cause });
}
