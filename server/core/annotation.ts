import type { Detection } from '../gen/sluice/v1/inference.js';
import type { AnnotateConfig } from './annotation-config.js';
import type { KeptPicture } from './picture.js';

/** Draws what was found into a picture whose RGB pixels are in memory of the host. Resolves to a JPEG file. */
export type Annotator = (
  picture: KeptPicture,
  detections: readonly Detection[],
  config: AnnotateConfig,
) => Promise<Uint8Array>;
