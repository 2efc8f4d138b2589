import type { Keep, KeptPicture } from '../core/picture.js';
import type { PixelView } from './native.js';
import { loadNativeGpu } from './native-gpu.js';

/** Rooms are made in steps of this many bytes, so that they fit other pictures too. */
const ROOM_STEP = 65_536;

/** BT.601, limited range, in thousandths: as native/src/params/nv12.h has it. */
const LUMA = 1164;
const RED_OF_CR = 1596;
const GREEN_OF_CB = -391;
const GREEN_OF_CR = -813;
const BLUE_OF_CB = 2018;

/** Keeps a picture of full size in memory that every thread sees: in `room`, where that is large enough. */
export function keepOnHost(pixels: PixelView, keep: Keep, room: SharedArrayBuffer | null): KeptPicture {
  const { width, height } = pixels;
  const asItIs = keep === 'any' || (pixels.format === 'rgb8' && pixels.stride === width * 3);
  const format = asItIs ? pixels.format : 'rgb8';
  const stride = asItIs ? pixels.stride : width * 3;
  const length = asItIs ? spanOf(pixels) : stride * height;
  const buffer = room !== null && room.byteLength >= length ? room : new SharedArrayBuffer(roundedUp(length));
  const bytes = new Uint8Array(buffer, 0, length);
  if (asItIs) bytes.set(pixels.data.subarray(0, length));
  else writeRgb(pixels, bytes);
  return { kind: 'kept', width, height, host: { format, width, height, stride, bytes }, device: null };
}

/** The pixels of a kept picture; those on a device are fetched from there. */
export function pixelsOf({ host, device }: KeptPicture): PixelView {
  if (host !== null) {
    const { bytes: data, format, width, height, stride } = host;
    return { data, format, width, height, stride };
  }
  if (device === null) throw new Error('a kept picture is nowhere');
  return loadNativeGpu().downloadPicture(device.id);
}

/** Frees what a kept picture holds on a device. */
export function releaseOnDevice({ device }: KeptPicture): void {
  if (device !== null) loadNativeGpu().releasePicture(device.id);
}

function roundedUp(length: number): number {
  return Math.ceil(length / ROOM_STEP) * ROOM_STEP;
}

/** Bytes that the rows of a picture span. */
function spanOf({ format, width, height, stride }: PixelView): number {
  const rows = format === 'nv12' ? (height * 3) / 2 : height;
  return stride * (rows - 1) + (format === 'rgb8' || format === 'bgr8' ? width * 3 : width);
}

function writeRgb({ data, format, width, height, stride }: PixelView, out: Uint8Array): void {
  let to = 0;
  for (let y = 0; y < height; y++) {
    const row = y * stride;
    const chroma = (height + (y >> 1)) * stride;
    for (let x = 0; x < width; x++, to += 3) {
      switch (format) {
        case 'rgb8':
          out[to] = data[row + x * 3]!;
          out[to + 1] = data[row + x * 3 + 1]!;
          out[to + 2] = data[row + x * 3 + 2]!;
          break;
        case 'bgr8':
          out[to] = data[row + x * 3 + 2]!;
          out[to + 1] = data[row + x * 3 + 1]!;
          out[to + 2] = data[row + x * 3]!;
          break;
        case 'gray8':
          out[to] = out[to + 1] = out[to + 2] = data[row + x]!;
          break;
        case 'nv12': {
          const luma = (data[row + x]! - 16) * LUMA;
          const cb = data[chroma + (x & ~1)]! - 128;
          const cr = data[chroma + (x | 1)]! - 128;
          out[to] = level(luma + RED_OF_CR * cr);
          out[to + 1] = level(luma + GREEN_OF_CB * cb + GREEN_OF_CR * cr);
          out[to + 2] = level(luma + BLUE_OF_CB * cb);
          break;
        }
      }
    }
  }
}

/** The nearest grey level, halves up. */
function level(thousandths: number): number {
  return Math.min(255, Math.max(0, Math.floor((thousandths + 500) / 1000)));
}
