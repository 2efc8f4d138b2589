import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { DetectResponse, Frame } from '../../clients/typescript/sluice-client.js';
import { errorMessage, quoted } from '../core/errors.js';

/**
 * The files of a command as frames, or with `texts` its arguments themselves; their ids are their places, for a path may be
 * longer than an id.
 */
export async function* readFrames(images: readonly string[], texts = false): AsyncGenerator<Frame> {
  for (const [index, image] of images.entries()) {
    if (texts) {
      yield { id: String(index), picture: image };
      continue;
    }
    try {
      yield { id: String(index), picture: await readFile(image) };
    } catch (cause) {
      console.error(`${basename(image)}: cannot be read: ${errorMessage(cause)}`);
      process.exitCode = 1;
    }
  }
}

/** What an answer is of, and what there is to tell of it before its results. */
export interface PictureAnswer {
  /** As given on the command line. */
  readonly image: string;
  /** Its last part, or the beginning of a text, for a line. */
  readonly name: string;
  /** Whether the picture failed; that is told, and the exit code set. */
  readonly failed: boolean;
}

/** Reads the picture's part of an answer to a frame of `readFrames`. */
export function readAnswer(
  images: readonly string[],
  frame: DetectResponse['frame'],
  json: boolean,
  texts = false,
): PictureAnswer {
  const image = images[Number(frame?.frameId)] ?? '';
  const name = texts ? quoted(image) : basename(image);
  const error = frame?.error;
  if (error !== undefined) process.exitCode = 1;
  if (error !== undefined && !json) console.error(`${name}: ${error.code}: ${error.message}`);
  return { image, name, failed: error !== undefined };
}
