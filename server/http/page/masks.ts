import type { Detection } from './answer.js';
import { colourOf, type Colour } from './colours.js';

/** How much of the picture a mask covers, 0 to 255. */
const ALPHA = 120;

/** Paints the masks of detections over RGBA pixels of `width` by `height`, as far as the picture is so large. */
export function paintMasks(
  pixels: Uint8ClampedArray,
  width: number,
  height: number,
  detections: readonly Detection[],
): void {
  for (const { mask, classId } of detections) {
    if (mask === undefined || mask.width !== width || mask.height !== height) continue;
    let at = 0;
    mask.runLengths.counts.forEach((count, run) => {
      // In turn outside and inside, column after column.
      if (run % 2 === 1) {
        for (let pixel = at; pixel < at + count; pixel++) {
          paint(pixels, (pixel % height) * width + Math.floor(pixel / height), colourOf(classId));
        }
      }
      at += count;
    });
  }
}

/** Paints a map of classes, as RGBA pixels of the same size, over a picture; class 0, mostly the background, is left as it is. */
export function paintClassMap(pixels: Uint8ClampedArray, map: Uint8ClampedArray): void {
  for (let pixel = 0; pixel * 4 < pixels.length; pixel++) {
    const classId = map[pixel * 4]!;
    if (classId !== 0) paint(pixels, pixel, colourOf(classId));
  }
}

function paint(pixels: Uint8ClampedArray, pixel: number, colour: Colour): void {
  colour.forEach((value, channel) => {
    const at = pixel * 4 + channel;
    pixels[at] = pixels[at]! + ((value - pixels[at]!) * ALPHA) / 255;
  });
}
