import { open, readFile, rename, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { errorMessage, ServingError } from '../../core/errors.js';
import type { ModelConfig } from '../../core/model-config.js';
import type { DecodedPicture } from '../image-decoder.js';
import { InputRows } from '../input-rows.js';
import { loadNative } from '../native.js';
import { samplePicture } from '../sampling.js';
import { pictureFiles, pictureSetDigest, spread } from './picture-files.js';

export interface CalibrationOptions {
  /** Of pictures like those to be served; files in directories inside it count too. */
  readonly directory: string;
  readonly config: ModelConfig;
  /** Most pictures to calibrate with. */
  readonly maxPictures: number;
  /** Rows of a batch. */
  readonly batchSize: number;
  /** Pictures to leave out, for comparing models on; with few pictures a fifth of them, but one at least. */
  readonly heldBack: number;
  /** Which pictures are taken, where there are more than are asked for: a whole number from 0. @default 0 */
  readonly seed?: number;
  /** Where the batches are written; the directory exists. */
  readonly file: string;
  /** Most pixels of a picture. */
  readonly maxPicturePixels: number;
  readonly signal?: AbortSignal;
}

export interface CalibrationBatches {
  /** Rows of the file: whole batches. */
  readonly rows: number;
  /** Different pictures among them. */
  readonly pictures: number;
  /** Paths of the pictures that were left out, all of which can be read. */
  readonly heldBack: string[];
  /** Pictures that could not be read, and why. */
  readonly skipped: { readonly path: string; readonly reason: string }[];
  /** See pictureSetDigest. */
  readonly sha256: string;
}

/**
 * Writes pictures as a detector or embedder of this configuration is given them (whole, as float32 NCHW in the machine's
 * byte order), one batch after the other. A last batch that is not full is filled up with the first pictures. The file
 * appears when it is complete. One batch is in memory at a time. Throws CONFIG_INVALID where no picture can be read, and
 * the signal's reason.
 */
export async function writeCalibrationBatches(options: CalibrationOptions): Promise<CalibrationBatches> {
  const { directory, file, signal } = options;
  const sha256 = await pictureSetDigest(directory, signal);
  const source = new PictureSource(options, spread(await pictureFiles(directory), options.seed ?? 0));
  await source.holdBack();
  const part = `${file}.part`;
  try {
    const handle = await open(part, 'w+');
    let written: { rows: number; pictures: number };
    try {
      written = await writeBatches(handle, source, options);
    } finally {
      await handle.close();
    }
    await rename(part, file);
    return { ...written, heldBack: source.heldBack, skipped: source.skipped, sha256 };
  } catch (cause) {
    await rm(part, { force: true });
    throw cause;
  }
}

/** The readable pictures of a list, one after the other. */
class PictureSource {
  readonly rows: InputRows;
  readonly heldBack: string[] = [];
  readonly skipped: { path: string; reason: string }[] = [];
  readonly #options: CalibrationOptions;
  readonly #paths: readonly string[];
  #next = 0;

  constructor(options: CalibrationOptions, paths: readonly string[]) {
    this.#options = options;
    this.#paths = paths;
    this.rows = new InputRows(options.config, loadNative(), 1);
  }

  /** Takes the pictures that are not calibrated with. */
  async holdBack(): Promise<void> {
    const { length } = this.#paths;
    const most = length < 2 ? 0 : Math.max(1, Math.floor(length / 5));
    const count = Math.min(this.#options.heldBack, most);
    while (this.heldBack.length < count) {
      const found = await this.next();
      if (found === null) break;
      this.heldBack.push(found.path);
    }
  }

  async next(): Promise<{ path: string; picture: DecodedPicture } | null> {
    const { directory, maxPicturePixels, signal } = this.#options;
    while (this.#next < this.#paths.length) {
      signal?.throwIfAborted();
      const path = join(directory, this.#paths[this.#next++]!);
      try {
        const bytes = await readFile(path);
        return { path, picture: await this.rows.decode({ kind: 'encoded', bytes }, maxPicturePixels) };
      } catch (cause) {
        this.skipped.push({ path, reason: errorMessage(cause) });
      }
    }
    return null;
  }
}

async function writeBatches(
  handle: FileHandle,
  source: PictureSource,
  options: CalibrationOptions,
): Promise<{ rows: number; pictures: number }> {
  const { config, maxPictures, batchSize } = options;
  const { length } = source.rows;
  const batch = new Float32Array(batchSize * length);
  const bytes = new Uint8Array(batch.buffer);
  let pictures = 0;
  while (pictures < maxPictures) {
    const found = await source.next();
    if (found === null) break;
    const sampling = samplePicture(found.picture, config.input, config.preprocess);
    source.rows.write(found.picture, sampling, batch, (pictures % batchSize) * length);
    pictures += 1;
    if (pictures % batchSize === 0) await handle.writeFile(bytes);
  }
  if (pictures === 0) throw nothingToRead(options, source);
  const filled = pictures % batchSize;
  if (filled === 0) return { rows: pictures, pictures };
  for (let row = filled; row < batchSize; row++)
    await repeat(handle, batch, row, length, row - filled, pictures - filled);
  await handle.writeFile(bytes);
  return { rows: pictures - filled + batchSize, pictures };
}

/** Puts picture `picture` into row `row` of the last batch: from the file, or where it is not there yet, from the batch. */
async function repeat(
  handle: FileHandle,
  batch: Float32Array,
  row: number,
  length: number,
  picture: number,
  inFile: number,
): Promise<void> {
  const target = batch.subarray(row * length, (row + 1) * length);
  if (inFile === 0) {
    target.set(batch.subarray(picture * length, (picture + 1) * length));
    return;
  }
  const bytes = new Uint8Array(target.buffer, target.byteOffset, target.byteLength);
  let got = 0;
  while (got < bytes.length) {
    const { bytesRead } = await handle.read(bytes, got, bytes.length - got, picture * bytes.length + got);
    if (bytesRead === 0) throw new Error('the file of batches ended early');
    got += bytesRead;
  }
}

function nothingToRead({ directory }: CalibrationOptions, { skipped, heldBack }: PictureSource): ServingError {
  const [first] = skipped;
  const unreadable = first === undefined ? '' : `, ${skipped.length} cannot be read, as ${first.path}: ${first.reason}`;
  const found =
    heldBack.length + skipped.length === 0
      ? 'it holds no file that ends in .jpg, .jpeg, .png or .webp'
      : `of its pictures ${heldBack.length} are held back to compare models on${unreadable}`;
  return new ServingError(
    'CONFIG_INVALID',
    `there is no picture to calibrate with in ${directory}: ${found}; put 500 pictures or more there that look like those ` +
      'to be served, or use another precision',
  );
}
