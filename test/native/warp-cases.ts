import type { Normalization, PixelView, PixelRect, WarpOptions } from '../../server/runtime/native.js';
import type { Random } from './random.js';

export interface WarpCase {
  readonly source: PixelView;
  readonly options: WarpOptions;
}

/** Values are the grey levels themselves. */
export const LEVELS: Normalization = { color: 'rgb', scale: 1, mean: [0, 0, 0], std: [1, 1, 1] };

export const FORMATS = ['rgb8', 'bgr8', 'gray8', 'nv12'] as const;

/** Bytes of a row that hold pixels. */
export function rowBytes(format: PixelView['format'], width: number): number {
  if (format === 'gray8') return width;
  return format === 'nv12' ? 2 * Math.ceil(width / 2) : 3 * width;
}

/** Bytes of a picture whose last row is not padded. */
export function pictureBytes(format: PixelView['format'], width: number, height: number, stride: number): number {
  const rows = format === 'nv12' ? height + Math.ceil(height / 2) : height;
  return (rows - 1) * stride + rowBytes(format, width);
}

export function noise(
  random: Random,
  format: PixelView['format'],
  width: number,
  height: number,
  padding = 0,
): PixelView {
  const stride = rowBytes(format, width) + padding;
  return { data: random.bytes(pictureBytes(format, width, height, stride)), format, width, height, stride };
}

/** A picture without sharp edges: interpolating a little beside the place changes it by less than a grey level. */
export function smooth(random: Random, width: number, height: number): PixelView {
  const phase = random.real(0, 6);
  const data = new Uint8Array(3 * width * height);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < 3; c++, i++) data[i] = 128 + 60 * Math.sin(phase + x / 40 + c) + 60 * Math.cos(y / 50 - c);
    }
  }
  return { data, format: 'rgb8', width, height, stride: 3 * width };
}

/** The map that fits a picture into a network's input, middle on middle. */
export function letterbox(source: PixelView, width: number, height: number): number[] {
  const scale = Math.max(source.width / width, source.height / height);
  const shift = (from: number, to: number) => (from - 1) / 2 - (scale * (to - 1)) / 2;
  return [scale, 0, shift(source.width, width), 0, scale, shift(source.height, height)];
}

/** The map that fills the input, as OpenCV's resize does. */
export function stretch(source: PixelView, width: number, height: number): number[] {
  const x = source.width / width;
  const y = source.height / height;
  return [x, 0, x / 2 - 0.5, 0, y, y / 2 - 0.5];
}

export function rotation(random: Random, source: PixelView, width: number, height: number): number[] {
  const angle = random.real(-Math.PI, Math.PI);
  const scale = random.real(0.3, 3);
  const [a, b] = [scale * Math.cos(angle), scale * Math.sin(angle)];
  const [x, y] = [random.real(0, source.width), random.real(0, source.height)];
  return [a, -b, x - (a * width) / 2 + (b * height) / 2, b, a, y - (b * width) / 2 - (a * height) / 2];
}

/** Anything that has to work: sizes from 1x1, odd strides, all formats, all kinds of maps. */
export function anyCase(random: Random): WarpCase {
  const side = () => random.integer(1, random.chance(0.3) ? 4 : 33);
  const source = noise(random, random.pick(FORMATS), side(), side(), random.chance(0.5) ? random.integer(1, 7) : 0);
  const [width, height] = [side(), side()];
  const matrix = random.pick<() => number[]>([
    () => letterbox(source, width, height),
    () => stretch(source, width, height),
    () => rotation(random, source, width, height),
    () => Array.from({ length: 6 }, () => random.real(-2, 2)),
    () => [1, 0, random.integer(-2, 2), 0, 1, random.integer(-2, 2)],
    () => [-1, 0, source.width - 1, 0, random.real(-1, 1), 0],
    () => [1e300, 0, -1e300, 0, 1e17, 0.5],
    () => [1e308, -1e308, 0, 1e308, 1e308, 1e308],
    () => [0, 0, 0, 0, 0, 0],
  ])();
  const options: WarpOptions = {
    matrix,
    width,
    height,
    border: random.pick(['constant', 'replicate']),
    pad: random.integer(0, 255),
    window: random.chance(0.5) ? null : anyRect(random, source),
    area: random.chance(0.5) ? null : anyRect(random, { width, height }),
    focus: width % 2 === 0 && height % 2 === 0 && random.chance(0.5),
    normalization: {
      color: random.pick(['rgb', 'bgr', 'gray']),
      scale: random.pick([1, 1 / 255]),
      mean: Array.from({ length: 3 }, () => random.real(0, 1)),
      std: Array.from({ length: 3 }, () => random.real(0.1, 1) * random.pick([1, -1])),
    },
    threads: random.integer(1, 3),
  };
  return { source, options };
}

function anyRect(random: Random, { width, height }: Pick<PixelView, 'width' | 'height'>): PixelRect {
  const left = random.integer(0, width - 1);
  const top = random.integer(0, height - 1);
  return { left, top, right: random.integer(left + 1, width), bottom: random.integer(top + 1, height) };
}
