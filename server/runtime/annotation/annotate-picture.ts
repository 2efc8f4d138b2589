import sharp from 'sharp';
import type { Annotator } from '../../core/annotation.js';
import type { Detection } from '../../gen/sluice/v1/inference.js';
import { colourOf, overlay } from './overlay.js';

/** How much of a mask's colour is laid over the picture. */
const MASK_OPACITY = 0.4;

/** Draws with sharp, whose threads do the work: the event loop only writes the shapes down. */
export const annotatePicture: Annotator = async ({ width, height, host }, detections, { quality }) => {
  if (host?.format !== 'rgb8' || host.stride !== width * 3)
    throw new Error('a picture to be drawn on has no RGB pixels');
  const masks = await Promise.all(detections.map((detection) => tintedMask(detection)));
  const layers = masks.flatMap((input) => (input === null ? [] : [{ input }]));
  const shapes = { input: Buffer.from(overlay(detections, { width, height })) };
  return sharp(host.bytes, { raw: { width, height, channels: 3 } })
    .composite([...layers, shapes])
    .jpeg({ quality })
    .toBuffer();
};

/** A mask given as PNG, as a picture of the detection's colour where it is set; null: it is not given so. */
async function tintedMask(detection: Detection): Promise<Buffer | null> {
  const { mask } = detection;
  if (mask?.data?.$case !== 'png') return null;
  const opacity = await sharp(mask.data.png).toColourspace('b-w').linear(MASK_OPACITY).png().toBuffer();
  const { width, height } = mask;
  return sharp({ create: { width, height, channels: 3, background: colourOf(detection) } })
    .joinChannel(opacity)
    .png({ compressionLevel: 1 })
    .toBuffer();
}
