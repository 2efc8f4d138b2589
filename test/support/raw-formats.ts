import { PixelFormat, type RawPixels } from '../../clients/typescript/sluice-client.js';

/** The same picture in the other formats of the protocol. All take packed RGB. */

/** What fills the bytes between the rows: bright, so that reading them shows. */
const FILLING = 255;

export function toBgr({ width, height, data }: RawPixels, stride = 0): RawPixels {
  const swapped = data.slice();
  for (let at = 0; at < swapped.length; at += 3) {
    [swapped[at], swapped[at + 2]] = [data[at + 2]!, data[at]!];
  }
  return withStride({ format: PixelFormat.PIXEL_FORMAT_BGR8, width, height, data: swapped }, stride);
}

/** Takes the red channel. */
export function toGray({ width, height, data }: RawPixels, stride = 0): RawPixels {
  const gray = Uint8Array.from({ length: width * height }, (_, pixel) => data[pixel * 3]!);
  return withStride({ format: PixelFormat.PIXEL_FORMAT_GRAY8, width, height, data: gray }, stride);
}

/** BT.601, limited range; the colour of each 2x2 pixels is that of the first. */
export function toNv12({ width, height, data }: RawPixels, stride = 0): RawPixels {
  const planes = new Uint8Array((width * height * 3) / 2);
  const clamp = (value: number): number => Math.min(255, Math.max(0, Math.round(value)));
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [red, green, blue] = data.subarray((y * width + x) * 3) as unknown as [number, number, number];
      planes[y * width + x] = clamp(16 + 0.257 * red + 0.504 * green + 0.098 * blue);
      if (x % 2 === 1 || y % 2 === 1) continue;
      const chroma = width * height + (y / 2) * width + x;
      planes[chroma] = clamp(128 - 0.148 * red - 0.291 * green + 0.439 * blue);
      planes[chroma + 1] = clamp(128 + 0.439 * red - 0.368 * green - 0.071 * blue);
    }
  }
  return withStride({ format: PixelFormat.PIXEL_FORMAT_NV12, width, height, data: planes }, stride);
}

/** The same rows further apart. Of the last one only its pixels are there, of NV12 all of the stride. */
export function withStride(picture: RawPixels, stride: number): RawPixels {
  if (stride === 0) return picture;
  const nv12 = picture.format === PixelFormat.PIXEL_FORMAT_NV12;
  const rows = nv12 ? picture.height * 1.5 : picture.height;
  const row = picture.data.length / rows;
  const data = new Uint8Array(nv12 ? stride * rows : stride * (rows - 1) + row).fill(FILLING);
  for (let y = 0; y < rows; y++) data.set(picture.data.subarray(y * row, (y + 1) * row), y * stride);
  return { ...picture, stride, data };
}
