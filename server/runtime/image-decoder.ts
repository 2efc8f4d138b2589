import sharp from 'sharp';
import { errorMessage, ServingError } from '../core/errors.js';
import type { Picture } from '../core/picture.js';
import { pixelsOf } from './kept-pictures.js';
import type { PixelView } from './native.js';
import type { Size } from './sampling.js';

// Every picture is another one: a cache would only hold memory. Threads come from the instances.
sharp.cache(false);
sharp.concurrency(1);

/** What the protocol knows; sharp reads more, drawings with scripts among it. */
const FORMATS: readonly string[] = ['jpeg', 'png', 'webp'];

/** A picture in memory. */
export interface DecodedPicture extends Size {
  /** Its pixels: all of them, or fewer where the file was decoded at a smaller size. */
  readonly pixels: PixelView;
}

/**
 * Brings a picture into memory; raw pixels are there already. With `atLeast`, a JPEG of four times that size or more is
 * decoded at 1/4 or 1/8 of its size where that divides it, which takes less time. Throws BAD_IMAGE or MESSAGE_TOO_LARGE.
 */
export async function decodePicture(
  picture: Picture,
  maxPixels: number,
  atLeast: Size | null,
): Promise<DecodedPicture> {
  if (picture.kind === 'raw') {
    const { bytes, format, width, height, stride } = picture;
    return { width, height, pixels: { data: bytes, format, width, height, stride } };
  }
  if (picture.kind === 'kept') return { width: picture.width, height: picture.height, pixels: pixelsOf(picture) };
  try {
    // As OpenCV reads: orientation applied, colour profile and transparency ignored.
    const image = sharp(picture.bytes, { limitInputPixels: maxPixels, autoOrient: true, ignoreIcc: true });
    const metadata = await image.metadata();
    if (!FORMATS.includes(metadata.format)) throw new Error(`it is a ${metadata.format} file, not JPEG, PNG or WebP`);
    const { width, height } = metadata.autoOrient;
    const reduction = metadata.format === 'jpeg' && atLeast !== null ? reductionFor({ width, height }, atLeast) : 1;
    if (reduction > 1) {
      image.resize(width / reduction, height / reduction, { fit: 'fill' });
    }
    const { data, info } = await image
      .toColourspace('srgb')
      .removeAlpha()
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    if (info.channels !== 3) throw new Error(`it has ${info.channels} channels`);
    const pixels: PixelView = {
      data,
      format: 'rgb8',
      width: info.width,
      height: info.height,
      stride: info.width * 3,
    };
    return { width, height, pixels };
  } catch (cause) {
    const why = errorMessage(cause).trim().replaceAll('\n', '; ');
    if (why.includes('exceeds pixel limit')) {
      throw new ServingError(
        'MESSAGE_TOO_LARGE',
        `the picture has more than ${maxPixels} pixels; send it smaller, or raise --max-picture-pixels`,
        { cause },
      );
    }
    throw new ServingError('BAD_IMAGE', `the picture cannot be decoded: ${why}`, { cause });
  }
}

/**
 * The larger of 8 and 4 that divides the picture and leaves it no smaller than what letterboxing to `atLeast` samples.
 * What does not divide would be resampled a second time, and shifted by that; 2 was measured to cost more than it saves.
 */
function reductionFor({ width, height }: Size, atLeast: Size): number {
  const ratio = Math.max(width / atLeast.width, height / atLeast.height);
  return [8, 4].find((by) => ratio >= by && width % by === 0 && height % by === 0) ?? 1;
}
