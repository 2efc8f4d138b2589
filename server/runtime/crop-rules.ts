import type { ModelConfig } from '../core/model-config.js';
import type { Box, Size } from './geometry.js';

export type CropRule = ModelConfig['preprocess']['crop'];

/** How many times the size of a box heat-map poses are trained with. */
const POSE_SCALE = 1.25;
/** Shares of a box's width and height that AlphaPose adds to wide and to narrow boxes, and the width, in pixels, between. */
const ALPHAPOSE = { wide: 0.1, narrow: 0.15, limit: 100 } as const;

/** The box around `box` that is sampled instead of it. */
export function cropAround(box: Box, input: Size, crop: CropRule): Box {
  switch (crop.rule) {
    case 'none':
      return box;
    case 'alphapose':
      return alphaPoseBox(box);
    case 'aspect':
      return aspectBox(box, input.width / input.height, crop.scale ?? POSE_SCALE);
  }
}

/** Both sides grow, and the top, but not the bottom. */
function alphaPoseBox({ left, top, right, bottom }: Box): Box {
  const width = right - left;
  const share = width > ALPHAPOSE.limit ? ALPHAPOSE.wide : ALPHAPOSE.narrow;
  return { left: left - share * width, top: top - share * (bottom - top), right: right + share * width, bottom };
}

/**
 * Fitted centre on centre, as everything here. MMPose's own maps leave out the half-pixel terms, or stretch the grid by a
 * pixel: they are less than half a pixel away, and results go back by the map that was used.
 */
function aspectBox({ left, top, right, bottom }: Box, aspect: number, scale: number): Box {
  const [width, height] = [scale * (right - left), scale * (bottom - top)];
  const [x, y] = [(left + right) / 2, (top + bottom) / 2];
  const [halfWidth, halfHeight] = [Math.max(width, height * aspect) / 2, Math.max(height, width / aspect) / 2];
  return { left: x - halfWidth, top: y - halfHeight, right: x + halfWidth, bottom: y + halfHeight };
}
