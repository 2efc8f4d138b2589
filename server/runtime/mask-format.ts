import type { Attachment, MaskFormat } from '../core/inference.js';
import { encodeMap } from './map-encoder.js';
import type { NativeAddon } from './native.js';
import type { Size } from './sampling.js';

/** Masks of a picture, given as run lengths, in the format that was asked for. */
export function toldMasks(
  masks: readonly Uint32Array[],
  { width, height }: Size,
  format: MaskFormat,
  native: NativeAddon,
): Promise<Attachment[]> {
  if (format === 'run_lengths') return Promise.resolve([...masks]);
  return Promise.all(masks.map((runs) => encodeMap({ width, height, data: native.fillMask(runs, width, height) })));
}
