import type { Frame } from '../../clients/typescript/sluice-client.js';
import {
  FramePolicy,
  MaskFormat,
  type DetectOptions,
  type DetectRequest,
  type EmbedRequest,
  type Frame as FrameMessage,
  type Region,
  type StreamOptions,
} from '../../server/gen/sluice/v1/inference.js';

/** A frame with fields that the typed client would not set. */
type FrameFields = Partial<FrameMessage>;

export function frameOf(picture: Frame['picture'], fields: FrameFields = {}): FrameMessage {
  return {
    frameId: '',
    captureTime: undefined,
    timeout: undefined,
    priority: 0,
    content: contentOf(picture),
    ...fields,
  };
}

function contentOf(picture: Frame['picture']): NonNullable<FrameMessage['content']> {
  if (typeof picture === 'string') return { $case: 'text', text: picture };
  if (picture instanceof Uint8Array) return { $case: 'encoded', encoded: picture };
  return { $case: 'raw', raw: { ...picture, stride: picture.stride ?? 0 } };
}

/** A message of `Detect` that carries a frame. */
export function detectFrame(
  picture: Frame['picture'],
  fields?: FrameFields,
  regions: readonly Region[] = [],
): DetectRequest {
  return { options: undefined, frame: frameOf(picture, fields), regions: [...regions] };
}

/** A message of `Embed` that carries a frame. */
export function embedFrame(
  picture: Frame['picture'],
  fields?: FrameFields,
  regions: readonly Region[] = [],
): EmbedRequest {
  return { options: undefined, frame: frameOf(picture, fields), regions: [...regions] };
}

/** A message of `Detect` that carries options alone. */
export function detectOptions(stream: Partial<StreamOptions>, options: Partial<DetectOptions> = {}): DetectRequest {
  return {
    options: {
      stream: streamOptions(stream),
      scoreThreshold: undefined,
      nmsThreshold: undefined,
      classIds: [],
      maxDetections: 0,
      maskFormat: MaskFormat.MASK_FORMAT_UNSPECIFIED,
      annotate: false,
      ...options,
    },
    frame: undefined,
    regions: [],
  };
}

/** A message of `Embed` that carries options alone. */
export function embedOptions(stream: Partial<StreamOptions>): EmbedRequest {
  return { options: { stream: streamOptions(stream) }, frame: undefined, regions: [] };
}

function streamOptions(options: Partial<StreamOptions>): StreamOptions {
  return { model: '', version: '', framePolicy: FramePolicy.FRAME_POLICY_UNSPECIFIED, window: 0, ...options };
}

export function boxRegion(left: number, top: number, right: number, bottom: number): Region {
  return { shape: { $case: 'box', box: { left, top, right, bottom } } };
}

/** From x0 y0 .. x4 y4, in the order of FivePoints. */
export function landmarksRegion(points: readonly number[]): Region {
  const point = (index: number) => ({ x: points[2 * index] ?? 0, y: points[2 * index + 1] ?? 0 });
  const landmarks = {
    leftEye: point(0),
    rightEye: point(1),
    nose: point(2),
    leftMouthCorner: point(3),
    rightMouthCorner: point(4),
  };
  return { shape: { $case: 'landmarks', landmarks } };
}
