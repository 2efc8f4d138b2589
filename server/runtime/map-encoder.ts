import sharp from 'sharp';

/** A byte for each pixel, row after row. */
export interface GreyMap {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** Most of a map is flat: the fastest level takes a third of the time and hardly more bytes. */
const COMPRESSION_LEVEL = 1;

/** A map as an 8-bit grey PNG, in a buffer of its own. */
export async function encodeMap({ width, height, data }: GreyMap): Promise<Uint8Array> {
  const image = sharp(data, { raw: { width, height, channels: 1 } }).toColourspace('b-w');
  return new Uint8Array(await image.png({ compressionLevel: COMPRESSION_LEVEL, palette: false }).toBuffer());
}
