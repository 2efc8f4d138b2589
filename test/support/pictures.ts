import sharp from 'sharp';
import { PixelFormat, type RawPixels } from '../../clients/typescript/sluice-client.js';

/** A picture of one colour, as packed RGB pixels. */
export function plain(width: number, height: number, [red, green, blue]: readonly [number, number, number]): RawPixels {
  const data = new Uint8Array(width * height * 3);
  for (let pixel = 0; pixel < width * height; pixel++) data.set([red, green, blue], pixel * 3);
  return { format: PixelFormat.PIXEL_FORMAT_RGB8, width, height, data };
}

/** A grey picture of one level, as packed RGB pixels: what `slowModel` works on for as long as it is bright. */
export function grey(level: number, side = 32): RawPixels {
  return plain(side, side, [level, level, level]);
}

/** A black picture with red blocks of 4x4 pixels whose top left corners are given, each with its level of red. */
export function spots(
  width: number,
  height: number,
  blocks: readonly (readonly [x: number, y: number, level: number])[],
): RawPixels {
  const picture = plain(width, height, [0, 0, 0]);
  for (const [left, top, level] of blocks) {
    for (let y = top; y < top + 4; y++) {
      for (let x = left; x < left + 4; x++) picture.data[(y * width + x) * 3] = level;
    }
  }
  return picture;
}

/** Packed RGB pixels as a picture file. */
export function encode(picture: RawPixels, format: 'png' | 'jpeg' | 'webp'): Promise<Buffer> {
  const { data, width, height } = picture;
  const image = sharp(data, { raw: { width, height, channels: 3 } });
  if (format === 'png') return image.png().toBuffer();
  if (format === 'webp') return image.webp({ lossless: true }).toBuffer();
  return image.jpeg({ quality: 100, chromaSubsampling: '4:4:4' }).toBuffer();
}

/** A photograph of one face, four times on a dark board of 760x660. */
export async function fourFaces(photograph: Buffer): Promise<Buffer> {
  const tile = await sharp(photograph).resize(300).toBuffer();
  const places = [
    { left: 0, top: 0 },
    { left: 420, top: 10 },
    { left: 50, top: 330 },
    { left: 433, top: 345 },
  ];
  const board = sharp({ create: { width: 760, height: 660, channels: 3, background: '#102030' } });
  return board
    .composite(places.map((place) => ({ input: tile, ...place })))
    .png()
    .toBuffer();
}
