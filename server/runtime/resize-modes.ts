import type { ModelConfig } from '../core/model-config.js';
import type { Affine, Box, Size } from './geometry.js';
import type { PixelRect } from './native.js';

export type ResizeMode = ModelConfig['preprocess']['resize'];

/** How a network input is filled from a box of a picture. */
export interface Fit {
  /** Network input to picture. */
  readonly toPicture: Affine;
  readonly border: 'constant' | 'replicate';
  /** The part of the network input that is sampled, the rest being the pad; null: all of it. */
  readonly area: PixelRect | null;
}

/** Where a box comes to lie in the network input, in whole pixels. */
interface Placement extends Size {
  readonly left: number;
  readonly top: number;
}

/** How a box is brought to the size of the input. */
export function fitBox(box: Box, input: Size, resize: ResizeMode): Fit {
  const size = { width: box.right - box.left, height: box.bottom - box.top };
  switch (resize) {
    case 'letterbox':
      return centred(box, size, input);
    case 'letterbox_rounded':
      return placed(box, size, input, roundedPlacement(size, input));
    case 'letterbox_top_left':
      return placed(box, size, input, topLeftPlacement(size, input));
    case 'stretch':
      return placed(box, size, input, { left: 0, top: 0, ...input });
  }
}

/** Centre on centre: the input's middle, (n - 1) / 2, falls on the middle of the box. */
function centred(box: Box, { width, height }: Size, input: Size): Fit {
  const scale = Math.max(width / input.width, height / input.height);
  const x = box.left + (width - 1) / 2 - (scale * (input.width - 1)) / 2;
  const y = box.top + (height - 1) / 2 - (scale * (input.height - 1)) / 2;
  return { toPicture: [scale, 0, x, 0, scale, y], border: 'constant', area: null };
}

/** As resizing the box alone, edges repeated, and putting it into the input. */
function placed(box: Box, { width, height }: Size, input: Size, at: Placement): Fit {
  const [scaleX, scaleY] = [width / at.width, height / at.height];
  const x = box.left + (width - 1) / 2 - scaleX * (at.left + (at.width - 1) / 2);
  const y = box.top + (height - 1) / 2 - scaleY * (at.top + (at.height - 1) / 2);
  const fills = at.width === input.width && at.height === input.height;
  const area = { left: at.left, top: at.top, right: at.left + at.width, bottom: at.top + at.height };
  return { toPicture: [scaleX, 0, x, 0, scaleY, y], border: 'replicate', area: fills ? null : area };
}

/** As YOLO's training frameworks do. They round margins down on the left and at the top: round(margin - 0.1). */
function roundedPlacement({ width, height }: Size, input: Size): Placement {
  const scale = Math.min(input.height / height, input.width / width);
  const [w, h] = [atLeastOne(roundHalfEven(width * scale)), atLeastOne(roundHalfEven(height * scale))];
  return { left: Math.floor((input.width - w) / 2), top: Math.floor((input.height - h) / 2), width: w, height: h };
}

/** As InsightFace does, step by step: another order of the divisions would round some sizes otherwise. */
function topLeftPlacement({ width, height }: Size, input: Size): Placement {
  const aspect = height / width;
  if (aspect > input.height / input.width) {
    return { left: 0, top: 0, width: atLeastOne(Math.trunc(input.height / aspect)), height: input.height };
  }
  return { left: 0, top: 0, width: input.width, height: atLeastOne(Math.trunc(input.width * aspect)) };
}

/** A side of a box that is much longer than it is wide still has a pixel. */
function atLeastOne(side: number): number {
  return Math.max(1, side);
}

/** To the nearest whole number, halves to the even one, as Python rounds. */
function roundHalfEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest !== 0.5) return rest < 0.5 ? below : below + 1;
  return below % 2 === 0 ? below : below + 1;
}
