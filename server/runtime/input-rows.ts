import { regionsOf } from '../core/inference.js';
import { TASK_KINDS, TASKS_OF_REGIONS, type ModelConfig } from '../core/model-config.js';
import { networkInput } from '../core/network-input.js';
import type { Picture } from '../core/picture.js';
import { decodePicture, type DecodedPicture } from './image-decoder.js';
import type { FrameTask } from './messages.js';
import type { NativeAddon } from './native.js';
import { atDecodedSize, type Sampling } from './sampling.js';

/** What decides how large the picture of a request is decoded. */
export type DecodedRequest = Pick<FrameTask, 'parameters' | 'keep'>;

/** Decodes a picture as large as a model needs it for a request. Throws BAD_IMAGE or MESSAGE_TOO_LARGE. */
export function decodeFor(
  { task, input }: Pick<ModelConfig, 'task' | 'input'>,
  picture: Picture,
  maxPixels: number,
  request: DecodedRequest | null = null,
): Promise<DecodedPicture> {
  // Regions are cropped from the full picture; what samples all of it may take it smaller.
  const whole = (TASK_KINDS[task] === 'detect' && !TASKS_OF_REGIONS.has(task)) || TASK_KINDS[task] === 'segment';
  return decodePicture(picture, maxPixels, whole && (request === null || looksAtAll(request)) ? input : null);
}

function looksAtAll({ parameters, keep }: DecodedRequest): boolean {
  if (keep !== undefined || regionsOf(parameters).length > 0) return false;
  return parameters.kind !== 'detect' || parameters.tiles === undefined;
}

/** How pictures become rows of a model's input tensor on the CPU: decoded, sampled, normalised. */
export class InputRows {
  /** NCHW of one row. */
  readonly shape: readonly [channels: number, height: number, width: number];
  /** Values of a row. */
  readonly length: number;
  readonly #config: ModelConfig;
  readonly #native: NativeAddon;
  readonly #threads: number;

  constructor(config: ModelConfig, native: NativeAddon, threads: number) {
    this.#config = config;
    this.#native = native;
    this.#threads = threads;
    const { channels, height, width } = networkInput(config);
    this.shape = [channels, height, width];
    this.length = channels * height * width;
  }

  /** Throws BAD_IMAGE or MESSAGE_TOO_LARGE. */
  decode(picture: Picture, maxPixels: number, request: DecodedRequest | null = null): Promise<DecodedPicture> {
    return decodeFor(this.#config, picture, maxPixels, request);
  }

  /** Writes one row from `out[offset]`. */
  write({ width, height, pixels }: DecodedPicture, sampling: Sampling, out: Float32Array, offset: number): void {
    const { color, scale, mean, std, pad, focus } = this.#config.preprocess;
    // A window is only ever set for regions, whose pictures are decoded at full size.
    this.#native.warpNormalize(
      pixels,
      {
        matrix: atDecodedSize(sampling.toPicture, { width, height }, pixels),
        width: this.#config.input.width,
        height: this.#config.input.height,
        border: sampling.border,
        pad,
        window: sampling.window,
        area: sampling.area,
        focus,
        normalization: { color, scale, mean, std },
        threads: this.#threads,
      },
      out,
      offset,
    );
  }
}
